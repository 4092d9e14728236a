// Any bytes can be read as a database of a host, and stay as they are. The first
// byte says which host's.
#include <unistd.h>

#include <cstdlib>
#include <string>

#include "base/file.h"
#include "hosts/openclaw/source.h"
#include "hosts/opencode/source.h"
#include "input.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace selftune;
  if (size == 0) return 0;
  static const std::string path = [] {
    const char* parent = std::getenv("TMPDIR");
    const auto folder = base::MakeTempDir(parent != nullptr ? parent : "/tmp", "selftune-fuzz-");
    fuzz::Require(folder.ok(), "a temporary folder");
    static std::string name = *folder;
    std::atexit([] { (void)base::RemoveTree(name); });
    return base::JoinPath(name, "opencode.sqlite");
  }();
  const std::string bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
  fuzz::Require(base::WriteFileAtomic(path, bytes, 0600).ok(), "a temporary file");
  const ingest::Source& source =
      data[0] % 2 == 0 ? hosts::OpenCodeSource() : hosts::OpenClawSource();
  const ingest::SourceFile file = source.Describe(path);
  const auto reader = source.OpenStore({.file = &file});
  fuzz::Require(reader.ok(), "a reader opens nothing yet");
  const Status status = (*reader)->Read([](ingest::Batch) { return absl::OkStatus(); });
  (void)status;  // a damaged store says so
  const auto after = base::ReadFile(path, uint64_t{1} << 30);
  fuzz::Require(after.ok() && *after == bytes, "the store is as it was");
  return 0;
}
