// Lines of shell as agents write them, and the skills they use.
#include <string>
#include <string_view>
#include <vector>

#include <doctest/doctest.h>
#include <fmt/format.h>

#include "base/strings.h"
#include "hosts/common/raw_text.h"
#include "hosts/common/shell_skills.h"
#include "hosts/common/shell_words.h"

namespace selftune {
namespace {

using hosts::FindShellSkills;
using hosts::ShellPlace;

constexpr ShellPlace kPlace{.cwd = "/home/dev/work", .home = ""};

std::string Commands(std::string_view line) {
  std::string out;
  for (const hosts::ShellCommand& command : hosts::SplitShellLine(line, kPlace)) {
    out += out.empty() ? "" : " ; ";
    out += base::Join(command.words, "|");
    for (const std::string& file : command.inputs) out += " <" + file;
    for (const std::string& file : command.outputs) out += " >" + file;
    if (command.cwd != kPlace.cwd) out += " @" + command.cwd;
  }
  return base::ReplaceAll(out, "\x01", "?");
}

// "skill route path", changed files behind "!".
std::string Skills(std::string_view line, const ShellPlace& place = kPlace) {
  const hosts::ShellSkills found = FindShellSkills(line, place);
  std::string out;
  for (const hosts::ShellSkillUse& use : found.uses) {
    if (!use.in_skills_folder) continue;
    out += fmt::format("{}{} {} {}", out.empty() ? "" : "; ", use.skill, Word(use.route), use.path);
  }
  for (const std::string& path : found.changed) out += "!" + path;
  return out;
}

}  // namespace

TEST_SUITE("hosts/common/shell") {
  TEST_CASE("a file beside no folder of a name is no skill's") {
    CHECK(hosts::SkillOfFile("/s/pdf/SKILL.md") == "pdf");
    // An example inside of a skill, and a skill of that name.
    CHECK(!hosts::SkillOfFile("/s/skills/pdf/references/SKILL.md").has_value());
    CHECK(!hosts::SkillOfFile("/s/skills/pdf/assets/SKILL.md").has_value());
    CHECK(hosts::SkillOfFile("/s/.claude/skills/examples/SKILL.md") == "examples");
    CHECK(hosts::SkillOfFile("/s/.opencode/skill/templates/SKILL.md") == "templates");
    for (const char* path :
         {"/SKILL.md", "SKILL.md", "/s/ /SKILL.md", "/s/\xe2\x80\x8b/SKILL.md"}) {
      CAPTURE(path);
      CHECK(!hosts::SkillOfFile(path).has_value());
    }
  }

  TEST_CASE("a line is split into its simple commands") {
    struct Case {
      std::string_view line, want;
    };
    const Case cases[] = {
        {"", ""},
        {"ls -la", "ls|-la"},
        {"a; b && c || d | e & f", "a ; b ; c ; d ; e ; f"},
        {"echo 'a b' \"c d\" e\\ f", "echo|a b|c d|e f"},
        {"echo \"it's \\\"quoted\\\" \\n\"", "echo|it's \"quoted\" \\n"},
        {"cat <in >out 2>/dev/null 2>&1", "cat <in >out >/dev/null"},
        {"cat &>log file", "cat|file >log"},
        {"cat <<'EOF' > f\ncat secret\nEOF\nls", "cat >f ; ls"},
        {"cat <<-END\n\tx\n\tEND\nls", "cat ; ls"},
        {"cat <<< text", "cat"},
        {"# only a comment\nls # rest", "ls"},
        {"cd /tmp && ls", "ls @/tmp"},
        {"cd src; cd ..; cd ./lib && ls", "ls @/home/dev/work/lib"},
        {"(cd /tmp; ls); pwd", "ls @/tmp ; pwd"},
        {"cd /tmp; cd - ; ls", "ls"},
        {"cd \"$UNKNOWN\"; ls", "ls @"},
        {"cd; ls", "ls @~"},
        {"pushd /a; ls; popd; ls", "ls @/a ; ls"},
        {"A=1 B=2 make", "make"},
        {"D=/x/y; cat $D/f ${D}/g", "cat|/x/y/f|/x/y/g"},
        {"export D=/x; cat \"$D/f\" '$D'", "cat|/x/f|$D"},
        {"cat $NOPE/f *.md", "cat|?/f|?.md"},
        {"sudo -u root env X=1 cat f", "cat|f"},
        {"timeout 5 cat f", "cat|f"},
        {"bash -lc 'cd /tmp && cat \"a b\"'", "cat|a b @/tmp"},
        {"sh -c \"cat f\" && bash run.sh", "cat|f ; bash|run.sh"},
        {"echo $(cat f) `cat g`", "cat|f ; cat|g ; echo|?|?"},
        {"git commit -m \"$(cat <<'EOF'\nIt's a (fix\nEOF\n)\" && ls",
         "cat ; git|commit|-m|? ; ls"},
        {"if test -f x; then cat x; fi", "test|-f|x ; cat|x"},
        {"for f in a b; do cat $f; done; ls", "cat|? ; ls"},
        {"cat a{1,2}/b{x,y}", "cat|a1/bx|a1/by|a2/bx|a2/by"},
        {"echo {a} 'b,{c,d}'", "echo|{a}|b,{c,d}"},
        {"echo 'open", "echo|open"},
        {"echo \"open $(ls", "ls ; echo|open ?"},
        {"ls \\\n  -l", "ls|-l"},
    };
    for (const Case& c : cases) {
      CAPTURE(c.line);
      CHECK(Commands(c.line) == c.want);
    }
  }

  TEST_CASE("a text that never comes back to the model was not read") {
    struct Case {
      std::string_view line;
      bool read;
    };
    const Case cases[] = {
        {"cat skills/pdf/SKILL.md", true},
        {"cat skills/pdf/SKILL.md | head -40", true},
        {"cat skills/pdf/SKILL.md | tr -d '\\r' | tee /tmp/copy", true},
        {"cat skills/pdf/SKILL.md 2>/dev/null", true},
        {"cat skills/pdf/SKILL.md 2>&1 || true", true},
        {"cat skills/pdf/SKILL.md >&2", true},
        {"cat skills/pdf/SKILL.md > /dev/stdout", true},
        {"cat < skills/pdf/SKILL.md", true},
        {"cat skills/pdf/SKILL.md; ls | wc -l", true},
        {"cat skills/pdf/SKILL.md > /dev/null", false},
        {"cat skills/pdf/SKILL.md 1>/tmp/copy", false},
        {"cat skills/pdf/SKILL.md &> /tmp/copy", false},
        {"cat skills/pdf/SKILL.md >> all.md && ls", false},
        {"cat skills/pdf/SKILL.md | wc -l", false},
        {"cat skills/pdf/SKILL.md | grep -c description", false},
        {"cat skills/pdf/SKILL.md | head -40 | sha256sum", false},
        {"cat skills/pdf/SKILL.md | tee /tmp/copy > /dev/null", false},
        {"wc -l < skills/pdf/SKILL.md", false},
    };
    for (const Case& c : cases) {
      CAPTURE(c.line);
      CHECK(Skills(c.line) == (c.read ? "pdf shell_read /home/dev/work/skills/pdf/SKILL.md" : ""));
    }
  }

  TEST_CASE("readers read skills, interpreters run their scripts, nothing else counts") {
    struct Case {
      std::string_view line, want;
    };
    const std::string pdf = "pdf shell_read /home/dev/.claude/skills/pdf/SKILL.md";
    const std::string run = "pdf script_run /home/dev/.claude/skills/pdf/SKILL.md";
    const Case cases[] = {
        {"cat /home/dev/.claude/skills/pdf/SKILL.md", pdf},
        {"head -n 40 /home/dev/.claude/skills/pdf/SKILL.md | nl", pdf},
        {"sed -n '1,200p' /home/dev/.claude/skills/pdf/SKILL.md", pdf},
        {"ls; cd /home/dev/.claude/skills/pdf && cat SKILL.md", pdf},
        {"cd /home/dev/.claude && awk 1 ./skills/x/../pdf/SKILL.md", pdf},
        {"cat < /home/dev/.claude/skills/pdf/SKILL.md", pdf},
        {"/usr/bin/cat '/home/dev/.claude/skills/pdf/SKILL.md' x.txt", pdf},
        {"cat ~/.claude/skills/pdf/SKILL.md", "pdf shell_read ~/.claude/skills/pdf/SKILL.md"},
        {"cat $HOME/.claude/skills/pdf/SKILL.md", "pdf shell_read ~/.claude/skills/pdf/SKILL.md"},
        {"cat \"$PLUGIN\"/skills/pdf/SKILL.md", "pdf shell_read "},
        {"cat .claude/skills/pdf/SKILL.md",
         "pdf shell_read /home/dev/work/.claude/skills/pdf/SKILL.md"},
        {"cat .claude/skills/{pdf,xlsx}/SKILL.md",
         "pdf shell_read /home/dev/work/.claude/skills/pdf/SKILL.md; "
         "xlsx shell_read /home/dev/work/.claude/skills/xlsx/SKILL.md"},
        {"cat skills/group/deep/SKILL.md",
         "deep shell_read /home/dev/work/skills/group/deep/SKILL.md"},
        {"python3 -u /home/dev/.claude/skills/pdf/scripts/a/render.py --x", run},
        {"cd /home/dev/.claude/skills/pdf && bash scripts/render.sh", run},
        {"cd /home/dev/.claude/skills/pdf/scripts; node render.js", run},
        {"python3.12 /home/dev/.claude/skills/pdf/scripts/x.py", run},
        {"cat /home/dev/.claude/skills/pdf/scripts/render.sh", ""},
        {"/home/dev/.claude/skills/pdf/scripts/render.sh", ""},
        {"python3 -m http.server /home/dev/.claude/skills/pdf/scripts/x.py", ""},
        {"python3 -c 'x' /home/dev/.claude/skills/pdf/scripts/x.py", ""},
        {"python3 scripts/build.py", ""},
        {"python3 skills/scripts/build.py", ""},
        {"grep -n name /home/dev/.claude/skills/pdf/SKILL.md", ""},
        {"ls -l /home/dev/.claude/skills/pdf/SKILL.md", ""},
        {"cat /home/dev/.claude/skills/*/SKILL.md", ""},
        {"cat /home/dev/.claude/skills/pdf/references/SKILL.txt", ""},
        {"cat SKILL.md", ""},
        {"cat project/SKILL.md", ""},
        {"echo cat /home/dev/.claude/skills/pdf/SKILL.md", ""},
        {"cat <<EOF\ncat /home/dev/.claude/skills/pdf/SKILL.md\nEOF", ""},
        {"sed -i 's/a/b/' /x/skills/pdf/SKILL.md", "!/x/skills/pdf/SKILL.md"},
        {"sed -n -i.bak 1p /x/skills/pdf/SKILL.md", "!/x/skills/pdf/SKILL.md"},
        {"cat > /x/skills/pdf/SKILL.md <<'E'\nx\nE", "!/x/skills/pdf/SKILL.md"},
        {"echo x | tee -a /x/skills/pdf/SKILL.md", "!/x/skills/pdf/SKILL.md"},
        {"cp new.md /x/skills/pdf/SKILL.md", "!/x/skills/pdf/SKILL.md"},
        {"cp -r /home/dev/.claude/skills/pdf /tmp", ""},
    };
    for (const Case& c : cases) {
      CAPTURE(c.line);
      CHECK(Skills(c.line) == c.want);
    }
    CHECK(Skills("cat ~/.codex/skills/pdf/SKILL.md", {.cwd = "", .home = "/home/dev"}) ==
          "pdf shell_read /home/dev/.codex/skills/pdf/SKILL.md");
    CHECK(Skills("cat .codex/skills/pdf/SKILL.md", {.cwd = "", .home = ""}) ==
          "pdf shell_read .codex/skills/pdf/SKILL.md");
  }

  TEST_CASE("deep nesting ends") {
    std::string line;
    for (int i = 0; i < 5000; ++i) line += "$(";
    CHECK_NOTHROW((void)hosts::SplitShellLine(line, kPlace));
    std::string braces = "cat ";
    for (int i = 0; i < 40; ++i) braces += "{a,b}";
    CHECK(hosts::SplitShellLine(braces, kPlace).size() == 1);
    std::string shells = "x";
    for (int i = 0; i < 60; ++i) shells = "bash -c \"" + shells + "\"";
    CHECK_NOTHROW((void)hosts::SplitShellLine(shells, kPlace));
  }
}

TEST_SUITE("hosts/common/raw_text") {
  TEST_CASE("escapes are resolved, wrong ones are not an error") {
    struct Case {
      std::string_view token, want;
    };
    const Case cases[] = {
        {R"("plain" )", "plain"},
        {R"("a\nb\t\"\\\/")", "a\nb\t\"\\/"},
        {R"("\u00e9\u20ac")", "\xC3\xA9\xE2\x82\xAC"},
        {R"("\ud83d\ude00!")", "\xF0\x9F\x98\x80!"},
        {R"("\ud83d x")", "\xEF\xBF\xBD x"},
        {R"("\u12")",
         "\xEF\xBF\xBD"
         "12"},
    };
    for (const Case& c : cases) {
      CAPTURE(c.token);
      const hosts::RawText text(c.token);
      CHECK(text.present());
      CHECK(text.ToString() == c.want);
      CHECK(text.Is(c.want));
      CHECK(text.StartsWith(c.want.substr(0, 1)) == (c.want[0] > 0));
    }
    CHECK_FALSE(hosts::RawText("12").present());
    CHECK_FALSE(hosts::RawText("{\"a\":1}").present());
    CHECK_FALSE(hosts::RawText("").present());
    CHECK(hosts::RawText("\"\"").present());
    CHECK(hosts::RawText("\"\"").empty());
  }

  TEST_CASE("a prefix never ends inside a character") {
    const hosts::RawText text("\"ab\\u20acd\"");
    for (size_t n = 0; n <= 7; ++n) {
      const std::string prefix = text.Prefix(n);
      CAPTURE(n);
      CHECK(prefix == std::string_view("ab\xE2\x82\xAC"
                                       "d")
                          .substr(0, n < 3   ? n
                                     : n < 5 ? 2
                                             : n));
    }
  }
}

}  // namespace selftune
