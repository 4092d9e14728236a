// Reads a task of Cline 2 or of the VS Code extension.
#pragma once

#include <memory>

#include "ingest/source.h"

namespace selftune::hosts::cline {

[[nodiscard]] std::unique_ptr<ingest::LineReader> OpenTask(const ingest::ReaderOptions& options);

}  // namespace selftune::hosts::cline
