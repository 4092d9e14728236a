// Any bytes can be read as a session of Qwen Code.
#include "hosts/qwen/source.h"
#include "reader_target.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace selftune;
  static const ingest::SourceFile file{.path = "/s/chats/id.jsonl"};
  return fuzz::ReadAnything(hosts::QwenSource(), file, fuzz::AsText(data, size));
}
