#include "capi/hook_notes.h"

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "base/file.h"
#include "base/json_writer.h"
#include "base/status_macros.h"
#include "base/time.h"
#include "config/suggestion_rules.h"
#include "hooks/notes.h"
#include "hooks/pending.h"
#include "hooks/suggestions.h"
#include "hooks/told.h"
#include "llm/agent_argv.h"
#include "orchestrate/resting.h"
#include "status/runs_rest.h"
#include "store/db.h"
#include "store/deploy_rows.h"
#include "store/job_rows.h"
#include "store/queries/doctor.h"
#include "store/queries/runs.h"
#include "store/skill_catalogue.h"
#include "store/watch_rows.h"

namespace selftune::capi {
namespace {

// A watch that nobody decides does not hold up its skill for ever.
constexpr int64_t kGuardDays = 14;
// So long a sentence is not said again. The day that a rule spoke is remembered for as long
// as a rule may be silent.
constexpr int64_t kToldDays = 7;

struct Guarded {
  std::string path, skill;
  UtcMillis until;
};

struct Hint {
  std::string id, text;
};

struct Notes {
  std::vector<Guarded> guards;
  std::vector<Hint> hints;
  std::vector<std::pair<std::string_view, int>> days;  // of rules that are silent for others
  bool corrections = false;       // hooks may say what they hear of a skill that was not used
  std::string reactive;           // program, "" = nothing runs by itself
  bool review = false;            // what it finds waits for a person
  orchestrate::ToTakeUp waiting;  // what there is for it to do
  std::optional<status::RunsRest> rest;  // whatever there is: it would not be answered
  std::string agents;  // who may be asked, as the configuration says: names, one a line
  std::string config_path;
  std::string skills;  // names of those that are installed, one a line
};

// Names of those that are installed, one a line.
StatusOr<std::string> ReadNames(store::Db& db) {
  ST_ASSIGN_OR_RETURN(const std::vector<std::string> names, store::InstalledNames(db));
  std::string lines;
  for (const std::string& name : names) {
    if (name.find('\n') == name.npos) lines += name + "\n";
  }
  return lines;
}

// What an agent may be told by the rules that are on, the weightiest first; the hook takes
// the first that it has not said lately.
StatusOr<std::vector<Hint>> HintsOf(store::Db& db, const config::Config& config, UtcMillis now,
                                    const std::vector<store::WatchRow>& watches) {
  std::vector<Hint> hints;
  const auto add = [&hints](const config::SuggestionRule& rule, const std::string& about,
                            std::string_view skill) {
    hints.push_back({fmt::format("{}:{}", rule.id, about), hooks::TextOf(rule, skill)});
  };
  if (const auto& rule = RuleOf(config::SuggestionId::kRegression); config.Suggests(rule)) {
    for (const store::WatchRow& watch : watches) {
      if (watch.rollback_due) add(rule, watch.deploy_id, watch.skill);
    }
  }
  if (const auto& rule = RuleOf(config::SuggestionId::kBroken); config.Suggests(rule)) {
    ST_ASSIGN_OR_RETURN(const std::string broken, store::FindBroken(db, now));
    if (!broken.empty()) add(rule, broken, "");
  }
  if (const auto& rule = RuleOf(config::SuggestionId::kReview); config.Suggests(rule)) {
    ST_ASSIGN_OR_RETURN(const store::ProposalPage open,
                        store::ListProposals(db, {.state = "open", .page = {.limit = 1}}));
    for (const auto& newest : open.items) add(rule, newest.proposal_id, newest.skill);
  }
  return hints;
}

// In the order in which they are looked for.
std::string AgentsOf(const config::Config& config) {
  if (!config.agent_cli.empty()) {
    const auto agent = llm::ParseAgent(config.agent_cli);
    return agent.ok() ? std::string(llm::CommandOf(*agent)) : "";
  }
  std::string out;
  for (const llm::Agent agent : llm::AllAgents()) out += std::string(llm::CommandOf(agent)) + "\n";
  return out;
}

StatusOr<Notes> ReadNotes(Context& context, const config::Config& config) {
  ST_ASSIGN_OR_RETURN(store::Db* const db, context.AnyDb());
  ST_ASSIGN_OR_RETURN(const std::vector<store::WatchRow> watches,
                      store::ListWatches(*db, "", /*open_only=*/true));
  Notes notes;
  // Before `init` nothing runs by itself, and `init` says which program it is.
  if (config.exists && config.autonomy != config::Autonomy::kOff) {
    notes.reactive = config.Get("cli_path").AsString();
    notes.review = config.autonomy == config::Autonomy::kPropose;
    ST_ASSIGN_OR_RETURN(notes.waiting, orchestrate::SignalsToTakeUp(*db, config, context.now()));
    ST_ASSIGN_OR_RETURN(notes.rest, status::FindRunsRest(*db, config, context.now()));
    if (notes.rest.has_value()) notes.agents = AgentsOf(config);
    notes.config_path = config.path;
  }
  notes.corrections = config.Suggests(RuleOf(config::SuggestionId::kCorrection));
  if (!notes.reactive.empty() || notes.corrections) {
    ST_ASSIGN_OR_RETURN(notes.skills, ReadNames(*db));
  }
  notes.corrections = notes.corrections && !notes.skills.empty();  // of none nothing is said
  for (const config::SuggestionRule& rule : config::kSuggestionRules) {
    const int days = config.CooldownDays(rule);
    if (days != rule.cooldown_days) notes.days.emplace_back(rule.id, days);
  }
  ST_ASSIGN_OR_RETURN(notes.hints, HintsOf(*db, config, context.now(), watches));
  for (const store::WatchRow& watch : watches) {
    const UtcMillis until{watch.started.value + kGuardDays * kDayMs};
    if (config.guards == config::Guards::kOff || until.value <= context.now().value) continue;
    ST_ASSIGN_OR_RETURN(const store::DeployRow deploy, store::ReadDeploy(*db, watch.deploy_id));
    for (const store::DeployTargetRow& target : deploy.targets) {
      notes.guards.push_back({target.path, watch.skill, until});
    }
  }
  return notes;
}

void WriteWaiting(base::JsonWriter& out, const orchestrate::ToTakeUp& waiting) {
  out.Field("pending", waiting.now);
  if (waiting.from.has_value()) out.Field("pending_from_ms", waiting.from->value);
  if (waiting.resting.empty()) return;
  std::string names = "\n";
  for (const std::string& name : waiting.resting) names += name + "\n";
  out.Field("resting", names);
}

std::string Text(const status::FileMark& mark) {
  return hooks::MarkText(mark.inode, mark.bytes, mark.mtime_ns);
}

// Until when, unless the configuration is another one or another program would be asked. Where
// nobody could be asked (no key, no agent), a run looks whether that is still so: a hook cannot.
void WriteRest(base::JsonWriter& out, const Notes& notes) {
  if (!notes.rest.has_value() || notes.rest->agent.empty()) return;
  const auto config = status::MarkOf(notes.config_path);
  if (!config.has_value()) return;
  out.Key("rest").BeginObject().Field("until_ms", notes.rest->until.value);
  out.Field("config", Text(*config));
  if (notes.rest->mark != status::FileMark()) {
    out.Field("agents", notes.agents).Field("program", Text(notes.rest->mark));
  }
  out.EndObject();
}

std::string ToJson(const Notes& notes, config::Guards mode) {
  const bool says = !notes.guards.empty() || !notes.hints.empty() || notes.corrections;
  if (!says && notes.reactive.empty()) return "";
  base::JsonWriter out;
  out.BeginObject().Key("guards").BeginObject();
  for (const Guarded& guard : notes.guards) {
    out.Key(guard.path)
        .BeginObject()
        .Field("skill", guard.skill)
        .Field("mode", config::Word(mode))
        .Field("until_ms", guard.until.value)
        .EndObject();
  }
  out.EndObject();
  if (!notes.hints.empty()) {
    out.Key("hints").BeginObject();
    for (const Hint& hint : notes.hints) out.Field(hint.id, hint.text);
    out.EndObject();
  }
  if (notes.corrections) out.Field("corrections", true);
  if (!notes.days.empty() && (notes.corrections || !notes.hints.empty())) {
    out.Key("days").BeginObject();
    for (const auto& [rule, days] : notes.days) out.Field(rule, days);
    out.EndObject();
  }
  if (!notes.reactive.empty()) out.Field("reactive", notes.reactive);
  if (!notes.reactive.empty() && notes.review) out.Field("review", true);
  if (!notes.reactive.empty()) WriteWaiting(out, notes.waiting);
  if (!notes.reactive.empty()) WriteRest(out, notes);
  out.EndObject();
  return std::move(out).Take();
}

// What was said long ago may be said again.
Status ForgetTold(const Context& context) {
  const std::string dir = hooks::ToldDir(context.paths().state_dir);
  const auto entries = base::ListDir(dir);
  if (!entries.ok()) return absl::OkStatus();  // nothing was said yet
  for (const base::DirEntry& entry : *entries) {
    const std::string path = base::JoinPath(dir, entry.name);
    const auto info = base::Stat(path);
    const int64_t made_ms = info.ok() ? info->mtime_ns / 1'000'000 : context.now().value;
    const int64_t days =
        hooks::IsDayName(entry.name) ? int64_t{config::kMaxCooldownDays} : kToldDays;
    if (context.now().value - made_ms < days * kDayMs) continue;
    ST_RETURN_IF_ERROR(base::RemoveFile(path));
  }
  return absl::OkStatus();
}

// The file says `text`; there is none when that is empty. Returns whether it was written.
StatusOr<bool> Keep(const Context& context, const std::string& path, const std::string& text,
                    size_t most) {
  const bool there = base::Exists(path);
  if (text.empty() || text.size() > most) {
    if (there) ST_RETURN_IF_ERROR(base::RemoveFile(path));
    return there;
  }
  if (there) {
    const auto before = base::ReadFile(path, most);
    if (before.ok() && *before == text) return false;
  }
  ST_RETURN_IF_ERROR(base::MakeDirs(std::string(base::DirName(path)), 0700));
  ST_RETURN_IF_ERROR(ForgetTold(context));
  ST_RETURN_IF_ERROR(base::WriteFileAtomic(path, text, 0600));
  return true;
}

// Writes what the store says now. Returns whether the files said something else.
StatusOr<bool> KeepOnce(Context& context) {
  const std::string& state_dir = context.paths().state_dir;
  std::string text, skills;
  if (context.HasStore()) {
    // As it is now: the operation may have changed it.
    ST_ASSIGN_OR_RETURN(const config::Config config, config::Load(state_dir));
    ST_ASSIGN_OR_RETURN(Notes notes, ReadNotes(context, config));
    text = ToJson(notes, config.guards);
    skills = std::move(notes.skills);
  }
  // First the names: while they are old, the notes are as well.
  ST_ASSIGN_OR_RETURN(const bool names,
                      Keep(context, hooks::NamesPath(state_dir), skills, hooks::kMaxNames));
  ST_ASSIGN_OR_RETURN(const bool notes,
                      Keep(context, hooks::NotesPath(state_dir), text, hooks::kMaxNotes));
  return names || notes;
}

// Puts the mark aside, then reads what it stands for.
StatusOr<bool> Heed(Context& context, const std::string& mark, const std::string& seen) {
  // Another process may be quicker.
  if (const Status aside = base::Rename(mark, seen);
      !aside.ok() && CodeOf(aside).name != kFileNotFound.name) {
    return aside;
  }
  if (!base::Exists(seen)) return false;
  if (!context.HasStore()) return true;
  return context.TakeInHooks();
}

}  // namespace

bool HooksLeftAMark(const Context& context) {
  const std::string& state_dir = context.paths().state_dir;
  return base::Exists(hooks::MarkPath(state_dir)) || base::Exists(hooks::SeenMarkPath(state_dir));
}

Status KeepHookNotes(Context& context) {
  const std::string& state_dir = context.paths().state_dir;
  const std::string seen = hooks::SeenMarkPath(state_dir);
  ST_ASSIGN_OR_RETURN(const bool heeded, Heed(context, hooks::MarkPath(state_dir), seen));
  // Another process may have read the store before this one, and write after it: who wrote
  // looks again.
  constexpr int kTries = 4;
  for (int i = 0; i < kTries; ++i) {
    ST_ASSIGN_OR_RETURN(const bool wrote, KeepOnce(context));
    if (!wrote) break;
  }
  return heeded ? base::RemoveFile(seen) : absl::OkStatus();
}

}  // namespace selftune::capi
