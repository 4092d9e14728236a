// Written by tools/gen_errors.py from libselftune/src/base/error_next.h.
#pragma once

#include <array>
#include <string>
#include <string_view>
#include <vector>

namespace selftune::cli {

struct ErrorNext {
  std::string_view code;
  std::string_view command;
  std::string_view text;
  std::array<std::string_view, 5> words;  // of the command, the rest empty

  [[nodiscard]] std::vector<std::string> argv() const {
    std::vector<std::string> out;
    for (const std::string_view word : words) {
      if (!word.empty()) out.emplace_back(word);
    }
    return out;
  }
};

// clang-format off
inline constexpr ErrorNext kErrorNext[] = {
    {"INVALID_REQUEST", "selftune schema --list", "see which parameters each operation takes", {"selftune", "schema", "--list"}},
    {"INVALID_FLAG", "selftune help --all", "see which flags each command takes", {"selftune", "help", "--all"}},
    {"MISSING_FLAG", "selftune help --all", "see which flags each command takes", {"selftune", "help", "--all"}},
    {"UNKNOWN_COMMAND", "selftune help --all", "see which commands there are", {"selftune", "help", "--all"}},
    {"UNKNOWN_OPERATION", "selftune schema --list", "see which operations there are", {"selftune", "schema", "--list"}},
    {"UNSUPPORTED_TYPE", "selftune version", "see what this version was built with; a newer one may read it", {"selftune", "version"}},
    {"CONFIRMATION_REQUIRED", "selftune help --all", "look at the plan with dry_run (--dry-run), then repeat with yes (--yes)", {"selftune", "help", "--all"}},
    {"FILE_NOT_FOUND", "selftune doctor", "see whether the files and folders that are needed are there", {"selftune", "doctor"}},
    {"FILE_UNREADABLE", "selftune doctor", "see what can be read", {"selftune", "doctor"}},
    {"FILE_EXISTS", "selftune help --all", "give another name; see how each command takes it", {"selftune", "help", "--all"}},
    {"FILE_CHANGED", "selftune status", "see how the skill is now, then start again", {"selftune", "status"}},
    {"FILE_TOO_LARGE", "selftune doctor --deep", "see which files are out of the ordinary", {"selftune", "doctor", "--deep"}},
    {"WRITE_FAILED", "selftune doctor", "see whether disk, folders and store are in order", {"selftune", "doctor"}},
    {"DISK_FULL", "selftune doctor --only disk", "make room and try again; see how much is free", {"selftune", "doctor", "--only", "disk"}},
    {"INVALID_FRONTMATTER", "selftune doctor --deep --only 'skills.*'", "see which SKILL.md cannot be read, and why", {"selftune", "doctor", "--deep", "--only", "skills.*"}},
    {"MANAGED_BY_PLUGIN", "selftune skills list", "change it where the plugin comes from; see which skills are yours", {"selftune", "skills", "list"}},
    {"GIT_DIRTY", "selftune proposals list --state open", "commit your changes of the file, then approve the proposal", {"selftune", "proposals", "list", "--state", "open"}},
    {"CONFLICTED", "selftune proposals list", "the file is not what was expected; see what was proposed for it", {"selftune", "proposals", "list"}},
    {"SETTINGS_INVALID", "selftune hooks status", "correct the file: it was left as it is", {"selftune", "hooks", "status"}},
    {"STORE_MISSING", "selftune sync", "read the transcripts of the agents first", {"selftune", "sync"}},
    {"STORE_BUSY", "selftune doctor --only 'lock*'", "another process writes the store; see which runs are under way, then try again", {"selftune", "doctor", "--only", "lock*"}},
    {"STORE_FULL", "selftune doctor --only disk", "make room and try again; see how much is free", {"selftune", "doctor", "--only", "disk"}},
    {"STORE_CORRUPT", "selftune recover", "save what can be read of it; the file is kept", {"selftune", "recover"}},
    {"STORE_READ_ONLY", "selftune doctor --only 'db.*'", "see what may not be written, and what changes that", {"selftune", "doctor", "--only", "db.*"}},
    {"STORE_FOREIGN", "selftune doctor --only 'db.*'", "the file is left alone; see which it is", {"selftune", "doctor", "--only", "db.*"}},
    {"SCHEMA_NEWER", "selftune version", "install that version of selftune or a newer one", {"selftune", "version"}},
    {"STORE_CONSTRAINT", "selftune db check --deep", "see whether the store is what it claims to be", {"selftune", "db", "check", "--deep"}},
    {"QUERY_REFUSED", "selftune help query", "see what a query may ask", {"selftune", "help", "query"}},
    {"SKILL_NOT_FOUND", "selftune skills list", "see which skills are known", {"selftune", "skills", "list"}},
    {"SESSION_NOT_FOUND", "selftune sync", "read what is new; the session may not be in the store yet", {"selftune", "sync"}},
    {"NOT_FOUND", "selftune status", "see what there is", {"selftune", "status"}},
    {"AMBIGUOUS_SKILL", "selftune skills list", "name the file with --skill-path; see which there are", {"selftune", "skills", "list"}},
    {"INSUFFICIENT_EVIDENCE", "selftune sync", "read what is new; more sessions bring more evidence", {"selftune", "sync"}},
    {"AGENT_NOT_FOUND", "selftune doctor --only 'agents.*'", "install an agent CLI; see which are found", {"selftune", "doctor", "--only", "agents.*"}},
    {"AGENT_UNSAFE", "selftune doctor --only 'agents.*'", "update the agent CLI; see which are found", {"selftune", "doctor", "--only", "agents.*"}},
    {"AUTH_MISSING", "selftune doctor --only 'agents.*'", "log in with the agent CLI itself; see which are found", {"selftune", "doctor", "--only", "agents.*"}},
    {"API_ERROR", "selftune llm usage", "see which calls failed", {"selftune", "llm", "usage"}},
    {"RATE_LIMITED", "selftune llm usage", "wait, then try again; see what was used", {"selftune", "llm", "usage"}},
    {"TIMEOUT", "selftune llm usage", "try again, or with a faster model; see how long calls take", {"selftune", "llm", "usage"}},
    {"CONTEXT_TOO_LONG", "selftune llm usage", "use a model with a longer context; see which was asked", {"selftune", "llm", "usage"}},
    {"BUDGET_EXHAUSTED", "selftune llm usage", "see what was spent; a later run goes on from there", {"selftune", "llm", "usage"}},
    {"INVALID_REPLY", "selftune llm usage", "try again, or with a stronger model; see which was asked", {"selftune", "llm", "usage"}},
    {"INJECTION_SUSPECTED", "selftune llm usage", "the reply was thrown away; see which call it was", {"selftune", "llm", "usage"}},
    {"BACKEND_UNAVAILABLE", "selftune doctor --only 'agents.*'", "try again later; see which agents are found", {"selftune", "doctor", "--only", "agents.*"}},
    {"LOCK_HELD", "selftune doctor --only 'lock*'", "another run is at work; see which, then try again", {"selftune", "doctor", "--only", "lock*"}},
    {"CANCELLED", "selftune status", "somebody asked for it: there is nothing to repair; see what is there", {"selftune", "status"}},
    {"DEADLINE", "selftune doctor --only 'lock*'", "repeat the request with more time; see whether another run is in its way", {"selftune", "doctor", "--only", "lock*"}},
    {"JOB_RUNNING", "selftune doctor --only 'lock*'", "nothing failed: wait for the job again; see which runs are under way", {"selftune", "doctor", "--only", "lock*"}},
    {"FORKED", "selftune status", "a mistake of the program, which must start its child with exec; this command, a process of its own, works meanwhile", {"selftune", "status"}},
    {"OUT_OF_MEMORY", "selftune doctor", "close something and try again", {"selftune", "doctor"}},
    {"INVALID_CONFIG", "selftune config path", "correct the file, or move it away to use the defaults", {"selftune", "config", "path"}},
    {"SCHEDULER_NOT_FOUND", "selftune cron preview --platform cron", "run it by another scheduler; see what a line would be", {"selftune", "cron", "preview", "--platform", "cron"}},
    {"PROCESS_FAILED", "selftune doctor", "see whether the programs that are needed are found", {"selftune", "doctor"}},
    {"INTERNAL", "selftune doctor --deep", "a mistake of selftune; please report it with what this says", {"selftune", "doctor", "--deep"}},
    {"UNHEALTHY", "selftune doctor --deep", "see the checks and what repairs each", {"selftune", "doctor", "--deep"}},
    {"PROPOSAL_REJECTED", "selftune proposals list", "see what was proposed and why it was refused", {"selftune", "proposals", "list"}},
    {"REGRESSION_FOUND", "selftune watch", "see what got worse and what was taken back", {"selftune", "watch"}},
    {"CHECK_FAILED", "selftune doctor", "see what is wrong and what repairs it", {"selftune", "doctor"}},
    {"ON_HOLD", "selftune status", "see what is waited for", {"selftune", "status"}},
    {"BLOCKED", "selftune status", "see what stands in the way", {"selftune", "status"}},
    {"DASHBOARD_MISSING", "selftune status --text", "install selftune with the dashboard; see the same figures here", {"selftune", "status", "--text"}},
    {"ROOT_REFUSED", "selftune dashboard --allow-root", "run it as yourself, or allow it", {"selftune", "dashboard", "--allow-root"}},
    {"PORT_TAKEN", "selftune dashboard", "leave --port away, and a free port is found", {"selftune", "dashboard"}},
    {"LISTEN_FAILED", "selftune dashboard", "leave --port away, and a free port is found", {"selftune", "dashboard"}},
    {"NOT_SIGNED_IN", "selftune dashboard", "open the dashboard by a new link", {"selftune", "dashboard"}},
    {"CODE_INVALID", "selftune dashboard", "open the dashboard by a new link", {"selftune", "dashboard"}},
    {"TOO_MANY_ATTEMPTS", "selftune dashboard", "wait a minute, then use a new link", {"selftune", "dashboard"}},
    {"TOO_MANY_STREAMS", "selftune dashboard --help", "close a page; see --max-streams", {"selftune", "dashboard", "--help"}},
    {"TOO_MANY_CONNECTIONS", "selftune dashboard --help", "close a page; see --max-streams", {"selftune", "dashboard", "--help"}},
    {"WRONG_HOST", "selftune dashboard", "use the address that the command prints", {"selftune", "dashboard"}},
    {"FORBIDDEN_ORIGIN", "selftune dashboard", "open the page by the link that the command prints", {"selftune", "dashboard"}},
    {"FORBIDDEN_SITE", "selftune dashboard", "open the page by the link that the command prints", {"selftune", "dashboard"}},
    {"HEADER_MISSING", "selftune schema --list", "send X-Selftune: 1; programs are better served by the command line", {"selftune", "schema", "--list"}},
    {"BAD_PATH", "selftune dashboard", "use the address that the command prints", {"selftune", "dashboard"}},
    {"BAD_REQUEST", "selftune schema --list", "this is not HTTP/1.1; programs are better served by the command line", {"selftune", "schema", "--list"}},
    {"BODY_TOO_LARGE", "selftune schema --list", "see which parameters each operation takes", {"selftune", "schema", "--list"}},
    {"HEADER_TOO_LARGE", "selftune dashboard", "clear the cookies of this address, then use a new link", {"selftune", "dashboard"}},
    {"TARGET_TOO_LONG", "selftune schema --list", "see which parameters each operation takes", {"selftune", "schema", "--list"}},
    {"LENGTH_REQUIRED", "selftune schema --list", "send Content-Length; programs are better served by the command line", {"selftune", "schema", "--list"}},
    {"HTTP_VERSION", "selftune schema --list", "send HTTP/1.1; programs are better served by the command line", {"selftune", "schema", "--list"}},
    {"UPGRADE_REFUSED", "selftune schema --list", "send HTTP/1.1; programs are better served by the command line", {"selftune", "schema", "--list"}},
    {"EXPECTATION_FAILED", "selftune schema --list", "send the body at once; programs are better served by the command line", {"selftune", "schema", "--list"}},
    {"REQUEST_TIMEOUT", "selftune doctor --only 'lock*'", "try again; see whether something keeps this machine busy", {"selftune", "doctor", "--only", "lock*"}},
    {"METHOD_NOT_ALLOWED", "selftune help dashboard", "see what the dashboard answers", {"selftune", "help", "dashboard"}},
};
// clang-format on

// What to do after a failure that names no step of its own; never without a
// command.
constexpr const ErrorNext& FindErrorNext(std::string_view code) {
  constexpr std::string_view kOther = "INTERNAL";
  const ErrorNext* other = nullptr;
  for (const ErrorNext& row : kErrorNext) {
    if (row.code == code) return row;
    if (row.code == kOther) other = &row;
  }
  return *other;
}

}  // namespace selftune::cli
