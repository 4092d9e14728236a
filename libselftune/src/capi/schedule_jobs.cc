#include "capi/schedule_jobs.h"

#include <algorithm>
#include <string>
#include <vector>

#include "base/status_macros.h"
#include "capi/version.h"
#include "config/config.h"
#include "hosts/registry.h"
#include "net/transport.h"
#include "schedule/logs.h"
#include "status/settings.h"
#include "store/install_rows.h"
#include "store/write_txn.h"

namespace selftune::capi {
namespace {

constexpr std::string_view kKind = "schedule";
constexpr int kDefaultHours = 6;

Status PutRows(Context& context, const schedule::SetupReport& report) {
  ST_ASSIGN_OR_RETURN(store::Db* const db, context.WriteDb());
  ST_ASSIGN_OR_RETURN(store::WriteTxn txn, store::WriteTxn::Begin(*db));
  for (const schedule::FileChange& file : report.files) {
    const bool there =
        file.action == "created" || file.action == "updated" || file.action == "unchanged";
    if (!there) continue;
    ST_RETURN_IF_ERROR(store::PutInstall(*db, {.path = file.path,
                                               .kind = std::string(kKind),
                                               .platform = "",
                                               .ours = "",
                                               .sha256 = file.sha256,
                                               .created_file = file.path.starts_with('/'),
                                               .backup_path = "",
                                               .version = std::string(kVersion),
                                               .installed = context.now()}));
  }
  return txn.Commit();
}

// A job has no variables but its own, and a key is not written into one.
Status WarnOfKey(Context& context) {
  ST_ASSIGN_OR_RETURN(const config::Config* const config, context.config());
  const bool api = config->document["llm_mode"].AsString() == config::Word(config::LlmMode::kApi);
  if (!api || net::IsLoopback(config->Get("api.base_url").AsString())) return absl::OkStatus();
  context.Warn(
      "NO_API_KEY",
      "llm_mode is api: put the variable " + config::KeyVariable(*config) +
          " where the scheduler's jobs get theirs (systemd: ~/.config/environment.d, cron: "
          "a line of the crontab); a job never holds it");
  return absl::OkStatus();
}

}  // namespace

schedule::Machine MachineOf(const Context& context) {
  schedule::Machine machine{.env = &context.env(),
                            .cancel = &context.cancel(),
                            .state_dir = context.paths().state_dir,
                            .agent_commands = {}};
  for (const hosts::HostRow& row : hosts::Rows()) {
    machine.agent_commands += std::string(row.command) + " ";
  }
  return machine;
}

StatusOr<int> EveryHoursOf(Context& context, const base::JsonValue& params) {
  int64_t hours = kDefaultHours;
  if (params["every_hours"].is_int()) {
    hours = params["every_hours"].AsInt();
  } else {
    ST_ASSIGN_OR_RETURN(const config::Config* const config, context.config());
    hours = status::EveryHours(*config).value_or(kDefaultHours);
  }
  if (schedule::IsEveryHours(hours)) return static_cast<int>(hours);
  return Fail(kInvalidRequest, "{}: every_hours is {}; a day has to be a multiple of it",
              context.op(), hours);
}

StatusOr<schedule::SetupReport> SetUpJobs(Context& context, const schedule::SetupOptions& options) {
  ST_RETURN_IF_ERROR(WarnOfKey(context));
  ST_ASSIGN_OR_RETURN(const schedule::SetupReport report,
                      schedule::Setup(MachineOf(context), options, context.now()));
  // Without a store the record in the state folder is all there is.
  if (!options.dry_run && context.HasStore()) ST_RETURN_IF_ERROR(PutRows(context, report));
  return report;
}

StatusOr<std::vector<std::string>> RemoveJobs(Context& context, install::World& world) {
  const schedule::Machine machine = MachineOf(context);
  const auto known = schedule::List(machine, context.now(), /*ask=*/false);
  const bool rows = std::any_of(world.rows.begin(), world.rows.end(),
                                [](const store::InstallRow& row) { return row.kind == kKind; });
  std::vector<std::string> out;
  if (!rows && known.ok() && known->empty()) return out;
  ST_ASSIGN_OR_RETURN(const schedule::SetupReport report, schedule::Remove(machine, world.dry_run));
  for (const schedule::FileChange& file : report.files) out.push_back(file.path);
  if (!world.dry_run && world.db != nullptr) {
    ST_RETURN_IF_ERROR(ForgetJobs(*world.db));
    ST_ASSIGN_OR_RETURN(world.rows, store::ReadInstalls(*world.db));
  }
  return out;
}

void BoundJobLogs(Context& context) {
  const Status done = schedule::BoundLogs(schedule::PlacesOf(MachineOf(context)));
  if (!done.ok()) context.Warn("LOG_GROWS", std::string(Message(done)));
}

Status ForgetJobs(store::Db& db) {
  ST_ASSIGN_OR_RETURN(const std::vector<store::InstallRow> rows, store::ReadInstalls(db));
  ST_ASSIGN_OR_RETURN(store::WriteTxn txn, store::WriteTxn::Begin(db));
  for (const store::InstallRow& row : rows) {
    if (row.kind == kKind) ST_RETURN_IF_ERROR(store::DropInstall(db, row.path, kKind));
  }
  return txn.Commit();
}

}  // namespace selftune::capi
