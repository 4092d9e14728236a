// The database of OpenCode since about February 2026.
#pragma once

#include <memory>

#include "ingest/store_reader.h"

namespace selftune::hosts::opencode {

[[nodiscard]] std::unique_ptr<ingest::StoreReader> MakeStoreReader(
    const ingest::StoreOptions& options);

}  // namespace selftune::hosts::opencode
