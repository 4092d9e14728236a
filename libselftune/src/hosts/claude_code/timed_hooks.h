// The times of hooks that a transcript tells.
#pragma once

#include <string_view>
#include <vector>

#include "ingest/source.h"

namespace selftune::hosts::claude_code {

// Of hooks at the end of a turn (`stop_hook_summary`), and of those whose output
// the model was given (`hook_success`); of others no time is written down.
[[nodiscard]] std::vector<ingest::HookRun> HookRunsOf(std::string_view line);

}  // namespace selftune::hosts::claude_code
