// How the calls, answers and turns of a Claude Code session are counted and
// how they end.
#include <string>
#include <string_view>

#include <doctest/doctest.h>
#include <fmt/format.h>

#include "base/strings.h"
#include "ingest/facts.h"
#include "unit/hosts/claude_code_transcript.h"
#include "unit/hosts/merged_store.h"

namespace selftune::testing::claude_code {

TEST_SUITE("hosts/claude_code/calls") {
  TEST_CASE("results say how a call ended") {
    struct Case {
      std::string_view text;
      bool error;
      std::string_view extra, version, want;
    };
    const Case cases[] = {
        {"fine", false, "", "2.1.330", "errors 0 exits 0 denied 0 open 0"},
        {"Exit code 2\nno such file", true, "", "2.1.330", "errors 1 exits 1 denied 0 open 0"},
        {"Exit code 0", true, "", "2.1.330", "errors 1 exits 0 denied 0 open 0"},
        {"Exit code 1 is what I print", false, "", "2.1.330", "errors 0 exits 0 denied 0 open 0"},
        {"<tool_use_error>bad</tool_use_error>", true, "", "2.1.330",
         "errors 1 exits 0 denied 0 open 0"},
        {"no", true, R"("toolDenialKind":"user-rejected",)", "2.1.330",
         "errors 1 exits 0 denied 1 open 0"},
        {"no", true, R"("toolDenialKind":"permission-rule",)", "2.1.330",
         "errors 1 exits 0 denied 1 open 0"},
        {"gone", true, R"("toolDenialKind":"interrupted",)", "2.1.330",
         "errors 1 exits 0 denied 0 open 0"},
        {"cut", false, R"("toolUseResult":{"interrupted":true},)", "2.1.330",
         "errors 1 exits 0 denied 0 open 0"},
        {"The user doesn't want to proceed with this tool use. The tool", true, "", "2.0.65",
         "errors 1 exits 0 denied 1 open 0"},
        {"Permission to use Bash with command rm -rf x has been denied.", true, "", "1.0.98",
         "errors 1 exits 0 denied 1 open 0"},
        {"PreToolUse:Bash hook error: [x]: no", true, "", "2.0.65",
         "errors 1 exits 0 denied 1 open 0"},
        {"ls: cannot access 'x'", true, "", "1.0.98", "errors 1 exits 1 denied 0 open 0"},
        {"ls: cannot access 'x'", true, "", "2.0.65", "errors 1 exits 0 denied 0 open 0"},
    };
    for (const Case& c : cases) {
      CAPTURE(c.text);
      Transcript t{std::string(c.version)};
      t.Prompt("go").Call("Bash", R"({"command":"ls x"})").Result(c.text, c.error, c.extra);
      CHECK(Counts(Read(t)) == fmt::format("calls 1 {}", c.want));
    }
  }

  TEST_CASE("a call is counted once, a result only for a call of this session") {
    Transcript t;
    t.Prompt("go").Blocks(R"({"type":"tool_use","id":"a","name":"Grep","input":{}})");
    t.Blocks(R"({"type":"tool_use","id":"a","name":"Grep","input":{}})");
    t.Message("user", R"([{"type":"tool_result","tool_use_id":"a","content":"x","is_error":true}])",
              "");
    t.Message("user", R"([{"type":"tool_result","tool_use_id":"a","content":"x","is_error":true}])",
              "");
    t.Message("user", R"([{"type":"tool_result","tool_use_id":"b","content":"x","is_error":true}])",
              "");
    CHECK(Counts(Read(t)) == "calls 1 errors 1 exits 0 denied 0 open 0");
  }

  TEST_CASE("an answer counts once, with its last usage") {
    Transcript t;
    t.Prompt("go");
    for (const int output : {1, 7, 40}) {
      t.Record(
          "assistant",
          fmt::format(
              R"("message":{{"id":"m","model":"claude-x","content":[{{"type":"text","text":"x"}}],"usage":{{"input_tokens":3,"cache_read_input_tokens":2,"cache_creation_input_tokens":1,"output_tokens":{},"output_tokens_details":{{"thinking_tokens":{}}}}}}},)",
              output, output / 2));
    }
    t.Record(
        "assistant",
        R"("message":{"id":"s","model":"<synthetic>","content":[{"type":"text","text":"No response requested."}],"usage":{"input_tokens":9,"output_tokens":9}},)");
    const MergedSession s = Read(t);
    const ingest::TokenDelta& tokens = s.facts.metrics.tokens;
    CHECK(s.facts.metrics.answers == 1);
    CHECK(tokens.input_uncached == 3);
    CHECK(tokens.cache_read == 2);
    CHECK(tokens.cache_write == 1);
    CHECK(tokens.output == 40);
    CHECK(tokens.reasoning == 20);
    CHECK(s.facts.model == "claude-x");
  }

  TEST_CASE("a session ends as its last turn does") {
    const std::string error = R"("isApiErrorMessage":true,)";
    const std::string text = R"({"type":"text","text":"x"})";
    CHECK(Ending(Read(Transcript().Prompt("go"))) == "interrupted");
    CHECK(Ending(Read(Transcript().Prompt("go").Answer())) == "completed");
    CHECK(Ending(Read(Transcript().Prompt("go").Call("Bash", "{}"))) == "interrupted");
    CHECK(Ending(Read(Transcript().Prompt("go").Use("Bash", "{}"))) == "interrupted");
    CHECK(Ending(Read(Transcript().Prompt("go").Use("Bash", "{}").Answer())) == "completed");
    CHECK(Ending(Read(Transcript().Prompt("go").Call("Bash", "{}").Prompt("next").Answer())) ==
          "completed");
    CHECK(Ending(Read(Transcript().Prompt("go").Blocks(text, error))) == "failed");
    CHECK(Ending(Read(Transcript().Prompt("go").Blocks(text, error).Prompt("again").Answer())) ==
          "completed");
    CHECK(Ending(Read(Transcript().Prompt("go").User("[Request interrupted by user]"))) ==
          "cancelled");
    CHECK(Ending(Read(Transcript().Prompt("go").Blocks(R"({"type":"thinking","thinking":"x"})"))) ==
          "interrupted");
    const MergedSession s = Read(Transcript()
                                     .Prompt("go")
                                     .Blocks(text, error)
                                     .Blocks(text, error)
                                     .Prompt("b")
                                     .Blocks(text, error));
    CHECK(s.facts.metrics.failed_turns == 2);
    CHECK(s.facts.metrics.answers == 0);
  }

  TEST_CASE("a request that succeeded when retried is no failed turn") {
    const std::string error = R"("isApiErrorMessage":true,)";
    const std::string text = R"({"type":"text","text":"x"})";
    const MergedSession s =
        Read(Transcript().Prompt("go").Blocks(text, error).Blocks(text, error).Answer());
    CHECK(s.facts.metrics.failed_turns == 0);
    CHECK(s.facts.metrics.api_errors == 2);
    CHECK(Ending(s) == "completed");
    const MergedSession again =
        Read(Transcript().Prompt("go").Blocks(text, error).Answer().Blocks(text, error));
    CHECK(again.facts.metrics.failed_turns == 1);
    CHECK(Ending(again) == "failed");
  }

  TEST_CASE("a figure that is none adds up to no other one's") {
    const std::string_view huge =
        R"("message":{"id":"m","model":"x","role":"assistant","content":[],"usage":{)"
        R"("input_tokens":9223372036854775807,"output_tokens":9223372036854775807}},)";
    Transcript t;
    t.Prompt("go").Record("assistant", huge).Prompt("b");
    t.Record("assistant", base::ReplaceAll(huge, "\"m\"", "\"n\""));
    const ingest::TokenDelta tokens = Read(t).facts.metrics.tokens;
    CHECK(tokens.input_uncached == 2 * ingest::kMaxFigure);
    CHECK(tokens.output == 2 * ingest::kMaxFigure);
  }

  TEST_CASE("an interrupted turn counts once") {
    Transcript t;
    t.Prompt("go").Call("Bash", "{}").Result("[Request interrupted by user for tool use]", true);
    t.User("[Request interrupted by user for tool use]").User("[Request interrupted by user]");
    const MergedSession s = Read(t);
    CHECK(s.facts.metrics.interruptions == 1);
    CHECK(Ending(s) == "cancelled");
  }
}

}  // namespace selftune::testing::claude_code
