// status.overview: the first page of the v2 interface of the dashboard.
#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_set>
#include <utility>
#include <vector>

#include "base/file.h"
#include "base/json_writer.h"
#include "base/status_macros.h"
#include "base/time.h"
#include "capi/envelope.h"
#include "capi/ops.h"
#include "capi/readout.h"
#include "capi/v2_writing.h"
#include "capi/version.h"
#include "config/config.h"
#include "status/v2_rules.h"
#include "store/db.h"
#include "store/queries/runs.h"
#include "store/queries/v2.h"

namespace selftune::capi::ops {
namespace {

using base::JsonValue;
using base::JsonWriter;
using store::V2Skill;

constexpr int64_t kEvents = 100;
constexpr int64_t kMisses = 100;
constexpr int64_t kComparedTriggers = 500;
constexpr int64_t kPending = 100;
constexpr int64_t kActivity = 20;
constexpr size_t kDecisions = 20;
constexpr size_t kPriorities = 5;
constexpr int64_t kDecisionMs = 7 * kDayMs;

struct Lists {
  std::vector<store::V2Telemetry> telemetry;
  std::vector<store::V2Usage> usage;
  bool paged = false, skills_paged = false;
  bool more_telemetry = false, more_usage = false;
};

// One more than asked for tells whether there are more.
StatusOr<Lists> ReadLists(Context& context, store::Db& db, const JsonValue& params) {
  Lists out;
  out.skills_paged = !params["skills_cursor"].is_null() || !params["skills_limit"].is_null();
  out.paged = out.skills_paged || !params["telemetry_cursor"].is_null() ||
              !params["telemetry_limit"].is_null();
  const int64_t telemetry = out.paged ? v2::LimitOf(params["telemetry_limit"], 1000) : v2::kUnpaged;
  const int64_t usage = out.paged ? v2::LimitOf(params["skills_limit"], 2000) : v2::kUnpaged;
  ST_ASSIGN_OR_RETURN(
      out.telemetry,
      store::ListV2Telemetry(db, v2::PlaceOf(params["telemetry_cursor"]), telemetry + 1));
  ST_ASSIGN_OR_RETURN(out.usage,
                      store::ListV2Usage(db, store::SkillId{}, v2::PlaceOf(params["skills_cursor"]),
                                         usage + 1, v2::LiveAt(context.now())));
  out.more_telemetry = static_cast<int64_t>(out.telemetry.size()) > telemetry;
  out.more_usage = static_cast<int64_t>(out.usage.size()) > usage;
  if (out.more_telemetry) out.telemetry.pop_back();
  if (out.more_usage) out.usage.pop_back();
  return out;
}

void WriteTelemetry(JsonWriter& out, const std::vector<store::V2Telemetry>& items) {
  out.BeginArray();
  for (const store::V2Telemetry& item : items) {
    out.BeginObject().Field("timestamp", item.at).Field("session_id", item.session_id);
    Strings(out, "skills_triggered", item.skills);
    out.Field("errors_encountered", item.errors)
        .Field("total_tool_calls", item.tool_calls)
        .EndObject();
  }
  out.EndArray();
}

void WriteUsage(JsonWriter& out, const std::vector<store::V2Usage>& rows, const Context& context) {
  out.BeginArray();
  for (const store::V2Usage& row : rows) {
    out.BeginObject().Field("skill_name", row.skill);
    TextOrNull(out, "skill_path", row.path);
    v2::WriteInvocation(out, row, context);
    out.EndObject();
  }
  out.EndArray();
}

void WriteLists(JsonWriter& out, const Lists& lists, const Context& context) {
  if (!lists.paged) {
    WriteTelemetry(out.Key("telemetry"), lists.telemetry);
    WriteUsage(out.Key("skills"), lists.usage, context);
    return;
  }
  out.Key("telemetry_page").BeginObject().Key("items");
  WriteTelemetry(out, lists.telemetry);
  v2::WriteNext(out, lists.more_telemetry,
                lists.telemetry.empty() ? std::nullopt : std::optional(lists.telemetry.back().at),
                lists.telemetry.empty() ? 0 : lists.telemetry.back().id);
  out.EndObject().Key("skills_page").BeginObject().Key("items");
  WriteUsage(out, lists.usage, context);
  v2::WriteNext(out, lists.more_usage, lists.usage.empty() ? std::nullopt : lists.usage.back().at,
                lists.usage.empty() ? 0 : lists.usage.back().id);
  out.EndObject();
}

void WriteEvents(JsonWriter& out, const std::vector<store::V2Event>& events) {
  out.Key("evolution").BeginArray();
  for (const store::V2Event& event : events) {
    out.BeginObject().Field("timestamp", event.at).Field("proposal_id", event.proposal_id);
    if (!event.skill.empty()) out.Field("skill_name", event.skill);
    out.Field("action", event.action).Field("details", event.details).EndObject();
  }
  out.EndArray();
}

void WriteCounts(JsonWriter& out, const store::V2Counts& counts) {
  out.Key("counts")
      .BeginObject()
      .Field("telemetry", counts.telemetry)
      .Field("skills", counts.skills)
      .Field("evolution", counts.evolution)
      .Field("evidence", counts.evidence)
      .Field("sessions", counts.sessions)
      .Field("prompts", counts.prompts)
      .EndObject();
}

Status WriteMisses(JsonWriter& out, store::Db& db, const Context& context) {
  ST_ASSIGN_OR_RETURN(const auto misses, store::ListV2Unmatched(db, kMisses, kComparedTriggers));
  out.Key("unmatched_queries").BeginArray();
  for (const store::V2Miss& miss : misses) {
    out.BeginObject().Field("timestamp", miss.at).Field("session_id", miss.session_id);
    PromptText(out, "query", miss.query, context, /*raw=*/false);
    out.EndObject();
  }
  out.EndArray();
  return absl::OkStatus();
}

void WritePending(JsonWriter& out, const std::vector<store::V2Proposal>& pending) {
  out.Key("pending_proposals").BeginArray();
  for (const store::V2Proposal& proposal : pending) {
    out.BeginObject()
        .Field("proposal_id", proposal.proposal_id)
        .Field("action", proposal.action)
        .Field("timestamp", proposal.at)
        .Field("details", proposal.details)
        .Field("skill_name", proposal.skill)
        .EndObject();
  }
  out.EndArray();
}

void WriteActivity(JsonWriter& out, const std::vector<store::V2Usage>& rows,
                   const Context& context) {
  out.Key("recent_activity").BeginArray();
  for (const store::V2Usage& row : rows) {
    out.BeginObject()
        .Field("timestamp", row.at)
        .Field("session_id", row.session_id)
        .Field("skill_name", row.skill);
    PromptText(out, "query", row.query, context, /*raw=*/false);
    out.Field("triggered", row.triggered()).Field("is_live", row.live).EndObject();
  }
  out.EndArray();
}

void WriteSkills(JsonWriter& out, const std::vector<V2Skill>& skills, const Lists& lists) {
  std::unordered_set<std::string_view> on_page;
  if (lists.skills_paged) {
    for (const store::V2Usage& row : lists.usage) on_page.insert(row.skill);
  }
  int64_t left = v2::kUnpaged;
  out.Key("skills").BeginArray();
  for (const V2Skill& skill : skills) {
    if (lists.skills_paged && !on_page.contains(skill.name)) continue;
    if (left-- == 0) break;
    out.BeginObject().Field("skill_name", skill.name);
    TextOrNull(out, "skill_scope", skill.scope);
    out.Field("total_checks", skill.checks)
        .Field("triggered_count", skill.triggered)
        .Field("pass_rate", v2::Share(skill.triggered, skill.checks))
        .Field("unique_sessions", skill.sessions)
        .Field("last_seen", skill.last)
        .Field("has_evidence", skill.evolution_rows > 0);
    if (skill.with_confidence > 0) {
      out.Field("routing_confidence",
                skill.confidence_sum / static_cast<double>(skill.with_confidence));
    } else {
      out.NullField("routing_confidence");
    }
    out.Field("confidence_coverage", v2::Share(skill.with_confidence, skill.checks)).EndObject();
  }
  out.EndArray();
}

// The file of the reference, {"version":1,"skills":[...]}.
std::vector<std::string> WatchedSkills(const Context& context) {
  std::vector<std::string> out;
  const auto text =
      base::ReadFile(base::JoinPath(context.paths().state_dir, "watched-skills.json"), 1 << 20);
  if (!text.ok()) return out;  // nobody made a list
  const auto parsed = JsonValue::Parse(*text);
  if (!parsed.ok()) return out;
  for (const JsonValue& name : (*parsed)["skills"].items()) {
    if (name.is_string() && out.size() < static_cast<size_t>(v2::kUnpaged)) {
      out.push_back(name.AsString());
    }
  }
  return out;
}

struct Judged {
  std::vector<std::pair<const V2Skill*, status::v2::Attention>> attention;
  std::vector<std::pair<const store::V2Event*, std::string_view>> decisions;
};

Judged JudgeAll(const std::vector<V2Skill>& skills, const std::vector<store::V2Event>& events,
                UtcMillis now) {
  Judged out;
  for (const V2Skill& skill : skills) {
    if (auto attention = status::v2::AttentionOf(skill)) {
      out.attention.emplace_back(&skill, *std::move(attention));
    }
  }
  for (const store::V2Event& event : events) {
    const std::string_view kind = status::v2::DecisionKind(event);
    const bool recent = now.value - event.at.value < kDecisionMs;
    if (!kind.empty() && recent && out.decisions.size() < kDecisions) {
      out.decisions.emplace_back(&event, kind);
    }
  }
  return out;
}

Status WriteAutonomy(JsonWriter& out, Context& context, store::Db& db, const Judged& judged,
                     const std::vector<V2Skill>& skills) {
  ST_ASSIGN_OR_RETURN(const store::RunPage runs, store::ListRuns(db, "orchestrate", {.limit = 1}));
  status::v2::AutonomyInput input{.now = context.now()};
  int64_t reviews = 0;
  for (const V2Skill& skill : skills) reviews += skill.pending;
  for (const auto& [skill, attention] : judged.attention) {
    input.critical |= attention.severity == "critical";
    input.needs_review |= attention.category == "needs_review";
  }
  if (!runs.items.empty()) input.last_run = runs.items.front().started;
  input.recent_decision = !judged.decisions.empty();
  const std::string_view level = status::v2::AutonomyLevel(input);
  const auto attention = static_cast<int64_t>(judged.attention.size());
  const std::string summary = attention == 0 ? "nothing needs attention"
                              : attention == 1
                                  ? "one skill needs attention"
                                  : std::to_string(attention) + " skills need attention";
  out.Key("autonomy_status")
      .BeginObject()
      .Field("level", level)
      .Field("summary", summary)
      .Field("last_run", input.last_run)
      .Field("skills_observed", static_cast<int64_t>(skills.size()))
      .Field("pending_reviews", reviews)
      .Field("attention_required", attention)
      .EndObject();
  return absl::OkStatus();
}

// The first of `items` when there are more than a list may hold, worst first.
template <typename Item, typename Rank>
void Bound(std::vector<Item>& items, Rank rank) {
  constexpr auto kMost = static_cast<size_t>(v2::kUnpaged);
  if (items.size() <= kMost) return;
  std::stable_sort(items.begin(), items.end(),
                   [&](const Item& a, const Item& b) { return rank(a) < rank(b); });
  items.resize(kMost, items.front());
}

int SeverityRank(std::string_view severity) {
  return severity == "critical" ? 0 : severity == "warning" ? 1 : 2;
}

int BucketRank(std::string_view bucket) {
  if (bucket == "at_risk") return 0;
  return bucket == "improving" ? 1 : bucket == "uncertain" ? 2 : 3;
}

void WriteLimits(JsonWriter& out, const Judged& judged, const std::vector<V2Skill>& skills) {
  const auto total = static_cast<int64_t>(skills.size());
  out.Key("limits")
      .BeginObject()
      .Field("items", v2::kUnpaged)
      .Field("skills_total", total)
      .Field("attention_total", static_cast<int64_t>(judged.attention.size()))
      .Field("trust_total", total)
      .Field("many", total > v2::kUnpaged)
      .EndObject();
}

void WriteTrust(JsonWriter& out, const std::vector<V2Skill>& skills) {
  std::vector<std::pair<const V2Skill*, status::v2::Trust>> all;
  all.reserve(skills.size());
  for (const V2Skill& skill : skills) all.emplace_back(&skill, status::v2::TrustOf(skill));
  Bound(all, [](const auto& each) { return BucketRank(each.second.bucket); });
  out.Key("trust_watchlist").BeginArray();
  for (const auto& [skill, trust] : all) {
    out.BeginObject()
        .Field("skill_name", skill->name)
        .Field("bucket", trust.bucket)
        .Field("trust_state", trust.state)
        .Field("reason", trust.reason)
        .Field("pass_rate", v2::Share(skill->triggered, skill->checks))
        .Field("checks", skill->checks)
        .Field("last_seen", skill->last)
        .EndObject();
  }
  out.EndArray();
}

void WriteJudged(JsonWriter& out, Judged judged, const std::vector<V2Skill>& skills) {
  Bound(judged.attention, [](const auto& each) { return SeverityRank(each.second.severity); });
  out.Key("attention_queue").BeginArray();
  for (const auto& [skill, attention] : judged.attention) {
    out.BeginObject()
        .Field("skill_name", skill->name)
        .Field("category", attention.category)
        .Field("severity", attention.severity)
        .Field("reason", attention.reason)
        .Field("recommended_action", attention.recommended_action)
        .Field("timestamp",
               skill->latest_evolution.has_value() ? skill->latest_evolution : skill->last)
        .EndObject();
  }
  out.EndArray();
  WriteTrust(out, skills);
  out.Key("recent_decisions").BeginArray();
  for (const auto& [event, kind] : judged.decisions) {
    out.BeginObject()
        .Field("timestamp", event->at)
        .Field("kind", kind)
        .Field("skill_name", event->skill);
    if (!event->proposal_id.empty()) out.Field("proposal_id", event->proposal_id);
    out.Field("summary", event->details).EndObject();
  }
  out.EndArray();
}

void WriteCreator(JsonWriter& out, const std::vector<V2Skill>& skills) {
  std::vector<std::pair<const V2Skill*, status::v2::Readiness>> all;
  for (const V2Skill& skill : skills) all.emplace_back(&skill, status::v2::ReadinessOf(skill));
  const auto count = [&](std::string_view step) {
    return std::count_if(all.begin(), all.end(),
                         [&](const auto& each) { return each.second.next_step == step; });
  };
  const auto watched = count("watch_deployment");
  const auto open = static_cast<int64_t>(all.size()) - watched;
  out.Key("creator_testing")
      .BeginObject()
      .Field("summary", std::to_string(open) + " of " + std::to_string(all.size()) +
                            " skills have a next step")
      .Key("counts")
      .BeginObject();
  for (const std::string_view step : status::v2::CreatorSteps()) {
    out.Field(step, static_cast<int64_t>(count(step)));
  }
  out.EndObject().Key("priorities").BeginArray();
  size_t shown = 0;
  for (const std::string_view step : status::v2::CreatorSteps()) {
    if (step == "watch_deployment") continue;
    for (const auto& [skill, readiness] : all) {
      if (readiness.next_step != step || shown == kPriorities) continue;
      ++shown;
      out.BeginObject()
          .Field("skill_name", skill->name)
          .Field("step", step)
          .Field("summary", readiness.summary)
          .Field("recommended_command", JoinCommand(readiness.command))
          .EndObject();
    }
  }
  out.EndArray().EndObject();
}

}  // namespace

StatusOr<std::string> StatusOverview(Context& context, const JsonValue& params) {
  ST_ASSIGN_OR_RETURN(store::Db * db, context.ReadDb());
  ST_ASSIGN_OR_RETURN(const Lists lists, ReadLists(context, *db, params));
  ST_ASSIGN_OR_RETURN(const auto events, store::ListV2Events(*db, store::SkillId{}, kEvents));
  ST_ASSIGN_OR_RETURN(const auto skills, store::ReadV2Skills(*db, store::SkillId{}));
  ST_ASSIGN_OR_RETURN(const auto pending, store::ListV2Pending(*db, store::SkillId{}, kPending));
  ST_ASSIGN_OR_RETURN(const store::V2Counts counts, store::ReadV2Counts(*db));
  ST_ASSIGN_OR_RETURN(const int64_t live, store::CountLiveSessions(*db, v2::LiveAt(context.now())));
  ST_ASSIGN_OR_RETURN(const auto newest, store::ListV2Usage(*db, store::SkillId{}, {}, kActivity,
                                                            v2::LiveAt(context.now())));
  const Judged judged = JudgeAll(skills, events, context.now());
  JsonWriter out;
  out.BeginObject().Key("overview").BeginObject();
  WriteLists(out, lists, context);
  WriteEvents(out, events);
  WriteCounts(out, counts);
  ST_RETURN_IF_ERROR(WriteMisses(out, *db, context));
  WritePending(out, pending);
  out.Field("active_sessions", live);
  WriteActivity(out, newest, context);
  out.EndObject();
  WriteLimits(out, judged, skills);
  WriteSkills(out, skills, lists);
  out.Field("version", kVersion);
  Strings(out, "watched_skills", WatchedSkills(context));
  ST_RETURN_IF_ERROR(WriteAutonomy(out, context, *db, judged, skills));
  WriteJudged(out, judged, skills);
  WriteCreator(out, skills);
  out.EndObject();
  return std::move(out).Take();
}

}  // namespace selftune::capi::ops
