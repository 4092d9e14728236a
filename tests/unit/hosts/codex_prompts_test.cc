// What of a Codex rollout is a prompt, and its text.
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "unit/hosts/codex_rollout.h"
#include "unit/hosts/merged_store.h"

namespace selftune::testing::codex {

TEST_SUITE("hosts/codex/prompts") {
  TEST_CASE("a prompt written in both forms counts once, in both orders") {
    const std::vector<std::vector<std::string>> orders = {
        {MetaLine(), PromptLine("hi"), ItemLine("hi"), AnswerLine(), PromptLine("hi"),
         ItemLine("hi")},
        {MetaLine(), ItemLine("hi"), PromptLine("hi"), AnswerLine(), ItemLine("hi"),
         PromptLine("hi")}};
    for (const auto& lines : orders) {
      for (const Reading reading : {Reading::kAtOnce, Reading::kLineByLine}) {
        CHECK(Only(ReadLines(lines, reading)).prompts.size() == 2);
      }
    }
    // An old file that a new version goes on with.
    const MergedStore mixed = ReadLines({MetaLine(), PromptLine("one"), AnswerLine(),
                                         PromptLine("two"), AnswerLine(), ItemLine("three")});
    CHECK(Only(mixed).prompts.size() == 3);
    CHECK(Only(mixed).prompts.at(2).text == "three");
  }

  TEST_CASE("an event of another kind than plain is no prompt") {
    const std::string injected = Line(
        "event_msg", R"({"type":"user_message","message":"<x>","kind":"environment_context"})");
    const std::string plain =
        Line("event_msg", R"({"type":"user_message","message":"hi","kind":"plain"})");
    CHECK(Only(ReadLines({MetaLine(), injected, plain})).prompts.size() == 1);
  }

  TEST_CASE("a rollback takes prompts back, and they stay prompts") {
    const std::string back = Line("event_msg", R"({"type":"thread_rolled_back","num_turns":2})");
    for (const Reading reading : {Reading::kAtOnce, Reading::kLineByLine}) {
      const MergedStore store = ReadLines(
          {MetaLine(), PromptLine("0"), PromptLine("1"), PromptLine("2"), back, PromptLine("3"),
           Line("event_msg", R"({"type":"thread_rolled_back","num_turns":1})"), PromptLine("4"),
           back},
          reading);
      std::string active;
      for (const auto& [seq, prompt] : Only(store).prompts) active += prompt.active ? "1" : "0";
      CHECK(active == "00000");
      CHECK(Only(store).prompts.at(2).text == "2");
    }
  }

  TEST_CASE("what an editor puts before a prompt is taken off") {
    const MergedStore store = ReadLines(
        {MetaLine(),
         PromptLine(
             R"(# Context from my IDE setup:\n\n## Active file: a.ts\n\n## My request for Codex:\nfix it\n)"),
         PromptLine("# Context from my IDE setup: what is that?")});
    CHECK(Only(store).prompts.at(0).text == "fix it");
    CHECK(Only(store).prompts.at(0).raw_text.starts_with("# Context"));
    CHECK(Only(store).prompts.at(1).text == "# Context from my IDE setup: what is that?");
    CHECK(Only(store).prompts.at(1).raw_text.empty());
  }

  TEST_CASE("sessions of selftune itself are marked") {
    const MergedStore store =
        ReadLines({MetaLine(), PromptLine("[selftune:internal v1]\\njudge this"), AnswerLine()},
                  Reading::kLineByLine);
    CHECK(Only(store).facts.internal);
    CHECK(!Only(ReadLines({MetaLine(), PromptLine("what is [selftune:internal"), AnswerLine()}))
               .facts.internal);
  }
}

}  // namespace selftune::testing::codex
