#include "capi/hook_notes.h"

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/file.h"
#include "base/json_writer.h"
#include "base/status_macros.h"
#include "base/time.h"
#include "hooks/notes.h"
#include "hooks/pending.h"
#include "store/db.h"
#include "store/deploy_rows.h"
#include "store/job_rows.h"
#include "store/queries/runs.h"
#include "store/skill_catalogue.h"
#include "store/watch_rows.h"

namespace selftune::capi {
namespace {

// A watch that nobody decides does not hold up its skill for ever.
constexpr int64_t kGuardDays = 14;
constexpr int64_t kToldDays = 7;

struct Guarded {
  std::string path, skill;
  UtcMillis until;
};

struct Notes {
  std::vector<Guarded> guards;
  std::optional<hooks::Hint> hint;
  std::string reactive;  // program, "" = nothing runs by itself
  bool review = false;   // what it finds waits for a person
  bool pending = false;  // there is something for it to do
  std::string skills;    // names of those that are installed, one a line
};

// What hooks ask to know whether a run has anything to do.
Status ReadPending(store::Db& db, UtcMillis now, Notes& notes) {
  ST_ASSIGN_OR_RETURN(const auto pending, store::ReadPendingSignals(db, now));
  notes.pending = !pending.empty();
  ST_ASSIGN_OR_RETURN(const std::vector<std::string> names, store::InstalledNames(db));
  for (const std::string& name : names) {
    if (name.find('\n') == name.npos) notes.skills += name + "\n";
  }
  return absl::OkStatus();
}

// What an agent may be told, the weightiest first; each once, and at most one a day.
StatusOr<std::optional<hooks::Hint>> HintOf(store::Db& db,
                                            const std::vector<store::WatchRow>& watches) {
  for (const store::WatchRow& watch : watches) {
    if (!watch.rollback_due) continue;
    return std::optional(hooks::Hint{.id = "regression:" + watch.deploy_id,
                                     .text = hooks::NameInWords(watch.skill) +
                                             " does worse since its description was changed; see " +
                                             hooks::WatchCommand(watch.skill)});
  }
  ST_ASSIGN_OR_RETURN(const store::ProposalPage open,
                      store::ListProposals(db, {.state = "open", .page = {.limit = 1}}));
  if (open.items.empty()) return std::optional<hooks::Hint>();
  const store::ProposalItem& newest = open.items.front();
  return std::optional(
      hooks::Hint{.id = "review:" + newest.proposal_id,
                  .text = "a better description of " + hooks::NameInWords(newest.skill) +
                          " waits for a review; see selftune proposals list --state open"});
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
    ST_RETURN_IF_ERROR(ReadPending(*db, context.now(), notes));
  }
  if (config.suggestions == config::Suggestions::kOn) {
    ST_ASSIGN_OR_RETURN(notes.hint, HintOf(*db, watches));
  }
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

std::string ToJson(const Notes& notes, config::Guards mode) {
  if (notes.guards.empty() && !notes.hint.has_value() && notes.reactive.empty()) return "";
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
  if (notes.hint.has_value()) {
    out.Key("hint")
        .BeginObject()
        .Field("id", notes.hint->id)
        .Field("text", notes.hint->text)
        .EndObject();
  }
  if (!notes.reactive.empty()) out.Field("reactive", notes.reactive);
  if (!notes.reactive.empty() && notes.review) out.Field("review", true);
  if (!notes.reactive.empty()) out.Field("pending", notes.pending);
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
    if (context.now().value - made_ms < kToldDays * kDayMs) continue;
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
