// Turns the events of one Copilot CLI session into facts: of the session, and
// of its subagents, whose events stand between its own.
#pragma once

#include <memory>

#include "ingest/source.h"

namespace selftune::hosts::copilot {

// Version of what the reader makes of the same bytes.
inline constexpr int kReaderVersion = 1;

[[nodiscard]] StatusOr<std::unique_ptr<ingest::LineReader>> OpenSession(
    const ingest::ReaderOptions& options);

}  // namespace selftune::hosts::copilot
