// Which installed skills the settings of the hosts switch off, and which lie in packages: from
// the settings as they are now and the places that the last sync wrote down. No skill is looked at,
// so that a readout costs a few small files.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/env.h"
#include "base/error.h"
#include "base/string_map.h"
#include "hosts/unsure_settings.h"
#include "skillfs/discovery.h"
#include "skillfs/packages.h"
#include "status/skill_folders.h"
#include "store/db.h"
#include "store/queries/skill_facts.h"

namespace selftune::status {

// Whether a session in `cwd` sees what lies in this project; "" = what is seen everywhere.
[[nodiscard]] bool IsVisible(std::string_view project_root, std::string_view cwd);

// The settings that switch a copy off for sessions in `cwd`; "" = none do. `cwd` "": those that
// do so for all that see the copy.
[[nodiscard]] std::string SettingsAgainst(const skillfs::SkillPlacement& copy,
                                          std::string_view cwd);

// The settings that may do so and are not understood; "" = there are none, or others switch
// it off for certain.
[[nodiscard]] std::string SettingsUnknown(const skillfs::SkillPlacement& copy,
                                          std::string_view cwd);

// A copy of a skill that one host does not offer to the model, or nobody knows whether; or that
// it offers in a project all the same.
struct OffSwitch {
  std::string platform;
  std::string path;          // of SKILL.md
  std::string settings;      // the file that says it
  std::string project_root;  // only for sessions in there, "" = wherever the copy is seen

  friend bool operator==(const OffSwitch&, const OffSwitch&) = default;
};

struct OffVerdict {
  std::vector<OffSwitch> off;      // by path, then by host
  std::vector<OffSwitch> unknown;  // settings that are not understood; in the same order
  std::vector<OffSwitch> on;       // projects that switch on what is in these; in the same order
  bool everywhere = false;         // no host that sees a copy offers it anywhere
  // No host is known to offer it, and of one it is not known; see `unknown`.
  bool nobody_knows = false;
};

// Hosts that were never set up here say nothing: they share folders with those that were.
// Not thread-safe.
class OffSwitches {
 public:
  // Of what settings that cannot be understood may switch off nothing is known; the doctor
  // says what is wrong with them.
  [[nodiscard]] static StatusOr<OffSwitches> Read(store::Db& db, const base::Environment& env);

  // Of the skill of this name in these places. `platform`: for this host alone, "" = all.
  [[nodiscard]] OffVerdict Of(std::string_view skill, std::span<const store::SkillPlace> places,
                              std::string_view platform = "") const;

  // Whether a session of this host in `cwd` was kept from all copies that it sees, had the
  // settings been what they are now. "" = a session of which nobody knows where it was.
  [[nodiscard]] bool IsOffAt(std::string_view skill, std::span<const store::SkillPlace> places,
                             std::string_view platform, std::string_view cwd) const;
  // Whether a package of one of these hosts looks after a file, by its real path.
  [[nodiscard]] bool InPackage(std::string_view real_path) const {
    return packages_.Around(real_path) != nullptr;
  }
  // No settings say anything of a skill.
  [[nodiscard]] bool empty() const { return !any_; }

 private:
  struct Host {
    std::string_view platform;
    skillfs::SkillRules rules;
    base::StringMap<skillfs::NamedRoot> named;  // folders that its settings name, by path
  };
  // One copy, as the settings of the host have it; nothing where it does not look.
  [[nodiscard]] std::optional<skillfs::SkillPlacement> Judge(Host& host, std::string_view skill,
                                                             const store::SkillPlace& place) const;

  explicit OffSwitches(const base::Environment& env) : folders_(env), unsure_(env) {}

  SkillFolders folders_;
  mutable std::vector<Host> hosts_;  // those that are here; rules remember what they judged
  skillfs::Packages packages_;       // of their named roots
  hosts::UnsureSettings unsure_;     // what else they may name
  bool any_ = false;                 // one of them switches something off
};

}  // namespace selftune::status
