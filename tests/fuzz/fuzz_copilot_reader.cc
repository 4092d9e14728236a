// Any bytes can be read as events of Copilot CLI.
#include "hosts/copilot/source.h"
#include "reader_target.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace selftune;
  static const ingest::SourceFile file{.path = "/s/id/events.jsonl"};
  return fuzz::ReadAnything(hosts::CopilotSource(), file, fuzz::AsText(data, size));
}
