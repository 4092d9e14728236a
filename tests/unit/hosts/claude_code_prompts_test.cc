// What of a Claude Code transcript is a prompt, and its text.
#include <string>
#include <string_view>

#include <doctest/doctest.h>
#include <fmt/format.h>

#include "unit/hosts/claude_code_transcript.h"
#include "unit/hosts/merged_store.h"

namespace selftune::testing::claude_code {

TEST_SUITE("hosts/claude_code/prompts") {
  TEST_CASE("texts of old hosts that nobody typed for the model are no prompts") {
    struct Case {
      std::string_view text, want;
    };
    const Case cases[] = {
        {"fix it", "[fix it]"},
        {"ok", "[ok]"},
        {"<command-name>/clear</command-name>\n<command-message>clear</command-message>", ""},
        {"<local-command-stdout>done</local-command-stdout>", ""},
        {"<local-command-stderr>no</local-command-stderr>", ""},
        {"<bash-input> ls</bash-input>", ""},
        {"<bash-stdout>x</bash-stdout><bash-stderr></bash-stderr>", ""},
        {"<task-notification>x</task-notification>", ""},
        {"<user-memory-input>use tabs</user-memory-input>", ""},
        {"[Request interrupted by user]", ""},
        {"[Request interrupted by user for tool use]", ""},
        {"[Request interrupted by user] is what you said",
         "[[Request interrupted by user] is what you said]"},
        {"why <command-name>/x</command-name>?", "[why <command-name>/x</command-name>?]"},
        {"<bash-input>what is this tag?", "[<bash-input>what is this tag?]"},
        {"/home/dev is a path", "[/home/dev is a path]"},
        {"<command-message>The \"pdf\" skill is "
         "loading</command-message>\n<command-name>pdf</command-name>",
         ""},
        {"<command-message>go is running…</command-message>\n<command-name>/go</command-name>",
         "custom[/go]"},
        {"<command-message>go</command-message>\n<command-name>/go</"
         "command-name>\n<command-args>a\n"
         "</command-args> b</command-args>",
         "custom[/go a\n</command-args> b]"},
    };
    for (const Case& c : cases) {
      CAPTURE(c.text);
      CHECK(Prompts(Read(Transcript("2.0.65").Answer().User(c.text))) == c.want);
    }
  }

  TEST_CASE("what a record says was typed is a prompt, whatever it looks like") {
    for (const std::string_view text :
         {"<command-name>/x</command-name>", "[Request interrupted by user]",
          "<bash-input>x</bash-input>", "<local-command-stdout>x",
          "Base directory for this skill: /x", "<task-notification>", "/nosuch x"}) {
      CAPTURE(text);
      CHECK(Prompts(Read(Transcript().Prompt(text))) == fmt::format("[{}]", text));
    }
  }

  TEST_CASE("records made for the model or about it are no prompts") {
    Transcript t;
    t.Prompt("real")
        .User("meta", R"("isMeta":true,)")
        .User("summary", R"("isCompactSummary":true,)")
        .User("shown only", R"("isVisibleInTranscriptOnly":true,)")
        .User("done", R"("origin":{"kind":"task-notification"},"promptSource":"sdk",)")
        .User("note", R"("promptSource":"system",)")
        .User("of a call", R"("sourceToolUseID":"call1",)")
        .Raw(R"({"type":"api-request-blob","message":{"role":"user","content":"copy"}})")
        .Raw(R"({"message":{"role":"user","content":"copy"},"type":"api-request-blob"})")
        .Raw(R"({"type":"queue-operation","content":"typed"})")
        .Raw(R"({"type":"brand-new","message":{"role":"user","content":"x"}})");
    const MergedStore store = ReadStore(t);
    CHECK(Prompts(store.sessions.at(std::string(kSession))) == "[real]");
    CHECK(store.unknown == 1);
  }

  TEST_CASE("pasted text stays, its marks go, the raw text is kept") {
    const MergedSession s =
        Read(Transcript().Prompt("look:\n\n<pasted_content id=\"5e86\">\nline 1\nline "
                                 "2\n</pasted_content id=\"5e86\">\nthanks"));
    CHECK(Prompts(s) == "[look:\n\nline 1\nline 2\nthanks]");
    CHECK(s.prompts.at(0).raw_text.find("pasted_content") != std::string::npos);
    CHECK(Prompts(Read(Transcript().Prompt("what is <pasted_content id=\"1\">?"))) ==
          "[what is <pasted_content id=\"1\">?]");
  }

  TEST_CASE("equal texts are prompts of their own; blocks are joined; images count") {
    Transcript t;
    t.Prompt("ok").Answer().Prompt("ok").Answer();
    t.Message(
        "user",
        R"([{"type":"text","text":"a"},{"type":"image","source":{}},{"type":"text","text":"b"}])",
        "");
    CHECK(Prompts(Read(t)) == "[ok][ok][a\nb]");
  }

  TEST_CASE("selftune's own sessions are marked and left out") {
    const MergedSession s = Read(
        Transcript().User("[selftune:internal v1]\ngrade this").Answer().Prompt("more").Answer());
    CHECK(s.facts.internal);
    CHECK(s.prompts.empty());
    CHECK(s.facts.metrics.answers == 0);
  }
}

}  // namespace selftune::testing::claude_code
