// The transcript readers of all hosts, in registry order.
#pragma once

#include <span>

#include "ingest/source.h"

namespace selftune::hosts {

[[nodiscard]] std::span<const ingest::Source* const> Sources();

}  // namespace selftune::hosts
