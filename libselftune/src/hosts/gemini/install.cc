// Gemini CLI's settings.json (host-gemini.md 6): comments allowed, milliseconds.
#include <string>
#include <vector>

#include "hosts/hook_rows.h"
#include "hosts/install_rows.h"
#include "install/target.h"

namespace selftune::hosts {
namespace {

std::vector<install::WantedHook> Hooks(const std::string& shim) {
  return install::GroupsOf(kGeminiHooks, shim, {.timeout_factor = 1000, .named = true});
}

std::string Sample(const hooks::Subscription& event) {
  return install::UsualSample(event,
                              {.write = "write_file", .skill = "", .shell = "run_shell_command"});
}

}  // namespace

constinit const install::Target kGeminiTarget = {
    .platform = "gemini",
    .settings_file = "settings.json",
    .rules = {.dialect = install::JsonDialect::kComments, .positional = false},
    .hooks = Hooks,
    .afterwards = "restart running Gemini CLI sessions",
    .sample = Sample,
    .project_dir = ".gemini",
};

}  // namespace selftune::hosts
