// Claude Code's settings.json (host-claude-code.md 10.4).
#include <string>
#include <string_view>
#include <vector>

#include "hosts/hook_rows.h"
#include "hosts/install_rows.h"
#include "install/off_switch.h"
#include "install/target.h"

namespace selftune::hosts {
namespace {

constexpr std::string_view kManaged = "managed-settings.json";
#ifdef __APPLE__
constexpr std::string_view kManagedFile =
    "/Library/Application Support/ClaudeCode/managed-settings.json";
#else
constexpr std::string_view kManagedFile = "/etc/claude-code/managed-settings.json";
#endif

std::vector<install::WantedHook> Hooks(const std::string& shim) {
  return install::GroupsOf(kClaudeCodeHooks, shim);
}

std::string Sample(const hooks::Subscription& event) {
  return install::UsualSample(event, {.write = "Write", .skill = "Skill", .shell = "Bash"});
}

std::vector<install::Hindrance> Hindrances(const install::Place& place, std::string_view text) {
  std::vector<install::OffSwitch> switches = {{{"disableAllHooks"}, true}};
  // Means something there only.
  if (place.settings_file == kManaged) switches.push_back({{"allowManagedHooksOnly"}, true});
  return install::OffSwitches(kClaudeCodeTarget, place, text, switches);
}

}  // namespace

constinit const install::Target kClaudeCodeTarget = {
    .platform = "claude_code",
    .settings_file = "settings.json",
    // A file with comments is ignored by the host as a whole.
    .rules = {.dialect = install::JsonDialect::kPlain, .positional = false},
    .hooks = Hooks,
    .afterwards = "restart running Claude Code sessions: they keep the settings they began with",
    .hindrances = Hindrances,
    .sample = Sample,
    .project_dir = ".claude",
    .local_file = "settings.local.json",
    .machine_file = kManagedFile,
};

}  // namespace selftune::hosts
