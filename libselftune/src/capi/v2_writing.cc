#include "capi/v2_writing.h"

#include <algorithm>

#include "base/status_macros.h"
#include "base/time.h"
#include "capi/readout.h"
#include "store/queries/v2_skill.h"

namespace selftune::capi::v2 {

using base::JsonValue;
using base::JsonWriter;

store::V2Place PlaceOf(const JsonValue& cursor) {
  const auto parsed = JsonValue::Parse(cursor.AsString());
  if (!parsed.ok() || !(*parsed)["id"].is_int()) return {};
  const std::optional<UtcMillis> at = ParseRfc3339((*parsed)["timestamp"].AsString());
  if (!at.has_value()) return {};
  return {.at = *at, .id = (*parsed)["id"].AsInt()};
}

int64_t LimitOf(const JsonValue& limit, int64_t fallback) {
  return std::clamp<int64_t>(limit.AsInt(fallback), 1, 10'000);
}

void WriteNext(JsonWriter& out, bool more, std::optional<UtcMillis> at, int64_t id) {
  out.Key("next_cursor");
  if (more) {
    out.BeginObject()
        .Field("timestamp", FormatRfc3339(at.value_or(UtcMillis{0})))
        .Field("id", id)
        .EndObject();
  } else {
    out.Null();
  }
  out.Field("has_more", more);
}

double Share(int64_t k, int64_t n) {
  return n == 0 ? 0 : static_cast<double>(k) / static_cast<double>(n);
}

void RawOrNull(JsonWriter& out, std::string_view key, const std::string& json) {
  const auto parsed = JsonValue::Parse(json);
  if (parsed.ok()) {
    out.Key(key).Raw(parsed->ToJson());
  } else {
    out.NullField(key);
  }
}

std::string_view KindOf(const store::V2Usage& row) {
  if (row.capture == "legacy") return "legacy_materialized";
  if (row.capture != "repair") return "canonical";
  return row.triggered() ? "repaired_trigger" : "repaired_contextual_miss";
}

void WriteInvocation(JsonWriter& out, const store::V2Usage& row, const Context& context) {
  out.Field("timestamp", row.at).Field("session_id", row.session_id);
  PromptText(out, "query", row.query, context, /*raw=*/false);
  out.Field("triggered", row.triggered()).Field("source", row.capture);
}

Status WriteCommits(JsonWriter& out, store::Db& db, store::SkillId skill) {
  constexpr int64_t kSessions = 10'000;  // the newest
  constexpr int64_t kCommits = 20;
  ST_ASSIGN_OR_RETURN(const store::V2Commits commits,
                      store::ReadV2Commits(db, skill, kSessions, kCommits));
  if (commits.total == 0) {
    out.NullField("commit_summary");
    return absl::OkStatus();
  }
  out.Key("commit_summary")
      .BeginObject()
      .Field("total_commits", commits.total)
      .Field("unique_branches", commits.branches)
      .Key("recent_commits")
      .BeginArray();
  for (const store::V2Commit& commit : commits.newest) {
    out.BeginObject().Field("sha", commit.sha);
    TextOrNull(out, "title", commit.title);
    TextOrNull(out, "branch", commit.branch);
    out.Field("timestamp", commit.at).EndObject();
  }
  out.EndArray().EndObject();
  return absl::OkStatus();
}

}  // namespace selftune::capi::v2
