// How text of users and files gets into a prompt: as fenced data, cleaned and cut.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "llm/redact.h"

namespace selftune::evolution {

// A text fit for a prompt: invisible characters removed first, for they could
// hide what `privacy` asks to be redacted.
[[nodiscard]] std::string PromptText(std::string_view text, const llm::RedactOptions& privacy);
// The same of a user's query, at most 500 code points.
[[nodiscard]] std::string PromptSafe(std::string_view query, const llm::RedactOptions& privacy);

struct PromptBody {
  std::string text;        // instructions, fenced blocks, closing reminder
  std::string cache_text;  // the same without what changes from call to call
  std::string nonce;       // of its fences; no answer may repeat it
};

// `blocks`: name of the source and its text. Every block is fenced with a nonce of
// its own call. `instructions` and `reminder` are our own words: what comes from
// a file, a user or a model belongs into a block.
[[nodiscard]] PromptBody MakeBody(
    std::string_view instructions,
    const std::vector<std::pair<std::string_view, std::string>>& blocks, std::string_view reminder);

}  // namespace selftune::evolution
