// What is installed on a host. Each target lives in its host's folder
// (hosts/<id>/install.cc); hosts/install_targets.cc lists them.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "hooks/host.h"
#include "install/hook_list.h"

namespace selftune::install {

// Where a host is, and what its hooks start.
struct Place {
  std::string home;                // the person's
  std::string config_dir;          // the host's
  std::string shim;                // absolute path of selftune-hook
  std::string settings_file = {};  // instead of the target's own, "" = that
  bool only_here = false;          // removing: not where else it is known to be
  std::string project = {};        // whose settings these are, "" = the person's
};

// A file that is ours as a whole. Its text holds kManagedMark.
struct OwnFile {
  std::string path;  // absolute
  std::string bytes;
  uint32_t mode = 0644;
};
inline constexpr std::string_view kManagedMark = "selftune-managed";

// Why hooks that are in their places do not run.
struct Hindrance {
  std::string_view name;     // "switched_off", a literal
  std::string what;          // which hooks, by what in which file
  std::string remedy;        // what the person has to do
  std::string command;       // that does it, or with which to begin; "" = none
  bool approval = false;     // the host runs what the person approved, and this is not
  std::string setting = {};  // by which no hook runs, from the top with dots; "" = another cause
};

// What a hook says when the host calls it with `payload`.
struct HookTrial {
  std::string event, command, payload;
  std::string handler = {};  // that the command may name
  bool kept = false;         // something has to arrive
  bool is_file = false;      // `command` is a program of our own, not a line
};

// Views point to literals.
struct Target {
  std::string_view platform;
  // A settings file that others write too, below the host's folder; "" = none.
  std::string_view settings_file = {};
  HookFileRules rules = {};
  std::vector<WantedHook> (*hooks)(const std::string& shim) = nullptr;
  // Files of our own, nullptr = none.
  std::vector<OwnFile> (*files)(const Place& place) = nullptr;
  // What is left for the person to do after a change.
  std::string_view afterwards = {};
  // What keeps our hooks from running, by the host's files; `text` is the settings file, ""
  // where there is none. The heaviest first. nullptr = nothing is known to.
  std::vector<Hindrance> (*hindrances)(const Place& place, std::string_view text) = nullptr;
  // How hooks are approved where the host runs no others, "" = it runs all.
  std::string_view approve = {};
  // The host's list of approvals without ours: path and text; nullptr = none.
  std::string_view approvals_file = {};  // below the host's folder
  std::string (*without_approvals)(const Place& place, std::string_view settings_text,
                                   std::string_view approvals_text) = nullptr;
  // A payload as the host sends it for a subscription.
  std::string (*sample)(const hooks::Subscription& event) = nullptr;
  // Files of our own: how the host calls what is in them; nullptr = it loads them itself.
  std::vector<HookTrial> (*trials)(const Place& place) = nullptr;
  // Where a project has settings of its own: folder, and the file that is not shared.
  std::string_view project_dir = {};
  std::string_view local_file = {};
  // Settings for everybody on the machine, and the variable that says where else they are.
  std::string_view machine_file = {}, machine_variable = {};
};

[[nodiscard]] std::span<const Target> Targets();
// nullptr: nothing is installed on this host.
[[nodiscard]] const Target* FindTarget(std::string_view platform);

[[nodiscard]] std::string SettingsPath(const Target& target, const Place& place);

// A word as a POSIX shell and cmd.exe read it: quoted when it has to be.
[[nodiscard]] std::string ShellWord(std::string_view word);
// "/usr/bin/selftune-hook claude": stable, hosts remember it. With the bare name of
// the program the form that is the same on every machine.
[[nodiscard]] std::string ShimCommand(const std::string& shim, std::string_view host,
                                      std::string_view handler = {});

// Tools of a host whose payloads are like Claude Code's.
struct SampleTools {
  std::string_view write, skill, shell;
};
[[nodiscard]] std::string UsualSample(const hooks::Subscription& event, const SampleTools& tools);
// An event of this handler leaves something.
[[nodiscard]] bool IsKept(std::string_view handler);
// What samples are about: nothing of a person's is called so.
inline constexpr std::string_view kSampleName = "selftune-verify";

// How a host writes a group of its settings.
struct GroupForm {
  int timeout_factor = 1;  // 1000: the host counts milliseconds
  bool named = false;      // handlers have a name
};
// One group an event of `host`, all with the same command.
[[nodiscard]] std::vector<WantedHook> GroupsOf(const hooks::Host& host, const std::string& shim,
                                               const GroupForm& form = {});

}  // namespace selftune::install
