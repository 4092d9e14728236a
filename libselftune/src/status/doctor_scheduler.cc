// What runs by itself.
#include <string>
#include <vector>

#include <fmt/format.h>

#include "schedule/installer.h"
#include "status/doctor_checks.h"

namespace selftune::status {

void CheckScheduler(const DoctorWorld& world, const DoctorOptions& options, Checks& out) {
  Check check{.name = "scheduler"};
  const schedule::Machine machine{.env = world.env, .state_dir = world.state_dir};
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
        check.message += fmt::format("{}{} {} by {}", check.message.empty() ? "" : "; ", one.job.id,
                                     one.job.schedule, one.job.platform);
        continue;
      }
      check.status = CheckStatus::kFail;
      check.message = fmt::format("{}: {}", one.job.id, one.problem);
      check.text = "it does not run as it should; install it anew";
      check.command = "selftune cron setup --force";
      break;
    }
  }
  out.push_back(std::move(check));
}

}  // namespace selftune::status
