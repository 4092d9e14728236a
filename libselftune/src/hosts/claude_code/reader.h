// Reads one transcript file: the main conversation, an agent's, or, in old
// releases, a main one with its agents between the lines.
#pragma once

#include <memory>

#include "ingest/source.h"

namespace selftune::hosts::claude_code {

// Version of what the reader makes of the same bytes.
inline constexpr int kReaderVersion = 2;

[[nodiscard]] StatusOr<std::unique_ptr<ingest::LineReader>> OpenTranscript(
    const ingest::ReaderOptions& options);

}  // namespace selftune::hosts::claude_code
