// The files behind a skill's name: which SKILL.md would be changed, which
// copies go with it, and what stands in the way.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/env.h"
#include "base/error.h"
#include "skillfs/discovery.h"

namespace selftune::orchestrate {

struct TargetFile {
  std::string path;  // real path
  std::string platform;
  std::string sha256;  // hex, of the bytes that were read
  std::string bytes;
};

inline constexpr std::string_view kHeldByHost = "held_by_host";

struct SkillTarget {
  std::string skill;  // as the hosts write it
  std::string path;   // of the first placement, as installed
  std::string description;
  std::string body_excerpt;  // first 2,000 code points behind the frontmatter
  bool from_frontmatter = true;
  std::vector<TargetFile> files;      // all replicas that change together
  std::vector<std::string> diverged;  // copies with another text: never touched
  bool in_git = false;
  bool explicit_only = false;  // the model may not load it by itself
  bool off = false;            // its frontmatter says metadata.selftune: off
  std::string managed_reason;  // "" = may be written
  // managed_by_plugin, protected, hard_linked, single_file, or held_by_host: a copy of it has a
  // change of its host's waiting for a person, and the others shall not go on without it.
  std::string_view managed_code = "managed_by_plugin";
  std::string managed_command;  // that shows what holds it, "" = none
};

// SKILL_NOT_FOUND, AMBIGUOUS_SKILL (details: the paths), INVALID_FRONTMATTER.
// `skill_path` "" = by name alone.
[[nodiscard]] StatusOr<SkillTarget> FindTarget(const skillfs::Discovery& discovery,
                                               std::string_view skill, std::string_view skill_path);

// The name of the skill whose SKILL.md lies at `path`; SKILL_NOT_FOUND.
[[nodiscard]] StatusOr<std::string> SkillAt(const skillfs::Discovery& discovery,
                                            std::string_view path);

// The bytes of one file with its description replaced.
[[nodiscard]] StatusOr<std::string> WithDescription(const TargetFile& file,
                                                    std::string_view description);

}  // namespace selftune::orchestrate
