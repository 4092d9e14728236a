// How long hooks took, by the lines of real transcripts.
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include <doctest/doctest.h>

#include "base/file.h"
#include "base/strings.h"
#include "hosts/claude_code/timed_hooks.h"

namespace selftune {
namespace {

std::vector<ingest::HookRun> RunsOf(std::string_view session) {
  const char* tests = std::getenv("SELFTUNE_TESTS");
  REQUIRE(tests != nullptr);
  const auto text =
      base::ReadFile(std::string(tests) +
                         "/data/hosts/claude-code/home/.claude/projects/-home-dev-work-shop-api/" +
                         std::string(session) + ".jsonl",
                     1 << 20);
  REQUIRE(text.ok());
  std::vector<ingest::HookRun> out;
  for (const std::string_view line : base::Split(*text, '\n')) {
    for (ingest::HookRun& run : hosts::claude_code::HookRunsOf(line)) out.push_back(std::move(run));
  }
  return out;
}

}  // namespace

TEST_SUITE("hosts/claude_code/timed_hooks") {
  TEST_CASE("a hook at the end of a turn") {
    const auto runs = RunsOf("c1a0de00-0001-4000-8000-000000000001");
    REQUIRE(runs.size() == 1);
    CHECK(runs[0].command == "/home/dev/bin/hookrec Stop");
    CHECK(runs[0].ms == 83);
  }

  TEST_CASE("a hook whose output the model was given") {
    const auto runs = RunsOf("c1a0de00-0024-4000-8000-000000000024");
    REQUIRE(!runs.empty());
    CHECK(runs[0].command == "/home/dev/bin/hookrec SessionStart");
    CHECK(runs[0].ms == 264);
  }

  TEST_CASE("what is no run of a hook tells nothing") {
    for (
        const std::string_view line :
        {"", "{", R"({"hookInfos":[{"command":"x","durationMs":1}]})",
         R"({"type":"system","subtype":"stop_hook_summary","hookInfos":[{"command":"x","durationMs":-1}]})",
         R"({"type":"system","subtype":"stop_hook_summary","hookInfos":[{"command":"","durationMs":1}]})",
         R"({"type":"system","subtype":"stop_hook_summary","hookInfos":[{"command":7,"durationMs":"1"}]})",
         R"({"type":"user","message":{"content":"{\"attachment\":{\"type\":\"hook_success\",\"durationMs\":1}}"}})"}) {
      CAPTURE(line);
      CHECK(hosts::claude_code::HookRunsOf(line).empty());
    }
  }
}

}  // namespace selftune
