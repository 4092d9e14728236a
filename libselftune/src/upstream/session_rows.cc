#include "upstream/session_rows.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "base/json_value.h"
#include "base/status_macros.h"
#include "upstream/row_text.h"
#include "upstream/words.h"

namespace selftune::upstream {
namespace {

using store::LooseRow;

constexpr double kMicro = 1e6;
constexpr double kMostUsd = 1e9;
constexpr int64_t kMostThings = 1'000'000'000'000'000;
constexpr std::string_view kNameless = "unknown";  // calls that no tool is recorded for

bool AllUnchanged(const std::vector<RowAt>& rows) {
  return std::ranges::all_of(rows, [](const RowAt& row) { return row.Unchanged(); });
}

void Widen(TimeSpan& span, const std::optional<UtcMillis>& at) {
  if (!at.has_value()) return;
  if (!span.first.has_value() || *at < *span.first) span.first = at;
  if (!span.last.has_value() || *at > *span.last) span.last = at;
}

constexpr int kRecorded = 5;  // weight of the tables that name the host itself

// The host that a row names; "" = none.
std::string HostOf(const LooseRow& row, int weight) {
  if (weight < kRecorded) return std::string(HostOfSource(TextOf(row["source"])));
  std::string platform = TextOf(row["platform"]);
  return platform == "unknown" ? std::string() : platform;
}

class FiguresReader {
 public:
  explicit FiguresReader(const LooseRow& row) : row_(row) {}

  FiguresOf Read() {
    Tools();
    Tokens();
    auto& f = out_.figures;
    f.answers = Count("assistant_turns");
    f.files_changed = Count("files_changed");
    f.lines_added = Count("lines_added");
    f.lines_removed = Count("lines_removed");
    f.lines_modified = Count("lines_modified");
    f.artifacts = Count("artifact_count");
    f.session_type = TextOf(row_["session_type"]);
    Cost();
    return std::move(out_);
  }

 private:
  // A number of things; anything else is a problem of the row.
  std::optional<int64_t> Count(std::string_view column) {
    const store::LooseValue& value = row_[column];
    if (value.is_null()) return std::nullopt;
    const std::optional<int64_t> n = value.AsInt();
    if (!n.has_value() || *n < 0 || *n > kMostThings) {
      if (out_.problem.empty()) {
        out_.problem = fmt::format("{} is {}, not a count", column, TextOf(value));
      }
      return std::nullopt;
    }
    return n;
  }

  // Calls by tool. Their sum is the total: what no tool is named for is kept apart.
  void Tools() {
    std::map<std::string, int64_t> tools;
    int64_t named = 0;
    const std::string text = TextOf(row_["tool_calls_json"]);
    const auto json = base::JsonValue::Parse(text);
    const bool usable = json.ok() && json->is_object();
    if (!usable && !text.empty()) out_.spoiled.push_back("tool_calls_json");
    if (usable) {
      for (const auto& [name, calls] : json->members()) {
        if (!calls.is_int() || calls.AsInt() < 1 || calls.AsInt() > kMostThings) {
          out_.spoiled.push_back("tool_calls_json");
          continue;
        }
        tools[name] += calls.AsInt();
        named += calls.AsInt();
      }
    }
    const int64_t total = Count("total_tool_calls").value_or(named);
    if (total > named) tools[std::string(kNameless)] += total - named;
    if (total != named) out_.spoiled.push_back("total_tool_calls");
    const int64_t errors = Count("errors_encountered").value_or(0);
    out_.figures.errors = std::min(errors, std::max(total, named));
    if (errors != out_.figures.errors) out_.spoiled.push_back("errors_encountered");
    out_.figures.tools.assign(tools.begin(), tools.end());
  }

  // Parts that do not overlap, with the sum that is recorded.
  void Tokens() {
    auto& f = out_.figures;
    f.cache_read = Count("cached_input_tokens");
    f.input_uncached = Count("input_tokens");
    if (f.input_uncached.has_value() && f.cache_read.has_value()) {
      if (*f.cache_read <= *f.input_uncached) {
        *f.input_uncached -= *f.cache_read;
      } else {
        out_.spoiled.push_back("input_tokens");
      }
    }
    f.output = Count("output_tokens");
    f.reasoning = Count("reasoning_output_tokens");
    if (f.reasoning.has_value() && *f.reasoning > f.output.value_or(0)) {
      f.reasoning.reset();
      out_.spoiled.push_back("reasoning_output_tokens");
    }
  }

  void Cost() {
    const store::LooseValue& value = row_["cost_usd"];
    if (value.is_null()) return;
    const std::optional<double> usd = value.AsReal();
    if (!usd.has_value() || *usd < 0 || *usd > kMostUsd) {
      if (out_.problem.empty()) out_.problem = "cost_usd is " + TextOf(value);
      return;
    }
    out_.figures.cost_micro_usd = std::llround(*usd * kMicro);
  }

  const LooseRow& row_;
  FiguresOf out_;
};

}  // namespace

std::vector<std::vector<RowAt>*> SessionRows::All() {
  return {&sessions, &prompts, &uses, &usage, &facts, &telemetry, &queries, &signals, &commits};
}

bool SessionRows::Unchanged() const {
  return AllUnchanged(sessions) && AllUnchanged(prompts) && AllUnchanged(uses) &&
         AllUnchanged(usage) && AllUnchanged(facts) && AllUnchanged(telemetry) &&
         AllUnchanged(queries) && AllUnchanged(signals) && AllUnchanged(commits);
}

StatusOr<SessionRows> ReadSessionRows(Engine& engine, const store::LooseValue& id) {
  // In the order of kSessionTables, and how much the word of each counts about the host:
  // what was recorded of the session comes before what a log line says of itself.
  constexpr std::array<int, std::size(kSessionTables)> kWeight = {8, 7, 6, 3, 5, 4, 2, 0, 0};
  SessionRows out;
  out.id = TextOf(id);
  const std::vector<std::vector<RowAt>*> lists = out.All();
  int weight = 0;
  for (size_t i = 0; i < lists.size(); ++i) {
    ST_RETURN_IF_ERROR(
        engine.EachWhere(kSessionTables[i], "session_id", id, [&](const SourceRow& row) {
          const LooseRow& r = row.row;
          if (kWeight[i] > weight) {
            if (std::string host = HostOf(r, kWeight[i]); !host.empty()) {
              out.platform = std::move(host);
              weight = kWeight[i];
            }
          }
          const bool is_session = lists[i] == &out.sessions;
          const bool recorded =
              lists[i] == &out.prompts || lists[i] == &out.uses || lists[i] == &out.facts;
          if (!is_session) Widen(out.span, TimeOf(r[recorded ? "occurred_at" : "timestamp"]));
          if (lists[i] == &out.telemetry && out.telemetry.empty()) out.cwd = TextOf(r["cwd"]);
          lists[i]->push_back(row.at());
          return absl::OkStatus();
        }));
  }
  return out;
}

FiguresOf ReadFigures(const LooseRow& row) { return FiguresReader(row).Read(); }

}  // namespace selftune::upstream
