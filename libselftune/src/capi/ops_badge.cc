// status.badge: one skill as a small picture.
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/crypto.h"
#include "base/file.h"
#include "base/json_writer.h"
#include "base/status_macros.h"
#include "base/time.h"
#include "capi/ops.h"
#include "capi/readout.h"
#include "capi/receipt.h"
#include "status/badge.h"
#include "status/skill_states.h"

namespace selftune::capi::ops {
namespace {

using base::JsonValue;
using base::JsonWriter;
using status::Badge;
using status::BadgeMetric;
using status::BadgeStyle;

constexpr int64_t kWindowDays = 30;
constexpr uint64_t kMaxBadgeBytes = 64 << 10;
constexpr size_t kIsoDate = 10;  // of 2026-01-31T...

BadgeMetric MetricOf(std::string_view name) {
  if (name == "runs") return BadgeMetric::kRuns;
  return name == "sessions" ? BadgeMetric::kSessions : BadgeMetric::kRecall;
}

std::string ContentOf(const Badge& badge, const JsonValue& params, std::string_view skill) {
  const std::string& format = params["format"].AsString();
  if (format == "url") return BadgeUrl(badge);
  if (format == "markdown") return BadgeMarkdown(badge, skill);
  if (format == "json") return BadgeEndpoint(badge);
  return BadgeSvg(badge, params["style"].AsString() == "flat-square" ? BadgeStyle::kFlatSquare
                                                                     : BadgeStyle::kFlat);
}

// What the output replaces. Only a badge may be replaced: the path may be a typing error.
StatusOr<std::optional<std::string>> Replaced(const std::string& path, std::string_view content,
                                              const Badge& badge) {
  if (!base::Exists(path)) return std::optional<std::string>();
  const StatusOr<std::string> before = base::ReadFile(path, kMaxBadgeBytes);
  if (before.ok() && status::IsEarlierBadge(*before, content, badge)) return std::optional(*before);
  return WithSuggestion(
      Fail(kFileExists, "writing {}: it is no badge of this form and label", path),
      "name a path where nothing is yet", "selftune help badge");
}

// Behind a symbolic link, and with the mode that was there.
Status Replace(const std::string& path, const std::string& content) {
  ST_ASSIGN_OR_RETURN(const std::string real, base::RealPath(path));
  ST_ASSIGN_OR_RETURN(const base::FileInfo info, base::Stat(real));
  return base::WriteFileAtomic(real, content, info.mode & 0777);
}

Status WriteFile(Context& context, JsonWriter& out, const std::string& path,
                 const std::string& content, const Badge& badge) {
  ST_ASSIGN_OR_RETURN(const std::optional<std::string> before, Replaced(path, content, badge));
  const bool changed = before != content;
  if (changed && !context.dry_run()) {
    ST_RETURN_IF_ERROR(before.has_value() ? Replace(path, content)
                                          : base::WriteFileNew(path, content, 0644));
    context.SetChanged();
  }
  out.Field("output_path", path).Key("receipt");
  if (!changed) {
    out.Null();
    return absl::OkStatus();
  }
  Receipt receipt{.operation = context.op(),
                  .targets = {path},
                  .sha256_before = {},
                  .sha256_after = base::Sha256Hex(content),
                  .backup_path = {},
                  .undo = {}};
  if (before.has_value()) {
    receipt.sha256_before = base::Sha256Hex(*before);
  } else {
    receipt.undo = {"rm", path};
  }
  WriteReceipt(out, receipt);
  return absl::OkStatus();
}

}  // namespace

StatusOr<std::string> StatusBadge(Context& context, const JsonValue& params) {
  ST_ASSIGN_OR_RETURN(store::Db * db, context.ReadDb());
  ST_ASSIGN_OR_RETURN(const config::Config* config, context.config());
  ST_ASSIGN_OR_RETURN(const auto skill, NeededSkillOf(*db, params));
  const store::TimeWindow window{.from = UtcMillis{context.now().value - kWindowDays * kDayMs}};
  ST_ASSIGN_OR_RETURN(
      std::vector<status::SkillState> states,
      status::ReadSkillStates(*db, *config,
                              {.now = context.now(), .window = window, .skill = skill.id}));
  if (states.empty()) states.emplace_back();  // only ever listed by a host: nothing is known
  const std::string date = FormatRfc3339(context.now()).substr(0, kIsoDate);
  const Badge badge =
      status::MakeBadge(states.front(), {.metric = MetricOf(params["metric"].AsString()),
                                         .label = params["label"].AsString(),
                                         .date = params["with_date"].AsBool() ? date : ""});
  const std::string content = ContentOf(badge, params, skill.name);
  JsonWriter out;
  out.BeginObject()
      .Field("skill", skill.name)
      .Field("format", params["format"].AsString())
      .Field("label", badge.label)
      .Field("message", badge.message)
      .Field("color", badge.color)
      .Field("title", badge.title)
      .Field("state", monitoring::Word(states.front().health.state))
      .Field("k", badge.k)
      .Field("n", badge.n)
      .Field("content", content);
  const std::string& path = params["output_path"].AsString();
  if (path.empty()) {
    out.NullField("output_path").NullField("receipt");
  } else {
    ST_RETURN_IF_ERROR(WriteFile(context, out, path, content, badge));
  }
  out.EndObject();
  return std::move(out).Take();
}

}  // namespace selftune::capi::ops
