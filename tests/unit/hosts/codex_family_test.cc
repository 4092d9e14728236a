// Codex sessions that come from others: forks that repeat their parent,
// subagents.
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "ingest/facts.h"
#include "unit/hosts/codex_rollout.h"
#include "unit/hosts/merged_store.h"

namespace selftune::testing::codex {

TEST_SUITE("hosts/codex/family") {
  TEST_CASE("an old fork that repeats its parent adds only what is new") {
    const std::vector<std::string> parent = {MetaLine(), PromptLine("one"), ShellLine("c1", "x"),
                                             ExitLine("c1", 1), TotalsLine(10, 1, 10, 1)};
    const MergedStore original = ReadLines(parent);
    const auto& keys = Only(original).facts.record_keys;
    const ingest::KeySet copied(keys.begin(), keys.end());
    std::vector<std::string> fork = {
        Line("session_meta", R"({"id":"fork","forked_from_id":"the-id","cwd":"/w"})")};
    fork.insert(fork.end(), parent.begin(), parent.end());
    fork.insert(fork.end(), {PromptLine("two"), AnswerLine(), TotalsLine(25, 2, 15, 1)});
    for (const Reading reading : {Reading::kAtOnce, Reading::kLineByLine}) {
      const MergedStore store = ReadLines(fork, reading, &copied);
      const MergedSession& got = Only(store);
      CHECK(got.facts.id == "fork");
      CHECK(got.facts.links.forked_from == "the-id");
      REQUIRE(got.prompts.size() == 1);
      CHECK(got.prompts.at(0).text == "two");
      CHECK(got.facts.metrics.tools.empty());
      CHECK(got.facts.metrics.tokens.input_uncached == 15);
      CHECK(got.facts.metrics.answers == 1);
    }
  }

  TEST_CASE("a subagent's prompts are its parent's, and it names the root's turn") {
    const std::string started = Line(
        "event_msg",
        R"({"type":"task_started","turn_id":"own","turn_attribution":{"root_turn_id":"root-turn"}})");
    const std::string meta = MetaLine(
        R"(,"session_id":"root","source":{"subagent":{"thread_spawn":{"parent_thread_id":"parent","depth":2,"agent_role":"explorer"}}})");
    const MergedStore store =
        ReadLines({meta, started, ItemLine("task"), ShellLine("c1", "cat " + std::string(kSkill)),
                   ExitLine("c1", 0)},
                  Reading::kLineByLine);
    const MergedSession& got = Only(store);
    CHECK(got.facts.kind == SessionKind::kSubagent);
    CHECK(got.facts.links.parent_id == "parent");
    CHECK(got.facts.links.root_id == "root");
    CHECK(got.facts.links.prompt_native_id == "root-turn");
    CHECK(got.facts.depth == 2);
    CHECK(got.facts.agent_type == "explorer");
    CHECK(got.prompts.at(0).kind == PromptKind::kAgent);
    CHECK(!got.skills.at("c1").prompt_seq.has_value());
    CHECK(got.skills.at("c1").requested_by == RequestedBy::kModel);
    // A thread of the host itself, without a parent it names.
    CHECK(Only(ReadLines({MetaLine(R"(,"source":{"subagent":"review"})"), ItemLine("x")}))
              .prompts.at(0)
              .kind == PromptKind::kAgent);
  }

  TEST_CASE("a call that started agents says which") {
    const std::string call =
        Line("response_item",
             R"({"type":"function_call","name":"spawn_agent","call_id":"s1","arguments":"{}"})");
    const std::string spawned = Line(
        "event_msg",
        R"({"type":"item_completed","item":{"type":"CollabAgentToolCall","id":"s1","tool":"spawn_agent","receiver_thread_ids":["kid"]}})");
    const std::string waited = Line(
        "event_msg",
        R"({"type":"item_completed","item":{"type":"CollabAgentToolCall","id":"w1","tool":"wait","receiver_thread_ids":["kid"]}})");
    const MergedStore store =
        ReadLines({MetaLine(), PromptLine("a"), PromptLine("b"), call, spawned, waited},
                  Reading::kLineByLine);
    REQUIRE(Only(store).facts.spawns.size() == 1);
    CHECK(Only(store).facts.spawns[0].child_id == "kid");
    CHECK(Only(store).facts.spawns[0].call_id == "s1");
    CHECK(Only(store).facts.spawns[0].prompt_seq == 1);
  }

  TEST_CASE("a started agent is also found in the call's output") {
    const std::string call =
        Line("response_item",
             R"({"type":"function_call","name":"spawn_agent","call_id":"s1","arguments":"{}"})");
    const std::string output = OutputLine("s1", R"({\"agent_id\":\"kid\",\"nickname\":\"Locke\"})");
    const std::string item = Line(
        "event_msg",
        R"({"type":"item_completed","item":{"type":"CollabAgentToolCall","id":"s1","tool":"spawn_agent","receiver_thread_ids":["kid"]}})");
    for (const Reading reading : {Reading::kAtOnce, Reading::kLineByLine}) {
      const MergedStore old = ReadLines({MetaLine(), PromptLine("a"), call, output}, reading);
      REQUIRE(Only(old).facts.spawns.size() == 1);
      CHECK(Only(old).facts.spawns[0].child_id == "kid");
      CHECK(Only(ReadLines({MetaLine(), PromptLine("a"), call, item, output}, reading))
                .facts.spawns.size() == 1);
    }
  }
}

}  // namespace selftune::testing::codex
