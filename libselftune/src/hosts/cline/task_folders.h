// Where Cline 2 and the extension for VS Code keep tasks.
#pragma once

#include <string>
#include <vector>

namespace selftune::hosts::cline {

// Of all editors that the extension runs in, whether they are there or not. "" = no home,
// no configuration folder.
[[nodiscard]] std::vector<std::string> TaskFolders(const std::string& home,
                                                   const std::string& config_dir);

}  // namespace selftune::hosts::cline
