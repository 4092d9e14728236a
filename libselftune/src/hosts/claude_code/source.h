// The transcripts of Claude Code: `projects/<slug>/*.jsonl` below the
// configuration folder, and the files of its agents.
#pragma once

#include "ingest/source.h"

namespace selftune::hosts::claude_code {

[[nodiscard]] const ingest::Source& TranscriptSource();

}  // namespace selftune::hosts::claude_code
