// Command lines for model calls through agent CLIs, as pure functions.
//
// Every line keeps the call without tools, hooks, skills and session storage;
// none ever contains a permission bypass. The prompt is not in it: it goes to
// stdin, out of sight of other users and free of length limits.
#pragma once

#include <map>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/env.h"
#include "base/error.h"
#include "llm/backend.h"

namespace selftune::llm {

// The agents that answer model calls, in order of preference.
enum class Agent { kClaude, kCodex };
[[nodiscard]] std::span<const Agent> AllAgents();
[[nodiscard]] std::string_view CommandOf(Agent agent);  // "claude"
// nullopt-free: INVALID_FLAG for a name nobody knows, UNSUPPORTED_TYPE for a
// host whose CLI does not answer calls yet.
[[nodiscard]] StatusOr<Agent> ParseAgent(std::string_view name);

// Long flags (and `-c` style switches) an installed CLI lists in its help.
using FlagSet = std::set<std::string, std::less<>>;
[[nodiscard]] FlagSet FlagsInHelp(std::string_view help_text);
// Arguments that print the help which lists the flags below.
[[nodiscard]] std::vector<std::string> HelpArguments(Agent agent);

struct CallFiles {
  std::string directory;    // private, empty working directory
  std::string schema_file;  // codex: holds the JSON schema, "" = none
  std::string reply_file;   // codex: receives the last message
};

// Everything after argv[0]. AGENT_UNSAFE when the CLI lacks a flag that keeps
// tools, hooks or session storage away; INVALID_REQUEST for a model or an effort
// that is no such word.
[[nodiscard]] StatusOr<std::vector<std::string>> BuildArguments(Agent agent,
                                                                const LlmRequest& request,
                                                                const FlagSet& flags,
                                                                const CallFiles& files);

// The child's environment: an allow-list of `env`, the marker
// SELFTUNE_INTERNAL=1, and the agent's quiet variables.
[[nodiscard]] std::map<std::string, std::string, std::less<>> ChildEnvironment(
    Agent agent, const base::Environment& env);

}  // namespace selftune::llm
