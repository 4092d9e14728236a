// The handler of command lines that commit. What was committed is read from the
// repository's own log of its HEAD, a small text file, because what the command
// printed is not reliable (--quiet, a detached HEAD, merges): the lines that are
// not older than the call. No program is run.
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "hooks/handlers.h"
#include "hooks/head_log.h"
#include "hooks/shell_line.h"

namespace selftune::hooks {
namespace {

constexpr size_t kLogTail = size_t{32} << 10;  // bytes
constexpr size_t kMaxConfig = size_t{64} << 10;
constexpr size_t kMaxCommits = 32;
constexpr int64_t kSlackMs = 2'000;  // the log counts seconds
constexpr int64_t kLongestMs = 86'400'000;
constexpr int64_t kLastSecond = 253'402'300'799;  // of the year 9999
constexpr int kMaxParents = 64;

// The last `most` bytes of a regular file, "" without one.
std::string ReadTail(const std::string& path, size_t most) {
  const int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (fd < 0) return "";
  std::string out;
  struct stat info;
  if (fstat(fd, &info) == 0 && S_ISREG(info.st_mode) && info.st_size > 0) {
    const auto size = static_cast<size_t>(info.st_size);
    out.resize(std::min(size, most));
    const ssize_t got = pread(fd, out.data(), out.size(), static_cast<off_t>(size - out.size()));
    out.resize(got > 0 ? static_cast<size_t>(got) : 0);
  }
  close(fd);
  return out;
}

std::string_view Line(std::string_view text) {
  text = text.substr(0, text.find('\n'));
  if (text.ends_with('\r')) text.remove_suffix(1);
  return text;
}

struct Repository {
  std::string dir;     // of this work tree: HEAD and its log
  std::string common;  // of all of them: config
};

// Of the folder or one above it.
std::optional<Repository> FindRepository(std::string folder) {
  for (int i = 0; i < kMaxParents && folder.starts_with('/'); ++i) {
    const std::string dot = folder == "/" ? "/.git" : folder + "/.git";
    struct stat info;
    if (stat(dot.c_str(), &info) == 0) {
      Repository out{.dir = dot, .common = ""};
      if (S_ISREG(info.st_mode)) {  // a work tree beside it, a submodule
        const std::string text = ReadTail(dot, 4096);
        constexpr std::string_view kMark = "gitdir: ";
        if (!text.starts_with(kMark)) return std::nullopt;
        out.dir = ResolvePath(folder, Line(std::string_view(text).substr(kMark.size())));
      }
      const std::string common = ReadTail(out.dir + "/commondir", 4096);
      out.common = common.empty() ? out.dir : ResolvePath(out.dir, Line(common));
      return out;
    }
    if (folder == "/") break;
    folder.resize(std::max<size_t>(folder.rfind('/'), 1));
  }
  return std::nullopt;
}

// What is behind the tab of a line.
std::string_view MessageOf(std::string_view line) {
  const size_t tab = line.find('\t');
  return tab == line.npos ? std::string_view() : line.substr(tab + 1);
}

// One line: "<old> <new> <name> <mail> <seconds> <zone>\t<message>".
std::optional<Commit> ReadLogLine(std::string_view line) {
  const size_t tab = line.find('\t');
  const size_t first = line.find(' ');
  if (tab == line.npos || first == line.npos || first > tab) return std::nullopt;
  const std::string_view rest = line.substr(first + 1, tab - first - 1);
  const std::string_view sha = rest.substr(0, rest.find(' '));
  const size_t end = rest.rfind("> ");
  if (!IsSha(sha) || sha == line.substr(0, first) || end == rest.npos) return std::nullopt;
  int64_t seconds = 0;
  const char* const digits = rest.data() + end + 2;
  if (std::from_chars(digits, rest.data() + rest.size(), seconds).ec != std::errc()) {
    return std::nullopt;
  }
  if (seconds < 0 || seconds > kLastSecond) return std::nullopt;
  std::optional<std::string> title = TitleOf(line.substr(tab + 1));
  if (!title.has_value()) return std::nullopt;
  Commit commit;
  commit.sha = sha;
  commit.title = *std::move(title);
  commit.at_ms = seconds * 1000;
  return commit;
}

std::string_view Trim(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

std::string RemoteOf(const Repository& repository) {
  const std::string config = ReadTail(repository.common + "/config", kMaxConfig);
  bool origin = false;
  for (std::string_view rest = config; !rest.empty();) {
    const std::string_view line = Trim(Line(rest));
    rest.remove_prefix(std::min(rest.find('\n'), rest.size() - 1) + 1);
    if (line.starts_with('[')) {
      origin = line.starts_with("[remote \"origin\"]");
    } else if (origin && line.starts_with("url")) {
      const size_t equals = line.find('=');
      if (equals == line.npos) continue;
      std::string url = WithoutUser(Trim(line.substr(equals + 1)));
      return url.size() <= kMaxName ? url : std::string();
    }
  }
  return "";
}

std::string BranchOf(const Repository& repository) {
  const std::string head = ReadTail(repository.dir + "/HEAD", 4096);
  constexpr std::string_view kRef = "ref: refs/heads/";
  if (!head.starts_with(kRef)) return "";
  const std::string_view name = Line(std::string_view(head).substr(kRef.size()));
  return name.size() <= kMaxName ? std::string(name) : std::string();
}

// The lines of HEAD's log that this call wrote, oldest first. Others may commit there
// as well: how long the call took bounds it, and what it printed says it.
std::vector<Commit> NewCommits(const Repository& repository, const HookEvent& event,
                               int64_t now_ms) {
  const std::string log = ReadTail(repository.dir + "/logs/HEAD", kLogTail);
  const int64_t took = std::clamp<int64_t>(event.duration_ms.value_or(0), 0, kLongestMs);
  const int64_t since = now_ms - took - kSlackMs;
  std::string branch = BranchOf(repository);
  std::vector<Commit> out;
  size_t end = log.size();
  while (end > 0 && out.size() < kMaxCommits) {
    if (log[end - 1] == '\n') --end;
    if (end == 0) break;
    const size_t newline = log.rfind('\n', end - 1);
    const size_t begin = newline == log.npos ? 0 : newline + 1;
    // The first line of the tail may have lost its beginning.
    if (begin == 0 && log.size() == kLogTail) break;
    const std::string_view line = std::string_view(log).substr(begin, end - begin);
    std::optional<Commit> commit = ReadLogLine(line);
    end = begin;
    if (auto left = LeftBranch(MessageOf(line))) branch = *std::move(left);
    if (!commit.has_value()) continue;
    const bool printed = event.output.find(commit->sha.substr(0, 7)) != event.output.npos;
    if (commit->at_ms < since && (event.duration_ms.has_value() || !printed)) break;
    // A commit that failed is none; what another one made meanwhile is not its own.
    if (event.tool_failed && !printed) continue;
    commit->branch = branch;
    out.push_back(*std::move(commit));
  }
  std::reverse(out.begin(), out.end());
  return out;
}

// "[main (root-commit) 1a2b3c4] title", of a repository without a log.
std::optional<Commit> PrintedCommit(std::string_view output, int64_t now_ms) {
  for (size_t open = output.find('['); open != output.npos; open = output.find('[', open + 1)) {
    const size_t close = output.find("] ", open);
    if (close == output.npos) return std::nullopt;
    const std::string_view inside = output.substr(open + 1, close - open - 1);
    const size_t blank = inside.rfind(' ');
    if (blank == inside.npos || inside.find('\n') != inside.npos) continue;
    const std::string_view sha = inside.substr(blank + 1);
    if (sha.size() < 7 || sha.size() > 64 ||
        sha.find_first_not_of("0123456789abcdef") != sha.npos) {
      continue;
    }
    Commit commit;
    commit.sha = sha;
    commit.title = Cut(Line(output.substr(close + 2)), kMaxTitle);
    commit.at_ms = now_ms;
    return commit;
  }
  return std::nullopt;
}

void AddFrom(const std::string& folder, int64_t now_ms, HookEvent& event) {
  const std::optional<Repository> repository = FindRepository(folder);
  if (!repository.has_value()) return;
  std::vector<Commit> commits = NewCommits(*repository, event, now_ms);
  struct stat info;
  if (commits.empty() && stat((repository->dir + "/logs/HEAD").c_str(), &info) != 0) {
    if (auto printed = PrintedCommit(event.output, now_ms)) {
      printed->branch = BranchOf(*repository);
      commits.push_back(*std::move(printed));
    }
  }
  if (commits.empty()) return;
  const std::string remote = RemoteOf(*repository);
  for (Commit& commit : commits) {
    if (event.commits.size() >= kMaxCommits) return;
    commit.remote = remote;
    event.commits.push_back(std::move(commit));
  }
}

}  // namespace

bool KeepCommits(const World& world, HookEvent& event) {
  if (event.tool != ToolKind::kShell) return false;
  for (const std::string& folder : CommitFolders(event.command, event.cwd)) {
    AddFrom(folder, world.now.value, event);
  }
  event.command.clear();
  event.output.clear();
  return !event.commits.empty();
}

}  // namespace selftune::hooks
