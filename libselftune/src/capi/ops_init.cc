// install.init: everything selftune needs on a machine, step by step. Each step looks
// at what is there first, so a run that was cut off is simply started again.
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <iterator>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include "base/file.h"
#include "base/json_writer.h"
#include "base/status_macros.h"
#include "base/strings.h"
#include "capi/config_edit.h"
#include "capi/config_record.h"
#include "capi/hook_notes.h"
#include "capi/hooked_agents.h"
#include "capi/init_config.h"
#include "capi/install_steps.h"
#include "capi/install_world.h"
#include "capi/ops.h"
#include "capi/own_skill.h"
#include "capi/reference.h"
#include "capi/schedule_jobs.h"
#include "capi/state_files.h"
#include "install/ours.h"
#include "status/settings.h"

namespace selftune::capi::ops {
namespace {

using base::JsonValue;
using base::JsonWriter;

struct Init {
  std::vector<HostHere> hosts;  // those that are set up
  std::string project;          // whose settings and skill; "" = the person's
  // Those with hooks of ours, also of an earlier run.
  Hooked hooked;
  HostsDone done;
  bool first = false;  // nothing of selftune was set up before
  std::vector<schedule::FileChange> jobs;
};

// What earlier runs left, by the rows.
Status LookBack(Context& context, Init& init) {
  ST_ASSIGN_OR_RETURN(store::Db* const db, context.DbIfThere());
  init.first = true;
  if (db == nullptr) return absl::OkStatus();
  ST_ASSIGN_OR_RETURN(const std::vector<store::InstallRow> rows, store::ReadInstalls(*db));
  init.first = rows.empty();
  init.hooked = HookedHosts(rows);
  return absl::OkStatus();
}

// A config.json in which nothing is selftune's belongs to the folder's other owner.
Status CheckOurs(const config::Config& config) {
  const auto& members = config.document.members();
  if (members.empty() || config.document.Has("config_version") ||
      status::UnknownSettings(config).size() < members.size()) {
    return absl::OkStatus();
  }
  return WithSuggestion(
      Fail(kInvalidConfig, "setting up: {} is not selftune's", config.path),
      "give selftune a folder of its own with SELFTUNE_HOME, or move the file away",
      "selftune config path");
}

std::string Said(const install::HostResult& result) {
  std::string out;
  for (const install::FileResult& file : result.files) {
    if (!out.empty()) out += ", ";
    out += file.did == install::Did::kNothing ? file.path + " has them"
                                              : file.path + " " + std::string(Word(file.did));
  }
  return out;
}

void InstallHooksStep(Context& context, const JsonValue& params, Init& init, Steps& steps) {
  if (!params["hooks"].AsBool()) return steps.Skipped("hooks", "not asked for");
  auto shim = ShimFor(context, params["hook_program"].AsString());
  if (!shim.ok()) return steps.Failed("hooks", shim.status());
  auto installing = Installing::Begin(context, Installing::For::kPutting);
  if (!installing.ok()) return steps.Failed("hooks", installing.status());
  for (HostHere host : init.hosts) {
    const std::string id = "hooks." + std::string(host.row->platform);
    if (host.target == nullptr) {
      steps.Skipped(id, "its own records say everything");
      continue;
    }
    if (!init.project.empty() && host.target->project_dir.empty()) {
      steps.Skipped(id, "it has no settings of a project");
      continue;
    }
    host.place.shim = *shim;
    if (!init.project.empty()) {
      MoveToProject(host, init.project);
      host.place.shim = install::kShimName;  // what a team shares knows no place of this machine
    }
    auto result = install::InstallHooks(installing->world(), *host.target, host.place);
    if (!result.ok()) {
      steps.Failed(id, result.status());
      continue;
    }
    WarnOfTwo(context, host, installing->world().rows, /*planned=*/true);
    init.hooked.emplace(host.row->platform);
    steps.Done(id, result->did != install::Did::kNothing, Said(*result), result->afterwards);
    init.done.hosts.push_back(*std::move(result));
  }
}

// A person's file that was in the place before ours is in our keeping.
bool KeepsTheirs(const std::vector<store::InstallRow>& rows, const SkillPlace& place) {
  return std::any_of(rows.begin(), rows.end(), [&](const store::InstallRow& row) {
    return row.kind == place.kind && row.path.starts_with(place.folder + "/") &&
           install::HoldsTheirs(row);
  });
}

void InstallSkillStep(Context& context, const JsonValue& params, Init& init, Steps& steps) {
  if (!params["skill"].AsBool()) return steps.Skipped("skill", "not asked for");
  auto installing = Installing::Begin(context, Installing::For::kPutting);
  if (!installing.ok()) return steps.Failed("skill", installing.status());
  install::HostResult files;
  std::vector<std::string> details;
  const auto install = [&](const SkillPlace& place) {
    auto done = InstallSkillAt(installing->world(), place, install::Edits::kRefuse);
    if (!done.status.ok() && !done.foreign) return done.status;
    if (done.foreign) {
      context.Warn("SKILL_KEPT",
                   done.kept.front() + " is not as selftune has it and was kept: agents read that",
                   ReplaceArgv(place, done.kept.front(), done.status));
    }
    details.push_back(Said(place, done));
    files.did = std::max(files.did, done.files.did);
    std::move(done.files.files.begin(), done.files.files.end(), std::back_inserter(files.files));
    return Status();
  };
  std::vector<SkillPlace> places = UserSkillPlaces(init.hosts);
  if (!init.project.empty()) {
    auto found = ProjectSkillPlaces(init.hosts, init.project, /*named=*/false);
    if (!found.ok()) return steps.Failed("skill", found.status());
    places = *std::move(found);
  }
  UseKnownNames(installing->world().rows, places);
  // Where an agent looked that is gone, or that was not named: what is there is kept up to
  // date, what a person removed is forgotten.
  const std::vector<SkillPlace> others = OtherSkillPlaces(installing->world().rows, places);
  for (const SkillPlace& place : places) {
    const Status status = install(place);
    if (!status.ok()) return steps.Failed("skill", status);
  }
  for (const SkillPlace& place : others) {
    if (IsGone(place)) continue;  // it may come back, as a disk or a moved project does
    // Theirs comes back when ours is taken out, not by setting up.
    if (!base::Exists(place.folder) && KeepsTheirs(installing->world().rows, place)) continue;
    const Status status =
        base::Exists(place.folder)
            ? install(place)
            : install::RemoveStale(installing->world(), place.kind, place.folder, {}).status();
    if (!status.ok()) return steps.Failed("skill", status);
  }
  if (details.empty()) return steps.Skipped("skill", "no agent was found");
  steps.Done("skill", files.did != install::Did::kNothing, base::Join(details, ", "));
  init.done.hosts.push_back(std::move(files));
}

void Sync(Context& context, const JsonValue& params, Steps& steps) {
  if (!params["sync"].AsBool()) return steps.Skipped("sync", "not asked for");
  const auto done = SyncRun(context, JsonValue::Object({}));
  if (!done.ok()) return steps.Failed("sync", done.status());
  const auto reply = JsonValue::Parse(*done);
  int64_t sessions = 0;
  if (reply.ok()) {
    for (const auto& [platform, host] : (*reply)["sources"].members()) {
      sessions += host["sessions"].AsInt();
    }
  }
  steps.Done("sync", sessions > 0, fmt::format("{} sessions read", sessions));
}

void ScheduleStep(Context& context, const JsonValue& params, Init& init, Steps& steps) {
  if (!params["schedule"].AsBool()) return;
  const auto hours = EveryHoursOf(context, params);
  if (!hours.ok()) return steps.Failed("schedule", hours.status());
  const auto done = SetUpJobs(context, {.platform = {},
                                        .jobs = {},
                                        .every_hours = *hours,
                                        .zone = "",
                                        .force = false,
                                        .dry_run = context.dry_run()});
  if (!done.ok()) return steps.Failed("schedule", done.status());
  for (const std::string& warning : done->warnings) context.Warn("SCHEDULER", warning);
  init.jobs = done->files;
  std::vector<std::string> jobs;
  for (const schedule::JobState& job : done->jobs) jobs.push_back(job.id + " " + job.schedule);
  steps.Done("schedule", context.dry_run() || done->changed(),
             std::string(schedule::Word(done->platform)) + ": " + base::Join(jobs, ", "));
}

// "a@b.c", no blanks.
bool IsEmail(std::string_view text) {
  const size_t at = text.find('@');
  const size_t dot = text.rfind('.');
  return at != text.npos && at > 0 && text.find('@', at + 1) == text.npos && dot != text.npos &&
         dot > at + 1 && dot + 1 < text.size() && text.find_first_of(" \t\r\n") == text.npos;
}

Status CheckAlpha(const JsonValue& params) {
  const bool about = params["alpha_email"].is_string() || params["alpha_name"].is_string();
  if (about && !params["alpha"].AsBool()) {
    return WithSuggestion(Fail(kInvalidRequest, "enrolling: a name or an address without alpha"),
                          "say alpha as well", "selftune help init");
  }
  if (params["alpha_email"].is_string() && !IsEmail(params["alpha_email"].AsString())) {
    return WithSuggestion(Fail(kInvalidRequest, "enrolling: {} is no address of mail",
                               params["alpha_email"].AsString()),
                          "write it as name@example.com", "selftune help init");
  }
  return absl::OkStatus();
}

StatusOr<std::vector<HostHere>> HostsToSetUp(Context& context, const JsonValue& params) {
  ST_ASSIGN_OR_RETURN(std::vector<HostHere> found, HostsHere(context, params["agents"], ""));
  std::vector<HostHere> out;
  for (HostHere& host : found) {
    if (host.detected || !params["agents"].items().empty()) out.push_back(std::move(host));
  }
  return out;
}

// Whose settings and skill: "" for the person's.
StatusOr<std::string> ProjectToSetUp(const Context& context, const JsonValue& params) {
  if (params["scope"].AsString() != "project") return std::string();
  return ProjectHere(context, "selftune init");
}

// `uninstall` undoes the first init; it would take back far more than a later one did.
std::optional<Receipt> ReceiptOfInit(const Context& context, const Init& init,
                                     const ConfigEdit* edit) {
  const std::vector<std::string> undo =
      init.first ? std::vector<std::string>{"selftune", "uninstall", "--yes"}
                 : std::vector<std::string>{};
  Receipt receipt = ReceiptOf(context, init.done, undo)
                        .value_or(Receipt{.operation = context.op(), .undo = undo});
  if (edit != nullptr && edit->written) {
    // Of several files none stands for all.
    if (receipt.targets.empty()) {
      receipt.sha256_before = edit->receipt.sha256_before;
      receipt.sha256_after = edit->receipt.sha256_after;
    }
    receipt.targets.push_back(edit->before.path);
  }
  if (!context.dry_run()) {
    for (const schedule::FileChange& file : init.jobs) {
      if (file.changed()) receipt.targets.push_back(file.path);
    }
  }
  if (receipt.targets.size() > 1) receipt.sha256_before = receipt.sha256_after = std::nullopt;
  return receipt.targets.empty() ? std::nullopt : std::optional(std::move(receipt));
}

// What a run that was killed left: its temporary files, and hooks that do not know yet
// what it wrote.
void TidyUp(Context& context, Steps& steps) {
  const Status removed = RemoveOldTemps(context.paths().state_dir, context.now());
  if (!removed.ok()) steps.Failed("tidy", removed);
  if (context.changed()) return;  // then they are told anyway
  const Status kept = KeepHookNotes(context);
  if (!kept.ok()) context.Warn("HOOK_NOTES", std::string(Message(kept)), {"selftune", "doctor"});
}

// The reference left its folder open to others; prompts are in it. One that was named may
// be shared on purpose: of that doctor speaks.
void CloseFolder(Context& context, Steps& steps) {
  constexpr uint32_t kOfOthers = 077;
  const std::string& dir = context.paths().state_dir;
  const auto info = base::Stat(dir);
  if (!info.ok() || !info->is_dir() || (info->mode & kOfOthers) == 0) return;
  if (dir != base::JoinPath(context.env().Home(), ".selftune")) return;
  const uint32_t mode = info->mode & 07777;
  if (!context.dry_run() && ::chmod(dir.c_str(), mode & ~kOfOthers) != 0) {
    return steps.Failed("folder", Fail(kWriteFailed, "closing {} to others: {}", dir,
                                       std::generic_category().message(errno)));
  }
  std::string detail =
      fmt::format("{} was open to others (mode {:o}): only you may read it now", dir, mode);
  context.Warn("FOLDER_CLOSED", detail);
  steps.Done("folder", true, std::move(detail));
}

// What may run by itself now is never set without a word.
void TellAutonomy(Context& context, const config::Config& before, const config::Config& after) {
  const bool changed = before.autonomy != after.autonomy && before.document.Has("autonomy");
  const std::string was =
      changed ? fmt::format(" (autonomy {} {}, and was {})", context.dry_run() ? "would be" : "is",
                            config::Word(after.autonomy), config::Word(before.autonomy))
              : "";
  const auto tell = [&](std::string_view what, std::string_view why, std::string_view word) {
    context.Warn("AUTONOMY", fmt::format("{}{}; {}", what, was, why),
                 {"selftune", "config", "set", "autonomy", std::string(word)});
  };
  if (after.autonomy == config::Autonomy::kDeploy) {
    tell("validated changes are deployed by themselves and watched", "this asks first", "propose");
  } else if (after.autonomy == config::Autonomy::kOff && changed) {
    tell("nothing runs by itself", "this sets it back", config::Word(before.autonomy));
  } else if (after.autonomy == config::Autonomy::kOff) {
    tell("nothing runs by itself", "this has changes proposed", "propose");
  }
}

void Advise(Context& context, const Init& init, const config::Config& before,
            const config::Config& config) {
  if (init.hosts.empty()) {
    context.Warn("NO_AGENT",
                 "no agent was found on this machine: evidence can be read, nothing "
                 "can be improved");
  }
  TellAutonomy(context, before, config);
}

}  // namespace

StatusOr<std::string> InstallInit(Context& context, const JsonValue& params) {
  ST_RETURN_IF_ERROR(context.CheckWritable());
  ST_ASSIGN_OR_RETURN(const config::Config* const found, context.config());
  ST_RETURN_IF_ERROR(CheckOurs(*found));
  ST_RETURN_IF_ERROR(CheckAlpha(params));
  Steps steps(context);
  Init init;
  ST_ASSIGN_OR_RETURN(init.hosts, HostsToSetUp(context, params));
  ST_ASSIGN_OR_RETURN(init.project, ProjectToSetUp(context, params));
  if (!context.dry_run()) {
    ST_RETURN_IF_ERROR(base::MakeDirs(context.paths().state_dir, 0700));
  }
  CloseFolder(context, steps);
  const bool imports = TakeOverRecords(context, params, steps);
  // A store that cannot be opened holds up what writes into it, nothing else.
  Status store = absl::OkStatus();
  bool there = context.HasStore();
  bool gives_way = false;  // a dry run: the file in the store's place would be moved aside
  if (!context.dry_run()) {
    store = context.WriteDb().status();
  } else if (there) {
    const Status read = context.ReadDb().status();
    const bool foreign = CodeOf(read).name == kStoreForeign.name;
    there = CodeOf(read).name != kStoreMissing.name;  // a file, and nothing in it
    gives_way = foreign && imports;
    if (foreign && !imports) store = read;
  }
  if (store.ok()) {
    steps.Done("store", !there, context.paths().db);
    const Status known = gives_way ? absl::OkStatus() : LookBack(context, init);
    if (!known.ok()) steps.Failed("hooks", known);
    InstallHooksStep(context, params, init, steps);
    InstallSkillStep(context, params, init, steps);
  } else {
    steps.Failed("store", store);
  }
  auto edit = EditConfig(
      context,
      [&](const config::Config& was) -> StatusOr<JsonValue> {
        return ConfigOfInit(context, params, init.hosts, init.hooked, was);
      },
      nullptr,
      [&](const ConfigEdit& coming) {
        return store.ok() ? RecordConfig(context, coming) : absl::OkStatus();
      });
  if (edit.ok()) {
    steps.Done("config", edit->written, edit->before.path);
  } else {
    steps.Failed("config", edit.status());
  }
  if (gives_way && params["sync"].AsBool()) {
    steps.Skipped("sync", "what is new shows when the store is there");
  } else if (store.ok()) {
    Sync(context, params, steps);
  }
  ScheduleStep(context, params, init, steps);
  if (steps.changed() && !context.dry_run()) context.SetChanged();
  if (store.ok() && !context.dry_run()) TidyUp(context, steps);

  // A dry run: its hooks would be replaced.
  WarnOfReference(context, context.dry_run() && params["hooks"].AsBool() ? "timer" : "");

  ST_ASSIGN_OR_RETURN(const config::Config* const now, context.config());
  const config::Config& config = edit.ok() ? edit->after : *now;
  JsonWriter out;
  out.BeginObject();
  steps.Write(out, /*with_needs=*/true);
  out.Field("agent_type", config.Get("agent_type").AsString());
  out.Key("agent_cli");
  if (config.agent_cli.empty()) {
    out.Null();
  } else {
    out.String(config.agent_cli);
  }
  out.Field("autonomy", config::Word(config.autonomy));
  WriteReceiptOrNull(out, ReceiptOfInit(context, init, edit.ok() ? &*edit : nullptr));
  out.EndObject();
  Advise(context, init, edit.ok() ? edit->before : *now, config);
  if (steps.first_failure().ok()) {
    context.SetNext({.argv = {"selftune", "status"}, .reason = "see what your skills did"});
  } else {
    context.SetVerdict(steps.first_failure());  // with what helps
  }
  return std::move(out).Take();
}

}  // namespace selftune::capi::ops
