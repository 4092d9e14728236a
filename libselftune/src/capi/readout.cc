#include "capi/readout.h"

#include <algorithm>
#include <utility>

#include "base/status_macros.h"
#include "base/strings.h"
#include "base/utf8.h"
#include "capi/model_rest.h"
#include "capi/version.h"
#include "hosts/sources.h"
#include "install/twice.h"
#include "llm/redact.h"
#include "stats/wilson.h"

namespace selftune::capi {
namespace {

using base::JsonValue;
using base::JsonWriter;

constexpr size_t kShownCodePoints = 160;

StatusOr<store::SkillRef> SkillAt(store::Db& db, const std::string& path) {
  ST_ASSIGN_OR_RETURN(const std::vector<store::SkillPlace> places, store::ReadSkillPlaces(db));
  ST_ASSIGN_OR_RETURN(const std::vector<store::SkillTotals> skills, store::ReadSkillTotals(db));
  for (const store::SkillPlace& place : places) {
    if (place.path != path) continue;
    for (const store::SkillTotals& skill : skills) {
      if (skill.id == place.id) return store::SkillRef{skill.id, skill.name};
    }
  }
  return WithSuggestion(
      Fail(kSkillNotFound, "finding the skill of {}: the file is not known", path),
      "see which files are known; a sync finds new ones", "selftune skills list");
}

Status OtherFile(const std::string& skill, const std::string& path,
                 const std::vector<store::SkillLocation>& known) {
  JsonWriter details;
  details.BeginObject().Key("paths").BeginArray();
  for (const store::SkillLocation& location : known) details.String(location.path);
  details.EndArray().EndObject();
  return WithDetails(
      WithSuggestion(Fail(kSkillNotFound, "skill {}: {} is no file of it", skill, path),
                     "see where it is installed", "selftune skills list"),
      details.view());
}

}  // namespace

StatusOr<std::optional<store::SkillRef>> SkillOf(store::Db& db, const JsonValue& params) {
  const std::string& name = params["skill"].AsString();
  const std::string& path = params["skill_path"].AsString();
  if (params["skill_id"].is_int()) {
    if (!params["skill"].is_null() || !path.empty()) {
      return Fail(kInvalidRequest, "naming a skill: by its id or its name, not both");
    }
    ST_ASSIGN_OR_RETURN(store::SkillRef found,
                        store::FindSkillById(db, store::SkillId{params["skill_id"].AsInt()}));
    return std::optional<store::SkillRef>(std::move(found));
  }
  if (params["skill"].is_null() && path.empty()) return std::optional<store::SkillRef>();
  if (params["skill"].is_null()) {
    ST_ASSIGN_OR_RETURN(store::SkillRef found, SkillAt(db, path));
    return std::optional<store::SkillRef>(std::move(found));
  }
  ST_ASSIGN_OR_RETURN(store::SkillRef found, store::FindSkill(db, name));
  if (!path.empty()) {
    ST_ASSIGN_OR_RETURN(const auto known, store::ReadSkillLocations(db, found.id));
    const bool same = std::any_of(known.begin(), known.end(), [&](const auto& location) {
      return location.path == path || location.real_path == path;
    });
    if (!same) return OtherFile(found.name, path, known);
  }
  return std::optional<store::SkillRef>(std::move(found));
}

StatusOr<store::SkillRef> NeededSkillOf(store::Db& db, const JsonValue& params) {
  ST_ASSIGN_OR_RETURN(std::optional<store::SkillRef> skill, SkillOf(db, params));
  if (!skill.has_value()) {
    return Fail(kInvalidRequest,
                "naming a skill: neither skill nor skill_id nor skill_path was given");
  }
  return *std::move(skill);
}

status::DoctorWorld DoctorWorldOf(Context& context) {
  const auto env = context.hosts_env();  // a configuration that fails is reported by itself
  const auto config = context.config();
  const auto db = context.ReadDb();
  StatusOr<std::optional<status::RunsRest>> rest = std::optional<status::RunsRest>();
  if (config.ok() && db.ok()) rest = ModelRestHere(context, **db);
  return {.env = env.ok() ? *env : &context.env(),
          .sources = hosts::Sources(),
          .state_dir = context.paths().state_dir,
          .db_path = context.paths().db,
          .config = config,
          .db = db,
          .now = context.now(),
          .version = std::string(kVersion),
          .project = install::ProjectAround(),
          .rest = std::move(rest)};
}

store::TimeWindow WindowOf(const JsonValue& params) {
  store::TimeWindow window;
  if (params["since"].is_string()) window.from = ParseRfc3339(params["since"].AsString());
  if (params["until"].is_string()) window.to = ParseRfc3339(params["until"].AsString());
  return window;
}

store::PageRequest PageOf(const JsonValue& params) {
  return {.limit = params["limit"].AsInt(50), .cursor = params["cursor"].AsString()};
}

void TextOrNull(JsonWriter& out, std::string_view key, std::string_view text) {
  if (text.empty()) {
    out.NullField(key);
  } else {
    out.Field(key, text);
  }
}

void Strings(JsonWriter& out, std::string_view key, std::span<const std::string> texts) {
  out.Key(key).BeginArray();
  for (const std::string& text : texts) out.String(text);
  out.EndArray();
}

void WriteCounts(JsonWriter& out, const status::SkillCounts& counts) {
  out.Field("total", counts.total)
      .Field("installed", counts.installed)
      .Field("used", counts.used)
      .Field("uses", counts.uses)
      .Field("judged", counts.judged)
      .Field("attention", counts.attention);
}

void Interval95(JsonWriter& out, std::string_view key, int64_t k, int64_t n) {
  out.Key(key).BeginArray();
  if (n > 0) {
    const stats::Interval interval = stats::Wilson(static_cast<double>(k), static_cast<double>(n));
    out.Double(interval.lo).Double(interval.hi);
  }
  out.EndArray();
}

void Rate(JsonWriter& out, std::string_view key, int64_t k, int64_t n) {
  if (n > 0) {
    out.Field(key, static_cast<double>(k) / static_cast<double>(n));
  } else {
    out.NullField(key);
  }
}

Status WriteEvidenceFacts(JsonWriter& out, store::Db& db, const store::Counts& counts,
                          const status::Freshness& freshness) {
  ST_ASSIGN_OR_RETURN(const auto newest, store::NewestEvidence(db));
  out.Field("sessions", counts.sessions)
      .Field("prompts", counts.prompts)
      .Field("invocations", counts.invocations)
      .Field("newest", newest)
      .Field("last_sync", freshness.last_sync)
      .Field("lag_ms", freshness.lag_ms);
  return absl::OkStatus();
}

void WriteTrigger(JsonWriter& out, const status::TriggerCounts& counts) {
  out.Key("trigger")
      .BeginObject()
      .Field("expected", counts.expected)
      .Field("hit", counts.hit)
      .Field("missed", counts.missed)
      .Field("recall", counts.recall());
  Interval95(out, "ci95", counts.hit, counts.expected);
  out.Field("by_hand", counts.by_hand).Field("curable", counts.curable);
  out.Key("causes").BeginObject();
  for (const auto& [cause, count] : counts.causes) out.Field(cause, count);
  out.EndObject().EndObject();
  const int64_t judged = counts.hit + counts.unwanted;
  out.Key("precision").BeginObject().Field("n", judged).Field("good", counts.hit);
  Rate(out, "rate", counts.hit, judged);
  Interval95(out, "ci95", counts.hit, judged);
  out.EndObject();
}

void PromptText(JsonWriter& out, std::string_view key, const std::optional<std::string>& text,
                const Context& context, bool raw) {
  if (!text.has_value()) {
    out.NullField(key);
  } else if (raw) {
    out.Field(key, *text);
  } else {
    const std::string line =
        base::CollapseSpace(llm::Redact(*text, {.home = context.env().Home()}));
    const std::string_view shown = base::FirstCodePoints(line, kShownCodePoints);
    out.Field(key, shown.size() < line.size() ? std::string(shown) + "…" : line);
  }
}

}  // namespace selftune::capi
