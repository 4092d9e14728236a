// Qwen Code's settings.json (host-others.md D): Claude Code's form, comments allowed.
#include <string>
#include <string_view>
#include <vector>

#include "hosts/hook_rows.h"
#include "hosts/install_rows.h"
#include "install/off_switch.h"
#include "install/target.h"

namespace selftune::hosts {
namespace {

#ifdef __APPLE__
constexpr std::string_view kMachineFile = "/Library/Application Support/QwenCode/settings.json";
#else
constexpr std::string_view kMachineFile = "/etc/qwen-code/settings.json";
#endif

// Like its relative, it counts milliseconds.
std::vector<install::WantedHook> Hooks(const std::string& shim) {
  return install::GroupsOf(kQwenHooks, shim, {.timeout_factor = 1000, .named = true});
}

std::string Sample(const hooks::Subscription& event) {
  return install::UsualSample(
      event, {.write = "write_file", .skill = "skill", .shell = "run_shell_command"});
}

std::vector<install::Hindrance> Hindrances(const install::Place& place, std::string_view text) {
  return install::OffSwitches(kQwenTarget, place, text, {{{"disableAllHooks"}, true}});
}

}  // namespace

constinit const install::Target kQwenTarget = {
    .platform = "qwen",
    .settings_file = "settings.json",
    .rules = {.dialect = install::JsonDialect::kComments, .positional = false},
    .hooks = Hooks,
    .afterwards = "restart running Qwen Code sessions",
    .hindrances = Hindrances,
    .sample = Sample,
    .project_dir = ".qwen",
    .machine_file = kMachineFile,
    .machine_variable = "QWEN_CODE_SYSTEM_SETTINGS_PATH",
};

}  // namespace selftune::hosts
