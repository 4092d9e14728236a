#include "upstream/still_runs.h"

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "base/file.h"
#include "base/strings.h"

namespace selftune::upstream {
namespace {

constexpr std::string_view kConsequence =
    "of the TypeScript selftune, which writes to a database of its own and changes skills as well";

std::vector<std::string> PathsOf(const std::vector<Leftover>& leftovers, std::string_view kind) {
  std::vector<std::string> out;
  for (const Leftover& one : leftovers) {
    if (one.kind == kind) out.push_back(one.path);
  }
  return out;
}

// Takes the block of the reference out of the crontab, which it keeps beside.
std::string ClearCrontab(const std::string& folder) {
  const std::string kept = base::JoinCommand({base::JoinPath(folder, "crontab.before")});
  return fmt::format(
      "if crontab -l > {0}; then sed '/^# BEGIN SELFTUNE *$/,/^# END SELFTUNE/d' {0} | crontab -; "
      "fi; ",
      kept);
}

// One line for a shell: the jobs are stopped, then their files moved to where nothing
// starts them.
std::vector<std::string> EndTimers(const std::vector<std::string>& paths,
                                   const std::string& state_dir) {
  const std::string folder = base::JoinPath(state_dir, "reference-timers");
  std::vector<std::string> stop = {"systemctl", "--user", "disable", "--now"};
  std::vector<std::string> unload = {"launchctl", "unload"};
  std::vector<std::string> move = {"mv", "-n"};
  bool crontab = false;
  for (const std::string& path : paths) {
    if (path.ends_with(".timer")) stop.emplace_back(base::BaseName(path));
    if (path.ends_with(".plist")) unload.push_back(path);
    crontab = crontab || path.ends_with(".crontab");
    move.push_back(path);
  }
  move.push_back(folder);
  std::string script = base::JoinCommand({"mkdir", "-p", folder}) + " && { ";
  if (stop.size() > 4) script += base::JoinCommand(stop) + "; ";
  if (unload.size() > 2) script += base::JoinCommand(unload) + "; ";
  if (crontab) script += ClearCrontab(folder);
  return {"sh", "-c", script + base::JoinCommand(move) + "; }"};
}

}  // namespace

std::vector<StillRuns> WhatStillRuns(const std::vector<Leftover>& leftovers,
                                     const std::string& state_dir) {
  std::vector<StillRuns> out;
  if (const auto hooks = PathsOf(leftovers, "hook"); !hooks.empty()) {
    out.push_back({.kind = "hook",
                   .path = hooks.front(),
                   .message = fmt::format("{} has hooks {}", hooks.front(), kConsequence),
                   .remedy = {"selftune", "hooks", "install"}});
  }
  if (const auto timers = PathsOf(leftovers, "timer"); !timers.empty()) {
    std::vector<std::string> names;
    for (const std::string& path : timers) names.emplace_back(base::BaseName(path));
    out.push_back(
        {.kind = "timer",
         .path = timers.front(),
         .message = fmt::format("{} {} {}", base::Join(names, ", "),
                                names.size() == 1 ? "is a job" : "are jobs", kConsequence),
         .remedy = EndTimers(timers, state_dir)});
  }
  return out;
}

}  // namespace selftune::upstream
