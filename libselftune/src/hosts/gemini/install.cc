// Gemini CLI's settings.json (host-gemini.md 6): comments allowed, milliseconds.
#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

#include <fmt/format.h>

#include "base/json_value.h"
#include "hosts/hook_rows.h"
#include "hosts/install_rows.h"
#include "install/json_text.h"
#include "install/off_switch.h"
#include "install/target.h"

namespace selftune::hosts {
namespace {

#ifdef __APPLE__
constexpr std::string_view kMachineFile = "/Library/Application Support/GeminiCli/settings.json";
#else
constexpr std::string_view kMachineFile = "/etc/gemini-cli/settings.json";
#endif

std::vector<install::WantedHook> Hooks(const std::string& shim) {
  return install::GroupsOf(kGeminiHooks, shim, {.timeout_factor = 1000, .named = true});
}

std::string Sample(const hooks::Subscription& event) {
  return install::UsualSample(event,
                              {.write = "write_file", .skill = "", .shell = "run_shell_command"});
}

// Hooks are known by their names; a list of them does not run.
bool IsListed(std::string_view text, const std::string& path) {
  const auto root = install::ParseJsonText(text, kGeminiTarget.rules.dialect, path);
  if (!root.ok()) return false;
  const base::JsonValue settings = install::ValueOf(text, *root);
  const auto& names = settings["hooksConfig"]["disabled"].items();
  return std::any_of(names.begin(), names.end(),
                     [](const base::JsonValue& name) { return name.AsString() == "selftune"; });
}

std::vector<install::Hindrance> Hindrances(const install::Place& place, std::string_view text) {
  std::vector<install::Hindrance> out =
      install::OffSwitches(kGeminiTarget, place, text, {{{"hooksConfig", "enabled"}, false}});
  const std::string path = install::SettingsPath(kGeminiTarget, place);
  if (IsListed(text, path)) {
    out.push_back({.name = "disabled",
                   .what = fmt::format("no hook of selftune runs: hooksConfig.disabled in {} "
                                       "has its name",
                                       path),
                   .remedy = "start gemini and type /hooks enable selftune, unless it is meant so: "
                             "no hook of selftune runs",
                   .command = "gemini"});
  }
  return out;
}

}  // namespace

constinit const install::Target kGeminiTarget = {
    .platform = "gemini",
    .settings_file = "settings.json",
    .rules = {.dialect = install::JsonDialect::kComments, .positional = false},
    .hooks = Hooks,
    .afterwards = "restart running Gemini CLI sessions",
    .hindrances = Hindrances,
    .sample = Sample,
    .project_dir = ".gemini",
    .machine_file = kMachineFile,
    .machine_variable = "GEMINI_CLI_SYSTEM_SETTINGS_PATH",
};

}  // namespace selftune::hosts
