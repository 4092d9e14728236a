// `history.jsonl`: what was typed into Codex.
#pragma once

#include "ingest/prompt_history.h"

namespace selftune::hosts::codex {

// {"session_id","ts","text"}
[[nodiscard]] Status ReadHistoryLine(std::string_view line, base::LineParser& parser,
                                     ingest::HistoryEntry& entry);

}  // namespace selftune::hosts::codex
