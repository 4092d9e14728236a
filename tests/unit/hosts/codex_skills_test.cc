// When a Codex rollout shows a use of a skill, and by which evidence.
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include <doctest/doctest.h>
#include <fmt/format.h>

#include "base/crypto.h"
#include "ingest/facts.h"
#include "unit/hosts/codex_rollout.h"
#include "unit/hosts/merged_store.h"

namespace selftune::testing::codex {

TEST_SUITE("hosts/codex/skills") {
  TEST_CASE("the home of `~` follows from the folder of the session") {
    struct Case {
      std::string_view cwd, skill;  // "" = nothing is known to be read
    };
    const Case cases[] = {
        {"/home/dev/w", "/home/dev/.codex/skills/pdf/SKILL.md"},
        {"/home/dev", "/home/dev/.codex/skills/pdf/SKILL.md"},
        {"/Users/dev/w", "/Users/dev/.codex/skills/pdf/SKILL.md"},
        {"/root", "/root/.codex/skills/pdf/SKILL.md"},
        {"/root/w", "/root/.codex/skills/pdf/SKILL.md"},
        {"/rootfoo/w", ""},
        {"/homes/dev/w", ""},
        {"/srv/dev/.codex/worktrees/1", "/srv/dev/.codex/skills/pdf/SKILL.md"},
        // A project's own folder is no home.
        {"/home/dev/w/.agents/skills", "/home/dev/.codex/skills/pdf/SKILL.md"},
        {"/home/dev/w/.codex/x", "/home/dev/.codex/skills/pdf/SKILL.md"},
    };
    for (const Case& c : cases) {
      CAPTURE(c.cwd);
      const MergedStore store = ReadLines(
          {Line("session_meta", fmt::format(R"({{"id":"the-id","cwd":"{}"}})", c.cwd)),
           PromptLine("go"), ShellLine("c", "cat ~/.codex/skills/pdf/SKILL.md"), ExitLine("c", 0)});
      const auto& skills = Only(store).skills;
      const std::string path = skills.empty() ? "" : skills.begin()->second.path;
      if (c.skill.empty()) {
        CHECK(!path.starts_with("/"));
      } else {
        CHECK(path == c.skill);
      }
    }
  }

  TEST_CASE("a typed text that looks like a mention is none, an injected one is") {
    const std::string typed =
        "<skill>\\n<name>pdf</name>\\n<path>/x/pdf/SKILL.md</path>\\n</skill>";
    const std::string body =
        "<skill>\\n<name>pdf</name>\\n<path>/x/pdf/SKILL.md</path>\\nBody\\n\\n</skill>";
    for (const Reading reading : {Reading::kAtOnce, Reading::kLineByLine}) {
      // Generation B writes the echo first, A the event.
      CHECK(Only(ReadLines({MetaLine(), UserLine(typed), PromptLine(typed), AnswerLine()}, reading))
                .skills.empty());
      CHECK(Only(ReadLines({MetaLine(), PromptLine(typed), UserLine(typed), AnswerLine()}, reading))
                .skills.empty());
      const MergedStore store = ReadLines(
          {MetaLine(), UserLine("use $pdf"), PromptLine("use $pdf"), UserLine(body), AnswerLine()},
          reading);
      REQUIRE(Only(store).skills.size() == 1);
      const ingest::SkillFact& skill = Only(store).skills.begin()->second;
      CHECK(skill.skill == "pdf");
      CHECK(skill.level == Level::kExplicit);
      CHECK(skill.requested_by == RequestedBy::kUser);
      CHECK(skill.prompt_seq == 0);
      CHECK(skill.body_sha256 == base::Sha256Bytes("Body\n"));
    }
  }

  TEST_CASE("what a shell command does decides whether it is a use") {
    struct Case {
      std::string command;
      int exit;
      std::string output;
      std::string want;  // "" = nothing
    };
    const std::string skill(kSkill);
    const std::vector<Case> cases = {
        {"cat " + skill, 0, "text", "pdf triggered shell_read"},
        {"cd /home/dev/.codex/skills && sed -n 1,20p pdf/SKILL.md", 0, "x",
         "pdf triggered shell_read"},
        {"head -5 ~/.codex/skills/pdf/SKILL.md", 0, "x", "pdf triggered shell_read"},
        {"python3 /home/dev/.codex/skills/pdf/scripts/a.py", 1, "boom", "pdf triggered script_run"},
        {"cat " + skill, 1, "cat: " + skill + ": No such file or directory",
         "pdf refused shell_read"},
        {"cat " + skill + " || true", 0, "cat: " + skill + ": No such file or directory",
         "pdf refused shell_read"},
        {"cat " + skill + " && npm test", 1, "text, then failures", "pdf triggered shell_read"},
        {"cat " + skill + "; sed -i s/a/b/ " + skill, 0, "x", "pdf read_only shell_read"},
        {"sed -i s/a/b/ " + skill, 0, "", ""},
        {"grep -n x " + skill, 0, "x", ""},
        {"ls /home/dev/.codex/skills/pdf", 0, "SKILL.md", ""},
        {"cat /home/dev/.codex/skills/pdf/references/x.md", 0, "x", ""},
        {"cat docs/SKILL.md", 0, "x", ""},
    };
    for (const Case& c : cases) {
      CAPTURE(c.command);
      const MergedStore store = ReadLines({MetaLine(), PromptLine("go"), ShellLine("c1", c.command),
                                           ExitLine("c1", c.exit, c.output)},
                                          Reading::kLineByLine);
      std::string got;
      for (const auto& [key, fact] : Only(store).skills) {
        got += fmt::format("{} {} {}", fact.skill, Word(fact.outcome), Word(fact.route));
      }
      CHECK(got == c.want);
    }
    // A call without output is nothing yet.
    CHECK(Only(ReadLines({MetaLine(), PromptLine("go"), ShellLine("c1", "cat " + skill)}))
              .skills.empty());
  }

  TEST_CASE("a read counts once a turn, and not beside a mention") {
    const std::string cat = "cat " + std::string(kSkill);
    const std::string body = "<skill>\\n<name>pdf</name>\\n<path>/x</path>\\nB\\n</skill>";
    const MergedStore twice = ReadLines({MetaLine(), PromptLine("a"), ShellLine("c1", cat),
                                         ExitLine("c1", 0), ShellLine("c2", cat), ExitLine("c2", 0),
                                         PromptLine("b"), ShellLine("c3", cat), ExitLine("c3", 0)});
    CHECK(Only(twice).skills.size() == 2);
    for (const Reading reading : {Reading::kAtOnce, Reading::kLineByLine}) {
      const MergedStore beside = ReadLines(
          {MetaLine(), PromptLine("$pdf"), UserLine(body), ShellLine("c1", cat), ExitLine("c1", 0)},
          reading);
      REQUIRE(Only(beside).skills.size() == 1);
      CHECK(Only(beside).skills.begin()->second.route == Route::kMention);
    }
    // Named by the person, loaded by the model.
    const MergedStore named =
        ReadLines({MetaLine(), PromptLine("with $pdf."), ShellLine("c1", cat), ExitLine("c1", 0)});
    CHECK(Only(named).skills.at("c1").requested_by == RequestedBy::kUser);
  }

  TEST_CASE("a skill that is changed in the turn was maintained, not used") {
    const std::string skill(kSkill);
    const std::string patch = Line(
        "response_item",
        R"({"type":"custom_tool_call","call_id":"p","name":"apply_patch","input":"*** Begin Patch\n*** Update File: )" +
            skill + R"(\n@@\n-a\n+b\n*** End Patch"})");
    const std::string done = Line(
        "response_item",
        R"({"type":"custom_tool_call_output","call_id":"p","output":"Exit code: 0\nOutput:\nok"})");
    for (const Reading reading : {Reading::kAtOnce, Reading::kLineByLine}) {
      const MergedStore store = ReadLines(
          {MetaLine(), PromptLine("fix"), ShellLine("c1", "cat " + skill), ExitLine("c1", 0), patch,
           done, PromptLine("use"), ShellLine("c2", "cat " + skill), ExitLine("c2", 0)},
          reading);
      CHECK(Only(store).skills.at("c1").outcome == Outcome::kReadOnly);
      CHECK(Only(store).skills.at("c2").outcome == Outcome::kTriggered);
    }
  }

  TEST_CASE("a change is of the same file also when one path is relative") {
    const MergedStore store = ReadLines(
        {Line("session_meta", R"({"id":"the-id"})"), PromptLine("fix"),
         ShellLine("c1", "cat ~/.codex/skills/pdf/SKILL.md"), ExitLine("c1", 0),
         ShellLine("c2", "sed -i s/a/b/ /home/dev/.codex/skills/pdf/SKILL.md"), ExitLine("c2", 0)});
    REQUIRE(Only(store).skills.size() == 1);
    CHECK(Only(store).skills.at("c1").outcome == Outcome::kReadOnly);
  }

  TEST_CASE("a listing that a compaction drops is gone from the next prompt on") {
    const std::string listing = Line(
        "response_item",
        R"({"type":"message","role":"developer","content":[{"type":"input_text","text":"### Available skills\n- pdf: Read &amp; fill\nPDF: files (file: r0/pdf/SKILL.md)\n- a:b: (file: /y/b/SKILL.md)\n- cut: The begin\u2026 (file: /y/cut/SKILL.md)\n### Skill roots\n- `r0` = `/abs`\n"}]})");
    const std::string dropped = Line("compacted", R"({"replacement_history":[]})");
    for (const Reading reading : {Reading::kAtOnce, Reading::kLineByLine}) {
      const MergedStore store =
          ReadLines({MetaLine(), listing, PromptLine("0"), AnswerLine(), dropped, PromptLine("1"),
                     AnswerLine(), listing, PromptLine("2"), AnswerLine(), dropped},
                    reading);
      const auto& exposures = Only(store).facts.exposures;
      REQUIRE(exposures.size() == 3);
      CHECK(!exposures[0].prompt_seq.has_value());
      CHECK(exposures[1].prompt_seq == 1);
      CHECK(exposures[1].cause == ExposureCause::kCompaction);
      CHECK(exposures[1].listing == nullptr);
      CHECK(exposures[1].origin.line_no == 5);
      CHECK(exposures[2].prompt_seq == 2);
      REQUIRE(exposures[2].listing != nullptr);
      const auto& entries = exposures[2].listing->entries;
      REQUIRE(entries.size() == 3);
      CHECK(entries[0].name == "pdf");
      CHECK(entries[0].description == "Read & fill\nPDF: files");
      CHECK(entries[0].path == "/abs/pdf/SKILL.md");
      CHECK(entries[1].name == "a:b");
      CHECK(entries[1].state == ExposureState::kNameOnly);
      CHECK(entries[2].state == ExposureState::kTruncated);
    }
  }

  TEST_CASE("a read of a listed file has the name of the list") {
    const std::string listing = Line(
        "response_item",
        R"({"type":"message","role":"developer","content":[{"type":"input_text","text":"### Available skills\n- front-name: Text (file: /home/dev/.codex/skills/dir-name/SKILL.md)\n- odd: Text (file: /opt/odd/SKILL.md)\n"}]})");
    const MergedStore store =
        ReadLines({MetaLine(), listing, PromptLine("a"),
                   ShellLine("c1", "cat ~/.codex/skills/dir-name/SKILL.md /opt/odd/SKILL.md"),
                   ExitLine("c1", 0)},
                  Reading::kLineByLine);
    std::set<std::string> names;
    for (const auto& [key, skill] : Only(store).skills) names.insert(skill.skill);
    CHECK(names == std::set<std::string>{"front-name", "odd"});
  }
}

}  // namespace selftune::testing::codex
