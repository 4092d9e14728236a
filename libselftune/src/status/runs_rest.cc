#include "status/runs_rest.h"

#include <string>
#include <string_view>

#include <fmt/format.h>

#include "base/crypto.h"
#include "base/file.h"
#include "base/json_value.h"
#include "base/json_writer.h"
#include "base/status_macros.h"
#include "base/strings.h"
#include "store/queries/overview.h"
#include "store/write_txn.h"

namespace selftune::status {
namespace {

constexpr char kKey[] = "runs_rest";

std::string ToJson(const RunsRest& rest) {
  base::JsonWriter out;
  out.BeginObject()
      .Field("reason", rest.reason)
      .Field("agent", rest.agent)
      .Field("inode", static_cast<int64_t>(rest.mark.inode))
      .Field("bytes", static_cast<int64_t>(rest.mark.bytes))
      .Field("mtime_ns", rest.mark.mtime_ns)
      .Field("config", rest.config)
      .Field("failures", rest.failures)
      .Field("since_ms", rest.since.value)
      .Field("until_ms", rest.until.value)
      .EndObject();
  return std::move(out).Take();
}

Status Write(store::Db& db, std::string_view text) {
  ST_ASSIGN_OR_RETURN(store::WriteTxn txn, store::WriteTxn::Begin(db));
  ST_RETURN_IF_ERROR(store::WriteMeta(db, kKey, text));
  return txn.Commit();
}

}  // namespace

std::optional<FileMark> MarkOf(const std::string& path) {
  const auto real = base::RealPath(path);
  if (!real.ok()) return std::nullopt;
  const auto info = base::Stat(*real);
  if (!info.ok()) return std::nullopt;
  return FileMark{.inode = info->inode, .bytes = info->size, .mtime_ns = info->mtime_ns};
}

std::string ConfigKey(const config::Config& config) {
  return base::Hex(base::FieldHash("runs").Add(config.document.ToJson()).Key16());
}

StatusOr<std::optional<RunsRest>> LastRunsRest(store::Db& db) {
  ST_ASSIGN_OR_RETURN(const auto text, store::ReadMeta(db, kKey));
  const auto json = base::JsonValue::Parse(text.value_or(""));
  // A line that nobody understands keeps nobody from his work.
  if (!json.ok() || !(*json)["until_ms"].is_int()) return std::optional<RunsRest>();
  return std::optional<RunsRest>({.reason = (*json)["reason"].AsString(),
                                  .agent = (*json)["agent"].AsString(),
                                  .mark = {.inode = static_cast<uint64_t>((*json)["inode"].AsInt()),
                                           .bytes = static_cast<uint64_t>((*json)["bytes"].AsInt()),
                                           .mtime_ns = (*json)["mtime_ns"].AsInt()},
                                  .config = (*json)["config"].AsString(),
                                  .failures = (*json)["failures"].AsInt(),
                                  .since = UtcMillis{(*json)["since_ms"].AsInt()},
                                  .until = UtcMillis{(*json)["until_ms"].AsInt()}});
}

StatusOr<std::optional<RunsRest>> FindRunsRest(store::Db& db, const config::Config& config,
                                               UtcMillis now) {
  ST_ASSIGN_OR_RETURN(std::optional<RunsRest> rest, LastRunsRest(db));
  // Longer than it may be: the clock was another one.
  const bool holds = rest.has_value() && rest->until > now &&
                     rest->until.value - now.value <= kDayMs && rest->config == ConfigKey(config);
  if (!holds) rest.reset();
  return rest;
}

StatusOr<std::optional<RunsRest>> FindRunsRest(store::Db& db, const config::Config& config,
                                               const Asked& asked, UtcMillis now) {
  ST_ASSIGN_OR_RETURN(std::optional<RunsRest> rest, FindRunsRest(db, config, now));
  const bool same = rest.has_value() && rest->agent == asked.agent &&
                    rest->mark == MarkOf(asked.program).value_or(FileMark{});
  if (!same) return std::optional<RunsRest>();
  rest->program = asked.program;
  return rest;
}

Status WriteRunsRest(store::Db& db, const RunsRest& rest) { return Write(db, ToJson(rest)); }

StatusOr<bool> EndRunsRest(store::Db& db) {
  ST_ASSIGN_OR_RETURN(const auto text, store::ReadMeta(db, kKey));
  if (text.value_or("").empty()) return false;
  ST_RETURN_IF_ERROR(Write(db, ""));
  return true;
}

std::string Describe(const RunsRest& rest) {
  return fmt::format(
      "runs that begin by themselves rest until {}: {} gave no answer ({}), {} in a row since {}",
      FormatRfc3339(rest.until), rest.agent.empty() ? "their model" : rest.agent, rest.reason,
      rest.failures == 1 ? "once" : fmt::format("{} times", rest.failures),
      FormatRfc3339(rest.since));
}

}  // namespace selftune::status
