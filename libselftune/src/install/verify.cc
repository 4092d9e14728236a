#include "install/verify.h"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "base/file.h"
#include "base/json_value.h"
#include "base/process.h"
#include "base/status_macros.h"
#include "base/strings.h"
#include "hooks/hosts.h"
#include "install/file_change.h"
#include "install/hook_list.h"
#include "install/installer.h"

namespace selftune::install {
namespace {

constexpr std::chrono::milliseconds kPatience{5000};

bool SameFile(const std::string& a, const std::string& b) {
  const auto first = base::RealPath(a), second = base::RealPath(b);
  return first.ok() && second.ok() && *first == *second;
}

// The words of a command that an installer could have written; empty for any other.
std::vector<std::string> WordsOf(const HookTrial& trial, const Place& place, bool projects,
                                 std::string_view host) {
  std::string program = ShimIn(trial.command);
  for (const std::string_view handler : {std::string_view(), std::string_view(trial.handler)}) {
    if (program.empty() || trial.command != ShimCommand(program, host, handler)) continue;
    if (program == kShimName) program = place.shim;  // by PATH, as we find it
    if (!program.starts_with('/') || (projects && !SameFile(program, place.shim))) return {};
    std::vector<std::string> words = {program, std::string(host)};
    if (!handler.empty()) words.emplace_back(handler);
    return words;
  }
  return {};
}

// Of a settings file: what stands in it, whoever put it there.
StatusOr<std::vector<HookTrial>> TrialsOfSettings(const Target& target, const Place& place) {
  const std::string path = SettingsPath(target, place);
  ST_ASSIGN_OR_RETURN(const FileText file, ReadFileText(path));
  ST_ASSIGN_OR_RETURN(const std::vector<FoundHook> found,
                      FindHooks(file.bytes, target.rules, path));
  const hooks::Host* const host = hooks::FindHost(target.platform);
  std::vector<HookTrial> out;
  for (const FoundHook& hook : found) {
    if (!hook.ours || host == nullptr || target.sample == nullptr) continue;
    for (const hooks::Subscription& event : host->subscriptions) {
      if (event.native != hook.event) continue;
      out.push_back({.event = hook.event,
                     .command = hook.command,
                     .payload = target.sample(event),
                     .handler = {},
                     .kept = IsKept(event.handler)});
      break;
    }
  }
  return out;
}

// A plugin runs inside its host: what is left to try is the program it starts.
std::vector<HookTrial> TrialsOfPlugin(const Target& target, const Place& place) {
  const HostHooks hooks = LookAtHooks(target, place);
  if (hooks.state == HookState::kAbsent) return {};
  return {{.event = "plugin",
           .command = ShimCommand(place.shim, target.platform, "event"),
           .payload = fmt::format(R"({{"type":"prompt_submit","session_id":"{0}","prompt":"{0}"}})",
                                  kSampleName),
           .handler = "event",
           .kept = true}};
}

bool Arrived(const std::string& scratch) {
  const auto files = base::ListDir(base::JoinPath(scratch, "spool"));
  if (!files.ok()) return false;
  return std::any_of(files->begin(), files->end(), [&](const base::DirEntry& entry) {
    const auto text = base::ReadFile(base::JoinPath(scratch, "spool/" + entry.name), 1 << 20);
    return text.ok() && text->find(kSampleName) != text->npos &&
           text->find("\"rejected\"") == text->npos;
  });
}

std::string ProblemOf(const HookTrial& trial, const base::ProcessResult& ran,
                      const std::string& scratch) {
  if (ran.timed_out) return fmt::format("it did not end within {} ms", kPatience.count());
  if (ran.exit_code != 0) {
    return ran.stderr_text.empty()
               ? fmt::format("exit code {}", ran.exit_code)
               : fmt::format("exit code {}: {}", ran.exit_code, base::Trim(ran.stderr_text));
  }
  const std::string_view said = base::Trim(ran.stdout_text);
  if (!said.empty() && !base::JsonValue::Parse(said).ok()) return "what it prints is no JSON";
  if (trial.kept && !Arrived(scratch)) return "the event did not arrive";
  return "";
}

}  // namespace

StatusOr<std::vector<TrialResult>> VerifyHooks(const Target& target, const Place& place,
                                               const base::Environment& env,
                                               const std::string& scratch,
                                               const base::Cancel& cancel) {
  std::vector<HookTrial> trials;
  if (target.hooks != nullptr) {
    ST_ASSIGN_OR_RETURN(trials, TrialsOfSettings(target, place));
  } else if (LookAtHooks(target, place).state != HookState::kAbsent) {
    trials = target.trials != nullptr ? target.trials(place) : TrialsOfPlugin(target, place);
  }
  std::vector<TrialResult> out;
  for (const HookTrial& trial : trials) {
    const std::string dir = base::JoinPath(scratch, fmt::format("{}", out.size()));
    ST_RETURN_IF_ERROR(base::MakeDirs(dir, 0700));
    base::ProcessOptions options{.argv = {trial.command}, .cwd = "/"};
    if (!trial.is_file) {
      const hooks::Host* const host = hooks::FindHost(target.platform);
      const std::string_view name = host == nullptr ? target.platform : host->command;
      options.argv = WordsOf(trial, place, !place.project.empty(), name);
    }
    if (options.argv.empty()) {
      out.push_back({.event = trial.event,
                     .command = trial.command,
                     .reply = "",
                     .problem = "it is not as it was installed, and was not run"});
      continue;
    }
    options.env = {
        {"HOME", env.Home()}, {"PATH", env.GetOr("PATH", "/usr/bin:/bin")}, {"SELFTUNE_HOME", dir}};
    options.stdin_text = trial.payload;
    options.timeout = kPatience;
    options.cancel = &cancel;
    ST_ASSIGN_OR_RETURN(const base::ProcessResult ran, base::RunProcess(options));
    ST_RETURN_IF_ERROR(cancel.Check());
    out.push_back({.event = trial.event,
                   .command = trial.command,
                   .exit_code = ran.exit_code,
                   .elapsed = ran.duration,
                   .reply = ran.stdout_text,
                   .problem = ProblemOf(trial, ran, dir)});
  }
  return out;
}

}  // namespace selftune::install
