// What of ours is installed: reads, and changes nothing.
#include "install/installer.h"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/executable.h"
#include "base/file.h"
#include "base/json_value.h"
#include "base/strings.h"
#include "install/file_change.h"
#include "install/hook_list.h"
#include "install/json_text.h"
#include "install/ours.h"

namespace selftune::install {
namespace {

using store::InstallRow;

// Hooks that are put in order are approved as they are then: before, nothing is said of it.
void AddHindrances(const Target& target, const Place& place, std::string_view text,
                   HostHooks& out) {
  if (target.hindrances == nullptr) return;
  out.hindrances = target.hindrances(place, text);
  if (out.state == HookState::kPartial) {
    std::erase_if(out.hindrances, [](const Hindrance& one) { return one.approval; });
    return;
  }
  const bool waits = std::any_of(out.hindrances.begin(), out.hindrances.end(),
                                 [](const Hindrance& one) { return one.approval; });
  if (waits) out.state = HookState::kUnapproved;
}

void LookAtSettings(const Target& target, const Place& place, HostHooks& out) {
  const auto file = ReadFileText(out.path);
  if (!file.ok()) {
    out.problem = std::string(Message(file.status()));
    return;
  }
  auto found = FindHooks(file->bytes, target.rules, out.path);
  if (!found.ok()) {
    out.problem = std::string(Message(found.status()));
    return;
  }
  out.found = *std::move(found);
  for (const FoundHook& hook : out.found) {
    if (!hook.ours) continue;
    out.state = HookState::kPartial;  // or better, see below
    if (out.shim.empty()) out.shim = ShimIn(hook.command);
  }
  if (out.shim.empty()) return;
  const std::string shim = place.shim.empty() ? out.shim : place.shim;
  const auto exact = HasExactly(file->bytes, target.hooks(shim), target.rules, out.path);
  out.state = exact.ok() && *exact ? HookState::kInstalled : HookState::kPartial;
  AddHindrances(target, place, file->bytes, out);
}

void LookAtFiles(const Target& target, const Place& place, HostHooks& out) {
  size_t right = 0, there = 0;
  const std::vector<OwnFile> files = target.files(place);
  for (const OwnFile& own : files) {
    out.path = own.path;
    const auto file = ReadFileText(own.path);
    if (!file.ok()) {
      out.problem = std::string(Message(file.status()));
      return;
    }
    if (!file->exists || !IsManaged(file->bytes)) continue;
    ++there;
    out.shim = place.shim;
    if (file->bytes == own.bytes || place.shim.empty()) ++right;
  }
  if (there == 0) return;
  out.state = right == files.size() ? HookState::kInstalled : HookState::kPartial;
  AddHindrances(target, place, "", out);
}

// A settings file that is not the person's own.
struct OutsideFile {
  std::string_view scope;
  Place place;
};

std::vector<OutsideFile> OutsideFiles(const Target& target, const Place& person,
                                      const std::string& project, const base::Environment& env) {
  std::vector<OutsideFile> out;
  const auto add = [&](std::string_view scope, std::string dir, std::string_view file) {
    out.push_back({scope,
                   {.home = person.home,
                    .config_dir = std::move(dir),
                    .shim = person.shim,
                    .settings_file = std::string(file),
                    .project = scope == "machine" ? "" : project}});
  };
  if (!target.machine_file.empty()) {
    const std::string path =
        target.machine_variable.empty()
            ? std::string(target.machine_file)
            : env.GetOr(std::string(target.machine_variable), std::string(target.machine_file));
    add("machine", std::string(base::DirName(path)), base::BaseName(path));
  }
  if (project.empty() || target.project_dir.empty()) return out;
  const std::string dir = base::JoinPath(project, target.project_dir);
  if (base::RealPath(dir).value_or(dir) ==
      base::RealPath(person.config_dir).value_or(person.config_dir)) {
    return out;  // the person's own
  }
  if (!target.local_file.empty()) add("local", dir, target.local_file);
  add("project", dir, target.settings_file);
  return out;
}

bool IsSet(const base::JsonValue& settings, std::string_view dotted) {
  const base::JsonValue* value = &settings;
  for (const std::string_view key : base::Split(dotted, '.')) value = &(*value)[key];
  return value->is_bool();
}

}  // namespace

std::vector<Outside> HindrancesOutside(const Target& target, const Place& person,
                                       const std::string& project, const base::Environment& env) {
  std::vector<Outside> out;
  if (target.hindrances == nullptr || target.settings_file.empty()) return out;
  std::vector<base::JsonValue> stronger;
  for (const OutsideFile& one : OutsideFiles(target, person, project, env)) {
    const std::string path = SettingsPath(target, one.place);
    const auto file = ReadFileText(path);
    if (!file.ok() || !file->exists) continue;
    const auto root = ParseJsonText(file->bytes, target.rules.dialect, path);
    if (!root.ok()) continue;  // the host ignores it
    for (Hindrance& found : target.hindrances(one.place, file->bytes)) {
      const bool decided =
          std::any_of(stronger.begin(), stronger.end(), [&](const base::JsonValue& settings) {
            return !found.setting.empty() && IsSet(settings, found.setting);
          });
      if (found.approval || decided) continue;
      if (::access(path.c_str(), W_OK) != 0) found.command.clear();  // somebody else's to change
      out.push_back({one.scope, path, std::move(found)});
    }
    stronger.push_back(ValueOf(file->bytes, *root));
  }
  return out;
}

std::string_view Word(HookState state) {
  constexpr std::array<std::string_view, 4> kWords = {"absent", "partial", "installed",
                                                      "unapproved"};
  return kWords[static_cast<size_t>(state)];
}

HostHooks LookAtHooks(const Target& target, const Place& place) {
  HostHooks out;
  if (target.hooks != nullptr) {
    out.path = SettingsPath(target, place);
    for (const WantedHook& hook : target.hooks(place.shim)) out.wanted.push_back(hook.event);
    LookAtSettings(target, place, out);
  } else if (target.files != nullptr) {
    LookAtFiles(target, place, out);
  }
  return out;
}

std::string_view DriftOf(const InstallRow& row) {
  // A place in a scheduler's own list: `cron status` asks it.
  if (!row.path.starts_with('/')) return "none";
  const auto file = ReadFileText(row.path);
  if (!file.ok()) return "unreadable";
  if (!file->exists) return "missing";
  return IsAsLeft(row, file->sha256) ? "none" : "edited";
}

std::string FindShim(std::string_view path_list) {
  std::array<char, 4096> self{};
  const ssize_t size = ::readlink("/proc/self/exe", self.data(), self.size());
  const std::string program(self.data(), size > 0 ? static_cast<size_t>(size) : 0);
  // A name on PATH stays the same over releases; the one beside us is ours.
  std::string on_path = base::FindExecutable(kShimName, path_list);
  const std::string dir(base::DirName(program));
  for (const std::string& beside :
       {base::JoinPath(dir, kShimName), base::NormalizePath(dir, "../hook/selftune-hook")}) {
    if (program.empty() || ::access(beside.c_str(), X_OK) != 0) continue;
    const auto real = base::RealPath(beside);
    const auto named = on_path.empty() ? real : base::RealPath(on_path);
    if (!on_path.empty() && real.ok() && named.ok() && *real == *named) return on_path;
    return beside;
  }
  return on_path;
}

}  // namespace selftune::install
