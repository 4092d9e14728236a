// Flags that several commands share.
#pragma once

#include "cli/command.h"

namespace selftune::cli {

// What a flag that only the reference obeyed is good for.
inline constexpr std::string_view kNoEffect = "accepted, without effect";

inline constexpr Flag kSkillFlag = {"skill", "name of the skill", FlagType::kText, "name"};
inline constexpr Flag kSkillPathFlag = {"skill-path", "its SKILL.md, when the name is not unique",
                                        FlagType::kText, "path"};
inline constexpr Flag kPlatformFlag = {"platform", "only this host", FlagType::kText, "host"};
inline constexpr Flag kSinceFlag = {"since", "from this time or age on: 2026-01-31, 7d",
                                    FlagType::kText, "time"};
inline constexpr Flag kUntilFlag = {"until", "before this time", FlagType::kText, "time"};
inline constexpr Flag kLimitFlag = {"limit", "at most this many rows", FlagType::kInt};
inline constexpr Flag kCursorFlag = {"cursor", "next_cursor of the page before", FlagType::kText,
                                     "cursor"};
inline constexpr Flag kAgentFlag = {"agent", "agent CLI that answers model calls", FlagType::kText,
                                    "name"};
inline constexpr std::string_view kLlmModes[] = {"agent", "api"};
inline constexpr Flag kLlmModeFlag = {"llm-mode",
                                      "an agent CLI, or the server of the settings api.*",
                                      FlagType::kText,
                                      "mode",
                                      0,
                                      kLlmModes,
                                      {},
                                      true};
inline constexpr Flag kModelFlag = {"model", "model to ask", FlagType::kText, "name", 0, {}, {},
                                    true};
inline constexpr Flag kTierFlag = {
    "tier", "fast, standard or strong", FlagType::kText, "tier", 0, {}, {}, true};
inline constexpr Flag kEffortFlag = {
    "effort", "how hard the model should think", FlagType::kText, "effort", 0, {}, {}, true};
inline constexpr Flag kMaxCallsFlag = {
    "max-calls", "budget of model calls", FlagType::kInt, {}, 0, {}, {}, true};
inline constexpr Flag kMaxCostFlag = {
    "max-cost-usd", "budget in US dollars", FlagType::kNumber, {}, 0, {}, {}, true};
inline constexpr Flag kMaxTokensFlag = {
    "max-tokens", "budget of tokens", FlagType::kInt, {}, 0, {}, {}, true};
inline constexpr Flag kMaxMinutesFlag = {
    "max-minutes", "budget of time", FlagType::kNumber, {}, 0, {}, {}, true};
inline constexpr Flag kSeedFlag = {"seed", "of everything random", FlagType::kInt, {}, 0, {}, {},
                                   true};

}  // namespace selftune::cli
