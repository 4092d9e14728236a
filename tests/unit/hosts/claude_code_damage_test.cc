// Claude Code records of any shape: wrong types, damaged lines.
#include <string>
#include <string_view>

#include <doctest/doctest.h>
#include <fmt/format.h>

#include "unit/hosts/claude_code_transcript.h"
#include "unit/hosts/merged_store.h"

namespace selftune::testing::claude_code {

TEST_SUITE("hosts/claude_code/damage") {
  TEST_CASE("wrong types, missing fields and strange values are no failure") {
    static constexpr std::string_view kValues[] = {
        "null",
        "true",
        "12",
        "-1e400",
        "\"\"",
        "\"x\\u0000\\ud800\"",
        "[]",
        "{}",
        "[[[]]]",
        "[{\"type\":7}]",
        "{\"type\":{}}",
        "[{\"type\":\"text\"}]",
        "[{\"type\":\"tool_use\",\"input\":[]}]",
        "[{\"type\":\"tool_result\",\"content\":[1,{},{\"type\":\"text\",\"text\":4}]}]"};
    static constexpr std::string_view kKeys[] = {"type",
                                                 "uuid",
                                                 "parentUuid",
                                                 "timestamp",
                                                 "sessionId",
                                                 "cwd",
                                                 "message",
                                                 "attachment",
                                                 "toolUseResult",
                                                 "origin",
                                                 "promptSource",
                                                 "isMeta",
                                                 "isSidechain",
                                                 "subtype",
                                                 "content",
                                                 "promptId",
                                                 "version",
                                                 "gitBranch",
                                                 "sourceToolUseID",
                                                 "toolDenialKind",
                                                 "isApiErrorMessage",
                                                 "requestSessionId"};
    Transcript t;
    t.Prompt("before").Answer();
    int lines = 2;
    for (const std::string_view type : {"user", "assistant", "system", "attachment", "x"}) {
      for (const std::string_view key : kKeys) {
        for (const std::string_view value : kValues) {
          t.Raw(fmt::format(
              R"({{"type":"{}","{}":{},"message":{{"role":1,"id":[],"model":{{}},"usage":7,"content":{}}}}})",
              type, key, value, value));
          ++lines;
        }
      }
    }
    const MergedStore store = ReadStore(t);
    CHECK(store.seen == lines);
    // Nothing is lost without a word: each is used, unknown, known and of no
    // interest, or one of these.
    CHECK(!store.bad_lines.empty());
    for (const ingest::BadLine& bad : store.bad_lines) CHECK(bad.reason == "wrong_shape");
    const MergedSession& s = store.sessions.at(std::string(kSession));
    CHECK(s.prompts.at(0).text == "before");
  }

  TEST_CASE("what a person said in a shape nobody knows is a bad line") {
    for (const std::string_view message :
         {R"("message":"text")", R"("message":{"role":"user","content":{"type":"text"}})",
          R"("message":{"role":"user"})", R"("message":7)", R"("x":1)"}) {
      for (const std::string_view type : {"user", "assistant"}) {
        CAPTURE(message);
        Transcript t;
        t.Prompt("before").Record(type, fmt::format("{},", message)).Prompt("after").Answer();
        const MergedStore store = ReadStore(t);
        REQUIRE(store.bad_lines.size() == 1);
        CHECK(store.bad_lines[0].reason == "wrong_shape");
        CHECK(store.bad_lines[0].line_no == 2);
        CHECK(store.bad_lines[0].excerpt.starts_with("{"));
        CHECK(store.used == 3);
        const MergedSession& s = store.sessions.at(std::string(kSession));
        CHECK(Prompts(s) == "[before][after]");
      }
    }
  }

  TEST_CASE("a line that is no object is refused and leaves the state alone") {
    Transcript t;
    t.Prompt("a")
        .Raw("[1,2]")
        .Raw("not json")
        .Raw("")
        .Raw("{\"type\":\"user\"")
        .Raw("\"x\"")
        .Answer();
    const MergedStore store = ReadStore(t);
    CHECK(store.bad_lines.size() == 5);
    const MergedSession& s = store.sessions.at(std::string(kSession));
    CHECK(Prompts(s) == "[a]");
    CHECK(Ending(s) == "completed");
  }
}

}  // namespace selftune::testing::claude_code
