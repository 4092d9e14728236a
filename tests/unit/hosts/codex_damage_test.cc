// Codex records of any shape: order of fields, wrong types, damaged lines,
// foreign states.
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "hosts/codex/source.h"
#include "ingest/facts.h"
#include "unit/hosts/codex_rollout.h"
#include "unit/hosts/merged_store.h"

namespace selftune::testing::codex {

TEST_SUITE("hosts/codex/damage") {
  TEST_CASE("the order of fields does not matter") {
    const std::string call =
        R"({"payload":{"arguments":"{\"cmd\":\"cat /home/dev/.codex/skills/pdf/SKILL.md\"}","call_id":"c1","name":"exec_command","type":"function_call"},"type":"response_item","timestamp":"2026-11-22T09:54:00Z"})";
    const std::string item =
        R"({"payload":{"item":{"content":[{"text":"hi","type":"text"}],"id":"i","type":"UserMessage"},"turn_id":"t","type":"item_completed"},"type":"event_msg"})";
    const std::string skill =
        R"({"payload":{"content":[{"text":"<skill>\n<name>x</name>\n<path>/x/SKILL.md</path>\nB\n</skill>"}],"internal_chat_message_metadata_passthrough":{"content_item_kinds":["skills.selected_skill_instructions"]},"role":"user","type":"message"},"type":"response_item"})";
    const MergedStore store = ReadLines({MetaLine(), item, skill, call, ExitLine("c1", 0)});
    CHECK(Only(store).prompts.size() == 1);
    CHECK(Only(store).prompts.at(0).native_id == "t");
    CHECK(Only(store).skills.size() == 2);
    CHECK(Only(store).facts.metrics.tools[0].name == "exec_command");
  }

  TEST_CASE("records of any shape are counted, never failed") {
    std::vector<std::string> lines = {"{}", R"({"type":5,"payload":7})",
                                      R"({"type":"session_meta"})",
                                      R"({"type":"new_kind","payload":{"type":"x"}})"};
    for (const char* type : {"session_meta", "turn_context", "world_state", "compacted",
                             "event_msg", "response_item", "token_usage_record"}) {
      for (const char* payload :
           {"null", "[]", "1", "\"x\"", "{}", R"({"type":null})", R"({"type":[],"item":{}})"}) {
        lines.push_back(Line(type, payload));
      }
    }
    for (const char* payload :
         {R"({"type":"user_message","message":{}})", R"({"type":"token_count","info":[1]})",
          R"({"type":"token_count","info":{"total_token_usage":{"input_tokens":"9"}}})",
          R"({"type":"item_completed","item":[]})",
          R"({"type":"item_completed","item":{"type":"UserMessage","content":{}}})",
          R"({"type":"task_complete","error":7})",
          R"({"type":"thread_rolled_back","num_turns":-5})"}) {
      lines.push_back(Line("event_msg", payload));
    }
    for (
        const char* payload :
        {R"({"type":"message","role":5,"content":{"a":1}})",
         R"({"type":"message","role":"user","content":[1,null,[]]})",
         R"({"type":"function_call","name":[],"arguments":{},"call_id":{}})",
         R"({"type":"function_call","name":"exec_command","arguments":"not json SKILL.md","call_id":"z"})",
         R"({"type":"function_call_output","call_id":"z","output":{"content":[],"success":"no"}})"}) {
      lines.push_back(Line("response_item", payload));
    }
    const MergedStore store = ReadLines(lines, Reading::kLineByLine);
    REQUIRE(store.bad_lines.size() == 2);  // prompts whose text is none
    for (const ingest::BadLine& bad : store.bad_lines) CHECK(bad.reason == "wrong_shape");
    CHECK(store.seen == static_cast<int64_t>(lines.size()));
    CHECK(store.unknown > 0);
    CHECK(Only(store).facts.id == "the-id");  // of the file's name
  }

  TEST_CASE("a damaged line leaves the state as it was") {
    const std::vector<std::string> bad = {
        "[1]", R"({"type":"event_msg","payload":{"type":"user_message","message":"x")", "\"text\"",
        "{\"a\":\"\xff\"}", ""};
    for (const std::string& line : bad) {
      if (line.empty()) continue;
      const MergedStore store = ReadLines({MetaLine(), PromptLine("a"), line, AnswerLine()});
      CHECK(store.bad_lines.size() == 1);
      CHECK(Only(store).prompts.size() == 1);
      CHECK(Only(store).facts.completion == Completion::kCompleted);
    }
  }

  TEST_CASE("a foreign state is refused") {
    ingest::ReaderOptions options;
    for (const char* state : {"{}", "[]", "no json", R"({"codex":99})"}) {
      options.saved_state = state;
      CHECK(!hosts::CodexSource().Open(options).ok());
    }
  }
}

}  // namespace selftune::testing::codex
