// What `skills` in settings of Pi takes out of its folders.
#pragma once

#include <string>
#include <vector>

#include "hosts/common/settings_files.h"
#include "hosts/registry.h"
#include "skillfs/discovery.h"

namespace selftune::hosts::pi {

// What `skills` in a file of settings lists; the form of an old release, an object with
// `customDirectories`, is read as the host does.
[[nodiscard]] std::vector<std::string> SkillsIn(
    const std::string& file, SettingsFiles& files,
    SettingsFiles::Keep keep = SettingsFiles::Keep::kFirst);

// The folders `.agents/skills` that a session sees: where it runs and above, up to the root
// of the repository; without one, up to the root of the machine. Not that of the home.
// `up`: see ProjectFolders.
[[nodiscard]] std::vector<std::string> AgentsFolders(const std::vector<std::string>& up,
                                                     const std::string& home);

// `!PATTERN` takes skills out, `+PATH` and `-PATH` decide for one, whatever the others say;
// of what the list itself names a pattern without a sign takes out all others. Words of the
// person are about the person's folders, those of a project about the project's, each from
// the folder that holds `skills`. The disk is read where there are such words.
[[nodiscard]] std::vector<skillfs::SkillRule> ReadSkillWords(
    const RootQuery& query, std::vector<skillfs::DiscoveryProblem>& problems);

}  // namespace selftune::hosts::pi
