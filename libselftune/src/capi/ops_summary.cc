// status.summary: the first screen of a dashboard, small whatever the store holds.
#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/json_writer.h"
#include "base/status_macros.h"
#include "base/time.h"
#include "capi/envelope.h"
#include "capi/ops.h"
#include "capi/readout.h"
#include "status/doctor.h"
#include "status/freshness.h"
#include "status/skill_states.h"
#include "status/summary.h"
#include "store/db.h"
#include "store/deploy_rows.h"
#include "store/queries/overview.h"
#include "store/queries/skills.h"

namespace selftune::capi::ops {
namespace {

using base::JsonValue;
using base::JsonWriter;
using monitoring::State;
using status::SkillState;

constexpr int64_t kWindowDays = 30;
constexpr int64_t kChangeDays = 7;
constexpr int64_t kShown = 20;
constexpr std::array kStates = {State::kUnknown, State::kUngraded,  State::kCritical,
                                State::kWarning, State::kUncertain, State::kHealthy};

void WriteSkills(JsonWriter& out, const std::vector<SkillState>& skills,
                 const status::SkillCounts& counts) {
  std::array<int64_t, kStates.size()> states{};
  status::TriggerCounts all;
  for (const SkillState& skill : skills) {
    ++states[static_cast<size_t>(skill.health.state)];
    all.hit += skill.trigger.hit;
    all.expected += skill.trigger.expected;
  }
  out.Key("skills").BeginObject();
  WriteCounts(out, counts);
  out.Key("states").BeginObject();
  for (const State state : kStates) {
    out.Field(monitoring::Word(state), states[static_cast<size_t>(state)]);
  }
  out.EndObject().EndObject();
  out.Key("trigger_rate").BeginObject().Field("k", all.hit).Field("n", all.expected);
  Rate(out, "rate", all.hit, all.expected);
  Interval95(out, "interval", all.hit, all.expected);
  out.EndObject();
}

void WriteAttention(JsonWriter& out, const std::vector<status::Attention>& attention) {
  out.Key("attention").BeginArray();
  for (size_t i = 0; i < attention.size() && i < static_cast<size_t>(kShown); ++i) {
    const status::Attention& item = attention[i];
    out.BeginObject()
        .Field("skill_id", item.skill_id.value)
        .Field("skill", item.skill)
        .Field("kind", item.kind)
        .Field("severity", status::Word(item.severity))
        .Field("reason", item.reason)
        .Field("command", JoinCommand(item.argv))
        .Field("at", item.at)
        .EndObject();
  }
  out.EndArray().Field("attention_total", static_cast<int64_t>(attention.size()));
}

Status WriteChanges(JsonWriter& out, store::Db& db, UtcMillis now) {
  const UtcMillis since{now.value - kChangeDays * kDayMs};
  ST_ASSIGN_OR_RETURN(const auto deploys, store::RecentDeploys(db, since, kShown));
  out.Key("changes").BeginArray();
  for (const store::DeployRow& deploy : deploys) {
    ST_ASSIGN_OR_RETURN(const store::SkillRef skill, store::FindSkill(db, deploy.skill));
    out.BeginObject().Field("deploy_id", deploy.deploy_id);
    TextOrNull(out, "proposal_id", deploy.proposal_id);
    out.Field("skill_id", skill.id.value)
        .Field("skill", deploy.skill)
        .Field("kind", deploy.kind)
        .Field("state", deploy.state)
        .Field("at", deploy.finished.value_or(deploy.started));
    const bool stands = deploy.state == "deployed" && deploy.kind != "rollback";
    TextOrNull(out, "undo",
               stands ? JoinCommand({"selftune", "evolve", "rollback", "--deploy-id",
                                     deploy.deploy_id, "--yes"})
                      : std::string());
    out.EndObject();
  }
  out.EndArray();
  return absl::OkStatus();
}

}  // namespace

StatusOr<std::string> StatusSummary(Context& context, const JsonValue&) {
  ST_ASSIGN_OR_RETURN(store::Db * db, context.ReadDb());
  ST_ASSIGN_OR_RETURN(const config::Config* config, context.config());
  const UtcMillis now = context.now();
  const store::TimeWindow window{.from = UtcMillis{now.value - kWindowDays * kDayMs}};
  // Before everything else: what follows may know more, never less.
  ST_ASSIGN_OR_RETURN(const store::ChangeClock clock, store::ReadChangeClock(*db));
  ST_ASSIGN_OR_RETURN(const base::Environment* const env, context.hosts_env());
  ST_ASSIGN_OR_RETURN(const status::OffSwitches off, status::OffSwitches::Read(*db, *env));
  ST_ASSIGN_OR_RETURN(
      const std::vector<SkillState> skills,
      status::ReadSkillStates(*db, *config, {.now = now, .window = window, .off = &off}));
  ST_ASSIGN_OR_RETURN(const store::Overview overview, store::ReadOverview(*db));
  ST_ASSIGN_OR_RETURN(const store::Counts counts, store::ReadCounts(*db));
  ST_ASSIGN_OR_RETURN(const status::Freshness freshness, status::ReadFreshness(*db, now));
  ST_ASSIGN_OR_RETURN(const status::DoctorReport doctor,
                      status::RunDoctor(DoctorWorldOf(context), {.quick = true}));
  const std::vector<status::Attention> attention = status::FindAttention(skills);
  const status::SkillCounts of_skills = status::CountSkills(skills);
  const status::Verdict verdict = status::Judge({.attention = attention,
                                                 .sessions = counts.sessions,
                                                 .skills = of_skills,
                                                 .failed_checks = doctor.fail,
                                                 .stale = freshness.stale});
  JsonWriter out;
  out.BeginObject()
      .Key("verdict")
      .BeginObject()
      .Field("level", verdict.level)
      .Field("text", verdict.text);
  TextOrNull(out, "hint", verdict.hint);
  out.EndObject();
  out.Key("evidence").BeginObject();
  ST_RETURN_IF_ERROR(WriteEvidenceFacts(out, *db, counts, freshness));
  out.Field("stale", freshness.stale).EndObject();
  WriteSkills(out, skills, of_skills);
  WriteAttention(out, attention);
  ST_RETURN_IF_ERROR(WriteChanges(out, *db, now));
  out.Field("proposals_pending", overview.open_proposals)
      .Field("watches_open", overview.open_watches)
      .Field("pending_signals", overview.pending_signals)
      .Key("system")
      .BeginObject()
      .Field("healthy", doctor.healthy())
      .Field("fail", doctor.fail)
      .Field("warn", doctor.warn)
      .EndObject()
      .Field("autonomy", config::Word(config->autonomy))
      .Field("clock", clock.version)
      .EndObject();
  return std::move(out).Take();
}

}  // namespace selftune::capi::ops
