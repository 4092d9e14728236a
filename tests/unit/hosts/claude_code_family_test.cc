// Claude Code sessions that come from others: forks that repeat their parent,
// agents between the lines.
#include <string>
#include <string_view>

#include <doctest/doctest.h>
#include <fmt/format.h>

#include "ingest/facts.h"
#include "unit/hosts/claude_code_transcript.h"
#include "unit/hosts/merged_store.h"

namespace selftune::testing::claude_code {

TEST_SUITE("hosts/claude_code/family") {
  TEST_CASE("copied records add nothing but what the model was offered") {
    Transcript original;
    original.Prompt("first").Listing("- pdf: Make PDFs.", R"(["pdf"])").Skill("pdf").Answer();
    const MergedSession parent = Read(original);
    const ingest::KeySet keys(parent.facts.record_keys.begin(), parent.facts.record_keys.end());
    CHECK_FALSE(parent.facts.anchors.empty());

    Transcript fork = original;
    fork.Prompt("second").Read(kPdf).Answer();
    const MergedStore store = ReadStore(fork, &keys);
    const MergedSession& s = store.sessions.at(std::string(kSession));
    CHECK(Prompts(s) == "[second]");
    CHECK(Skills(s) == "pdf triggered read p0 model");
    CHECK(Counts(s) == "calls 1 errors 0 exits 0 denied 0 open 0");
    CHECK(s.facts.metrics.answers == 2);
    CHECK(Exposures(s) == "[listing -1 pdf:full]");
    CHECK(s.facts.started.has_value());
    CHECK(s.facts.started->value > parent.facts.started->value);
    CHECK(s.facts.anchors.at(0) == parent.facts.anchors.at(0));

    // A fork that was only opened is a session without anything.
    const MergedStore opened = ReadStore(original, &keys);
    const MergedSession& empty = opened.sessions.at(std::string(kSession));
    CHECK(empty.prompts.empty());
    CHECK_FALSE(empty.facts.started.has_value());
    CHECK(Ending(empty) == "unknown");
  }

  TEST_CASE("a result of a copied call is no result of the fork's") {
    Transcript original;
    original.Prompt("go").Call("Bash", "{}");
    const MergedSession parent = Read(original);
    const ingest::KeySet keys(parent.facts.record_keys.begin(), parent.facts.record_keys.end());
    Transcript fork = original;
    fork.Result("gone", true, R"("toolDenialKind":"interrupted",)").Prompt("next").Answer();
    const MergedStore store = ReadStore(fork, &keys);
    CHECK(Counts(store.sessions.at(std::string(kSession))) ==
          "calls 0 errors 0 exits 0 denied 0 open 0");
  }

  TEST_CASE("a record in a shape nobody knows is a link of its chain, and a bad line once") {
    const auto side = [](int n, std::string_view parent, std::string_view type,
                         std::string_view message) {
      return fmt::format(
          R"({{"parentUuid":{},"isSidechain":true,"type":"{}","message":{},"uuid":"s{}","timestamp":"2026-01-02T03:05:{:02}Z","sessionId":"{}","cwd":"/w","version":"1.0.98"}})",
          parent, type, message, n, n, kSession);
    };
    const std::string_view task = R"({"role":"user","content":"x"})";
    const std::string_view answer =
        R"({"id":"m","model":"m","content":[],"usage":{"input_tokens":1,"output_tokens":2}})";
    Transcript t("1.0.98");
    t.User("go");
    t.Raw(side(1, "null", "user", task)).Raw(side(2, "null", "user", task));
    t.Raw(side(3, "\"s1\"", "assistant", "7")).Raw(side(4, "\"s3\"", "assistant", answer));
    t.Raw(side(3, "\"s1\"", "assistant", "7"));  // written once more
    const MergedStore store = ReadStore(t);
    CHECK(store.bad_lines.size() == 1);
    const std::string session(kSession);
    CHECK(store.sessions.at(session + ":agent:s1").facts.metrics.answers == 1);
    CHECK(store.sessions.at(session + ":agent:s2").facts.metrics.answers == 0);
    // A fork copies it: it is bad where it came from.
    ingest::KeySet keys;
    for (const auto& [id, one] : store.sessions) {
      keys.insert(one.facts.record_keys.begin(), one.facts.record_keys.end());
    }
    CHECK(ReadStore(t, &keys).bad_lines.empty());
  }

  TEST_CASE("agents between the lines of a session are told apart by their chains") {
    const auto side = [](int n, std::string_view parent, std::string_view type,
                         std::string_view message) {
      return fmt::format(
          R"({{"parentUuid":{},"isSidechain":true,"type":"{}","message":{},"uuid":"s{}","timestamp":"2026-01-02T03:05:{:02}Z","sessionId":"{}","cwd":"/w","version":"1.0.98"}})",
          parent, type, message, n, n, kSession);
    };
    const auto task = [](std::string_view text) {
      return fmt::format(R"({{"role":"user","content":"{}"}})", text);
    };
    const auto answer = [](std::string_view id) {
      return fmt::format(
          R"({{"id":"{}","model":"m","content":[{{"type":"text","text":"x"}}],"usage":{{"input_tokens":1,"output_tokens":2}}}})",
          id);
    };
    Transcript t("1.0.98");
    t.User("go")
        .Call("Task", R"({"prompt":"one","subagent_type":"A"})")
        .Call("Task", R"({"prompt":"two","subagent_type":"B"})");
    t.Raw(side(1, "null", "user", task("two"))).Raw(side(2, "null", "user", task("one")));
    t.Raw(side(3, "\"s1\"", "assistant", answer("x")))
        .Raw(side(4, "\"s2\"", "assistant", answer("y")));
    t.Raw(side(5, "\"s3\"", "user", task("more"))).Raw(side(6, "null", "user", task("Warmup")));
    t.Raw(side(7, "\"s6\"", "assistant", answer("z"))).Answer();
    const MergedStore store = ReadStore(t);
    REQUIRE(store.sessions.size() == 3);
    const MergedSession& two = store.sessions.at(std::string(kSession) + ":agent:s1");
    const MergedSession& one = store.sessions.at(std::string(kSession) + ":agent:s2");
    CHECK(Prompts(two) == "[two][more]");
    CHECK(Prompts(one) == "[one]");
    CHECK(two.facts.agent_type == "B");
    CHECK(two.facts.links.spawn_call_id == "call2");
    CHECK(one.facts.links.spawn_call_id == "call1");
    CHECK(one.facts.links.parent_id == kSession);
    CHECK(one.facts.metrics.answers == 1);
    CHECK(one.facts.kind == SessionKind::kSubagent);
    CHECK(store.sessions.at(std::string(kSession)).facts.metrics.answers == 3);
  }
}

}  // namespace selftune::testing::claude_code
