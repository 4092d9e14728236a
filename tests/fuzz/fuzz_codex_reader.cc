// Any bytes can be read as a rollout, and in pieces they give the same counts.
#include "hosts/codex/source.h"
#include "reader_target.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace selftune;
  static const ingest::SourceFile file{"/s/rollout-2026-11-22T09-54-22-id.jsonl", "rollout", false};
  return fuzz::ReadAnything(hosts::CodexSource(), file, fuzz::AsText(data, size));
}
