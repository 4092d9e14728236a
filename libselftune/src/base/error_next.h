// What to do after a failure whose message names no step of its own: one row a
// code of error_codes.h, and those of codes that only a frontend gives. Applied
// where errors leave the library (capi) and the frontends, which have this table
// as cli/error_next.gen.h (tools/gen_errors.py).
#pragma once

#include <array>
#include <string_view>

#include "base/error_codes.h"

namespace selftune {

struct ErrorNext {
  std::string_view code;
  std::string_view command;  // runnable, of plain words
  std::string_view text;
};

// clang-format off
inline constexpr std::array kErrorNext = {
    // Usage and requests.
    ErrorNext{"INVALID_REQUEST", "selftune schema --list", "see which parameters each operation takes"},
    ErrorNext{"INVALID_FLAG", "selftune help --all", "see which flags each command takes"},
    ErrorNext{"MISSING_FLAG", "selftune help --all", "see which flags each command takes"},
    ErrorNext{"UNKNOWN_COMMAND", "selftune help --all", "see which commands there are"},
    ErrorNext{"UNKNOWN_OPERATION", "selftune schema --list", "see which operations there are"},
    ErrorNext{"UNSUPPORTED_TYPE", "selftune version", "see what this version was built with; a newer one may read it"},
    ErrorNext{"CONFIRMATION_REQUIRED", "selftune help --all", "look at the plan with dry_run (--dry-run), then repeat with yes (--yes)"},
    // Files.
    ErrorNext{"FILE_NOT_FOUND", "selftune doctor", "see whether the files and folders that are needed are there"},
    ErrorNext{"FILE_UNREADABLE", "selftune doctor", "see what can be read"},
    ErrorNext{"FILE_EXISTS", "selftune help --all", "give another name; see how each command takes it"},
    ErrorNext{"FILE_CHANGED", "selftune status", "see how the skill is now, then start again"},
    ErrorNext{"FILE_TOO_LARGE", "selftune doctor --deep", "see which files are out of the ordinary"},
    ErrorNext{"WRITE_FAILED", "selftune doctor", "see whether disk, folders and store are in order"},
    ErrorNext{"DISK_FULL", "selftune doctor --only disk", "make room and try again; see how much is free"},
    ErrorNext{"INVALID_FRONTMATTER", "selftune doctor --deep --only 'skills.*'", "see which SKILL.md cannot be read, and why"},
    ErrorNext{"MANAGED_BY_PLUGIN", "selftune skills list", "change it where the plugin comes from; see which skills are yours"},
    ErrorNext{"GIT_DIRTY", "selftune proposals list --state open", "commit your changes of the file, then approve the proposal"},
    ErrorNext{"CONFLICTED", "selftune proposals list", "the file is not what was expected; see what was proposed for it"},
    ErrorNext{"SETTINGS_INVALID", "selftune hooks status", "correct the file: it was left as it is"},
    // Store.
    ErrorNext{"STORE_MISSING", "selftune sync", "read the transcripts of the agents first"},
    ErrorNext{"STORE_BUSY", "selftune doctor --only 'lock*'", "another process writes the store; see which runs are under way, then try again"},
    ErrorNext{"STORE_FULL", "selftune doctor --only disk", "make room and try again; see how much is free"},
    ErrorNext{"STORE_CORRUPT", "selftune recover", "save what can be read of it; the file is kept"},
    ErrorNext{"STORE_READ_ONLY", "selftune doctor --only 'db.*'", "see what may not be written, and what changes that"},
    ErrorNext{"STORE_FOREIGN", "selftune doctor --only 'db.*'", "the file is left alone; see which it is"},
    ErrorNext{"SCHEMA_NEWER", "selftune version", "install that version of selftune or a newer one"},
    ErrorNext{"STORE_CONSTRAINT", "selftune db check --deep", "see whether the store is what it claims to be"},
    ErrorNext{"QUERY_REFUSED", "selftune help query", "see what a query may ask"},
    // Evidence.
    ErrorNext{"SKILL_NOT_FOUND", "selftune skills list", "see which skills are known"},
    ErrorNext{"SESSION_NOT_FOUND", "selftune sync", "read what is new; the session may not be in the store yet"},
    ErrorNext{"NOT_FOUND", "selftune status", "see what there is"},
    ErrorNext{"AMBIGUOUS_SKILL", "selftune skills list", "name the file with --skill-path; see which there are"},
    ErrorNext{"INSUFFICIENT_EVIDENCE", "selftune sync", "read what is new; more sessions bring more evidence"},
    // Model calls.
    ErrorNext{"AGENT_NOT_FOUND", "selftune doctor --only 'agents.*'", "install an agent CLI; see which are found"},
    ErrorNext{"AGENT_UNSAFE", "selftune doctor --only 'agents.*'", "update the agent CLI; see which are found"},
    ErrorNext{"AUTH_MISSING", "selftune doctor --only 'agents.*'", "log in with the agent CLI itself; see which are found"},
    ErrorNext{"API_ERROR", "selftune llm usage", "see which calls failed"},
    ErrorNext{"RATE_LIMITED", "selftune llm usage", "wait, then try again; see what was used"},
    ErrorNext{"TIMEOUT", "selftune llm usage", "try again, or with a faster model; see how long calls take"},
    ErrorNext{"CONTEXT_TOO_LONG", "selftune llm usage", "use a model with a longer context; see which was asked"},
    ErrorNext{"BUDGET_EXHAUSTED", "selftune llm usage", "see what was spent; a later run goes on from there"},
    ErrorNext{"INVALID_REPLY", "selftune llm usage", "try again, or with a stronger model; see which was asked"},
    ErrorNext{"INJECTION_SUSPECTED", "selftune llm usage", "the reply was thrown away; see which call it was"},
    ErrorNext{"BACKEND_UNAVAILABLE", "selftune doctor --only 'agents.*'", "try again later; see which agents are found"},
    // Engine.
    ErrorNext{"LOCK_HELD", "selftune doctor --only 'lock*'", "another run is at work; see which, then try again"},
    ErrorNext{"CANCELLED", "selftune status", "somebody asked for it: there is nothing to repair; see what is there"},
    ErrorNext{"DEADLINE", "selftune doctor --only 'lock*'", "repeat the request with more time; see whether another run is in its way"},
    ErrorNext{"JOB_RUNNING", "selftune doctor --only 'lock*'", "nothing failed: wait for the job again; see which runs are under way"},
    ErrorNext{"FORKED", "selftune status", "a mistake of the program, which must start its child with exec; this command, a process of its own, works meanwhile"},
    ErrorNext{"OUT_OF_MEMORY", "selftune doctor", "close something and try again"},
    ErrorNext{"INVALID_CONFIG", "selftune config path", "correct the file, or move it away to use the defaults"},
    ErrorNext{"SCHEDULER_NOT_FOUND", "selftune cron preview --platform cron", "run it by another scheduler; see what a line would be"},
    ErrorNext{"PROCESS_FAILED", "selftune doctor", "see whether the programs that are needed are found"},
    ErrorNext{"INTERNAL", "selftune doctor --deep", "a mistake of selftune; please report it with what this says"},
    // Answers that are no failure of the operation.
    ErrorNext{"UNHEALTHY", "selftune doctor --deep", "see the checks and what repairs each"},
    ErrorNext{"PROPOSAL_REJECTED", "selftune proposals list", "see what was proposed and why it was refused"},
    ErrorNext{"REGRESSION_FOUND", "selftune watch", "see what got worse and what was taken back"},
    ErrorNext{"CHECK_FAILED", "selftune doctor", "see what is wrong and what repairs it"},
    ErrorNext{"ON_HOLD", "selftune status", "see what is waited for"},
    ErrorNext{"BLOCKED", "selftune status", "see what stands in the way"},
};
// clang-format on

// Of the dashboard and the command line themselves.
// clang-format off
inline constexpr std::array kFrontendNext = {
    ErrorNext{"DASHBOARD_MISSING", "selftune status --text", "install selftune with the dashboard; see the same figures here"},
    ErrorNext{"ROOT_REFUSED", "selftune dashboard --allow-root", "run it as yourself, or allow it"},
    ErrorNext{"PORT_TAKEN", "selftune dashboard", "leave --port away, and a free port is found"},
    ErrorNext{"LISTEN_FAILED", "selftune dashboard", "leave --port away, and a free port is found"},
    // Over HTTP.
    ErrorNext{"NOT_SIGNED_IN", "selftune dashboard", "open the dashboard by a new link"},
    ErrorNext{"CODE_INVALID", "selftune dashboard", "open the dashboard by a new link"},
    ErrorNext{"TOO_MANY_ATTEMPTS", "selftune dashboard", "wait a minute, then use a new link"},
    ErrorNext{"TOO_MANY_STREAMS", "selftune dashboard --help", "close a page; see --max-streams"},
    ErrorNext{"TOO_MANY_CONNECTIONS", "selftune dashboard --help", "close a page; see --max-streams"},
    ErrorNext{"WRONG_HOST", "selftune dashboard", "use the address that the command prints"},
    ErrorNext{"FORBIDDEN_ORIGIN", "selftune dashboard", "open the page by the link that the command prints"},
    ErrorNext{"FORBIDDEN_SITE", "selftune dashboard", "open the page by the link that the command prints"},
    ErrorNext{"HEADER_MISSING", "selftune schema --list", "send X-Selftune: 1; programs are better served by the command line"},
    ErrorNext{"BAD_PATH", "selftune dashboard", "use the address that the command prints"},
    ErrorNext{"BAD_REQUEST", "selftune schema --list", "this is not HTTP/1.1; programs are better served by the command line"},
    ErrorNext{"BODY_TOO_LARGE", "selftune schema --list", "see which parameters each operation takes"},
    ErrorNext{"HEADER_TOO_LARGE", "selftune dashboard", "clear the cookies of this address, then use a new link"},
    ErrorNext{"TARGET_TOO_LONG", "selftune schema --list", "see which parameters each operation takes"},
    ErrorNext{"LENGTH_REQUIRED", "selftune schema --list", "send Content-Length; programs are better served by the command line"},
    ErrorNext{"HTTP_VERSION", "selftune schema --list", "send HTTP/1.1; programs are better served by the command line"},
    ErrorNext{"UPGRADE_REFUSED", "selftune schema --list", "send HTTP/1.1; programs are better served by the command line"},
    ErrorNext{"EXPECTATION_FAILED", "selftune schema --list", "send the body at once; programs are better served by the command line"},
    ErrorNext{"REQUEST_TIMEOUT", "selftune doctor --only 'lock*'", "try again; see whether something keeps this machine busy"},
    ErrorNext{"METHOD_NOT_ALLOWED", "selftune help dashboard", "see what the dashboard answers"},
};
// clang-format on

constexpr ErrorNext FindErrorNext(std::string_view code) {
  for (const ErrorNext& row : kErrorNext) {
    if (row.code == code) return row;
  }
  return {};
}

// A code without a row, or with a row that names no command, does not compile.
constexpr bool EveryErrorHasNext() {
  for (const ErrorCode& code : kErrorCodes) {
    const ErrorNext row = FindErrorNext(code.name);
    if (row.code.empty() || row.text.empty() || !row.command.starts_with("selftune ")) return false;
  }
  return kErrorNext.size() == kErrorCodes.size();
}
static_assert(EveryErrorHasNext());

}  // namespace selftune
