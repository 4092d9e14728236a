// `history.jsonl`: what was typed into Claude Code, kept longer than transcripts.
#pragma once

#include "ingest/prompt_history.h"

namespace selftune::hosts::claude_code {

// {"display","pastedContents","timestamp","project","sessionId"}
[[nodiscard]] Status ReadHistoryLine(std::string_view line, base::LineParser& parser,
                                     ingest::HistoryEntry& entry);

}  // namespace selftune::hosts::claude_code
