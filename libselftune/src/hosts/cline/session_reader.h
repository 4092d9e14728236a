// Reads a session of Cline 3: its manifest and its messages.
#pragma once

#include <memory>

#include "ingest/source.h"

namespace selftune::hosts::cline {

[[nodiscard]] std::unique_ptr<ingest::LineReader> OpenSession(const ingest::ReaderOptions& options);

}  // namespace selftune::hosts::cline
