// status.*, doctor.*: how things are.
#include <algorithm>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/executable.h"
#include "base/json_writer.h"
#include "base/status_macros.h"
#include "base/strings.h"
#include "capi/model_rest.h"
#include "capi/ops.h"
#include "capi/readout.h"
#include "hosts/installed_skills.h"
#include "hosts/registry.h"
#include "hosts/sources.h"
#include "orchestrate/candidates.h"
#include "orchestrate/skill_target.h"
#include "status/doctor.h"
#include "status/freshness.h"
#include "status/off_switches.h"
#include "status/runs_rest.h"
#include "status/skill_folders.h"
#include "status/skill_states.h"
#include "status/summary.h"
#include "store/db.h"
#include "store/queries/overview.h"
#include "store/source_ledger.h"
#include "sync/held_skills.h"

namespace selftune::capi::ops {
namespace {

using base::JsonValue;
using base::JsonWriter;
using status::SkillState;

constexpr int64_t kUnmatchedPrompts = 1000;  // looked at, newest first
constexpr size_t kUnmatchedShown = 3;
constexpr size_t kPlanShown = 5;

bool AgentAvailable(const Context& context) {
  if (context.llm_handler() != nullptr) return true;
  const std::string path_list = context.env().GetOr("PATH", "");
  for (const hosts::HostRow& row : hosts::Rows()) {
    if (!row.command.empty() && !base::FindExecutable(row.command, path_list).empty()) return true;
  }
  return false;
}

// A skill and the hosts that see its files.
struct Shown {
  SkillState state;
  std::vector<std::string> installed_on;
  bool held = false;  // its host has a change of it waiting for a person
};

// By the rule of the run, which looks at the disk: here only when a host has such a change.
Status MarkHeld(Context& context, store::Db& db, std::vector<Shown>& skills) {
  ST_ASSIGN_OR_RETURN(const base::Environment* const env, context.hosts_env());
  const sync::HeldChanges held = sync::FindHeldChanges(hosts::Sources(), *env);
  for (const Status& unknown : held.unknown) {
    context.Warn(CodeOf(unknown).name, std::string(Message(unknown)));
  }
  if (held.changes.empty()) return absl::OkStatus();
  ST_ASSIGN_OR_RETURN(const std::vector<std::string> workspaces, store::Workspaces(db));
  skillfs::Discovery found = hosts::FindInstalledSkills(*env, workspaces);
  sync::HoldSkills(held, found);
  for (Shown& shown : skills) {
    const auto target = orchestrate::FindTarget(found, shown.state.totals.name, "");
    shown.held = target.ok() && target->managed_code == orchestrate::kHeldByHost;
  }
  return absl::OkStatus();
}

orchestrate::CandidateFacts CandidateFactsOf(const Shown& shown) {
  const SkillState& state = shown.state;
  orchestrate::CandidateFacts facts;
  facts.skill = state.totals.name;
  facts.state = state.health.state;
  facts.trend = state.health.trend;
  facts.missed = state.missed_sessions;
  facts.missed_before = state.missed_before;
  facts.labelled = state.health.good + state.health.bad;
  if (facts.labelled > 0) {
    facts.good_rate = static_cast<double>(state.health.good) / static_cast<double>(facts.labelled);
  }
  facts.corrections = state.corrections;
  facts.requests = state.requests;
  facts.manual = state.manual;
  facts.unwanted = state.unwanted;
  facts.installed = state.installed();
  facts.managed = state.managed;
  facts.held = shown.held;
  facts.explicit_only = state.explicit_only;
  facts.disabled = state.disabled;
  if (state.maybe_disabled) facts.unknown_settings = state.settings_unknown.front().settings;
  facts.locked = state.autonomy == config::SkillAutonomy::kLocked;
  facts.cooldown_until = state.totals.cooldown_until;
  facts.frozen_until = state.totals.frozen_until;
  if (state.deploy.has_value()) facts.last_evolved = state.deploy->at;
  return facts;
}

std::vector<orchestrate::Decision> PlanOf(const Context& context,
                                          const std::vector<Shown>& skills) {
  std::vector<orchestrate::CandidateFacts> facts;
  facts.reserve(skills.size());
  for (const Shown& shown : skills) facts.push_back(CandidateFactsOf(shown));
  return orchestrate::SelectCandidates(
      facts, {.agent_available = AgentAvailable(context), .now = context.now()});
}

bool Holds(const std::vector<std::string>& list, const std::string& item) {
  return std::find(list.begin(), list.end(), item) != list.end();
}

void WriteTrend(JsonWriter& out, const monitoring::Health& health) {
  const int64_t n = health.good + health.bad;
  const int64_t before = health.good_before + health.bad_before;
  out.Key("trend").BeginObject().Field("direction", monitoring::Word(health.trend));
  if (n > 0 && before > 0) {
    out.Field("delta", static_cast<double>(health.good) / static_cast<double>(n) -
                           static_cast<double>(health.good_before) / static_cast<double>(before));
  } else {
    out.NullField("delta");
  }
  if (health.trend == monitoring::Trend::kUnknown) {
    out.NullField("p");
  } else {
    out.Field("p", health.trend_p);
  }
  out.EndObject();
}

// Sessions that somebody's words made good or bad, by which the state is told.
void WriteSessions(JsonWriter& out, const monitoring::Health& health) {
  const int64_t judged = health.good + health.bad;
  out.Key("sessions")
      .BeginObject()
      .Field("judged", judged)
      .Field("good", health.good)
      .Field("bad", health.bad);
  Rate(out, "rate", health.good, judged);
  Interval95(out, "ci95", health.good, judged);
  out.Field("effective_n", health.effective_n).EndObject();
}

void WriteSkill(JsonWriter& out, const Shown& shown) {
  const SkillState& state = shown.state;
  std::vector<std::string> platforms = shown.installed_on;
  for (const std::string& used : state.platforms) {
    if (!Holds(platforms, used)) platforms.push_back(used);
  }
  out.BeginObject().Field("name", state.totals.name);
  TextOrNull(out, "path", state.installed() ? state.places.front().path : std::string());
  TextOrNull(out, "scope",
             state.installed() ? state.places.front().scope : state.totals.last_scope);
  Strings(out, "platforms", platforms);
  out.Field("state", monitoring::Word(state.health.state))
      .Field("state_reason", status::ExplainState(state.health))
      .Field("state_code", state.health.state_reason)
      .Field("installed", state.installed())
      .Field("uses", state.window.triggered)
      .Field("uses_total", state.totals.triggered);
  WriteTrigger(out, state.trigger);
  WriteSessions(out, state.health);
  out.NullField("process").NullField("quality");  // nothing was graded
  WriteTrend(out, state.health);
  out.Field("last_invocation", state.totals.last);
  if (state.deploy.has_value()) {
    out.Key("deployed").BeginObject();
    TextOrNull(out, "proposal_id", state.deploy->proposal_id);
    out.Field("deploy_id", state.deploy->deploy_id).Field("at", state.deploy->at).EndObject();
  } else {
    out.NullField("deployed");
  }
  out.Field("pending_proposals", state.open_proposals)
      .Field("autonomy", config::Word(state.autonomy))
      .Key("flags")
      .BeginArray();
  for (const std::string_view flag : state.flags) out.String(flag);
  out.EndArray().EndObject();
}

void WriteSilent(JsonWriter& out, const std::vector<Shown>& skills, int64_t limit) {
  out.Key("silent_skills").BeginArray();
  for (const Shown& shown : skills) {
    if (!shown.state.silent()) continue;
    if (limit-- == 0) break;
    const auto& [state, installed_on, held] = shown;
    out.BeginObject().Field("name", state.totals.name).Field("path", state.places.front().path);
    Strings(out, "platforms", installed_on);
    out.Field("last_use", state.totals.triggered > 0 ? state.totals.last : std::nullopt);
    out.Field("explicit_only", state.explicit_only).EndObject();
  }
  out.EndArray();
}

// Both lists, cut off and counted; returns how many proposals wait.
int64_t WriteSkills(JsonWriter& out, const std::vector<Shown>& skills, int64_t limit,
                    bool asked_for_one) {
  int64_t waiting = 0, seen = 0, silent = 0, disabled = 0;
  for (const Shown& shown : skills) {
    waiting += shown.state.open_proposals;
    seen += shown.state.seen() || asked_for_one ? 1 : 0;
    silent += shown.state.silent() ? 1 : 0;
    disabled += shown.state.disabled ? 1 : 0;
  }
  out.Field("many", seen > limit || silent > limit)
      .Field("skills_total", seen)
      .Field("silent_total", silent)
      .Field("disabled_total", disabled)
      .Key("skills")
      .BeginArray();
  int64_t left = limit;
  for (const Shown& shown : skills) {
    if (!shown.state.seen() && !asked_for_one) continue;
    if (left-- == 0) break;
    WriteSkill(out, shown);
  }
  out.EndArray();
  WriteSilent(out, skills, limit);
  return waiting;
}

Status WriteUnmatched(JsonWriter& out, const Context& context, store::Db& db,
                      const store::EvidenceScope& scope) {
  ST_ASSIGN_OR_RETURN(const store::Unmatched unmatched,
                      store::ReadUnmatched(db, scope, kUnmatchedPrompts, kUnmatchedShown));
  out.Key("unmatched")
      .BeginObject()
      .Field("count", unmatched.count)
      .Field("of", unmatched.prompts)
      .Field("truncated", unmatched.truncated)
      .Key("top")
      .BeginArray();
  for (const auto& sample : unmatched.top) {
    out.BeginObject().Field("text_hash", sample.text_sha256);
    PromptText(out, "sample", sample.text.empty() ? std::nullopt : std::optional(sample.text),
               context, /*raw=*/false);
    out.Field("count", sample.count).EndObject();
  }
  out.EndArray().EndObject();
  return absl::OkStatus();
}

void WritePlan(JsonWriter& out, const std::vector<orchestrate::Decision>& plan) {
  out.Key("plan").BeginArray();
  for (size_t i = 0; i < plan.size() && i < kPlanShown; ++i) {
    const orchestrate::Decision& decision = plan[i];
    out.BeginObject()
        .Field("skill", decision.skill)
        .Field("action", decision.action == orchestrate::Action::kEvolve ? "evolve" : "skip")
        .Field("reason_code", decision.reason_code)
        .Field("reason", decision.reason)
        .Field("priority", decision.priority)
        .EndObject();
  }
  out.EndArray();
}

// The first thing that would help; what else would is an alternative.
void Advise(Context& context, int64_t schema, const status::Freshness& freshness,
            const std::vector<Shown>& skills, const std::vector<orchestrate::Decision>& plan) {
  std::vector<NextStep> steps;
  if (schema > store::kSchemaVersion) {
    const std::string reason = "a newer selftune wrote the store; this one can only read it";
    context.Warn(kSchemaNewer.name, reason);
    steps.push_back({.argv = {"selftune", "version"}, .reason = reason, .blocking = true});
  } else if (freshness.stale) {
    const std::string reason = freshness.last_sync.has_value()
                                   ? "the evidence is older than a day"
                                   : "the transcripts were not all read yet";
    context.Warn("STALE_EVIDENCE", reason);
    steps.push_back({.argv = {"selftune", "sync"}, .reason = reason});
  }
  int64_t waiting = 0;
  for (const Shown& shown : skills) {
    const SkillState& state = shown.state;
    waiting += state.open_proposals;
    if (state.watch.has_value() && state.watch->state == "regressed" && state.deploy.has_value()) {
      steps.push_back({.argv = base::WithFlag({"selftune", "watch"}, "--skill", state.totals.name),
                       .reason = "its last change made " + state.totals.name + " worse"});
    }
  }
  if (waiting > 0) {
    steps.push_back({.argv = {"selftune", "proposals", "list"},
                     .reason = std::to_string(waiting) + " proposals wait for a review"});
  }
  const auto taken_up = [](const auto& decision) {
    return decision.action == orchestrate::Action::kEvolve;
  };
  const auto first = std::find_if(plan.begin(), plan.end(), taken_up);
  if (first != plan.end()) {
    const auto more = std::count_if(first + 1, plan.end(), taken_up);
    steps.push_back({.argv = {"selftune", "orchestrate"},
                     .reason = first->skill +
                               (more > 0 ? " and " + std::to_string(more) + " more" : "") + ": " +
                               first->reason});
  }
  for (size_t i = 0; i < steps.size(); ++i) {
    if (i == 0) {
      context.SetNext(std::move(steps[i]));
    } else {
      context.AddAlternative(std::move(steps[i]));
    }
  }
}

Status WarnOfRest(Context& context, store::Db& db) {
  ST_ASSIGN_OR_RETURN(const std::optional<status::RunsRest> rest, ModelRestHere(context, db));
  if (rest.has_value()) {
    context.Warn(kOnHold.name, status::Describe(*rest), {status::kRunNow[0], status::kRunNow[1]});
  }
  return absl::OkStatus();
}

Status Refresh(Context& context) {
  ST_ASSIGN_OR_RETURN(const JsonValue params, JsonValue::Parse(R"({"only":[],"force":false})"));
  return SyncRun(context, params).status();
}

// Skills to show: those of the host asked for.
std::vector<Shown> Chosen(const base::Environment& env, std::vector<SkillState> states,
                          const std::string& platform) {
  const status::SkillFolders folders(env);
  std::vector<Shown> out;
  for (SkillState& state : states) {
    std::vector<std::string> installed_on = folders.HostsOf(state.places);
    if (platform.empty() || Holds(state.platforms, platform) || Holds(installed_on, platform)) {
      out.push_back({.state = std::move(state), .installed_on = std::move(installed_on)});
    }
  }
  return out;
}

}  // namespace

StatusOr<std::string> StatusGet(Context& context, const JsonValue& params) {
  if (params["refresh"].AsBool()) ST_RETURN_IF_ERROR(Refresh(context));
  ST_ASSIGN_OR_RETURN(store::Db * db, context.ReadDb());
  ST_ASSIGN_OR_RETURN(const config::Config* config, context.config());
  ST_ASSIGN_OR_RETURN(const auto only, SkillOf(*db, params));
  const std::string& platform = params["platform"].AsString();
  ST_ASSIGN_OR_RETURN(const store::TimeWindow window,
                      status::ParseWindow(*db, params["window"].AsString(), context.now()));
  const store::EvidenceScope scope{.window = window, .platform = platform};
  ST_ASSIGN_OR_RETURN(const base::Environment* const env, context.hosts_env());
  ST_ASSIGN_OR_RETURN(const status::OffSwitches off, status::OffSwitches::Read(*db, *env));
  ST_ASSIGN_OR_RETURN(
      std::vector<SkillState> states,
      status::ReadSkillStates(*db, *config,
                              {.now = context.now(),
                               .window = window,
                               .skill = only.has_value() ? only->id : store::SkillId{},
                               .platform = platform,
                               .off = &off}));
  std::vector<Shown> skills = Chosen(*env, std::move(states), platform);
  ST_RETURN_IF_ERROR(MarkHeld(context, *db, skills));
  ST_ASSIGN_OR_RETURN(const store::Counts counts, store::ReadCounts(*db));
  ST_ASSIGN_OR_RETURN(const status::Freshness freshness, status::ReadFreshness(*db, context.now()));
  const std::vector<orchestrate::Decision> plan = PlanOf(context, skills);
  ST_ASSIGN_OR_RETURN(const status::DoctorReport doctor,
                      status::RunDoctor(DoctorWorldOf(context), {.quick = true}));

  JsonWriter out;
  out.BeginObject().Field("window", params["window"].AsString()).Field("since", window.from);
  TextOrNull(out, "platform", platform);
  out.Key("evidence").BeginObject();
  ST_RETURN_IF_ERROR(WriteEvidenceFacts(out, *db, counts, freshness));
  out.EndObject();
  std::vector<SkillState> counted;
  counted.reserve(skills.size());
  for (const Shown& shown : skills) counted.push_back(shown.state);
  out.Key("counts").BeginObject();
  WriteCounts(out, status::CountSkills(counted));
  out.EndObject();
  const int64_t waiting = WriteSkills(out, skills, params["limit"].AsInt(), only.has_value());
  ST_RETURN_IF_ERROR(WriteUnmatched(out, context, *db, scope));
  out.Field("proposals_pending", waiting).Key("system").BeginObject();
  out.Field("healthy", doctor.healthy()).Field("fail", doctor.fail).Field("warn", doctor.warn);
  out.EndObject();
  WritePlan(out, plan);
  out.EndObject();
  Advise(context, db->schema_version(), freshness, skills, plan);
  ST_RETURN_IF_ERROR(WarnOfRest(context, *db));
  return std::move(out).Take();
}

StatusOr<std::string> DoctorRun(Context& context, const JsonValue& params) {
  ST_ASSIGN_OR_RETURN(const status::DoctorReport report,
                      status::RunDoctor(DoctorWorldOf(context), {.only = params["only"].AsString(),
                                                                 .deep = params["deep"].AsBool()}));
  if (report.checks.empty()) {
    return Fail(kInvalidRequest, "doctor.run: no check that ran has a name like '{}'",
                params["only"].AsString());
  }
  JsonWriter out;
  out.BeginObject().Key("checks").BeginArray();
  const status::Check* first = nullptr;  // of those that should be repaired, the worst
  for (const status::Check& check : report.checks) {
    if (check.status == status::CheckStatus::kFail &&
        (first == nullptr || first->status != status::CheckStatus::kFail)) {
      first = &check;
    }
    if (check.status == status::CheckStatus::kWarn && first == nullptr) first = &check;
    out.BeginObject()
        .Field("name", check.name)
        .Field("status", status::Word(check.status))
        .Field("message", check.message);
    TextOrNull(out, "path", check.path);
    if (check.text.empty() && check.command.empty()) {
      out.NullField("guidance");
    } else {
      out.Key("guidance").BeginObject().Field("text", check.text);
      TextOrNull(out, "command", check.command);
      out.EndObject();
    }
    out.EndObject();
  }
  out.EndArray()
      .Field("healthy", report.healthy())
      .Field("pass", report.pass)
      .Field("warn", report.warn)
      .Field("fail", report.fail)
      .EndObject();
  if (!report.healthy() && first != nullptr) {
    context.SetVerdict(WithSuggestion(Fail(kUnhealthy, "{}: {}", first->name, first->message),
                                      first->text, first->command));
  }
  return std::move(out).Take();
}

}  // namespace selftune::capi::ops
