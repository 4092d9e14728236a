// How the calls, answers and turns of a Codex session are counted and how they
// end.
#include <string>
#include <string_view>
#include <vector>

#include <doctest/doctest.h>
#include <fmt/format.h>

#include "ingest/facts.h"
#include "unit/hosts/codex_rollout.h"
#include "unit/hosts/merged_store.h"

namespace selftune::testing::codex {

TEST_SUITE("hosts/codex/calls") {
  TEST_CASE("a background command that fails after its output is one error") {
    const auto ended = [](int code, std::string_view status) {
      return Line("event_msg",
                  fmt::format(R"({{"type":"item_completed","item":{{"type":"CommandExecution",)"
                              R"("id":"c1","status":"{}","exit_code":{}}}}})",
                              status, code));
    };
    const std::string running =
        OutputLine("c1", R"(Chunk ID: 1\nProcess running with session ID 5\nOutput:\n)");
    const MergedStore store =
        ReadLines({MetaLine(), PromptLine("a"), ShellLine("c1", "sleep 9"), running, AnswerLine(),
                   PromptLine("b"), ended(2, "failed"), ended(2, "failed")},
                  Reading::kLineByLine);
    REQUIRE(Only(store).facts.metrics.tools.size() == 1);
    const ingest::ToolDelta& tool = Only(store).facts.metrics.tools[0];
    CHECK(tool.calls == 1);
    CHECK(tool.unfinished == 0);
    CHECK(tool.errors == 1);
    CHECK(tool.nonzero_exits == 1);
    const MergedStore aborted = ReadLines(
        {MetaLine(), PromptLine("a"), ShellLine("c1", "sleep 9"),
         OutputLine("c1", R"(Wall time: 6.4 seconds\naborted by user)"), ended(-1, "failed")});
    CHECK(Only(aborted).facts.metrics.tools[0].errors == 1);
    CHECK(Only(aborted).facts.metrics.tools[0].nonzero_exits == 0);
  }

  TEST_CASE("an output that only talks about failures is no error") {
    for (const char* output :
         {R"(Process finished: Exit code: 3)",
          R"(Chunk ID: 1\nOutput:\nProcess exited with code 4)",
          R"({\"result\":{\"metadata\":{\"exit_code\":3}}})",
          R"({\"output\":\"{\\\"exit_code\\\":5}\",\"metadata\":{\"exit_code\":0}})", "ok"}) {
      CAPTURE(output);
      const MergedStore store =
          ReadLines({MetaLine(), PromptLine("a"), ShellLine("c1", "x"), OutputLine("c1", output)});
      CHECK(Only(store).facts.metrics.tools[0].errors == 0);
    }
    for (const char* output :
         {R"({\"metadata\":{\"exit_code\":3},\"output\":\"x\"})",
          R"({\"output\":\"x\",\"metadata\":{\"exit_code\":3,\"duration_seconds\":0.5}})",
          R"({ \"output\" : \"x\" , \"metadata\" : { \"a\":1, \"exit_code\" : 3 } })"}) {
      CAPTURE(output);
      const MergedStore store =
          ReadLines({MetaLine(), PromptLine("a"), ShellLine("c1", "x"), OutputLine("c1", output)});
      CHECK(Only(store).facts.metrics.tools[0].errors == 1);
    }
  }

  TEST_CASE("how a call failed is read from its text and from its item") {
    struct Case {
      const char* output;
      int64_t errors, denied, exits;
    };
    const std::vector<Case> cases = {
        {R"(unsupported call: x)", 1, 0, 0},
        {R"(failed to parse function arguments: x)", 1, 0, 0},
        {R"(Command blocked by PreToolUse hook: no. Command: x)", 1, 1, 0},
        {R"(exec command rejected by user)", 1, 1, 0},
        {R"(rejected by user)", 1, 1, 0},
        {R"(aborted by user after 3.1s)", 1, 0, 0},
        {R"(Wall time: 1.0 seconds\naborted by user)", 1, 0, 0},
        {R"(error: IoError)", 1, 0, 0},
        {R"(Exit code: 3\nWall time: 1 seconds\nOutput:\nx)", 1, 0, 1},
        {R"(Plan updated)", 0, 0, 0},
    };
    for (const Case& c : cases) {
      CAPTURE(c.output);
      const MergedStore store = ReadLines(
          {MetaLine(), PromptLine("a"), ShellLine("c1", "x"), OutputLine("c1", c.output)});
      const ingest::ToolDelta& tool = Only(store).facts.metrics.tools[0];
      CHECK(tool.errors == c.errors);
      CHECK(tool.denied == c.denied);
      CHECK(tool.nonzero_exits == c.exits);
      CHECK(tool.unfinished == 0);
    }
    for (
        const char* payload :
        {R"({"type":"mcp_tool_call_end","call_id":"c1","result":{"Err":"x"}})",
         R"({"type":"mcp_tool_call_end","call_id":"c1","result":{"Ok":{"is_error":true}}})",
         R"({"type":"patch_apply_end","call_id":"c1","success":false})",
         R"({"type":"item_completed","item":{"type":"McpToolCall","id":"c1","status":"failed"}})"}) {
      CAPTURE(payload);
      const MergedStore store = ReadLines({MetaLine(), PromptLine("a"), ShellLine("c1", "x"),
                                           Line("event_msg", payload), OutputLine("c1", "x")},
                                          Reading::kLineByLine);
      CHECK(Only(store).facts.metrics.tools[0].errors == 1);
    }
  }

  TEST_CASE("totals that start again are added, repeated ones are not") {
    const std::string null_info = Line("event_msg", R"({"type":"token_count","info":null})");
    struct Case {
      const char* name;
      std::vector<std::string> lines;
      int64_t input, answers;
    };
    const std::vector<Case> cases = {
        {"growing", {TotalsLine(10, 1, 10, 1), TotalsLine(30, 2, 20, 1)}, 30, 2},
        {"repeated", {TotalsLine(10, 1, 10, 1), TotalsLine(10, 1, 10, 1)}, 10, 1},
        {"smaller after a resume",
         {TotalsLine(10, 1, 10, 1), null_info, TotalsLine(4, 1, 4, 1)},
         14,
         2},
        {"larger after a resume", {TotalsLine(10, 1, 10, 1), TotalsLine(40, 2, 40, 2)}, 50, 2},
        {"equal after a resume",
         {TotalsLine(10, 1, 10, 1), null_info, TotalsLine(10, 1, 10, 1)},
         20,
         2},
        {"repeated after a pause",
         {TotalsLine(10, 1, 10, 1), TotalsLine(30, 2, 20, 1), null_info, TotalsLine(30, 2, 20, 1)},
         30,
         2},
    };
    for (const Case& c : cases) {
      CAPTURE(c.name);
      std::vector<std::string> lines = {MetaLine(), PromptLine("a")};
      lines.insert(lines.end(), c.lines.begin(), c.lines.end());
      for (const Reading reading : {Reading::kAtOnce, Reading::kLineByLine}) {
        const MergedStore store = ReadLines(lines, reading);
        CHECK(Only(store).facts.metrics.tokens.input_uncached == c.input);
        CHECK(Only(store).facts.metrics.answers == c.answers);
      }
    }
  }

  TEST_CASE("usage records replace totals, and a compaction is overhead in any order") {
    const auto usage = [](std::string_view id, int input) {
      return Line("token_usage_record",
                  fmt::format(R"({{"response_id":"{}","usage":{{"input_tokens":{},)"
                              R"("cached_input_tokens":1,"output_tokens":2}}}})",
                              id, input));
    };
    const std::string compacted = Line("compacted", R"({"compaction_response_id":"r2"})");
    std::string early = TotalsLine(7, 7, 7, 7);
    early.insert(1, R"("ordinal":1,)");
    for (const bool before : {false, true}) {
      std::vector<std::string> lines = {MetaLine(), PromptLine("a"), early, usage("r1", 10)};
      if (before) lines.push_back(compacted);
      lines.insert(lines.end(), {usage("r2", 20), usage("r1", 10), TotalsLine(40, 4, 10, 2)});
      if (!before) lines.push_back(compacted);
      for (const Reading reading : {Reading::kAtOnce, Reading::kLineByLine}) {
        const MergedStore store = ReadLines(lines, reading);
        const ingest::MetricDelta& metrics = Only(store).facts.metrics;
        CHECK(metrics.answers == 1);
        CHECK(metrics.compactions == 1);
        CHECK(metrics.tokens.input_uncached == 9);
        CHECK(metrics.tokens.cache_read == 1);
        CHECK(metrics.tokens.output == 2);
        CHECK(metrics.tokens.overhead_input == 20);
      }
    }
  }

  TEST_CASE("the last turn says how a session ended") {
    const std::string aborted =
        Line("event_msg", R"({"type":"turn_aborted","reason":"interrupted"})");
    struct Case {
      const char* name;
      std::vector<std::string> lines;
      Completion want;
    };
    const std::vector<Case> cases = {
        {"answered", {PromptLine("a"), AnswerLine()}, Completion::kCompleted},
        {"no answer", {PromptLine("a")}, Completion::kInterrupted},
        {"open call",
         {PromptLine("a"), AnswerLine(), ShellLine("c", "x")},
         Completion::kInterrupted},
        {"call without answer",
         {PromptLine("a"), ShellLine("c", "x"), ExitLine("c", 0)},
         Completion::kInterrupted},
        {"cut", {PromptLine("a"), aborted}, Completion::kCancelled},
        {"resumed after a lost call",
         {PromptLine("a"), ShellLine("c", "x"), PromptLine("b"), AnswerLine()},
         Completion::kCompleted},
    };
    for (const Case& c : cases) {
      CAPTURE(c.name);
      std::vector<std::string> lines = {MetaLine()};
      lines.insert(lines.end(), c.lines.begin(), c.lines.end());
      const MergedStore store = ReadLines(lines, Reading::kLineByLine);
      CHECK(Only(store).facts.completion == c.want);
    }
  }

  TEST_CASE("a request that succeeded when retried is no failed turn") {
    const std::string begin = Line("event_msg", R"({"type":"task_started","turn_id":"t1"})");
    const std::string error = Line("event_msg", R"({"type":"error","message":"overloaded"})");
    const std::string end = Line("event_msg", R"({"type":"task_complete","turn_id":"t1"})");
    for (const Reading reading : {Reading::kAtOnce, Reading::kLineByLine}) {
      const auto failed = [&](const std::vector<std::string>& lines) {
        const MergedStore store = ReadLines(lines, reading);
        return fmt::format("{} {} {}", Only(store).facts.metrics.failed_turns,
                           Only(store).facts.metrics.api_errors,
                           *Only(store).facts.completion == Completion::kCompleted);
      };
      CHECK(failed({MetaLine(), begin, PromptLine("a"), error, AnswerLine(), end}) == "0 1 true");
      CHECK(failed({MetaLine(), begin, PromptLine("a"), AnswerLine(), error, end}) == "1 1 false");
      CHECK(failed({MetaLine(), begin, PromptLine("a"), error, AnswerLine(), error, end}) ==
            "1 2 false");
    }
  }
}

}  // namespace selftune::testing::codex
