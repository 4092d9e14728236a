// What a command line that an agent ran may have done, by its words alone: nothing
// is run, and what only a shell could know (variables, substitutions) stays unknown. The
// time is linear in the line, of which the beginning is looked at (shell_split.h).
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace selftune::hooks {

// `path` seen from `dir`, without "." and ".."; "" when it needs a shell ("~", "$").
[[nodiscard]] std::string ResolvePath(std::string_view dir, std::string_view path);

// Where `command`, run in `cwd`, may have made commits with git: `cd`, `git -C` and
// `sh -c` are followed. Empty for nearly all.
[[nodiscard]] std::vector<std::string> CommitFolders(std::string_view command,
                                                     std::string_view cwd);

// Files that it writes, in the usual ways: redirections, sed -i, tee, mv, cp, rm. Of what is
// put somewhere also the place it has there if that is a folder. `home`: what "~" and "$HOME"
// at the start of a path are, "" = not known. Only names with this `ending`, the first 256.
[[nodiscard]] std::vector<std::string> WrittenFiles(std::string_view command, std::string_view cwd,
                                                    std::string_view home = {},
                                                    std::string_view ending = {});

// Files that a patch of the form "*** Update File: <path>" changes; of `ending` as above.
[[nodiscard]] std::vector<std::string> PatchedFiles(std::string_view patch, std::string_view cwd,
                                                    std::string_view ending = {});

}  // namespace selftune::hooks
