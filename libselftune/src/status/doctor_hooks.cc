// Checks of what is installed in the agents: are our hooks there, do they run, may
// they.
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <fmt/format.h>

#include "base/executable.h"
#include "base/process.h"
#include "base/status_macros.h"
#include "base/strings.h"
#include "base/time.h"
#include "hosts/registry.h"
#include "install/installer.h"
#include "install/target.h"
#include "install/twice.h"
#include "status/doctor_checks.h"
#include "store/hook_evidence.h"
#include "store/install_rows.h"
#include "store/queries/doctor.h"

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
  check.text = "the agent waits for it at each event; see whether each of them is slow";
  check.command = fmt::format("selftune hooks verify {}", row.platform);
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

void Tell(const install::Hindrance& one, std::string_view platform, Check& check) {
  check.status = CheckStatus::kWarn;
  check.message = one.what;
  check.text = one.remedy;
  check.command =
      one.command.empty() ? fmt::format("selftune hooks status {}", platform) : one.command;
}

// Each event told twice, because there are hooks in two places.
void CheckTwice(const DoctorWorld& world, const hosts::HostRow& row, const install::Target& target,
                const install::Place& person, const std::vector<store::InstallRow>& rows,
                Checks& out) {
  const auto twice =
      install::FindTwice(row, install::PlacesOfHooks(row, target, person, world.project, rows));
  if (!twice.has_value()) return;
  out.push_back({.name = fmt::format("hooks.{}.twice", row.platform),
                 .status = CheckStatus::kWarn,
                 .message = twice->what,
                 .text = "keep one of both",
                 .command = base::JoinCommand(twice->command)});
}

// What keeps them from running without being in the person's own settings. Returns whether
// there is any for the whole machine.
bool CheckOutside(const DoctorWorld& world, const hosts::HostRow& row,
                  const install::Target& target, const install::Place& person, Checks& out) {
  bool everywhere = false;
  for (const install::Outside& one :
       install::HindrancesOutside(target, person, world.project, *world.env)) {
    Check check{.name = fmt::format("hooks.{}.{}", row.platform, one.scope), .path = one.path};
    Tell(one.hindrance, row.platform, check);
    if (one.scope == "machine") {
      everywhere = true;
    } else {
      check.message.insert(0, "in this project ");
    }
    out.push_back(std::move(check));
  }
  return everywhere;
}

// Hooks of ours in the settings of the project.
bool InProject(const DoctorWorld& world, const hosts::HostRow& row, const install::Target& target,
               const install::Place& person, const std::vector<store::InstallRow>& rows) {
  const auto places = install::PlacesOfHooks(row, target, person, world.project, rows);
  return std::any_of(places.begin(), places.end(), [](const install::HooksPlace& place) {
    return place.here && place.scope != "user";
  });
}

// When the host got the hooks it has; nothing when nobody wrote it down.
std::optional<UtcMillis> InstalledAt(const std::vector<store::InstallRow>& rows,
                                     std::string_view platform) {
  std::optional<UtcMillis> out;
  for (const store::InstallRow& row : rows) {
    const bool hook = row.kind == "hook" || row.kind == "plugin";
    if (!hook || row.platform != platform) continue;
    if (!out.has_value() || row.installed.value > out->value) out = row.installed;
  }
  return out;
}

// Whether hooks tell of what the transcripts tell. A session that has just begun may
// have had nothing to say yet; one that ran before has no hooks.
Status CheckAlive(const DoctorWorld& world, const install::Target& target, UtcMillis installed,
                  Checks& out) {
  constexpr int64_t kMinute = 60'000;
  constexpr int64_t kYoung = 10 * kMinute;
  constexpr int64_t kSlack = 5 * kMinute;  // between the clocks of the host and of its files
  store::Db& db = **world.db;
  ST_ASSIGN_OR_RETURN(const auto heard, store::LastHookEvent(db, target.platform));
  ST_ASSIGN_OR_RETURN(const auto newest,
                      store::FindNewestSession(db, target.platform, installed,
                                               UtcMillis{world.now.value - kYoung}));
  Check check{.name = fmt::format("hooks.{}.alive", target.platform)};
  const bool since = heard.has_value() && heard->value >= installed.value;
  if (since) check.message = fmt::format("the last event came at {}", FormatRfc3339(*heard));
  const bool told =
      since && (!newest.has_value() || heard->value >= newest->started.value - kSlack);
  if (!told && newest.has_value()) {
    check.status = since ? CheckStatus::kInfo : CheckStatus::kWarn;
    check.message =
        since ? check.message + fmt::format("; session {}, which began at {}, told nothing",
                                            newest->session_id, FormatRfc3339(newest->started))
              : fmt::format(
                    "no event came since they were installed at {}, although session {} "
                    "began at {}",
                    FormatRfc3339(installed), newest->session_id, FormatRfc3339(newest->started));
    const std::string_view text = target.approve.empty() ? target.afterwards : target.approve;
    check.text = text.empty() ? "restart the agent" : std::string(text);
    check.command = fmt::format("selftune hooks verify {}", target.platform);
  } else if (!told) {
    check.status = CheckStatus::kSkip;
    check.message = "no session was seen since they were installed";
  }
  out.push_back(std::move(check));
  return absl::OkStatus();
}

}  // namespace

Status CheckHooks(const DoctorWorld& world, Checks& out) {
  std::vector<store::InstallRow> rows;
  if (world.db.ok()) {
    ST_ASSIGN_OR_RETURN(rows, store::ReadInstalls(**world.db));
  }
  const bool set_up = world.config.ok() && (*world.config)->exists;
  for (const hosts::HostRow& row : hosts::Rows()) {
    const install::Target* const target = install::FindTarget(row.platform);
    if (target == nullptr) continue;
    const install::Place place{
        .home = world.env->Home(), .config_dir = hosts::ConfigDir(row, *world.env), .shim = ""};
    if (place.config_dir.empty()) continue;
    CheckTwice(world, row, *target, place, rows, out);
    const install::HostHooks hooks = install::LookAtHooks(*target, place);
    const bool there =
        hooks.state != install::HookState::kAbsent || InProject(world, row, *target, place, rows);
    const bool off_everywhere = there && CheckOutside(world, row, *target, place, out);
    Check check{.name = fmt::format("hooks.{}", row.platform), .path = hooks.path};
    size_t told = 0;  // of what keeps them from running
    if (!hooks.problem.empty()) {
      check.status = CheckStatus::kWarn;
      check.message = hooks.problem;
      check.text = "the agent ignores a file it cannot read, and hooks with it; correct it";
      check.command = fmt::format("selftune hooks status {}", row.platform);
    } else if (hooks.state == install::HookState::kAbsent) {
      if (!set_up || base::FindExecutable(row.command, world.env->GetOr("PATH", "")).empty())
        continue;
      check.status = CheckStatus::kInfo;
      check.message = "not installed: evidence comes from transcripts only";
      check.text = "with them it is known at once";
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
      if (!hooks.hindrances.empty()) {
        Tell(hooks.hindrances.front(), row.platform, check);
        check.message.insert(0, "installed, but ");
        told = 1;
      } else if (!hooks.shim.empty()) {
        CheckRunnable(hooks.shim, row, check);
      }
    }
    out.push_back(std::move(check));
    for (; told < hooks.hindrances.size(); ++told) {
      Check more{.name = fmt::format("hooks.{}.{}", row.platform, hooks.hindrances[told].name),
                 .path = hooks.path};
      Tell(hooks.hindrances[told], row.platform, more);
      out.push_back(std::move(more));
    }
    // One cause is one finding: those that may not run are silent.
    const bool silent = hooks.state == install::HookState::kAbsent || !hooks.problem.empty() ||
                        !hooks.hindrances.empty() || off_everywhere;
    const std::optional<UtcMillis> installed = InstalledAt(rows, row.platform);
    if (!silent && installed.has_value()) {
      ST_RETURN_IF_ERROR(CheckAlive(world, *target, *installed, out));
    }
  }
  return absl::OkStatus();
}

}  // namespace selftune::status
