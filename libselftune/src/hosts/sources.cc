#include "hosts/sources.h"

#include <span>

#include "hosts/claude_code/source.h"
#include "hosts/cline/source.h"
#include "hosts/codex/source.h"
#include "hosts/copilot/source.h"
#include "hosts/gemini/source.h"
#include "hosts/openclaw/source.h"
#include "hosts/opencode/source.h"
#include "hosts/pi/source.h"
#include "hosts/qwen/source.h"

namespace selftune::hosts {

std::span<const ingest::Source* const> Sources() {
  static const ingest::Source* const sources[] = {&claude_code::TranscriptSource(),
                                                  &CodexSource(),
                                                  &OpenCodeSource(),
                                                  &OpenClawSource(),
                                                  &ClineSource(),
                                                  &PiSource(),
                                                  &GeminiSource(),
                                                  &CopilotSource(),
                                                  &QwenSource()};
  return sources;
}

}  // namespace selftune::hosts
