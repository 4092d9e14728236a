// The skills that installed Claude Code plugins bring along.
#pragma once

#include <string>
#include <vector>

#include "skillfs/skill_root.h"

namespace selftune::hosts::claude_code {

// Reads `plugins/installed_plugins.json` below the configuration folder (both
// known formats) and leaves out what `settings.json` switches off. A file that
// is absent or not understood has no plugins.
[[nodiscard]] std::vector<skillfs::PluginRoot> PluginSkillRoots(const std::string& config_dir);

}  // namespace selftune::hosts::claude_code
