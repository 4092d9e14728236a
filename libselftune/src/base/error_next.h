// What to do after a failure whose message names no step of its own: one row a
// code of error_codes.h. Applied where errors leave the library (capi).
#pragma once

#include <array>
#include <string_view>

#include "base/error_codes.h"

namespace selftune {

struct ErrorNext {
  std::string_view code;
  std::string_view command;  // runnable; "" = there is none, `text` says why
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
    ErrorNext{"CONFIRMATION_REQUIRED", "", "repeat the request with yes; only the caller has it (the command line names it with --yes)"},
    // Files.
    ErrorNext{"FILE_NOT_FOUND", "selftune skills list", "see which files are known"},
    ErrorNext{"FILE_UNREADABLE", "selftune doctor", "see what can be read"},
    ErrorNext{"FILE_EXISTS", "", "give another name: what to call it is the caller's to say"},
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
    ErrorNext{"STORE_READ_ONLY", "selftune doctor --only 'db.*'", "see whether the file may be written"},
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
    ErrorNext{"CANCELLED", "", "somebody asked for it: there is nothing to repair"},
    ErrorNext{"DEADLINE", "", "repeat the request with more time; only the caller has it"},
    ErrorNext{"JOB_RUNNING", "", "nothing failed: wait for the job again"},
    ErrorNext{"FORKED", "", "a mistake of the program: it must open an engine of its own in the child"},
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

constexpr ErrorNext FindErrorNext(std::string_view code) {
  for (const ErrorNext& row : kErrorNext) {
    if (row.code == code) return row;
  }
  return {};
}

// A code without a row does not compile.
constexpr bool EveryErrorHasNext() {
  for (const ErrorCode& code : kErrorCodes) {
    const ErrorNext row = FindErrorNext(code.name);
    if (row.code.empty() || row.text.empty()) return false;
  }
  return kErrorNext.size() == kErrorCodes.size();
}
static_assert(EveryErrorHasNext());

}  // namespace selftune
