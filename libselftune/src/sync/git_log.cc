#include "sync/git_log.h"

#include <sys/stat.h>

#include <algorithm>
#include <charconv>
#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/executable.h"
#include "base/file.h"
#include "base/process.h"
#include "base/status_macros.h"
#include "base/strings.h"
#include "base/utf8.h"
#include "hooks/head_log.h"

namespace selftune::sync {
namespace {

constexpr int kMaxParents = 64;
constexpr int64_t kLastSecond = 253'402'300'799;  // of the year 9999
constexpr std::chrono::milliseconds kPatience{10'000};
constexpr size_t kMaxReply = size_t{4} << 20;
constexpr std::string_view kCutMessage = "%<(600,trunc)%gs";  // as many columns, with blanks
constexpr size_t kMaxReason = 300;

// The settings of a repository may name programs, and it may come from anybody: an
// archive, a clone, a mail. What `git log` could run of them is set to nothing here,
// since the command line has the last word. The settings of the person and the machine
// count: they say which folders of others are to be trusted (safe.directory).
constexpr const char* kHarmless[] = {"core.fsmonitor=false",
                                     "core.hooksPath=/dev/null",
                                     "core.pager=cat",
                                     "core.sshCommand=false",
                                     "core.askPass=",
                                     "credential.helper=",
                                     "log.showSignature=false",
                                     "gpg.program=false",
                                     "gpg.ssh.program=false",
                                     "gpg.x509.program=false",
                                     "protocol.allow=never",
                                     "log.mailmap=false",
                                     "i18n.logOutputEncoding=UTF-8"};

base::ProcessOptions Call(const std::string& git, const base::Environment& env,
                          const std::string& folder, std::vector<std::string> words,
                          const base::Cancel* cancel) {
  base::ProcessOptions call;
  call.argv = {git, "--no-pager", "-C", folder};
  for (const char* setting : kHarmless) {
    call.argv.emplace_back("-c");
    call.argv.emplace_back(setting);
  }
  call.argv.insert(call.argv.end(), std::make_move_iterator(words.begin()),
                   std::make_move_iterator(words.end()));
  // Nothing of the environment that says which repository, which programs.
  for (const char* name : {"HOME", "PATH", "XDG_CONFIG_HOME", "GIT_CONFIG_GLOBAL",
                           "GIT_CONFIG_SYSTEM", "GIT_CONFIG_NOSYSTEM"}) {
    if (const auto value = env.Get(name)) call.env.emplace(name, *value);
  }
  call.env.emplace("LC_ALL", "C");
  call.env.emplace("GIT_OPTIONAL_LOCKS", "0");
  call.env.emplace("GIT_TERMINAL_PROMPT", "0");
  call.env.emplace("GIT_ALLOW_PROTOCOL", "none");  // a partial clone would fetch
  call.env.emplace("GIT_NO_LAZY_FETCH", "1");
  // A `.git` that is no repository does not stand for one above it.
  call.env.emplace("GIT_CEILING_DIRECTORIES", base::DirName(folder));
  call.timeout = kPatience;
  call.kill_grace = std::chrono::milliseconds(500);
  call.max_stdout = kMaxReply;
  call.cancel = cancel;
  return call;
}

// What it printed, whatever its exit status.
StatusOr<base::ProcessResult> Ask(const base::ProcessOptions& call, const std::string& folder) {
  ST_ASSIGN_OR_RETURN(base::ProcessResult done, base::RunProcess(call));
  if (done.cancelled && call.cancel != nullptr) ST_RETURN_IF_ERROR(call.cancel->Check());
  if (done.timed_out) return Fail(kTimeout, "reading the log of {}: git takes too long", folder);
  return done;
}

// The first line that is not empty.
std::string FirstLine(std::string_view text) {
  while (text.starts_with('\n')) text.remove_prefix(1);
  return hooks::Cut(base::ToValidUtf8(text.substr(0, text.find('\n'))), kMaxReason);
}

struct Entry {
  std::string_view sha, message;
  UtcMillis at;
};

// "<sha> NUL HEAD@{<seconds>} NUL <message>".
std::optional<Entry> ReadEntry(std::string_view line) {
  const size_t first = line.find('\0');
  const size_t second = first == line.npos ? first : line.find('\0', first + 1);
  if (second == line.npos) return std::nullopt;
  const std::string_view message = base::Trim(line.substr(second + 1));
  Entry entry{.sha = line.substr(0, first), .message = message, .at = {}};
  const std::string_view selector = line.substr(first + 1, second - first - 1);
  const size_t brace = selector.find('{');
  if (brace == selector.npos || !hooks::IsSha(entry.sha)) return std::nullopt;
  int64_t seconds = -1;
  std::from_chars(selector.data() + brace + 1, selector.data() + selector.size(), seconds);
  if (seconds < 0 || seconds > kLastSecond) return std::nullopt;
  entry.at = UtcMillis{seconds * 1000};
  return entry;
}

std::string NameOrNone(const base::ProcessResult& done) {
  std::string name = done.exit_code == 0 ? FirstLine(done.stdout_text) : std::string();
  return name.size() <= hooks::kMaxName ? name : std::string();
}

std::vector<LoggedCommit> CommitsIn(std::string_view text, bool cut, std::string branch,
                                    UtcMillis since) {
  std::vector<LoggedCommit> out;
  while (!text.empty()) {
    const size_t newline = text.find('\n');
    if (newline == text.npos && cut) break;  // a line that lost its end
    const std::optional<Entry> entry = ReadEntry(text.substr(0, newline));
    text.remove_prefix(newline == text.npos ? text.size() : newline + 1);
    if (!entry.has_value()) continue;
    // As of HEAD's moves: clocks may go back, so older ones do not end it.
    if (auto left = hooks::LeftBranch(entry->message)) branch = base::ToValidUtf8(*left);
    if (entry->at.value + 1000 <= since.value) continue;
    const std::optional<std::string> title = hooks::TitleOf(entry->message);
    if (!title.has_value()) continue;
    out.push_back({std::string(entry->sha), base::ToValidUtf8(*title), branch, entry->at});
  }
  return out;
}

}  // namespace

std::string FindWorkTree(const std::string& path) {
  // One that is gone says nothing: what lies above it is another place.
  if (struct stat info; stat(path.c_str(), &info) != 0 || !S_ISDIR(info.st_mode)) return "";
  std::string folder = path;
  for (int i = 0; i < kMaxParents && folder.starts_with('/'); ++i) {
    struct stat info;
    if (stat((folder == "/" ? "/.git" : folder + "/.git").c_str(), &info) == 0) return folder;
    if (folder == "/") break;
    folder.resize(std::max<size_t>(folder.rfind('/'), 1));
  }
  return "";
}

std::string FindGit(const base::Environment& env) {
  return base::FindExecutable("git", env.GetOr("PATH", ""));
}

StatusOr<GitLog> ReadGitLog(const std::string& git, const base::Environment& env,
                            const std::string& folder, UtcMillis since,
                            const base::Cancel* cancel) {
  const auto ask = [&](std::vector<std::string> words) {
    return Ask(Call(git, env, folder, std::move(words), cancel), folder);
  };
  const auto ask_log = [&](std::string_view message) {
    return ask({"log", "-g", "--no-show-signature", "--no-notes", "--no-color", "--no-mailmap",
                "--no-patch", "--no-ext-diff", "--no-textconv", "--date=unix",
                "-n" + std::to_string(kMaxGitEntries),
                "--format=%H%x00%gd%x00" + std::string(message), "HEAD", "--"});
  };
  ST_ASSIGN_OR_RETURN(base::ProcessResult log, ask_log("%gs"));
  // Messages may be of any length, and older ones are behind them.
  if (log.exit_code == 0 && log.stdout_cut) {
    ST_ASSIGN_OR_RETURN(log, ask_log(kCutMessage));
  }
  if (log.exit_code != 0) {
    // One in which nothing was committed yet.
    ST_ASSIGN_OR_RETURN(const base::ProcessResult head,
                        ask({"rev-parse", "--verify", "--quiet", "HEAD"}));
    if (head.exit_code == 1 && head.stderr_text.empty()) return GitLog();
    return Fail(kProcessFailed, "reading the log of {}: git says: {}", folder,
                FirstLine(log.stderr_text));
  }
  GitLog out;
  out.commits = CommitsIn(log.stdout_text, log.stdout_cut, "", since);
  if (out.commits.empty()) return out;
  ST_ASSIGN_OR_RETURN(const base::ProcessResult branch,
                      ask({"symbolic-ref", "--quiet", "--short", "HEAD"}));
  out.commits = CommitsIn(log.stdout_text, log.stdout_cut, NameOrNone(branch), since);
  ST_ASSIGN_OR_RETURN(const base::ProcessResult remote,
                      ask({"config", "--local", "--get", "remote.origin.url"}));
  out.remote = NameOrNone(
      {.exit_code = remote.exit_code, .stdout_text = hooks::WithoutUser(remote.stdout_text)});
  return out;
}

}  // namespace selftune::sync
