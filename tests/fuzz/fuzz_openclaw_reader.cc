// Any bytes can be read as a transcript of OpenClaw.
#include "hosts/openclaw/source.h"
#include "reader_target.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace selftune;
  static const ingest::SourceFile file{.path = "/s/sessions/11111111.jsonl"};
  return fuzz::ReadAnything(hosts::OpenClawSource(), file, fuzz::AsText(data, size));
}
