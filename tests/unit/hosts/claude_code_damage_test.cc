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
    CHECK(store.bad_lines.empty());
    const MergedSession& s = store.sessions.at(std::string(kSession));
    CHECK(s.prompts.at(0).text == "before");
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
