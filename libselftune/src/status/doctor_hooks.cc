// Checks of what is installed in the agents: are our hooks there, do they run, may
// they.
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <string>
#include <string_view>

#include <fmt/format.h>

#include "base/process.h"
#include "hosts/registry.h"
#include "install/installer.h"
#include "install/target.h"
#include "status/doctor_checks.h"

namespace selftune::status {
namespace {

// What an agent waits for at each event; most of it is the start of a process.
constexpr std::chrono::milliseconds kSlow{250};

std::string InstallCommand(std::string_view platform) {
  return fmt::format("selftune hooks install {}", platform);
}

size_t ForeignOf(const install::HostHooks& hooks) {
  return static_cast<size_t>(std::count_if(hooks.found.begin(), hooks.found.end(),
                                           [](const auto& hook) { return !hook.ours; }));
}

// Those of others that an agent waits for at each call of a tool.
size_t AtEachTool(const install::HostHooks& hooks) {
  return static_cast<size_t>(
      std::count_if(hooks.found.begin(), hooks.found.end(), [](const install::FoundHook& hook) {
        const bool tool = hook.event.find("ToolUse") != hook.event.npos ||
                          hook.event.find("Tool") != hook.event.npos;
        return !hook.ours && tool && (hook.matcher.empty() || hook.matcher == "*");
      }));
}

// Starts the program as the agent does; it ends at once, because we started it.
void CheckRunnable(const std::string& shim, const hosts::HostRow& row, Check& check) {
  base::ProcessOptions options;
  options.argv = {shim, std::string(row.command)};
  options.env = {{"SELFTUNE_INTERNAL", "1"}};
  options.stdin_text = "{}";
  options.timeout = std::chrono::milliseconds(2000);
  const auto ran = base::RunProcess(options);
  if (!ran.ok() || ran->timed_out || ran->exit_code != 0) {
    check.status = CheckStatus::kWarn;
    check.message = fmt::format("installed, but {} does not run", shim);
    check.text = "install selftune again, then its hooks";
    check.command = InstallCommand(row.platform);
    return;
  }
  if (ran->duration <= kSlow) return;
  check.status = CheckStatus::kWarn;
  check.message += fmt::format("; a hook takes {} ms here", ran->duration.count());
  check.text = "the agent waits for it at each event; see what slows down starting programs";
}

void DescribeInstalled(const install::HostHooks& hooks, Check& check) {
  const size_t events = hooks.wanted.empty() ? 1 : hooks.wanted.size();
  check.message =
      hooks.wanted.empty() ? "installed" : fmt::format("installed for {} events", events);
  if (const size_t foreign = ForeignOf(hooks); foreign > 0) {
    check.message += fmt::format(", beside {} of others", foreign);
  }
  if (const size_t costly = AtEachTool(hooks); costly > 0) {
    check.message += fmt::format(", {} of which run at every tool call", costly);
  }
}

}  // namespace

void CheckHooks(const DoctorWorld& world, Checks& out) {
  const bool set_up = world.config.ok() && (*world.config)->exists;
  for (const hosts::HostRow& row : hosts::Rows()) {
    const install::Target* const target = install::FindTarget(row.platform);
    if (target == nullptr) continue;
    const install::Place place{
        .home = world.env->Home(), .config_dir = hosts::ConfigDir(row, *world.env), .shim = ""};
    if (place.config_dir.empty()) continue;
    const install::HostHooks hooks = install::LookAtHooks(*target, place);
    Check check{.name = fmt::format("hooks.{}", row.platform), .path = hooks.path};
    if (!hooks.problem.empty()) {
      check.status = CheckStatus::kWarn;
      check.message = hooks.problem;
      check.text = "the agent ignores a file it cannot read, and hooks with it; correct it";
    } else if (hooks.state == install::HookState::kAbsent) {
      if (!set_up || base::FindExecutable(row.command, world.env->GetOr("PATH", "")).empty())
        continue;
      check.status = CheckStatus::kInfo;
      check.message = "not installed: evidence comes from transcripts only";
      check.command = InstallCommand(row.platform);
    } else if (hooks.state == install::HookState::kPartial) {
      check.status = CheckStatus::kWarn;
      check.message = "some are missing, changed or there twice";
      check.text = "put them in order; what others wrote is kept";
      check.command = InstallCommand(row.platform);
    } else if (!hooks.shim.empty() && ::access(hooks.shim.c_str(), X_OK) != 0) {
      check.status = CheckStatus::kWarn;
      check.message = fmt::format("installed, but there is no program {}", hooks.shim);
      check.text = "let them start the one that is there";
      check.command = InstallCommand(row.platform);
    } else {
      DescribeInstalled(hooks, check);
      if (hooks.state == install::HookState::kUnapproved) {
        check.status = CheckStatus::kWarn;
        check.message = "installed, not approved: they do not run";
        check.text = target->approve;
      } else if (!hooks.shim.empty()) {
        CheckRunnable(hooks.shim, row, check);
      }
    }
    out.push_back(std::move(check));
  }
}

}  // namespace selftune::status
