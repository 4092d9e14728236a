#include "deploy/git_state.h"

#include <algorithm>
#include <chrono>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "base/executable.h"
#include "base/file.h"
#include "base/process.h"
#include "base/status_macros.h"
#include "base/strings.h"

namespace selftune::deploy {
namespace {

constexpr std::chrono::milliseconds kGitTimeout{3000};
constexpr uint64_t kMaxGitLink = 1 << 16;

// Whether a .git is a repository's, or was one: git skips any other and looks
// further up. A damaged repository counts, so does what cannot be read.
bool IsRepository(const std::string& git) {
  const auto info = base::Stat(git);
  if (!info.ok()) return CodeOf(info.status()).name != kFileNotFound.name;
  if (info->is_dir()) {
    const auto entries = base::ListDir(git);
    return !entries.ok() || std::any_of(entries->begin(), entries->end(), [](const auto& entry) {
      return entry.name == "HEAD" || entry.name == "objects" || entry.name == "refs" ||
             entry.name == "config" || entry.name == "index";
    });
  }
  const auto link = base::ReadFile(git, kMaxGitLink);
  return !link.ok() || link->starts_with("gitdir:");
}

// Root of the work tree above the file, by its .git entry; "" if none.
std::string WorkTreeRoot(const std::string& path) {
  std::string dir(base::DirName(path));
  while (!dir.empty()) {
    if (IsRepository(base::JoinPath(dir, ".git"))) return dir;
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

  // What git printed. Its exit code has to be 0, or 1 where that is an answer.
  StatusOr<base::ProcessResult> Run(std::vector<std::string> arguments,
                                    bool one_is_an_answer = false) const {
    base::ProcessOptions options;
    options.argv = {binary_, "-C", root_, "--literal-pathspecs", "-c", "core.fsmonitor=false"};
    options.argv.insert(options.argv.end(), arguments.begin(), arguments.end());
    options.env = environment_;
    options.timeout = kGitTimeout;
    ST_ASSIGN_OR_RETURN(base::ProcessResult result, base::RunProcess(options));
    if (result.timed_out) {
      return Fail(selftune::kTimeout, "no answer after 3 s");
    }
    if (result.exit_code != 0 && !(one_is_an_answer && result.exit_code == 1)) {
      const std::string_view said = base::Trim(result.stderr_text);
      return Fail(kProcessFailed, "{}",
                  said.empty() ? "exit code " + std::to_string(result.exit_code)
                               : std::string(said.substr(0, said.find('\n'))));
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

Status Ask(const Git& git, const std::string& file, GitState& state) {
  ST_ASSIGN_OR_RETURN(const base::ProcessResult dir, git.Run({"rev-parse", "--absolute-git-dir"}));
  state.busy = Busy(std::string(base::Trim(dir.stdout_text)));
  // "<mode> <blob> <stage>\t<path>", nothing for a file that is not tracked.
  ST_ASSIGN_OR_RETURN(const base::ProcessResult listed, git.Run({"ls-files", "-s", "--", file}));
  const std::vector<std::string_view> fields = base::SplitSpace(listed.stdout_text);
  state.tracked = fields.size() >= 2;
  if (state.tracked) state.blob = std::string(fields[1]);
  ST_ASSIGN_OR_RETURN(const base::ProcessResult changes,
                      git.Run({"status", "--porcelain", "--untracked-files=no", "--", file}));
  state.dirty = !base::Trim(changes.stdout_text).empty();
  // Exit code 1: nothing was committed yet.
  ST_ASSIGN_OR_RETURN(const base::ProcessResult head,
                      git.Run({"rev-parse", "--verify", "-q", "HEAD"}, /*one_is_an_answer=*/true));
  state.head = std::string(base::Trim(head.stdout_text));
  return absl::OkStatus();
}

}  // namespace

StatusOr<GitState> ReadGitState(const std::string& path, const base::Environment& env) {
  GitState state;
  ST_ASSIGN_OR_RETURN(const std::string real, base::RealPath(path));
  state.root = WorkTreeRoot(real);
  if (state.root.empty()) return state;
  state.in_work_tree = true;
  const std::string binary = base::FindExecutable("git", env.GetOr("PATH", ""));
  state.unknown = binary.empty() ? Fail(kProcessFailed, "git is not installed")
                                 : Ask(Git(binary, state.root, env), real, state);
  return state;
}

Status CheckGit(const GitState& state, const std::string& path, const std::string& bytes,
                bool allow_dirty) {
  if (!state.in_work_tree) return absl::OkStatus();
  if (!state.unknown.ok() && !allow_dirty) {
    const bool slow = CodeOf(state.unknown).name == kTimeout.name;
    return WithSuggestion(
        Fail(slow ? kTimeout : kGitDirty,
             "changing {}: it lies in the git work tree {} and git does not say how it stands: {}",
             path, state.root, Message(state.unknown)),
        "see what git says, or pass --allow-dirty",
        base::JoinCommand({"git", "-C", state.root, "status"}));
  }
  if (state.busy) {
    return WithSuggestion(
        Fail(kGitDirty, "changing {}: the repository is in the middle of a merge or rebase", path),
        "finish or abort it first", base::JoinCommand({"git", "-C", state.root, "status"}));
  }
  if (bytes.find("\n<<<<<<< ") != std::string::npos) {
    return WithSuggestion(Fail(kGitDirty, "changing {}: it holds conflict markers", path),
                          "resolve them first",
                          base::JoinCommand({"git", "-C", state.root, "status"}));
  }
  if (state.tracked && state.dirty && !allow_dirty) {
    return WithSuggestion(
        Fail(kGitDirty, "changing {}: it has changes that are not committed", path),
        "commit them, or pass --allow-dirty",
        base::JoinCommand({"git", "-C", state.root, "status"}));
  }
  return absl::OkStatus();
}

}  // namespace selftune::deploy
