// Any bytes can be read as a session of Gemini CLI.
#include "hosts/gemini/source.h"
#include "reader_target.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace selftune;
  static const ingest::SourceFile file{.path = "/nowhere/tmp/slug/chats/session-id.jsonl"};
  return fuzz::ReadAnything(hosts::GeminiSource(), file, fuzz::AsText(data, size));
}
