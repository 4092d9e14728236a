// When a Claude Code transcript shows a use of a skill, and by which evidence.
#include <string_view>

#include <doctest/doctest.h>
#include <fmt/format.h>

#include "base/crypto.h"
#include "unit/hosts/claude_code_transcript.h"
#include "unit/hosts/merged_store.h"

namespace selftune::testing::claude_code {

TEST_SUITE("hosts/claude_code/skills") {
  TEST_CASE("a slash command is a skill when its body says where the skill lies") {
    CHECK(Prompts(Read(Transcript().Slash("pdf", "x y").Body("/home/dev/.claude/skills/pdf"))) ==
          "skill[/pdf x y]");
    CHECK(Prompts(Read(Transcript().Slash("standup").User("Body", R"("isMeta":true,)"))) ==
          "custom[/standup]");
    const MergedSession s =
        Read(Transcript().Slash("acme:front", "x").Body("/plugins/acme/skills/check"));
    CHECK(Skills(s) == "acme:check triggered explicit p0 user");
    CHECK(s.skills.begin()->second.path == "/plugins/acme/skills/check/SKILL.md");
    CHECK(s.skills.begin()->second.args == "x");
    CHECK(s.skills.begin()->second.body_sha256 == base::Sha256Bytes("# Body\n"));
  }

  TEST_CASE("one use a skill and turn, by its strongest evidence") {
    struct Case {
      const char* name;
      Transcript t;
      std::string_view want;
    };
    const auto start = [] { return Transcript().Prompt("go"); };
    const Case cases[] = {
        {"read", start().Read(kPdf), "pdf triggered read p0 model"},
        {"shell", start().Shell("cat /home/dev/.claude/skills/pdf/SKILL.md"),
         "pdf triggered shell_read p0 model"},
        {"read twice", start().Read(kPdf).Read(kPdf), "pdf triggered read p0 model"},
        {"shell, then read", start().Shell("cat ~/.claude/skills/pdf/SKILL.md").Read(kPdf),
         "pdf triggered read p0 model"},
        {"read, then shell", start().Read(kPdf).Shell("cat ~/.claude/skills/pdf/SKILL.md"),
         "pdf triggered read p0 model"},
        {"read, then tool", start().Read(kPdf).Skill("pdf"), "pdf triggered tool p0 model"},
        {"tool, then read", start().Skill("pdf").Read(kPdf), "pdf triggered tool p0 model"},
        {"tool twice", start().Skill("pdf").Skill("pdf"),
         "pdf triggered tool p0 model; pdf triggered tool p0 model"},
        {"in two turns", start().Read(kPdf).Prompt("again").Read(kPdf),
         "pdf triggered read p0 model; pdf triggered read p1 model"},
        {"plugin, then its file", start().Skill("acme:pdf").Read(kPdf),
         "acme:pdf triggered tool p0 model"},
        {"read, then edited", start().Read(kPdf).Edit(kPdf), "pdf read_only read p0 model"},
        {"edited, then read", start().Edit(kPdf).Read(kPdf), "pdf read_only read p0 model"},
        {"edited by shell",
         start().Read(kPdf).Shell("sed -i s/a/b/ /home/dev/.claude/skills/pdf/SKILL.md"),
         "pdf read_only read p0 model"},
        {"edited in the next turn", start().Read(kPdf).Prompt("now edit").Edit(kPdf),
         "pdf triggered read p0 model"},
        {"another file edited", start().Read(kPdf).Edit("/other/skills/pdf/SKILL.md"),
         "pdf triggered read p0 model"},
        {"edited after the tool", start().Skill("pdf").Edit(kPdf), "pdf triggered tool p0 model"},
        {"failed edit",
         start()
             .Read(kPdf)
             .Call("Edit", fmt::format(R"({{"file_path":"{}"}})", kPdf))
             .Result("no", true),
         "pdf triggered read p0 model"},
        {"no result", start().Call("Skill", R"({"skill":"pdf"})"), ""},
        {"refused",
         start()
             .Call("Skill", R"({"skill":"nope"})")
             .Result("<tool_use_error>Unknown skill: nope</tool_use_error>", true),
         "nope refused tool p0 model"},
        {"unreadable",
         start()
             .Call("Read", fmt::format(R"({{"file_path":"{}"}})", kPdf))
             .Result("File does not exist.", true),
         "pdf refused read p0 model"},
        {"two skills in a line", start().Shell("cat /a/skills/x/SKILL.md /a/skills/y/SKILL.md"),
         "x triggered shell_read p0 model; y triggered shell_read p0 model"},
        {"old name of the argument", start().Use("Skill", R"({"command":"pdf"})"),
         "pdf triggered tool p0 model"},
        {"slash, then tool",
         Transcript().Slash("pdf").Body("/home/dev/.claude/skills/pdf").Skill("pdf"),
         "pdf triggered explicit p0 user; pdf triggered tool p0 user"},
        {"slash, then another",
         Transcript().Slash("pdf").Body("/home/dev/.claude/skills/pdf").Skill("xlsx"),
         "pdf triggered explicit p0 user; xlsx triggered tool p0 model"},
        {"reference file", start().Read("/home/dev/.claude/skills/pdf/references/x.md"), ""},
    };
    for (const Case& c : cases) {
      CAPTURE(c.name);
      CHECK(Skills(Read(c.t)) == c.want);
    }
  }

  TEST_CASE("a name in the file that differs from the folder's gives way to it") {
    Transcript t;
    t.Prompt("go")
        .Skill("front")
        .Body("/home/dev/.claude/skills/pdf", R"("sourceToolUseID":"call1",)")
        .Read(kPdf);
    CHECK(Skills(Read(t)) == "pdf triggered tool p0 model");
  }

  TEST_CASE("a typed command that nothing loads is a request") {
    const std::string_view names = R"(["pdf"])";
    CHECK(Skills(
              Read(Transcript().Prompt("/pdf a b").Listing("- pdf: Make PDFs.", names).Answer())) ==
          "pdf requested explicit p0 user");
    CHECK(Skills(Read(
              Transcript().Prompt("/pdf a b").Listing("- pdf: Make PDFs.", names).Skill("pdf"))) ==
          "pdf triggered tool p0 user");
    CHECK(Skills(Read(Transcript()
                          .Prompt("go")
                          .Listing("- pdf: Make PDFs.", names)
                          .Prompt("/pdf")
                          .Read(kPdf))) == "pdf triggered read p1 user");
    CHECK(Skills(Read(
              Transcript().Prompt("/nosuch").Listing("- pdf: Make PDFs.", names).Answer())) == "");
  }

  TEST_CASE("a body is only what a text block says") {
    Transcript t;
    t.Slash("pdf").Message(
        "user", R"([{"type":"image","text":"Base directory for this skill: /x/skills/pdf"}])",
        R"("isMeta":true,)");
    CHECK(Prompts(Read(t)) == "custom[/pdf]");
  }
}

}  // namespace selftune::testing::claude_code
