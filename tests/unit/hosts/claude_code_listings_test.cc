// What a Claude Code session was offered: listings of skills, what changes
// them, and what a compaction loses.
#include <string_view>

#include <doctest/doctest.h>

#include "unit/hosts/claude_code_transcript.h"
#include "unit/hosts/merged_store.h"

namespace selftune::testing::claude_code {

TEST_SUITE("hosts/claude_code/listings") {
  TEST_CASE("listings: shortened, bare, over several lines, changed, lost") {
    const std::string_view three = R"(["a","b:c","d"])";
    CHECK(Exposures(Read(Transcript().Prompt("x").Listing(
              "- a: Does a.\n  - b: no entry\n- b:c: Cut off…\n- d", three))) ==
          "[listing -1 a:full b:c:truncated d:name_only]");
    CHECK(Exposures(Read(Transcript().Prompt("x").Listing("- a: One.", three))) ==
          "[listing -1 a:full b:c:name_only d:name_only]");
    CHECK(Exposures(Read(Transcript().Prompt("x").Listing("- a: One.\n- b: Two.", "[]"))) ==
          "[listing -1 a:full b:full]");
    CHECK(Exposures(Read(Transcript()
                             .Prompt("x")
                             .Answer()
                             .Prompt("y")
                             .Listing("- a: One.", R"(["a"])")
                             .Answer())) == "[listing 1 a:full]");
    Transcript delta;
    delta.Prompt("x")
        .Listing("- a: One.", R"(["a"])")
        .Answer()
        .Prompt("y")
        .Listing("- b: Two.", R"(["b"])", false)
        .Answer();
    CHECK(Exposures(Read(delta)) == "[listing -1 a:full][delta 1 b:full]");
    Transcript lost;
    lost.Prompt("x")
        .Listing("- a: One.", R"(["a"])")
        .Answer()
        .Boundary()
        .Prompt("y")
        .Answer()
        .Prompt("z")
        .Answer();
    CHECK(Exposures(Read(lost)) == "[listing -1 a:full][compaction 1]");
    Transcript again;
    again.Prompt("x")
        .Listing("- a: One.", R"(["a"])")
        .Answer()
        .Boundary()
        .Listing("- a: One.", R"(["a"])")
        .Prompt("y")
        .Answer();
    CHECK(Exposures(Read(again)) == "[listing -1 a:full][listing 1 a:full]");
    Transcript in_turn;
    in_turn.Prompt("x")
        .Listing("- a: One.", R"(["a"])")
        .Use("Bash", "{}")
        .Boundary()
        .Answer()
        .Prompt("y")
        .Answer();
    CHECK(Exposures(Read(in_turn)) == "[listing -1 a:full][compaction 1]");
    Transcript some;
    some.Prompt("x").Listing("- a: One.\n- b: Two.", R"(["a","b"])").Answer().Boundary();
    some.Prompt("y").Listing("- b: Two.", R"(["b"])", false).Answer();
    CHECK(Exposures(Read(some)) == "[listing -1 a:full b:full][compaction 1][delta 1 b:full]");
    CHECK(Exposures(Read(
              Transcript("2.0.65").Prompt("x").Answer().Boundary().Prompt("y").Answer())) == "");
  }

  TEST_CASE("a description keeps its lines") {
    const MergedSession s =
        Read(Transcript().Prompt("x").Listing("- a: One.\n\nTwo.\n- b: B\n", R"(["a","b"])"));
    const auto& entries = s.facts.exposures.at(0).listing->entries;
    CHECK(entries.at(0).description == "One.\n\nTwo.");
    CHECK(entries.at(1).description == "B");
  }
}

}  // namespace selftune::testing::claude_code
