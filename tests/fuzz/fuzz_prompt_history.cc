// Any bytes can be read as the history of prompts of both hosts, and in pieces they give
// the same counts.
#include "hosts/claude_code/source.h"
#include "hosts/codex/source.h"
#include "ingest/prompt_history.h"
#include "reader_target.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace selftune;
  static const ingest::SourceFile file{.path = "/s/history.jsonl", .kind = ingest::kPromptHistory};
  const std::string_view text = fuzz::AsText(data, size);
  fuzz::ReadAnything(hosts::claude_code::TranscriptSource(), file, text);
  return fuzz::ReadAnything(hosts::CodexSource(), file, text);
}
