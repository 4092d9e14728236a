// Any bytes can be read as a session of Pi.
#include "hosts/pi/source.h"
#include "reader_target.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace selftune;
  static const ingest::SourceFile file{.path = "/s/2026-11-22T09-24-58-736Z_id.jsonl"};
  return fuzz::ReadAnything(hosts::PiSource(), file, fuzz::AsText(data, size));
}
