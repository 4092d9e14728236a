#include "hosts/sources.h"

#include <array>
#include <span>

#include "hosts/claude_code/source.h"
#include "hosts/codex/source.h"

namespace selftune::hosts {

std::span<const ingest::Source* const> Sources() {
  static const std::array<const ingest::Source*, 2> sources = {&claude_code::TranscriptSource(),
                                                               &CodexSource()};
  return sources;
}

}  // namespace selftune::hosts
