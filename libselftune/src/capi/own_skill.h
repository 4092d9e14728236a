// The skill that agents operate selftune by: where it belongs, how it gets there, what
// became of it. What is in it is libselftune/src/install/skill.inc.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "capi/context.h"
#include "capi/install_world.h"
#include "install/installer.h"
#include "install/own_file.h"

namespace selftune::capi {

// A folder in which agents look for skills, or for specialists.
struct SkillPlace {
  std::string folder;
  std::string_view kind;  // "skill", or "agent": the specialists; as in table `install`
  std::string_view scope = "user";
  std::string_view form = "agents";    // how the specialists are written
  std::vector<std::string> platforms;  // of the hosts asked about, who look there
};

// Of the person: one place for each host of its own, and one that many share.
[[nodiscard]] std::vector<SkillPlace> UserSkillPlaces(const std::vector<HostHere>& hosts);
// Of the project; UNSUPPORTED_TYPE for a host that reads no skills of projects when
// `named`, without a place otherwise.
[[nodiscard]] StatusOr<std::vector<SkillPlace>> ProjectSkillPlaces(
    const std::vector<HostHere>& hosts, const std::string& project, bool named);
// Where rows say that something was installed, besides `known`: other projects, and hosts
// that were elsewhere.
[[nodiscard]] std::vector<SkillPlace> OtherSkillPlaces(const std::vector<store::InstallRow>& rows,
                                                       const std::vector<SkillPlace>& known);

// Rows may know a folder by another name, behind a link that came since: by that, then.
void UseKnownNames(const std::vector<store::InstallRow>& rows, std::vector<SkillPlace>& places);

// Something was installed there; something of it is there (of the skill its SKILL.md);
// even the agent's or the project's own folder is no more.
[[nodiscard]] bool HasRows(const std::vector<store::InstallRow>& rows, const SkillPlace& place);
[[nodiscard]] bool IsThere(const std::vector<store::InstallRow>& rows, const SkillPlace& place);
[[nodiscard]] bool IsGone(const SkillPlace& place);

struct SkillDone {
  install::HostResult files;
  int64_t there = 0;                   // files that were as they are to be
  int64_t stale = 0;                   // of an older version, taken out
  bool took_over = false;              // the TypeScript selftune's skill was there
  Status status;                       // the first file that stood in the way
  bool foreign = false;                // that is a file of the person's: theirs was kept
  std::vector<std::string> kept = {};  // each such file
};

// What is in the way is kept: of a skill that has a person's SKILL.md all of it. The
// TypeScript selftune's gives way, and comes back when ours is taken out.
[[nodiscard]] SkillDone InstallSkillAt(install::World& world, const SkillPlace& place,
                                       install::Edits edits);
// The command that puts ours in the place of `path`, which `status` says is in the way;
// what is there is kept by it.
[[nodiscard]] std::vector<std::string> ReplaceArgv(const SkillPlace& place, const std::string& path,
                                                   const Status& status);
// "selftune skill install" of this place alone.
[[nodiscard]] std::vector<std::string> InstallArgv(const SkillPlace& place);
// A sentence for init's step.
[[nodiscard]] std::string Said(const SkillPlace& place, const SkillDone& done);

// What is in a place: each of our files that is not as this version has it.
struct SkillDrift {
  std::string path;
  // edited missing foreign outdated dropped unreadable; see operations.toml
  std::string_view state;
  bool is_link = false;
};
struct SkillLook {
  std::string version;  // that wrote it, "" = nothing of ours
  int64_t files = 0, unmodified = 0;
  bool absent = true;  // no file of ours, and nobody else's SKILL.md
  std::vector<SkillDrift> drift;
};
[[nodiscard]] SkillLook LookAtSkill(const std::vector<store::InstallRow>& rows,
                                    const SkillPlace& place);

}  // namespace selftune::capi
