// Codex rollouts made of hand-written lines. Texts go into JSON strings as they
// stand.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "ingest/facts.h"
#include "unit/hosts/merged_store.h"

namespace selftune::testing::codex {

inline constexpr std::string_view kSkill = "/home/dev/.codex/skills/pdf/SKILL.md";

[[nodiscard]] MergedStore ReadLines(const std::vector<std::string>& lines,
                                    Reading reading = Reading::kAtOnce,
                                    const ingest::KeySet* copied = nullptr);

// The only session of a small store.
[[nodiscard]] const MergedSession& Only(const MergedStore& store);

[[nodiscard]] std::string Line(std::string_view type, std::string_view payload, int second = 0);

// `extra`: more fields, each with a comma before it.
[[nodiscard]] std::string MetaLine(std::string_view extra = "");

// A prompt: the event of old versions, the item of new ones, the model's copy.
[[nodiscard]] std::string PromptLine(std::string_view text);
[[nodiscard]] std::string ItemLine(std::string_view text);
[[nodiscard]] std::string UserLine(std::string_view text);

[[nodiscard]] std::string AnswerLine();

// A shell command, what it printed, and how it ended.
[[nodiscard]] std::string ShellLine(std::string_view id, std::string_view command);
[[nodiscard]] std::string OutputLine(std::string_view id, std::string_view output);
[[nodiscard]] std::string ExitLine(std::string_view id, int code, std::string_view output = "");

// The tokens of the session, and those of the last answer.
[[nodiscard]] std::string TotalsLine(int64_t input, int64_t output, int64_t last_input,
                                     int64_t last_output);

}  // namespace selftune::testing::codex
