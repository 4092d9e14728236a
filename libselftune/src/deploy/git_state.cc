#include "deploy/git_state.h"

#include <chrono>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "base/file.h"
#include "base/process.h"
#include "base/status_macros.h"
#include "base/strings.h"

namespace selftune::deploy {
namespace {

constexpr std::chrono::milliseconds kGitTimeout{3000};

// Root of the work tree above the file, by its .git entry; "" if none.
std::string WorkTreeRoot(const std::string& path) {
  std::string dir(base::DirName(path));
  while (!dir.empty()) {
    if (base::Exists(base::JoinPath(dir, ".git"))) return dir;
    if (dir == "/") break;
    dir = std::string(base::DirName(dir));
  }
  return {};
}

class Git {
 public:
  Git(std::string binary, std::string root, const base::Environment& env)
      : binary_(std::move(binary)), root_(std::move(root)) {
    for (const char* name : {"PATH", "HOME"}) {
      if (auto value = env.Get(name)) environment_[name] = *value;
    }
    environment_["GIT_OPTIONAL_LOCKS"] = "0";
    environment_["GIT_TERMINAL_PROMPT"] = "0";
    environment_["LC_ALL"] = "C";
  }

  StatusOr<base::ProcessResult> Run(std::vector<std::string> arguments) const {
    base::ProcessOptions options;
    options.argv = {binary_, "-C", root_, "-c", "core.fsmonitor=false"};
    options.argv.insert(options.argv.end(), arguments.begin(), arguments.end());
    options.env = environment_;
    options.timeout = kGitTimeout;
    ST_ASSIGN_OR_RETURN(base::ProcessResult result, base::RunProcess(options));
    if (result.timed_out) {
      return Fail(selftune::kTimeout, "asking git about {}: no answer after 3 s", root_);
    }
    return result;
  }

 private:
  std::string binary_, root_;
  std::map<std::string, std::string, std::less<>> environment_;
};

bool Busy(const std::string& git_dir) {
  for (const char* name : {"MERGE_HEAD", "CHERRY_PICK_HEAD", "REVERT_HEAD", "BISECT_LOG",
                           "rebase-merge", "rebase-apply"}) {
    if (base::Exists(base::JoinPath(git_dir, name))) return true;
  }
  return false;
}

}  // namespace

StatusOr<GitState> ReadGitState(const std::string& path, const base::Environment& env) {
  GitState state;
  ST_ASSIGN_OR_RETURN(const std::string real, base::RealPath(path));
  state.root = WorkTreeRoot(real);
  if (state.root.empty()) return state;
  const std::string binary = base::FindExecutable("git", env.GetOr("PATH", ""));
  if (binary.empty()) {
    return WithSuggestion(
        Fail(kGitDirty, "looking at {}: it lies in a git work tree and git is not installed", path),
        "install git, or pass --allow-dirty", "");
  }
  const Git git(binary, state.root, env);
  ST_ASSIGN_OR_RETURN(const base::ProcessResult dir, git.Run({"rev-parse", "--absolute-git-dir"}));
  if (dir.exit_code != 0) return GitState{};  // a .git that is none
  state.in_work_tree = true;
  state.busy = Busy(std::string(base::Trim(dir.stdout_text)));
  ST_ASSIGN_OR_RETURN(const base::ProcessResult listed,
                      git.Run({"ls-files", "--error-unmatch", "--", real}));
  state.tracked = listed.exit_code == 0;
  ST_ASSIGN_OR_RETURN(const base::ProcessResult changes,
                      git.Run({"status", "--porcelain", "--untracked-files=no", "--", real}));
  state.dirty = !base::Trim(changes.stdout_text).empty();
  ST_ASSIGN_OR_RETURN(const base::ProcessResult head,
                      git.Run({"rev-parse", "--verify", "-q", "HEAD"}));
  state.head = std::string(base::Trim(head.stdout_text));
  return state;
}

Status CheckGit(const GitState& state, const std::string& path, const std::string& bytes,
                bool allow_dirty) {
  if (!state.in_work_tree) return absl::OkStatus();
  if (state.busy) {
    return WithSuggestion(
        Fail(kGitDirty, "changing {}: the repository is in the middle of a merge or rebase", path),
        "finish or abort it first", fmt::format("git -C {} status", state.root));
  }
  if (bytes.find("\n<<<<<<< ") != std::string::npos) {
    return WithSuggestion(Fail(kGitDirty, "changing {}: it holds conflict markers", path),
                          "resolve them first", fmt::format("git -C {} status", state.root));
  }
  if (state.tracked && state.dirty && !allow_dirty) {
    return WithSuggestion(
        Fail(kGitDirty, "changing {}: it has changes that are not committed", path),
        "commit them, or pass --allow-dirty", fmt::format("git -C {} status", state.root));
  }
  return absl::OkStatus();
}

}  // namespace selftune::deploy
