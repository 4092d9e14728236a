#include "llm/backend.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdint>
#include <iterator>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "base/json_writer.h"
#include "base/strings.h"
#include "base/utf8.h"

namespace selftune::llm {
namespace {

std::optional<int64_t> Rounded(const base::JsonValue& value, double factor) {
  constexpr double kMost = 1e15;  // far below where doubles lose whole numbers
  if (!value.is_number()) return std::nullopt;
  const double number = value.AsDouble() * factor;
  if (!(number >= 0 && number <= kMost)) return std::nullopt;
  return std::llround(number);
}

}  // namespace

std::optional<int64_t> ReportedCount(const base::JsonValue& value) { return Rounded(value, 1); }

std::optional<int64_t> MicroUsd(const base::JsonValue& dollars) { return Rounded(dollars, 1e6); }

Status WithWasted(Status failure, const Wasted& wasted) {
  if (wasted.answers == 0) return failure;
  base::JsonWriter details;
  details.BeginObject()
      .Field("answers", wasted.answers)
      .Field("input_tokens", wasted.usage.input_tokens)
      .Field("output_tokens", wasted.usage.output_tokens)
      .Field("cache_read_tokens", wasted.usage.cache_read_tokens)
      .Field("cache_write_tokens", wasted.usage.cache_write_tokens)
      .EndObject();
  return WithDetails(std::move(failure), details.view());
}

Wasted WastedBy(const Status& failure) {
  Wasted out;
  const auto details = base::JsonValue::Parse(DetailsJson(failure));
  if (!details.ok() || !(*details)["answers"].is_int()) return out;
  out.answers = static_cast<int>((*details)["answers"].AsInt());
  out.usage.input_tokens = ReportedCount((*details)["input_tokens"]);
  out.usage.output_tokens = ReportedCount((*details)["output_tokens"]);
  out.usage.cache_read_tokens = ReportedCount((*details)["cache_read_tokens"]);
  out.usage.cache_write_tokens = ReportedCount((*details)["cache_write_tokens"]);
  return out;
}

std::string Shown(std::string_view text) {
  constexpr size_t kShownBytes = 300;
  const std::string one_line = base::CollapseSpace(base::ToValidUtf8(text));
  return base::EscapeControls(std::string_view(one_line).substr(0, kShownBytes));
}

std::chrono::milliseconds TimeoutOf(const LlmRequest& request) {
  if (request.timeout.count() > 0) return request.timeout;
  const auto usual = DefaultTimeout(request.purpose);
  const std::string_view effort = request.effort.has_value() ? *request.effort : std::string_view();
  return effort == "high" || effort == "xhigh" || effort == "max" ? usual * 2 : usual;
}

bool IsEffort(std::string_view word) {
  constexpr std::string_view kWords[] = {"minimal", "low", "medium", "high", "xhigh", "max"};
  return std::find(std::begin(kWords), std::end(kWords), word) != std::end(kWords);
}

bool IsModelName(std::string_view word) {
  constexpr size_t kLongest = 128;
  constexpr std::string_view kMarks = "._:/@+-[]";
  const auto plain = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
  };
  if (word.empty() || word.size() > kLongest || !plain(word.front())) return false;
  return std::all_of(word.begin(), word.end(),
                     [&](char c) { return plain(c) || kMarks.find(c) != std::string_view::npos; });
}

std::string_view Word(Purpose purpose) {
  switch (purpose) {
    case Purpose::kTriggerBatch:
      return "trigger_batch";
    case Purpose::kTriggerSingle:
      return "trigger_single";
    case Purpose::kGrade:
      return "grade";
    case Purpose::kGenerate:
      return "generate";
    case Purpose::kProposal:
      return "proposal";
  }
  return "proposal";
}

std::string_view Word(Tier tier) {
  switch (tier) {
    case Tier::kFast:
      return "fast";
    case Tier::kStandard:
      return "standard";
    case Tier::kStrong:
      return "strong";
  }
  return "standard";
}

std::optional<Tier> ParseTier(std::string_view word) {
  for (const Tier tier : {Tier::kFast, Tier::kStandard, Tier::kStrong}) {
    if (Word(tier) == word) return tier;
  }
  return std::nullopt;
}

std::chrono::milliseconds DefaultTimeout(Purpose purpose) {
  using std::chrono::seconds;
  switch (purpose) {
    case Purpose::kTriggerBatch:
      return seconds(120);
    case Purpose::kTriggerSingle:
      return seconds(60);
    case Purpose::kGrade:
    case Purpose::kGenerate:
      return seconds(300);
    case Purpose::kProposal:
      return seconds(600);
  }
  return seconds(600);
}

int64_t ExpectedOutputTokens(Purpose purpose, int64_t items) {
  switch (purpose) {
    case Purpose::kTriggerBatch:
      return 8 * std::max<int64_t>(items, 1);
    case Purpose::kTriggerSingle:
      return 8;
    case Purpose::kGrade:
      return 1200;
    case Purpose::kGenerate:
      return 60 * std::max<int64_t>(items, 1);
    case Purpose::kProposal:
      return 1500;
  }
  return 1500;
}

}  // namespace selftune::llm
