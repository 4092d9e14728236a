#include "schedule/installer.h"

#include <algorithm>
#include <array>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "base/ci.h"
#include "base/crypto.h"
#include "base/executable.h"
#include "base/file.h"
#include "base/status_macros.h"
#include "base/strings.h"
#include "schedule/backend.h"
#include "schedule/record.h"

namespace selftune::schedule {
namespace {

std::unique_ptr<Backend> MakeBackend(Platform platform, const Machine& machine,
                                     SetupReport& report) {
  if (platform == Platform::kCron) return MakeCron(machine, report);
  if (platform == Platform::kOpenclaw) return MakeOpenclaw(machine, report);
  return MakeUnits(platform, machine, report);
}

StatusOr<Platform> Choose(const Machine& machine, const SetupOptions& options) {
  if (options.platform.has_value()) return *options.platform;
  ST_ASSIGN_OR_RETURN(const std::optional<Platform> found, DetectPlatform(machine));
  if (found.has_value()) return *found;
  return WithSuggestion(Fail(kSchedulerNotFound,
                             "scheduling: neither a user manager of systemd nor a crontab is here"),
                        "see what a line for another scheduler would be",
                        "selftune cron preview --platform cron");
}

Status KeepJobs(const std::vector<std::string>& wanted, std::vector<Job>& jobs) {
  if (wanted.empty()) return absl::OkStatus();
  for (const std::string& id : wanted) {
    if (std::ranges::none_of(jobs, [&](const Job& job) { return job.id == id; })) {
      return WithSuggestion(Fail(kNotFound, "scheduling {}: there is no such job", id),
                            "there are " + JobNames(), "selftune help cron setup");
    }
  }
  std::erase_if(jobs,
                [&](const Job& job) { return std::ranges::find(wanted, job.id) == wanted.end(); });
  return absl::OkStatus();
}

// Timers of a person end with their last session, unless the machine was told otherwise.
void WarnOfLogout(const Machine& machine, SetupReport& report) {
  const std::string user = machine.env->GetOr("USER", "");
  if (user.empty() || base::Exists("/var/lib/systemd/linger/" + user)) return;
  report.warnings.push_back("jobs stop when you log out; loginctl enable-linger lets them go on");
}

// Two schedulers with the same jobs run them twice.
void WarnOfOthers(const Machine& machine, const Plan& plan, SetupReport& report) {
  const auto record = ReadRecord(machine.state_dir);
  if (!record.ok()) return;
  for (const Record::Entry& entry : record->entries) {
    if (entry.platform == plan.platform) continue;
    report.warnings.push_back(fmt::format("{} runs {} as well; selftune cron remove takes out both",
                                          Word(entry.platform), entry.id));
  }
}

std::string PathOf(const Plan& plan, const Job& job) {
  if (plan.platform == Platform::kOpenclaw) return "openclaw";
  for (const Artifact& file : plan.artifacts) {
    const std::string_view name = base::BaseName(file.path);
    if (name == job.name() + ".timer" || name == LabelOf(job) + ".plist") return file.path;
  }
  return plan.artifacts.empty() ? std::string() : plan.artifacts.front().path;
}

JobState StateOf(Platform platform, const Job& job, UtcMillis now) {
  return {.id = job.id,
          .platform = std::string(Word(platform)),
          .schedule = job.schedule.Words(),
          .next_run = job.schedule.Next(now)};
}

// The jobs that stay there and those of this plan.
Status Remember(const Machine& machine, const Plan& plan, int every_hours) {
  auto record = ReadRecord(machine.state_dir);
  Record next;
  for (const Record::Entry& entry : record.ok() ? record->entries : next.entries) {
    const bool again =
        entry.platform == plan.platform &&
        std::ranges::any_of(plan.jobs, [&](const Job& j) { return j.id == entry.id; });
    // A crontab has one block, of the jobs that were asked for last.
    const bool gone = entry.platform == plan.platform && plan.platform == Platform::kCron;
    if (!again && !gone) next.entries.push_back(entry);
  }
  for (const Job& job : plan.jobs) {
    next.entries.push_back({.platform = plan.platform,
                            .id = job.id,
                            .path = PathOf(plan, job),
                            .program = job.argv.front(),
                            .every_hours = every_hours,
                            .path_list = plan.path_list});
  }
  return WriteRecord(machine.state_dir, next);
}

// An agent that was updated by a manager of versions lies in another folder then.
std::vector<std::string> DriftOf(const Machine& machine, const Record::Entry& entry) {
  std::vector<std::string> out;
  if (entry.path_list.empty()) return out;
  const std::string here = machine.env->GetOr("PATH", "");
  for (const std::string_view command : base::SplitSpace(machine.agent_commands)) {
    const bool found = !base::FindExecutable(command, here).empty();
    if (found && base::FindExecutable(command, entry.path_list).empty()) out.emplace_back(command);
  }
  return out;
}

// Whoever chose one of the two then has one, and is not asked again.
bool BeforeHealth(const Record& record, Platform platform) {
  if (record.version >= kRecordVersion) return false;
  return std::ranges::all_of(std::array{"sync", "run"}, [&](std::string_view id) {
    return std::ranges::any_of(record.entries, [&](const Record::Entry& entry) {
      return entry.platform == platform && entry.id == id;
    });
  });
}

}  // namespace

// ------------------------------------------------------------------- backend

Status Backend::Do(std::vector<std::string> argv, std::string_view input) {
  ST_ASSIGN_OR_RETURN(Ran ran, Run(machine_, std::move(argv), input));
  report_.commands.push_back(std::move(ran));
  const Ran& last = report_.commands.back();
  if (last.ok()) return absl::OkStatus();
  return Fail(kProcessFailed, "running {}: {}", base::JoinCommand(last.argv),
              last.error.empty() ? fmt::format("exit code {}", last.exit_code) : last.error);
}

void Backend::Try(std::vector<std::string> argv) {
  const Status done = Do(std::move(argv));
  if (!done.ok()) report_.warnings.emplace_back(Message(done));
}

void Backend::Note(std::string path, std::string_view action, std::string_view contents) {
  report_.files.push_back({.path = std::move(path),
                           .action = std::string(action),
                           .sha256 = contents.empty() ? "" : base::Sha256Hex(contents)});
}

bool FileChange::changed() const {
  return action == "created" || action == "updated" || action == "removed";
}

bool SetupReport::changed() const { return std::ranges::any_of(files, &FileChange::changed); }

// ---------------------------------------------------------------- operations

StatusOr<Plan> MakePlan(const Machine& machine, const SetupOptions& options,
                        std::vector<std::string>& warnings) {
  Plan plan{.platform = Platform::kCron, .path_list = "", .zone = options.zone};
  ST_ASSIGN_OR_RETURN(plan.platform, Choose(machine, options));
  ST_ASSIGN_OR_RETURN(const std::string program, FindProgram(machine));
  plan.jobs = DefaultJobs(program, options.every_hours);
  ST_RETURN_IF_ERROR(KeepJobs(options.jobs, plan.jobs));
  ST_ASSIGN_OR_RETURN(const JobEnvironment env, CaptureEnvironment(machine, program));
  if (const auto path = env.find("PATH"); path != env.end()) plan.path_list = path->second;
  SetupReport scratch;
  ST_RETURN_IF_ERROR(MakeBackend(plan.platform, machine, scratch)->Describe(env, plan));
  if (plan.platform == Platform::kSystemd) WarnOfLogout(machine, scratch);
  warnings.insert(warnings.end(), scratch.warnings.begin(), scratch.warnings.end());
  return plan;
}

StatusOr<SetupReport> Setup(const Machine& machine, const SetupOptions& options, UtcMillis now) {
  const auto variable = [&](const char* name) -> std::string_view {
    const auto found = machine.env->all().find(name);
    return found == machine.env->all().end() ? std::string_view() : found->second;
  };
  if (base::IsCi(variable) && !options.force && !options.dry_run) {
    return WithSuggestion(Fail(kBlocked, "scheduling: this is a CI job, by its variables"),
                          "with force it is done all the same", "selftune cron setup --force");
  }
  SetupReport report;
  ST_ASSIGN_OR_RETURN(const Plan plan, MakePlan(machine, options, report.warnings));
  report.platform = plan.platform;
  for (const Job& job : plan.jobs) report.jobs.push_back(StateOf(plan.platform, job, now));
  if (options.dry_run) {
    for (const Artifact& file : plan.artifacts) {
      report.files.push_back({file.path, "planned", base::Sha256Hex(file.contents)});
    }
    for (const auto& argv : plan.commands) report.commands.push_back({.argv = argv});
    return report;
  }
  ST_RETURN_IF_ERROR(MakeBackend(plan.platform, machine, report)->Install(plan, options));
  WarnOfOthers(machine, plan, report);
  ST_RETURN_IF_ERROR(Remember(machine, plan, options.every_hours));
  return report;
}

StatusOr<SetupReport> Remove(const Machine& machine, bool dry_run) {
  SetupReport report;
  const auto record = ReadRecord(machine.state_dir);
  const bool openclaw =
      record.ok() && std::ranges::any_of(record->entries, [](const Record::Entry& entry) {
        return entry.platform == Platform::kOpenclaw;
      });
  for (const Platform platform : {Platform::kSystemd, Platform::kLaunchd, Platform::kCron}) {
    ST_RETURN_IF_ERROR(MakeBackend(platform, machine, report)->Remove(dry_run));
  }
  if (openclaw) {
    ST_RETURN_IF_ERROR(MakeBackend(Platform::kOpenclaw, machine, report)->Remove(dry_run));
  }
  // The reference kept a copy of its lines there.
  const std::string old = base::JoinPath(machine.state_dir, "schedule/selftune.crontab");
  if (base::Exists(old)) {
    if (!dry_run) ST_RETURN_IF_ERROR(base::RemoveFile(old));
    report.files.push_back({old, "removed", ""});
  }
  if (record.ok() && !record->entries.empty()) report.platform = record->entries.front().platform;
  if (!dry_run) ST_RETURN_IF_ERROR(WriteRecord(machine.state_dir, {}));
  return report;
}

std::vector<SetupOptions> OptionsToRenew(const Record& record) {
  std::vector<SetupOptions> out;
  for (const Record::Entry& entry : record.entries) {
    auto one = std::ranges::find(out, std::optional(entry.platform), &SetupOptions::platform);
    if (one == out.end()) {
      one = out.insert(out.end(), {.platform = entry.platform, .every_hours = entry.every_hours});
    }
    one->jobs.push_back(entry.id);
  }
  for (SetupOptions& one : out) {
    if (BeforeHealth(record, *one.platform)) one.jobs.clear();  // all that there were
  }
  return out;
}

std::vector<std::string> RenewArgv(const std::vector<Installed>& all, std::string_view platform) {
  std::vector<std::string> argv = {"selftune", "cron", "setup", "--platform",
                                   std::string(platform)};
  std::vector<std::string> jobs;
  bool chosen = true;
  for (const Installed& one : all) {
    if (one.job.platform != platform) continue;
    if (one.before_health) chosen = false;
    if (jobs.empty()) {
      argv.insert(argv.end(), {"--every-hours", std::to_string(one.every_hours)});
    }
    jobs.push_back(one.job.id);
  }
  if (chosen && jobs.size() < DefaultJobs("", Installed{}.every_hours).size()) {
    argv.insert(argv.end(), {"--jobs", base::Join(jobs, ",")});
  }
  return argv;
}

StatusOr<std::vector<Installed>> List(const Machine& machine, UtcMillis now, bool ask) {
  ST_ASSIGN_OR_RETURN(const Record record, ReadRecord(machine.state_dir));
  std::vector<Installed> out;
  SetupReport scratch;
  for (const Record::Entry& entry : record.entries) {
    const std::vector<Job> jobs = DefaultJobs(entry.program, entry.every_hours);
    const auto job = std::ranges::find(jobs, entry.id, &Job::id);
    if (job == jobs.end()) continue;
    Installed one{.job = StateOf(entry.platform, *job, now),
                  .path = entry.path,
                  .program = entry.program,
                  .problem = {},
                  .drift = DriftOf(machine, entry),
                  .every_hours = entry.every_hours,
                  .before_health = BeforeHealth(record, entry.platform)};
    if (!base::Exists(entry.program)) {
      one.problem = entry.program + " is gone";
    } else {
      ST_ASSIGN_OR_RETURN(one.problem,
                          MakeBackend(entry.platform, machine, scratch)->ProblemOf(*job, ask));
    }
    if (!one.problem.empty()) one.job.next_run.reset();
    out.push_back(std::move(one));
  }
  return out;
}

}  // namespace selftune::schedule
