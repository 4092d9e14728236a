// Which hosts see the files of a skill, told from the folders alone: nothing on the disk
// is looked at.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/env.h"
#include "hosts/unsure_settings.h"
#include "store/queries/skill_facts.h"

namespace selftune::status {

// Which hosts look for skills in which folders; worked out once a request.
class SkillFolders {
 public:
  explicit SkillFolders(const base::Environment& env);
  // Whether that host looks for skills in the folder of a place, and takes such a file for one.
  [[nodiscard]] bool Sees(std::string_view platform, const store::SkillPlace& place) const;
  // The same, for the folder where it keeps plugins: whether it has one it is told elsewhere.
  [[nodiscard]] bool KeepsPlugins(std::string_view platform, std::string_view folder) const;
  // Hosts that see these files, in registry order.
  [[nodiscard]] std::vector<std::string> HostsOf(std::span<const store::SkillPlace> places) const;

 private:
  struct Host {
    std::string_view platform;
    hosts::FixedFolders fixed;
    std::string plugins;        // "" = none
    bool single_files = false;  // also takes files that are no SKILL.md
  };
  static bool Sees(const Host& host, const store::SkillPlace& place);
  static bool Looks(const Host& host, std::string_view folder);

  std::vector<Host> hosts_;
};

}  // namespace selftune::status
