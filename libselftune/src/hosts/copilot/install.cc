// Copilot CLI reads every file of hooks/ (host-others.md C): one of our own, no
// foreign one is touched.
#include <string>
#include <vector>

#include "base/file.h"
#include "base/json_value.h"
#include "hosts/hook_rows.h"
#include "hosts/install_rows.h"
#include "install/json_text.h"
#include "install/target.h"

namespace selftune::hosts {
namespace {

using base::JsonValue;

std::vector<install::OwnFile> Files(const install::Place& place) {
  std::vector<JsonValue::Member> events;
  for (const hooks::Subscription& event : kCopilotHooks.subscriptions) {
    const std::string command =
        install::ShimCommand(place.shim, kCopilotHooks.command, event.handler);
    events.emplace_back(event.native,
                        JsonValue::Array({JsonValue::Object(
                            {{"type", JsonValue::Text("command")},
                             {"bash", JsonValue::Text(command)},
                             {"timeoutSec", JsonValue::Int(event.timeout_seconds)},
                             {"comment", JsonValue::Text(std::string(install::kManagedMark))}})}));
  }
  const JsonValue file = JsonValue::Object(
      {{"version", JsonValue::Int(1)}, {"hooks", JsonValue::Object(std::move(events))}});
  return {{.path = base::JoinPath(place.config_dir, "hooks/selftune.json"),
           .bytes = install::Pretty(file, {}, "") + "\n",
           .mode = 0644}};
}

}  // namespace

constinit const install::Target kCopilotTarget = {
    .platform = "copilot",
    .files = Files,
    .afterwards = "restart running Copilot CLI sessions",
};

}  // namespace selftune::hosts
