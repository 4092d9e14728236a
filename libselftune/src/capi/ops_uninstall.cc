// install.uninstall: everything that selftune wrote outside its folder is taken out
// again; what cannot be is named.
#include <algorithm>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/file.h"
#include "base/json_writer.h"
#include "base/status_macros.h"
#include "base/strings.h"
#include "capi/config_record.h"
#include "capi/hooked_agents.h"
#include "capi/install_steps.h"
#include "capi/install_world.h"
#include "capi/ops.h"
#include "capi/schedule_jobs.h"
#include "capi/state_files.h"
#include "install/file_change.h"
#include "install/own_file.h"
#include "status/settings.h"
#include "store/deploy_rows.h"

namespace selftune::capi::ops {
namespace {

using base::JsonValue;
using base::JsonWriter;

// The skills that stand as selftune deployed them, by name.
StatusOr<std::vector<std::string>> DeployedSkills(Context& context) {
  constexpr int64_t kMost = 100'000;
  ST_ASSIGN_OR_RETURN(store::Db* const db, context.ReadDb());
  ST_ASSIGN_OR_RETURN(const std::vector<store::DeployRow> rows,
                      store::RecentDeploys(*db, UtcMillis{0}, kMost));
  std::vector<std::string> out;
  for (const store::DeployRow& row : rows) {
    if (std::find(out.begin(), out.end(), row.skill) != out.end()) continue;
    ST_ASSIGN_OR_RETURN(const auto standing, store::CurrentDeploy(*db, row.skill));
    if (standing.has_value()) out.push_back(row.skill);
  }
  return out;
}

// Each deploy of the skill is taken back, the newest first, as `evolve rollback` does.
StatusOr<int> RestoreSkill(Context& context, const std::string& skill) {
  constexpr int kMost = 1000;  // deploys of one skill
  for (int done = 0; done < kMost; ++done) {
    ST_ASSIGN_OR_RETURN(store::Db* const db, context.ReadDb());
    ST_ASSIGN_OR_RETURN(const auto standing, store::CurrentDeploy(*db, skill));
    if (!standing.has_value()) return done;
    ST_RETURN_IF_ERROR(
        DeployRollback(context, JsonValue::Object({{"skill", JsonValue::Text(skill)}})).status());
    ST_RETURN_IF_ERROR(context.verdict());
    if (context.dry_run()) return 1;
  }
  return kMost;
}

void RestoreSkillsStep(Context& context, const JsonValue& params, Steps& steps) {
  if (!params["restore_skills"].AsBool() || !context.HasStore()) return;
  const auto skills = DeployedSkills(context);
  if (!skills.ok()) return steps.Failed("restore", skills.status());
  if (skills->empty()) steps.Skipped("restore", "no description of selftune's stands");
  for (const std::string& skill : *skills) {
    const auto count = RestoreSkill(context, skill);
    if (count.ok()) {
      steps.Done("restore." + skill, *count > 0, fmt::format("{} deploys taken back", *count));
    } else {
      steps.Failed("restore." + skill, count.status());
    }
  }
}

void RemoveScheduleStep(Context& context, install::World& world, Steps& steps) {
  const auto removed = RemoveJobs(context, world);
  if (!removed.ok()) return steps.Failed("schedule", removed.status());
  if (!removed->empty()) steps.Done("schedule", true, base::Join(*removed, ", "));
}

// What is not taken out, or not put back.
struct Left {
  std::vector<std::string> manual;   // for the person to do
  std::vector<std::string> backups;  // the only copies of files of theirs
  bool put_back = false;             // files of theirs that ours had replaced are in their places

  void Add(const install::HostResult& result) {
    manual.insert(manual.end(), result.afterwards.begin(), result.afterwards.end());
    backups.insert(backups.end(), result.unreturned.begin(), result.unreturned.end());
  }
};

void RemoveHooksStep(Context& context, install::World& world, HostsDone& done, Left& left,
                     Steps& steps) {
  const auto hosts = HostsHere(context, JsonValue::Array({}),
                               install::FindShim(context.env().GetOr("PATH", "")), Broken::kPassBy);
  if (!hosts.ok()) return steps.Failed("hooks", hosts.status());
  for (const HostHere& host : *hosts) {
    if (host.target == nullptr) continue;
    const std::string id = "hooks." + std::string(host.row->platform);
    auto result = install::RemoveHooks(world, *host.target, host.place);
    if (!result.ok()) {
      steps.Failed(id, result.status());
      continue;
    }
    left.Add(*result);
    if (result->files.empty()) continue;
    std::vector<std::string> paths;
    for (const install::FileResult& file : result->files) paths.push_back(file.path);
    steps.Done(id, true, base::Join(paths, ", "));
    done.hosts.push_back(*std::move(result));
  }
}

void RemoveSkillStep(install::World& world, HostsDone& done, Left& left, Steps& steps) {
  for (const std::string_view kind : {"skill", "agent"}) {
    auto result = install::RemoveFiles(world, kind);
    if (!result.ok()) return steps.Failed(std::string(kind), result.status());
    left.Add(*result);
    std::vector<std::string> paths;
    for (const install::FileResult& file : result->files) {
      paths.push_back(file.path);
      left.put_back = left.put_back || file.did == install::Did::kUpdated;
    }
    if (!paths.empty()) steps.Done(std::string(kind), true, base::Join(paths, ", "));
    done.hosts.push_back(*std::move(result));
  }
}

// The file is ours when we wrote it and nobody keeps settings of another program in
// it.
void RemoveConfigStep(Context& context, install::World& world, const JsonValue& params,
                      std::vector<std::string>& manual, Steps& steps) {
  const auto config = config::Load(context.paths().state_dir);
  if (!config.ok()) return steps.Skipped("config", std::string(Message(config.status())));
  if (!config->exists) return;
  if (params["keep_config"].AsBool()) {
    if (world.db != nullptr) RecordHooked(context, world.rows);
    return steps.Skipped("config", config->path + " is kept");
  }
  const auto put_back = RestoreConfig(context, world);
  if (!put_back.ok()) return steps.Failed("config", put_back.status());
  if (put_back->has_value()) return steps.Done("config", true, **put_back);
  if (!config->document.Has("config_version")) {
    return steps.Skipped("config", config->path + " is not selftune's and is kept");
  }
  if (const auto unknown = status::UnknownSettings(*config); !unknown.empty()) {
    manual.push_back(config->path +
                     " has settings that are not selftune's: " + base::Join(unknown, ", "));
    return steps.Skipped("config", config->path + " is kept");
  }
  if (!context.dry_run()) {
    const Status removed = base::RemoveFile(config->path);
    if (!removed.ok()) return steps.Failed("config", removed);
  }
  steps.Done("config", true, config->path);
}

Status RemoveAll(const std::vector<std::string>& paths) {
  for (const std::string& path : paths) {
    const auto info = base::Stat(path);
    const bool dir = info.ok() && info->is_dir();
    ST_RETURN_IF_ERROR(dir ? base::RemoveTree(path) : base::RemoveFile(path));
  }
  return absl::OkStatus();
}

// Only beside a store that carries our mark: whose else the files are, nobody knows.
void PurgeStep(Context& context, const JsonValue& params, const Left& left, Steps& steps) {
  if (!context.HasStore()) return;
  if (!params["purge_evidence"].AsBool()) {
    return steps.Skipped("evidence", context.paths().db + " is kept");
  }
  if (const Status ours = context.ReadDb().status(); !ours.ok()) {
    return steps.Failed("evidence", ours);
  }
  context.CloseConnections();
  auto files = FindStateFiles(context.paths().state_dir, context.paths().db);
  if (!files.ok()) return steps.Failed("evidence", files.status());
  std::erase_if(files->evidence, [&](const std::string& path) {
    return std::find(left.backups.begin(), left.backups.end(), path) != left.backups.end();
  });
  if (!context.dry_run()) {
    const Status removed = RemoveAll(files->evidence);
    if (!removed.ok()) return steps.Failed("evidence", removed);
  }
  steps.Done("evidence", true, base::Join(files->evidence, ", "));
}

// The locks, which we held until now, and folders that are empty.
Status RemoveLocks(const Context& context) {
  ST_ASSIGN_OR_RETURN(const StateFiles files,
                      FindStateFiles(context.paths().state_dir, context.paths().db));
  ST_RETURN_IF_ERROR(RemoveAll(files.locks));
  for (auto dir = files.dirs.rbegin(); dir != files.dirs.rend(); ++dir) {
    install::RemoveEmptyDirs({*dir});
  }
  return absl::OkStatus();
}

}  // namespace

StatusOr<std::string> InstallUninstall(Context& context, const JsonValue& params) {
  Steps steps(context);
  HostsDone done;
  Left left;
  std::vector<std::string>& manual = left.manual;
  RestoreSkillsStep(context, params, steps);
  {
    ST_ASSIGN_OR_RETURN(Installing installing,
                        Installing::Begin(context, Installing::For::kRemoving));
    RemoveScheduleStep(context, installing.world(), steps);
    RemoveHooksStep(context, installing.world(), done, left, steps);
    RemoveSkillStep(installing.world(), done, left, steps);
    // What cannot be taken out must be found again.
    if (steps.first_failure().ok()) {
      RemoveConfigStep(context, installing.world(), params, manual, steps);
      PurgeStep(context, params, left, steps);
    }
  }
  const bool purged = params["purge_evidence"].AsBool() && !context.HasStore();
  if (purged && steps.first_failure().ok() && !context.dry_run()) {
    ST_RETURN_IF_ERROR(RemoveLocks(context));
  }
  if (base::Exists(base::JoinPath(context.paths().state_dir, "selftune.db.reference"))) {
    manual.push_back(base::JoinPath(context.paths().state_dir, "selftune.db.reference") +
                     " is what the TypeScript selftune recorded");
  }
  if (purged) {
    manual.push_back("sessions that still run may leave events in " +
                     base::JoinPath(context.paths().state_dir, "spool") + " until they end");
  }
  manual.emplace_back("the programs selftune and selftune-hook, the way they were installed");
  if (steps.changed() && !context.dry_run()) context.SetChanged();
  JsonWriter out;
  out.BeginObject();
  steps.Write(out, /*with_needs=*/false);
  out.Key("manual").BeginArray();
  for (const std::string& what : manual) out.String(what);
  out.EndArray();
  // What `init` would bring back: it replaces nothing of a person's.
  const bool all = !left.put_back && !steps.changed("restore.") && !steps.changed("schedule") &&
                   !steps.changed("config") && !steps.changed("evidence");
  WriteReceiptOrNull(out, ReceiptOf(context, done,
                                    all ? std::vector<std::string>{"selftune", "init"}
                                        : std::vector<std::string>{}));
  out.EndObject();
  if (!steps.first_failure().ok()) context.SetVerdict(steps.first_failure());
  return std::move(out).Take();
}

}  // namespace selftune::capi::ops
