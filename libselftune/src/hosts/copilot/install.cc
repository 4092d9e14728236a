// Copilot CLI reads every file of hooks/ (host-others.md C): one of our own, no
// foreign one is touched.
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/file.h"
#include "base/json_value.h"
#include "base/json_writer.h"
#include "hosts/hook_rows.h"
#include "hosts/install_rows.h"
#include "install/json_text.h"
#include "install/off_switch.h"
#include "install/target.h"

namespace selftune::hosts {
namespace {

using base::JsonValue;

constexpr std::string_view kFile = "hooks/selftune.json";

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
  return {{.path = base::JoinPath(place.config_dir, kFile),
           .bytes = install::Pretty(file, {}, "") + "\n",
           .mode = 0644}};
}

// Its payloads do not say which event they are of.
std::string Sample(const hooks::Subscription& event) {
  const std::string name(install::kSampleName);
  base::JsonWriter out;
  out.BeginObject().Field("sessionId", name).Field("cwd", "/").Field("reason", "complete");
  if (event.handler == "guard") {
    out.Field("toolName", "edit").Key("toolArgs").BeginObject();
    out.Field("path", "/" + name + "/SKILL.md").EndObject();
  } else if (event.handler == "commit-track") {
    out.Field("toolName", "bash").Key("toolArgs").BeginObject();
    out.Field("command", "git commit").EndObject();
  } else if (event.handler == "prompt-log") {
    out.Field("prompt", name);
  }
  out.EndObject();
  return std::move(out).Take();
}

std::vector<install::HookTrial> Trials(const install::Place& place) {
  constexpr uint64_t kMost = 1 << 20;
  std::vector<install::HookTrial> out;
  const auto text = base::ReadFile(base::JoinPath(place.config_dir, kFile), kMost);
  const auto json = text.ok() ? JsonValue::Parse(*text) : StatusOr<JsonValue>(text.status());
  if (!json.ok()) return out;
  for (const hooks::Subscription& event : kCopilotHooks.subscriptions) {
    for (const JsonValue& entry : (*json)["hooks"][event.native].items()) {
      out.push_back({.event = std::string(event.native),
                     .command = entry["bash"].AsString(),
                     .payload = Sample(event),
                     .handler = std::string(event.handler),
                     .kept = install::IsKept(event.handler)});
    }
  }
  return out;
}

// In a file of hooks it is about that file. In the settings it is about every file, as the
// host describes it; in one-shot mode 1.0.102 does not look there.
std::vector<install::Hindrance> Hindrances(const install::Place& place, std::string_view) {
  constexpr uint64_t kMost = 1 << 20;
  const install::OffSwitch all{{"disableAllHooks"}, true};
  std::vector<install::Hindrance> out;
  for (const std::string_view name : {kFile, std::string_view("settings.json")}) {
    const std::string path = base::JoinPath(place.config_dir, name);
    const auto text = base::ReadFile(path, kMost);
    if (!text.ok()) continue;
    auto found = install::FindOffSwitch(*text, install::JsonDialect::kComments, path, all);
    if (!found.has_value()) continue;
    if (name != kFile) found->what += "; its one-shot mode runs them all the same";
    out.push_back(*std::move(found));
  }
  return out;
}

}  // namespace

constinit const install::Target kCopilotTarget = {
    .platform = "copilot",
    .files = Files,
    .afterwards = "restart running Copilot CLI sessions",
    .hindrances = Hindrances,
    .trials = Trials,
};

}  // namespace selftune::hosts
