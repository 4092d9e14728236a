// One row per host: what it is called, where it keeps skills, how it is asked.
// Adding a host is adding a folder here and a row in registry.cc; nothing else
// knows hosts by name.
#pragma once

#include <cstdint>
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
using NamedRoot = skillfs::NamedRoot;
using DiscoveryProblem = skillfs::DiscoveryProblem;

// Where the settings are that name more folders of skills.
struct RootQuery {
  std::string home;                           // "" = none
  std::string config_dir;                     // of the host, "" = none
  std::span<const std::string> project_dirs;  // working directories of sessions
  // Of each of them it and the folders above, see ProjectFolders.
  std::span<const std::vector<std::string>> project_folders = {};
  std::string absolute_root = {};  // put before paths of the whole machine; for tests
};

// How much room a host gives its list of skills, and what it leaves out when
// that is not enough. Only what is known: without a share there is no limit.
struct ListingBudget {
  enum class Cut {
    kUnknown,
    kLeastUsed,  // descriptions of the least used go first, names stay
    kShortened,  // all descriptions are shortened, then skills are left out
  };
  double window_share = 0;      // of the model's context window; 0 = not known
  int64_t usual_chars = 0;      // where the window is not known
  int64_t max_description = 0;  // characters of one description, 0 = no limit known
  Cut cut = Cut::kUnknown;
  bool names_file = false;  // an entry ends with the path of its SKILL.md
  // Frontmatter listed behind the description, "" = none.
  std::string_view also_listed = {};
  // Keys of a JSON file below the configuration folder that override these.
  std::string_view settings_file = {};
  std::string_view share_key = {};
  std::string_view description_key = {};
  std::string_view chars_key = {};  // in the object `env`, as text
};

// When the host deletes its own transcripts.
struct TranscriptRetention {
  int64_t usual_days = 0;  // 0 = it keeps them, or nobody knows
  // Overridden there: a number of days, or text like "30d" and "36h".
  std::string_view settings_file = {};  // JSON below the configuration folder
  std::string_view key = {};            // dotted
};

// Where a host reads agents for single tasks from, and how ours are written for it.
struct Specialists {
  std::string_view dir = {};          // below the configuration folder, "" = it reads none
  std::string_view project_dir = {};  // below a project
  std::string_view form = {};         // folder in what is installed: tools/embed_skill.py
};

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
  // "/name" that a person types goes to the model as text: a request, which
  // need not load anything.
  bool slash_text = false;
  bool skill_ends_search = true;  // nested roots: no skills below a skill
  bool ignore_files = false;      // skillfs/ignore_rules.h: they hide skills
  // Folders of skills that plugins, packages and settings name, nullptr = none known.
  // Files that cannot be understood are told in `problems`.
  std::vector<NamedRoot> (*named_roots)(const RootQuery& query,
                                        std::vector<DiscoveryProblem>& problems) = nullptr;
  Specialists specialists = {};
  ListingBudget listing = {};
  TranscriptRetention retention = {};
};

// Whether it takes files for skills that are no SKILL.md.
[[nodiscard]] bool TakesSingleFiles(const HostRow& row);

// Absolute path of the host's configuration folder: the one config.json names,
// else the default under $HOME; "" without either. Variables of the host do not
// count (docs/decisions/0016).
[[nodiscard]] std::string ConfigDir(const HostRow& row, const base::Environment& env);

[[nodiscard]] std::span<const HostRow> Rows();
// Accepts the platform id, `-` for `_`, and the command's name; nullptr if none.
[[nodiscard]] const HostRow* FindRow(std::string_view name);

}  // namespace selftune::hosts
