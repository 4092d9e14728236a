// Cline runs the file of an event's name in each of two folders (host-cline.md 3):
// ours goes where nobody else's is. Version 2 reads the second alone.
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/file.h"
#include "base/json_writer.h"
#include "hosts/hook_rows.h"
#include "hosts/install_rows.h"
#include "install/target.h"

namespace selftune::hosts {
namespace {

constexpr uint64_t kMaxScript = 1 << 20;

bool IsOurs(const std::string& path) {
  const auto bytes = base::ReadFile(path, kMaxScript);
  return bytes.ok() && bytes->find(install::kManagedMark) != bytes->npos;
}

bool IsFree(const std::string& path) { return !base::Exists(path) || IsOurs(path); }

// Version 2 was set up, and version 3, which keeps sessions, never ran.
bool IsVersion2(const std::string& config_dir) {
  return base::Exists(base::JoinPath(config_dir, "data/globalState.json")) &&
         !base::Exists(base::JoinPath(config_dir, "data/sessions"));
}

std::vector<install::OwnFile> Files(const install::Place& place) {
  const std::string head =
      "#!/bin/sh\n# " + std::string(install::kManagedMark) + ": made by `selftune hooks install`\n";
  const std::string shim = install::ShimCommand(place.shim, kClineHooks.command);
  const std::string script = head + shim + " >/dev/null 2>&1\nprintf '{\"cancel\":false}\\n'\n";
  // The one whose answer counts.
  const std::string guard = head + "answer=$(" + shim +
                            " 2>/dev/null)\nif [ -n \"$answer\" ]; then printf '%s\\n' "
                            "\"$answer\"; else printf '{\"cancel\":false}\\n'; fi\n";
  const bool version_2 = IsVersion2(place.config_dir);
  std::vector<install::OwnFile> out;
  for (const hooks::Subscription& event : kClineHooks.subscriptions) {
    const std::string name(event.native);
    const std::string usual = base::JoinPath(place.config_dir, "hooks/" + name);
    const std::string other = base::JoinPath(place.home, "Documents/Cline/Hooks/" + name);
    // Where ours lies it stays: in both folders it would be told of everything twice.
    const bool kept = IsOurs(usual) || IsOurs(other);
    const bool elsewhere = IsFree(other) && (kept ? !IsOurs(usual) : version_2 || !IsFree(usual));
    out.push_back({.path = elsewhere ? other : usual,
                   .bytes = name == "PreToolUse" ? guard : script,
                   .mode = 0755});
  }
  return out;
}

std::vector<install::HookTrial> Trials(const install::Place& place) {
  const std::string name(install::kSampleName);
  std::vector<install::HookTrial> out;
  for (const install::OwnFile& file : Files(place)) {
    const std::string event(base::BaseName(file.path));
    const bool skill = event == "PostToolUse";
    base::JsonWriter payload;
    payload.BeginObject().Field("hookName", event).Field("taskId", name);
    if (skill) {
      payload.Key("tool_result").BeginObject().Field("name", "skills").Field("id", name);
      payload.Key("input").BeginObject().Field("skill", name).EndObject().EndObject();
    }
    payload.EndObject();
    out.push_back({.event = event,
                   .command = file.path,
                   .payload = std::move(payload).Take(),
                   .kept = event != "PreToolUse",
                   .is_file = true});
  }
  return out;
}

}  // namespace

constinit const install::Target kClineTarget = {
    .platform = "cline",
    .files = Files,
    .afterwards = "restart running Cline sessions",
    .trials = Trials,
};

}  // namespace selftune::hosts
