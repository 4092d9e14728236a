// The databases of OpenClaw from version 2026.7.2, one an agent.
#pragma once

#include <memory>

#include "ingest/store_reader.h"

namespace selftune::hosts::openclaw {

[[nodiscard]] std::unique_ptr<ingest::StoreReader> MakeStoreReader(
    const ingest::StoreOptions& options);

}  // namespace selftune::hosts::openclaw
