// What version control says about a file before it is changed. Only reads.
#pragma once

#include <string>

#include "base/env.h"
#include "base/error.h"

namespace selftune::deploy {

struct GitState {
  bool in_work_tree = false;
  bool tracked = false;
  bool dirty = false;            // modified in the index or the work tree
  bool busy = false;             // merge, rebase, cherry-pick or bisect under way
  std::string root, head, blob;  // "" outside a repository; blob "" = untracked
  // Why git did not say how the file stands, OK when it did: git is missing, too
  // slow (TIMEOUT), or refuses the repository. Then nothing is known of the file.
  Status unknown;
};

// Asks git where the file lies in a work tree (a repository's `.git` above it).
[[nodiscard]] StatusOr<GitState> ReadGitState(const std::string& path,
                                              const base::Environment& env);

// OK to write? GIT_DIRTY for a tracked file with changes or one that git says
// nothing about (unless allowed), a repository in the middle of something, or
// conflict markers in `bytes`.
[[nodiscard]] Status CheckGit(const GitState& state, const std::string& path,
                              const std::string& bytes, bool allow_dirty);

}  // namespace selftune::deploy
