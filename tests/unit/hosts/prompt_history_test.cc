// Lines of the files in which hosts keep what was typed.
#include <string>
#include <string_view>
#include <vector>

#include <doctest/doctest.h>

#include "hosts/claude_code/history.h"
#include "hosts/codex/history.h"

namespace selftune::hosts {
namespace {

struct Case {
  const char *name, *line;
  std::string session, text, command, args;
  bool for_model;
};

void CheckLines(ingest::ReadHistoryFn read, const std::vector<Case>& cases) {
  base::LineParser parser;
  for (const Case& c : cases) {
    CAPTURE(c.name);
    std::string line = c.line;
    const size_t size = line.size();
    line.append(64, ' ');
    ingest::HistoryEntry entry;
    REQUIRE(read(std::string_view(line).substr(0, size), parser, entry).ok());
    CHECK(entry.session == c.session);
    CHECK(entry.text == c.text);
    CHECK(entry.command == c.command);
    CHECK(entry.args == c.args);
    CHECK(entry.typed_for_model == c.for_model);
  }
}

}  // namespace

TEST_SUITE("hosts/prompt_history") {
  TEST_CASE("Claude Code: pasted texts, commands of its own, for the shell and for the model") {
    CheckLines(
        claude_code::ReadHistoryLine,
        {{"plain", R"({"display":"hi","pastedContents":{},"timestamp":5,"sessionId":"s"})", "s",
          "hi", "", "", true},
         {"before sessions were named", R"({"display":"hi","timestamp":5,"project":"/w"})", "",
          "hi", "", "", true},
         {"pasted",
          R"({"display":"fix [Pasted text #2 +3 lines]!","pastedContents":{"2":{"content":"a\nb"}},"sessionId":"s"})",
          "s", "fix a\nb!", "", "", true},
         {"a paste that is not there", R"({"display":"[Pasted text #1]","sessionId":"s"})", "s",
          "[Pasted text #1]", "", "", true},
         {"of its own", R"({"display":"/model opus","sessionId":"s"})", "s", "/model opus", "", "",
          false},
         {"for the shell", R"({"display":"! ls","sessionId":"s"})", "s", "! ls", "", "", false},
         {"a skill or a custom command", R"({"display":"/release-notes-2 v1 all","sessionId":"s"})",
          "s", "/release-notes-2 v1 all", "release-notes-2", "v1 all", true},
         {"a path", R"({"display":"/etc/hosts is odd","sessionId":"s"})", "s", "/etc/hosts is odd",
          "", "", true},
         {"other types", R"({"display":7,"pastedContents":[],"timestamp":"x","sessionId":1})", "",
          "", "", "", true}});
    base::LineParser parser;
    ingest::HistoryEntry entry;
    std::string damaged = "{\"display\":" + std::string(64, ' ');
    CHECK(
        !claude_code::ReadHistoryLine(std::string_view(damaged).substr(0, 11), parser, entry).ok());
  }

  TEST_CASE("Codex: seconds, and lines for the shell") {
    CheckLines(
        codex::ReadHistoryLine,
        {{"plain", R"({"session_id":"s","ts":5,"text":"hi"})", "s", "hi", "", "", true},
         {"for the shell", R"({"session_id":"s","ts":5,"text":"!ls"})", "s", "!ls", "", "", false},
         {"no time that can be", R"({"session_id":"s","ts":9223372036854775807,"text":"hi"})", "s",
          "hi", "", "", true}});
  }
}

}  // namespace selftune::hosts
