// Qwen Code: session files below ~/.qwen/projects.
#pragma once

#include "ingest/source.h"

namespace selftune::hosts {

[[nodiscard]] const ingest::Source& QwenSource();

}  // namespace selftune::hosts
