#include "upstream/still_runs.h"

#include <chrono>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "base/executable.h"
#include "base/file.h"
#include "base/free_path.h"
#include "base/process.h"
#include "base/strings.h"
#include "upstream/leftovers.h"

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

// What the person's crontab has of the reference.
enum class Lines { kNone, kBlock, kBroken };

// A block from its mark to the end of it, before any other begins; not more than one, for
// only then it is plain what is not the person's.
Lines LinesOfReference(std::string_view table) {
  constexpr std::string_view kBegin = "# BEGIN SELFTUNE", kEnd = "# END SELFTUNE";
  int blocks = 0;
  bool open = false;
  for (const std::string_view line : base::Split(table, '\n')) {
    if (open && line.starts_with(kBegin)) return Lines::kBroken;
    if (open && line.starts_with(kEnd)) open = false;
    // Behind the mark of ours a text follows.
    if (!line.starts_with(kBegin) || !base::Trim(line.substr(kBegin.size())).empty()) continue;
    open = true;
    ++blocks;
  }
  if (open || blocks > 1) return Lines::kBroken;
  return blocks == 0 ? Lines::kNone : Lines::kBlock;
}

// "" when there is none, or it cannot be read.
std::string ReadCrontab(const base::Environment& env) {
  base::ProcessOptions options;
  options.argv = {base::FindExecutable("crontab", env.Get("PATH").value_or("")), "-l"};
  if (options.argv.front().empty()) return "";
  options.env = env.all();
  options.timeout = std::chrono::seconds(10);
  const auto done = base::RunProcess(options);
  return done.ok() && done->exit_code == 0 ? done->stdout_text : "";
}

// Takes the block of the reference out of the crontab, which it keeps beside. It is looked
// at once more; unless every step does well the table stays.
std::string ClearCrontab(const std::string& folder) {
  // White space as base::Trim has it; not every awk knows [[:space:]].
  constexpr std::string_view kFilter =
      "/^# BEGIN SELFTUNE/ && b {bad = 1} "
      "/^# BEGIN SELFTUNE[ \\t\\v\\f\\r]*$/ {b = 1; n++; next} "
      "b {if (/^# END SELFTUNE/) b = 0; next} {print} END {exit bad || b || n != 1}";
  const std::string before = base::JoinCommand({base::JoinPath(folder, "crontab.before")});
  const std::string after = base::JoinCommand({base::JoinPath(folder, "crontab.after")});
  return fmt::format("crontab -l > {0} && {1} {0} > {2} && crontab - < {2} && ", before,
                     base::JoinCommand({"awk", std::string(kFilter)}), after);
}

// One line for a shell: the jobs are stopped, then their files moved to where nothing
// starts them, a folder that is made for it.
std::vector<std::string> EndTimers(const std::vector<std::string>& paths, bool clear_crontab,
                                   const std::string& state_dir) {
  const std::string folder = base::FreePath(base::JoinPath(state_dir, "reference-timers"));
  std::vector<std::string> stop = {"systemctl", "--user", "disable", "--now"};
  std::vector<std::string> unload = {"launchctl", "unload"};
  std::vector<std::string> move = {"mv", "-n"};
  for (const std::string& path : paths) {
    if (path.ends_with(".timer")) stop.emplace_back(base::BaseName(path));
    if (path.ends_with(".plist")) unload.push_back(path);
    move.push_back(path);
  }
  move.push_back(folder);
  std::string script = base::JoinCommand({"mkdir", "-p", state_dir}) + " && " +
                       base::JoinCommand({"mkdir", folder}) + " && ";
  if (clear_crontab) script += ClearCrontab(folder);
  script += "{ ";
  if (stop.size() > 4) script += base::JoinCommand(stop) + "; ";
  if (unload.size() > 2) script += base::JoinCommand(unload) + "; ";
  return {"sh", "-c", script + base::JoinCommand(move) + "; }"};
}

StillRuns TimersThatRun(const std::vector<std::string>& paths, const base::Environment& env,
                        const std::string& state_dir) {
  std::vector<std::string> names;
  Lines lines = Lines::kNone;
  for (const std::string& path : paths) {
    names.emplace_back(base::BaseName(path));
    if (path.ends_with(".crontab")) lines = LinesOfReference(ReadCrontab(env));
  }
  StillRuns out{.kind = "timer",
                .path = paths.front(),
                .message = fmt::format("{} {} {}", base::Join(names, ", "),
                                       names.size() == 1 ? "is a job" : "are jobs", kConsequence),
                .advice = "stop them; their files are moved aside, none is deleted"};
  if (lines == Lines::kBroken) {
    out.message +=
        "; in the crontab its lines have no end or begin twice, take them out with crontab -e";
    out.advice = "look at its lines, and take them out with crontab -e, with both their marks";
    out.remedy = {"crontab", "-l"};  // an editor would keep an agent waiting
  } else {
    out.remedy = EndTimers(paths, lines == Lines::kBlock, state_dir);
  }
  return out;
}

}  // namespace

std::vector<StillRuns> WhatStillRuns(const base::Environment& env, const std::string& state_dir) {
  const std::vector<Leftover> leftovers = FindLeftovers(env, state_dir);
  std::vector<StillRuns> out;
  if (const auto hooks = PathsOf(leftovers, "hook"); !hooks.empty()) {
    out.push_back({.kind = "hook",
                   .path = hooks.front(),
                   .message = fmt::format("{} has hooks {}", hooks.front(), kConsequence),
                   .advice = "put selftune's in their place",
                   .remedy = {"selftune", "hooks", "install"}});
  }
  if (const auto timers = PathsOf(leftovers, "timer"); !timers.empty()) {
    out.push_back(TimersThatRun(timers, env, state_dir));
  }
  return out;
}

}  // namespace selftune::upstream
