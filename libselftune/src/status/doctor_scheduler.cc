// What runs by itself, when next, and how it went last.
#include <algorithm>
#include <optional>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "base/status_macros.h"
#include "base/strings.h"
#include "base/time.h"
#include "hosts/registry.h"
#include "schedule/installer.h"
#include "status/doctor_checks.h"
#include "status/runs_rest.h"
#include "store/queries/runs.h"

namespace selftune::status {
namespace {

// "run every 6 hours at :20 by cron, next at 2026-..."
std::string Describe(const schedule::Installed& one) {
  std::string text = fmt::format("{} {} by {}", one.job.id, one.job.schedule, one.job.platform);
  if (one.job.next_run.has_value()) text += ", next at " + FormatRfc3339(*one.job.next_run);
  return text;
}

// A run that does not find the agent has nobody to ask.
void CheckDrift(const std::vector<schedule::Installed>& jobs, Check& check) {
  for (const schedule::Installed& one : jobs) {
    if (one.job.id != "run" || one.drift.empty()) continue;
    check.status = CheckStatus::kWarn;
    check.message += fmt::format(
        "; they would not find {}, which lies in another folder than when they were "
        "installed",
        base::Join(one.drift, ", "));
    check.text = "let them look where it is now";
    check.command = base::JoinCommand(schedule::RenewArgv(jobs, one.job.platform));
    return;
  }
}

// Jobs of a version that had no more are in order, and one could be added.
void TellOfHealth(const std::vector<schedule::Installed>& jobs, Check& check) {
  const auto old = std::ranges::find_if(jobs, &schedule::Installed::before_health);
  if (old == jobs.end()) return;
  check.status = CheckStatus::kInfo;
  check.message += "; they are of a version without the daily job health";
  check.text = "add it";
  check.command = base::JoinCommand(schedule::RenewArgv(jobs, old->job.platform));
}

// A scheduler that works starts runs that may fail all the same.
Status CheckLastRun(store::Db& db, Check& check) {
  constexpr int64_t kLookedAt = 50;
  ST_ASSIGN_OR_RETURN(const store::RunPage page,
                      store::ListRuns(db, "orchestrate", {.limit = kLookedAt}));
  const auto run = std::ranges::find(page.items, "cron", &store::RunItem::trigger);
  if (run == page.items.end()) return absl::OkStatus();
  check.message +=
      fmt::format("; the last run, at {}, ended {}", FormatRfc3339(run->started), run->status);
  if (run->status != "error") return absl::OkStatus();
  check.status = CheckStatus::kWarn;
  if (!run->error.empty()) check.message += ": " + run->error;
  check.text = "start it as the scheduler does, and see what is wrong";
  check.command = "selftune cron run-now run";
  return absl::OkStatus();
}

}  // namespace

Status CheckScheduler(const DoctorWorld& world, const DoctorOptions& options, Checks& out) {
  Check check{.name = "scheduler"};
  schedule::Machine machine{.env = world.env, .state_dir = world.state_dir};
  for (const hosts::HostRow& row : hosts::Rows()) {
    machine.agent_commands += std::string(row.command) + " ";
  }
  const auto jobs = schedule::List(machine, world.now, options.deep);
  if (!jobs.ok()) {
    check.status = CheckStatus::kWarn;
    check.message = std::string(Message(jobs.status()));
    check.text = "install the jobs anew";
    check.command = "selftune cron setup";
  } else if (jobs->empty()) {
    check.status = CheckStatus::kInfo;
    check.message = "no job is installed: nothing runs by itself";
    check.text = "reading and improving skills can be left to the machine's scheduler";
    check.command = "selftune cron setup";
  } else {
    check.path = jobs->front().path.starts_with('/') ? jobs->front().path : "";
    for (const schedule::Installed& one : *jobs) {
      if (one.problem.empty()) {
        check.message += (check.message.empty() ? "" : "; ") + Describe(one);
        continue;
      }
      check.status = CheckStatus::kFail;
      check.message = fmt::format("{}: {}", one.job.id, one.problem);
      check.text = "it does not run as it should; install it anew";
      check.command = base::JoinCommand(schedule::RenewArgv(*jobs, one.job.platform)) + " --force";
      break;
    }
    if (check.status == CheckStatus::kPass) CheckDrift(*jobs, check);
    if (check.status == CheckStatus::kPass && world.db.ok()) {
      ST_RETURN_IF_ERROR(CheckLastRun(**world.db, check));
    }
    if (check.status == CheckStatus::kPass) TellOfHealth(*jobs, check);
  }
  out.push_back(std::move(check));
  return absl::OkStatus();
}

Status CheckRunsRest(const DoctorWorld& world, Checks& out) {
  ST_ASSIGN_OR_RETURN(const std::optional<RunsRest> rest, world.rest);
  if (!rest.has_value()) return absl::OkStatus();
  out.push_back({.name = "runs.rest",
                 .status = CheckStatus::kWarn,
                 .message = Describe(*rest),
                 .path = rest->program,
                 .text = "see to it that it answers; this asks at once",
                 .command = base::JoinCommand({kRunNow[0], kRunNow[1]})});
  return absl::OkStatus();
}

}  // namespace selftune::status
