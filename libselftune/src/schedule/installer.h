// Installs, lists and removes the jobs of one scheduler. Every change is undone when a
// later step of it fails.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/time.h"
#include "schedule/job.h"
#include "schedule/place.h"
#include "schedule/record.h"
#include "schedule/render.h"

namespace selftune::schedule {

struct SetupOptions {
  std::optional<Platform> platform;  // none: what this machine has
  std::vector<std::string> jobs;     // empty = all
  int every_hours = 6;
  std::string zone;    // of OpenClaw, "" = the gateway's
  bool force = false;  // also over files that somebody changed, and in a CI job
  bool dry_run = false;
};

struct FileChange {
  std::string path, action;  // planned created updated unchanged skipped_user_edited removed
  std::string sha256;        // hex, "" = removed
  [[nodiscard]] bool changed() const;
};
struct JobState {
  std::string id, platform, schedule;
  std::optional<UtcMillis> next_run;
};
struct Plan {
  Platform platform = Platform::kCron;
  std::string path_list;  // where the jobs look for programs
  std::vector<Job> jobs;
  std::vector<Artifact> artifacts;  // files; of cron the block under the name "crontab"
  std::vector<std::vector<std::string>> commands;
  std::string zone;  // of OpenClaw
};
struct SetupReport {
  Platform platform = Platform::kCron;
  std::vector<JobState> jobs;
  std::vector<FileChange> files;
  std::vector<Ran> commands;
  std::vector<std::string> warnings;
  bool activated = false, verified = false;
  [[nodiscard]] bool changed() const;
};

// What would be installed: NOT_FOUND without a job of that name, SCHEDULER_NOT_FOUND.
[[nodiscard]] StatusOr<Plan> MakePlan(const Machine& machine, const SetupOptions& options,
                                      std::vector<std::string>& warnings);
// A second time it changes nothing. CONFLICTED when somebody edited what we installed:
// the new text is beside it then.
[[nodiscard]] StatusOr<SetupReport> Setup(const Machine& machine, const SetupOptions& options,
                                          UtcMillis now);

// What installs the jobs of a record again: an entry a scheduler, in their order.
[[nodiscard]] std::vector<SetupOptions> OptionsToRenew(const Record& record);

// Everything of ours on every scheduler, also of older versions and names.
[[nodiscard]] StatusOr<SetupReport> Remove(const Machine& machine, bool dry_run);

// One job as it is installed.
struct Installed {
  JobState job;
  std::string path;     // of its file, "crontab" or "openclaw"
  std::string program;  // that it starts
  std::string problem;  // "" = none: edited, missing program, not enabled ...
  // Agents that are found here and that it would not find.
  std::vector<std::string> drift;
  int every_hours = 6;
  // One of all jobs that there were when it was installed; health came later.
  bool before_health = false;
};
// What installs a scheduler's jobs anew as they are, whatever this machine would be given
// by default: on the scheduler that they are on, those jobs (all, where they were all that
// there were), as often.
[[nodiscard]] std::vector<std::string> RenewArgv(const std::vector<Installed>& all,
                                                 std::string_view platform);
// `ask`: schedulers are asked, which starts programs; else only files are looked at.
[[nodiscard]] StatusOr<std::vector<Installed>> List(const Machine& machine, UtcMillis now,
                                                    bool ask);

}  // namespace selftune::schedule
