// Turns the lines of one Pi session into facts.
#pragma once

#include <memory>

#include "ingest/source.h"

namespace selftune::hosts::pi {

// Version of what the reader makes of the same bytes.
inline constexpr int kReaderVersion = 1;

[[nodiscard]] StatusOr<std::unique_ptr<ingest::LineReader>> OpenSession(
    const ingest::ReaderOptions& options);

}  // namespace selftune::hosts::pi
