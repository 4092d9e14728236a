// The recordings of hosts whose sessions are lines: read at once and line by
// line they give the same facts, so wherever the last line is cut the next
// read goes on as if nothing had happened.
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>

#include <doctest/doctest.h>

#include "hosts/copilot/source.h"
#include "hosts/gemini/source.h"
#include "hosts/pi/source.h"
#include "hosts/qwen/source.h"
#include "unit/hosts/line_store.h"

namespace selftune {
namespace {

using namespace testing;  // NOLINT: the helpers of these tests

std::string Content(const std::filesystem::path& path) {
  std::ifstream in(path, std::ios::binary);
  std::stringstream text;
  text << in.rdbuf();
  return text.str();
}

TEST_CASE("recordings: at once and line by line are the same") {
  const char* root = std::getenv("SELFTUNE_TESTS");
  REQUIRE(root != nullptr);
  struct Host {
    std::string folder;
    const ingest::Source& source;
    std::string_view where;  // part of the path of its files
    int files;
  };
  const Host hosts[] = {{"pi", hosts::PiSource(), "/sessions/", 16},
                        {"gemini", hosts::GeminiSource(), "/chats/", 8},
                        {"copilot", hosts::CopilotSource(), "/session-state/", 8},
                        {"qwen", hosts::QwenSource(), "/chats/", 4}};
  for (const Host& host : hosts) {
    CAPTURE(host.folder);
    int files = 0;
    const std::filesystem::path folder = std::filesystem::path(root) / "data/hosts" / host.folder;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(folder)) {
      const std::string path = entry.path().string();
      if (!path.ends_with(".jsonl") || path.find(host.where) == std::string::npos) continue;
      CAPTURE(path);
      const ingest::SourceFile file = host.source.Describe(path);
      const MergedStore store = ReadBothWays(host.source, file, Content(entry.path()));
      CHECK(!store.sessions.empty());
      CHECK(store.unknown == 0);
      CHECK(store.bad_lines.empty());
      ++files;
    }
    CHECK(files == host.files);
  }
}

}  // namespace
}  // namespace selftune
