// One row per host: what it is called, where it keeps skills, how it is asked.
// Adding a host is adding a folder here and a row in registry.cc; nothing else
// knows hosts by name.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/env.h"
#include "skillfs/skill_root.h"

namespace selftune::ingest {
class Source;
}

namespace selftune::hosts {

using SkillRoot = skillfs::SkillRoot;
using PluginRoot = skillfs::PluginRoot;

// The stable facts of a host. Views point to literals.
struct HostRow {
  std::string_view platform;  // "claude_code"
  std::string_view title;     // "Claude Code"
  std::string_view command;   // "claude"
  // The host's own variable for its configuration folder, never followed, only
  // compared (moved_homes.h); and where that lies under $HOME.
  std::string_view config_env;
  std::string_view config_env_below = {};  // folder below the variable's, "" = itself
  std::string_view config_default;
  std::span<const SkillRoot> skill_roots;
  bool equal_names_shadow = true;  // false: equal names are all listed
  // How a skill's file says that the model may not load it by itself.
  std::string_view explicit_only_key;    // frontmatter key, "" = none
  std::string_view policy_file;          // e.g. "agents/openai.yaml", "" = none
  std::string_view policy_implicit_key;  // in that file; false = explicit only
  bool name_is_folder = true;            // false: the frontmatter's name, else the folder
  bool skill_ends_search = true;         // nested roots: no skills below a skill
  // Skill folders of installed plugins, nullptr = none known.
  std::vector<PluginRoot> (*plugin_roots)(const std::string& config_dir) = nullptr;
};

// Absolute path of the host's configuration folder: the one config.json names,
// else the default under $HOME; "" without either. Variables of the host do not
// count (docs/decisions/0016).
[[nodiscard]] std::string ConfigDir(const HostRow& row, const base::Environment& env);

[[nodiscard]] std::span<const HostRow> Rows();
// Accepts the platform id, `-` for `_`, and the command's name; nullptr if none.
[[nodiscard]] const HostRow* FindRow(std::string_view name);

}  // namespace selftune::hosts
