// skill.*: what is known about skills.
#include <algorithm>
#include <cstdlib>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <absl/time/time.h>
#include <fmt/format.h>

#include "base/file.h"
#include "base/json_writer.h"
#include "base/status_macros.h"
#include "base/strings.h"
#include "base/time.h"
#include "base/utf8.h"
#include "capi/ops.h"
#include "capi/readout.h"
#include "skillfs/lint.h"
#include "status/off_switches.h"
#include "status/skill_folders.h"
#include "status/skill_policy.h"
#include "status/skill_states.h"
#include "store/db.h"
#include "store/deploy_rows.h"
#include "store/queries/observations.h"
#include "store/queries/runs.h"
#include "store/queries/skills.h"
#include "store/watch_rows.h"

namespace selftune::capi::ops {
namespace {

using base::JsonValue;
using base::JsonWriter;
using status::SkillState;

constexpr int64_t kDefaultDays = 90;
constexpr int64_t kRecentDays = 30;  // of skill.list
constexpr int64_t kListed = 20;      // proposals and deploys in a report
constexpr size_t kShownCursor = 64;

struct Row {
  SkillState state;
  std::vector<std::string> platforms;  // installed on or used on
};

// Where a skill stands in a sorted list: the larger value first, then by name. A cursor is the
// place of a page's last skill, so that one which comes or goes meanwhile moves no other.
struct Place {
  std::string sort;
  int64_t value = 0;
  std::string name;

  static Place Of(const store::SkillTotals& totals, const std::string& sort) {
    Place place{.sort = sort, .name = totals.name};
    if (sort == "uses") place.value = totals.triggered;
    if (sort == "misses") place.value = totals.missed;
    if (sort == "last") place.value = totals.last.value_or(UtcMillis{0}).value;
    return place;
  }
  [[nodiscard]] bool Before(const Place& other) const {
    return value != other.value ? value > other.value : name < other.name;
  }
  // The name as hex: people paste a cursor into a shell, and anybody may have named the skill.
  [[nodiscard]] std::string Cursor() const {
    return fmt::format("{}:{}:{}", sort, value, base::Hex(name));
  }

  // INVALID_REQUEST for what no page of this order gave out.
  static StatusOr<Place> Parse(std::string_view cursor, const std::string& sort) {
    const std::string start = sort + ":";
    const size_t colon = cursor.starts_with(start) ? cursor.find(':', start.size()) : cursor.npos;
    if (colon != cursor.npos) {
      const auto value = base::ParseInt(cursor.substr(start.size(), colon - start.size()));
      const auto name = base::FromHex(cursor.substr(colon + 1));
      if (value.has_value() && name.has_value()) return Place{sort, *value, *name};
    }
    return Fail(kInvalidRequest, "skill.list: cursor \"{}\" is not one of a page before, by {}",
                base::FirstCodePoints(cursor, kShownCursor), sort);
  }
};

StatusOr<status::OffSwitches> SwitchesOf(Context& context, store::Db& db) {
  ST_ASSIGN_OR_RETURN(const base::Environment* const env, context.hosts_env());
  return status::OffSwitches::Read(db, *env);
}

// The filters and the order of skill.list.
StatusOr<std::vector<Row>> Select(Context& context, std::vector<SkillState> states,
                                  const JsonValue& params) {
  const std::string& platform = params["platform"].AsString();
  const std::string& wanted = params["status"].AsString();
  const std::string text = base::AsciiLower(params["q"].AsString());
  const std::string& sort = params["sort"].AsString();
  ST_ASSIGN_OR_RETURN(const base::Environment* const env, context.hosts_env());
  const status::SkillFolders folders(*env);
  std::vector<Row> rows;
  for (SkillState& state : states) {
    if (base::AsciiLower(state.totals.name).find(text) == std::string::npos) continue;
    if (!wanted.empty() && wanted != monitoring::Word(state.health.state) &&
        std::find(state.flags.begin(), state.flags.end(), wanted) == state.flags.end()) {
      continue;
    }
    std::vector<std::string> installed_on = folders.HostsOf(state.places);
    Row row{std::move(state), std::move(installed_on)};
    for (const std::string& used : row.state.platforms) {
      if (std::find(row.platforms.begin(), row.platforms.end(), used) == row.platforms.end()) {
        row.platforms.push_back(used);
      }
    }
    if (!platform.empty() &&
        std::find(row.platforms.begin(), row.platforms.end(), platform) == row.platforms.end()) {
      continue;
    }
    rows.push_back(std::move(row));
  }
  std::sort(rows.begin(), rows.end(), [&](const Row& a, const Row& b) {
    return Place::Of(a.state.totals, sort).Before(Place::Of(b.state.totals, sort));
  });
  return rows;
}

// Uses and misses of the last days, for a sparkline.
Status WriteRecent(JsonWriter& out, store::Db& db, const SkillState& state,
                   const store::TimeWindow& window) {
  ST_ASSIGN_OR_RETURN(const auto days, store::ReadSkillDays(db, state.totals.id, window));
  out.Key("recent")
      .BeginObject()
      .Field("uses", state.window.triggered)
      .Field("misses", state.window.missed)
      .Key("days")
      .BeginArray();
  for (const store::SkillDayRow& day : days) {
    if (day.day == 0 || day.triggered + day.missed == 0) continue;
    out.BeginObject()
        .Field("day", FormatRfc3339(UtcMillis{day.day * kDayMs}).substr(0, 10))
        .Field("uses", day.triggered)
        .Field("misses", day.missed)
        .EndObject();
  }
  out.EndArray().EndObject();
  return absl::OkStatus();
}

// In a list without those that were started by hand.
void WriteTriggerRate(JsonWriter& out, const status::TriggerCounts& counts, bool by_hand) {
  out.Key("trigger_rate").BeginObject().Field("k", counts.hit).Field("n", counts.expected);
  Rate(out, "rate", counts.hit, counts.expected);
  Interval95(out, "interval", counts.hit, counts.expected);
  if (by_hand) out.Field("by_hand", counts.by_hand);
  out.Field("curable", counts.curable).EndObject();
}

void WriteSwitches(JsonWriter& out, std::string_view key,
                   const std::vector<status::OffSwitch>& switches) {
  out.Key(key).BeginArray();
  for (const status::OffSwitch& off : switches) {
    out.BeginObject()
        .Field("platform", off.platform)
        .Field("path", off.path)
        .Field("settings", off.settings);
    TextOrNull(out, "project_root", off.project_root);
    out.EndObject();
  }
  out.EndArray();
}

Status WriteListItem(JsonWriter& out, store::Db& db, Row& row, const store::TimeWindow& window) {
  SkillState& state = row.state;
  status::ReadOffSwitch(state);
  ST_ASSIGN_OR_RETURN(const auto listed, store::ListedChars(db, state.totals.id));
  out.BeginObject()
      .Field("skill_id", state.totals.id.value)
      .Field("name", state.totals.name)
      .Key("paths")
      .BeginArray();
  for (const store::SkillPlace& place : state.places) out.String(place.path);
  out.EndArray();
  Strings(out, "platforms", row.platforms);
  TextOrNull(out, "scope",
             state.installed() ? state.places.front().scope : state.totals.last_scope);
  out.Field("installed", state.installed())
      .Field("autonomy", config::Word(state.autonomy))
      .Field("autonomy_source", state.autonomy_source)
      .Field("managed", state.managed)
      .Field("uses", state.totals.triggered)
      .Field("misses", state.totals.missed)
      .Field("sessions", state.totals.sessions)
      .Field("last_use", state.totals.last);
  ST_RETURN_IF_ERROR(WriteRecent(out, db, state, window));
  WriteTriggerRate(out, state.trigger, /*by_hand=*/false);
  out.Field("listed_chars", listed)
      .Field("state", monitoring::Word(state.health.state))
      .Field("state_code", state.health.state_reason)
      .Key("flags")
      .BeginArray();
  for (const std::string_view flag : state.flags) out.String(flag);
  out.EndArray();
  WriteSwitches(out, "switched_off", state.switched_off);
  WriteSwitches(out, "settings_unknown", state.settings_unknown);
  WriteSwitches(out, "switched_on", state.switched_on);
  out.EndObject();
  return absl::OkStatus();
}

void WritePlaces(JsonWriter& out, const store::SkillSummary& summary) {
  out.Key("paths").BeginArray();
  for (const store::SkillLocation& location : summary.locations) out.String(location.path);
  out.EndArray();
  const bool installed = !summary.locations.empty();
  TextOrNull(out, "scope", installed ? summary.locations.front().scope : summary.last_scope);
  if (installed && summary.locations.front().has_description) {
    out.Field("description", summary.locations.front().description);
  } else {
    out.NullField("description");
  }
  out.Field("description_limit", static_cast<int64_t>(skillfs::kMaxDescriptionChars));
}

void WritePolicy(JsonWriter& out, const std::string& skill, const status::SkillPolicy& policy,
                 bool managed, const config::Config& config) {
  out.Field("autonomy", config::Word(policy.autonomy))
      .Field("autonomy_source", policy.source)
      .Field("autonomy_reason", status::ExplainPolicy(skill, policy, managed, config));
}

void WriteUsage(JsonWriter& out, const store::SkillReport& report) {
  out.Key("usage")
      .BeginObject()
      .Field("triggered", report.triggered)
      .Field("refused", report.refused)
      .Field("requested", report.requested)
      .Field("read_only", report.read_only)
      .Field("missed", report.missed)
      .Field("explicit", report.explicit_uses)
      .Field("implicit", report.implicit_uses)
      .Field("inferred", report.inferred_uses)
      .Field("sessions", report.summary.sessions)
      .Field("first", report.summary.first)
      .Field("last", report.summary.last)
      .EndObject();
}

void WriteDeploys(JsonWriter& out, const std::vector<store::DeployRow>& deploys) {
  out.Key("deploys").BeginArray();
  for (size_t i = 0; i < deploys.size() && i < static_cast<size_t>(kListed); ++i) {
    out.BeginObject().Field("deploy_id", deploys[i].deploy_id);
    TextOrNull(out, "proposal_id", deploys[i].proposal_id);
    out.Field("kind", deploys[i].kind)
        .Field("state", deploys[i].state)
        .Field("at", deploys[i].finished.value_or(deploys[i].started))
        .EndObject();
  }
  out.EndArray();
}

// What the improvement loop did to the skill.
Status WriteLoop(JsonWriter& out, store::Db& db, const store::SkillRef& skill) {
  ST_ASSIGN_OR_RETURN(const store::ProposalPage proposals,
                      store::ListProposals(db, {.skill = skill.id, .page = {.limit = kListed}}));
  out.Key("proposals").BeginArray();
  for (const store::ProposalItem& proposal : proposals.items) {
    out.BeginObject()
        .Field("proposal_id", proposal.proposal_id)
        .Field("state", proposal.state)
        .Field("created", proposal.created);
    TextOrNull(out, "reason_code", proposal.reason_code);
    out.EndObject();
  }
  out.EndArray();
  ST_ASSIGN_OR_RETURN(const auto deploys, store::ListDeploys(db, skill.name));
  WriteDeploys(out, deploys);
  ST_ASSIGN_OR_RETURN(const auto watches, store::ListWatches(db, skill.name, /*open_only=*/false));
  if (watches.empty()) {
    out.NullField("watch");
  } else {
    out.Key("watch")
        .BeginObject()
        .Field("deploy_id", watches.front().deploy_id)
        .Field("state", watches.front().state)
        .EndObject();
  }
  return absl::OkStatus();
}

}  // namespace

StatusOr<std::string> SkillList(Context& context, const JsonValue& params) {
  ST_ASSIGN_OR_RETURN(store::Db * db, context.ReadDb());
  ST_ASSIGN_OR_RETURN(const config::Config* config, context.config());
  const store::TimeWindow window{.from = UtcMillis{context.now().value - kRecentDays * kDayMs}};
  ST_ASSIGN_OR_RETURN(const status::OffSwitches off, SwitchesOf(context, *db));
  ST_ASSIGN_OR_RETURN(std::vector<SkillState> states,
                      status::ReadSkillStates(*db, *config,
                                              {.now = context.now(),
                                               .window = window,
                                               .off = &off,
                                               .settings_of = params["platform"].AsString()}));
  ST_ASSIGN_OR_RETURN(std::vector<Row> rows, Select(context, std::move(states), params));
  const store::PageRequest page = PageOf(params);
  const std::string& sort = params["sort"].AsString();
  size_t begin = 0;
  if (!page.cursor.empty()) {
    ST_ASSIGN_OR_RETURN(const Place last, Place::Parse(page.cursor, sort));
    begin =
        static_cast<size_t>(std::find_if(rows.begin(), rows.end(),
                                         [&](const Row& row) {
                                           return last.Before(Place::Of(row.state.totals, sort));
                                         }) -
                            rows.begin());
  }
  const size_t end = std::min(rows.size(), begin + static_cast<size_t>(page.limit));
  JsonWriter out;
  out.BeginObject().Key("items").BeginArray();
  for (size_t i = begin; i < end; ++i) ST_RETURN_IF_ERROR(WriteListItem(out, *db, rows[i], window));
  out.EndArray();
  TextOrNull(out, "next_cursor",
             end < rows.size() ? Place::Of(rows[end - 1].state.totals, sort).Cursor() : "");
  out.Field("total", static_cast<int64_t>(rows.size())).EndObject();
  return std::move(out).Take();
}

StatusOr<std::string> SkillReport(Context& context, const JsonValue& params) {
  ST_ASSIGN_OR_RETURN(store::Db * db, context.ReadDb());
  ST_ASSIGN_OR_RETURN(const config::Config* config, context.config());
  ST_ASSIGN_OR_RETURN(const auto skill, NeededSkillOf(*db, params));
  const store::TimeWindow window = WindowOf(params);
  ST_ASSIGN_OR_RETURN(const store::SkillReport report,
                      store::ReadSkillReport(*db, skill.id, window));
  ST_ASSIGN_OR_RETURN(const status::OffSwitches off, SwitchesOf(context, *db));
  ST_ASSIGN_OR_RETURN(
      std::vector<SkillState> states,
      status::ReadSkillStates(
          *db, *config, {.now = context.now(), .window = window, .skill = skill.id, .off = &off}));
  JsonWriter out;
  out.BeginObject().Field("skill_id", skill.id.value).Field("name", skill.name);
  WritePlaces(out, report.summary);
  WriteUsage(out, report);
  if (states.empty()) {  // only listed by a host, or asked for in vain: no evidence and no file
    WriteTriggerRate(out, {}, /*by_hand=*/true);
    out.Field("state", "UNKNOWN")
        .Field("state_reason", "no skill of this name is installed or was ever loaded");
    for (const char* key : {"autonomy", "autonomy_source", "autonomy_reason"}) out.NullField(key);
    out.Key("flags").BeginArray().EndArray();
  } else {
    SkillState& state = states.front();
    status::ReadOffSwitch(state);
    WriteTriggerRate(out, state.trigger, /*by_hand=*/true);
    out.Field("state", monitoring::Word(state.health.state))
        .Field("state_reason", status::ExplainState(state.health));
    WritePolicy(out, skill.name, {state.autonomy, state.autonomy_source}, state.managed, *config);
    out.Key("flags").BeginArray();
    for (const std::string_view flag : state.flags) out.String(flag);
    out.EndArray();
  }
  out.Key("causes").BeginObject();
  for (const store::CauseCount& cause : report.causes) out.Field(cause.cause, cause.count);
  out.EndObject().Key("platforms").BeginArray();
  for (const auto& [platform, uses] : report.platforms) {
    out.BeginObject().Field("platform", platform).Field("uses", uses).EndObject();
  }
  out.EndArray();
  ST_RETURN_IF_ERROR(WriteLoop(out, *db, skill));
  out.Key("versions").BeginArray();
  for (const auto& version : report.versions) {
    out.BeginObject()
        .Field("sha256", version.content_sha256)
        .Field("first", version.first)
        .Field("last", version.last)
        .EndObject();
  }
  out.EndArray().EndObject();
  return std::move(out).Take();
}

namespace {

constexpr size_t kMaxZoneName = 64;

// What the database of time zones calls a place: up to three parts of a path that
// leads nowhere else. The machine is asked for nothing but such names.
bool IsZoneName(std::string_view name) {
  if (name.empty() || name.size() > kMaxZoneName) return false;
  const std::vector<std::string_view> parts = base::Split(name, '/');
  return parts.size() <= 3 && std::all_of(parts.begin(), parts.end(), [](std::string_view part) {
           return !part.empty() && std::all_of(part.begin(), part.end(), [](char c) {
             return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                    c == '_' || c == '+' || c == '-';
           });
         });
}

// A file of that database; names that are none are not even tried, since what
// was tried is remembered for as long as the process lives.
bool HasZone(const std::string& name) {
  if (name == "UTC") return true;
  const char* const folder = std::getenv("TZDIR");
  const std::string_view base = folder != nullptr && *folder != 0 ? folder : "/usr/share/zoneinfo";
  const auto info = base::Stat(base::JoinPath(base, name));
  return info.ok() && info->is_file();
}

// UTC days are summed up already; those of a place are counted.
StatusOr<std::vector<store::SkillDayRow>> DaysOf(store::Db& db, store::SkillId skill,
                                                 const store::TimeWindow& window,
                                                 const JsonValue& tz) {
  if (!tz.is_string()) return store::ReadSkillDays(db, skill, window);
  const std::string& name = tz.AsString();
  absl::TimeZone zone;
  if (!IsZoneName(name) || !HasZone(name) || !absl::LoadTimeZone(name, &zone)) {
    return WithSuggestion(Fail(kInvalidRequest, "tz \"{}\": this machine knows no such time zone",
                               name.substr(0, 64)),
                          "name it as Europe/Berlin, or leave it out for UTC", "");
  }
  return store::ReadSkillDaysIn(db, skill, window, zone);
}

}  // namespace

StatusOr<std::string> SkillDaily(Context& context, const JsonValue& params) {
  ST_ASSIGN_OR_RETURN(store::Db * db, context.ReadDb());
  ST_ASSIGN_OR_RETURN(const auto skill, NeededSkillOf(*db, params));
  store::TimeWindow window;
  window.from = params["from"].is_string() ? ParseRfc3339(params["from"].AsString())
                                           : UtcMillis{context.now().value - kDefaultDays * kDayMs};
  if (params["to"].is_string()) window.to = ParseRfc3339(params["to"].AsString());
  ST_ASSIGN_OR_RETURN(const auto days, DaysOf(*db, skill.id, window, params["tz"]));
  ST_ASSIGN_OR_RETURN(const auto deploys, store::ListDeploys(*db, skill.name));
  JsonWriter out;
  out.BeginObject()
      .Field("skill", skill.name)
      .Field("from", window.from)
      .Field("to", window.to)
      .Key("days")
      .BeginArray();
  for (const store::SkillDayRow& day : days) {
    if (day.day == 0) continue;  // evidence without a time
    out.BeginObject()
        .Field("day", FormatRfc3339(UtcMillis{day.day * kDayMs}).substr(0, 10))
        .Field("triggered", day.triggered)
        .Field("refused", day.refused)
        .Field("requested", day.requested)
        .Field("read_only", day.read_only)
        .Field("missed", day.missed)
        .EndObject();
  }
  out.EndArray();
  WriteDeploys(out, deploys);
  out.EndObject();
  return std::move(out).Take();
}

}  // namespace selftune::capi::ops
