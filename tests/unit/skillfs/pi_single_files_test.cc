// Skills of Pi that are a single file, and no SKILL.md.
#include <string>
#include <vector>

#include <doctest/doctest.h>
#include <fmt/format.h>

#include "named_roots_machine.h"
#include "skillfs/replicas.h"

namespace selftune {
namespace {

using named_roots::CheckAll;
using named_roots::File;
using named_roots::Machine;

File Single(const char* path, const char* name) {
  return {path, fmt::format("---\nname: {}\ndescription: About {}.\n---\nx\n", name, name)};
}

TEST_SUITE("skillfs/pi single files") {
  TEST_CASE("pi: a text with a description is a skill, by where it lies") {
    const char* const own = "home/.pi/agent/settings.json";
    const char* const kit = "home/.pi/agent/npm/node_modules/kit/";
    CheckAll({
        {"right in a folder of its own, not below",
         "pi",
         {},
         {Single("home/.pi/agent/skills/pdf.md", "pdf"),
          Single("home/.pi/agent/skills/group/deep.md", "deep"),
          Single("repo/src/.pi/skills/csv.md", "csv")},
         {"home/.pi/agent/skills/pdf.md: pdf global",
          "repo/src/.pi/skills/csv.md: csv project in repo"}},
        {"of shared folders below, not right in them",
         "pi",
         {},
         {Single("home/.agents/skills/pdf.md", "pdf"),
          Single("home/.agents/skills/group/deep.md", "deep"),
          Single("repo/.agents/skills/group/csv.md", "csv"),
          Single("home/.agents/skills/node_modules/kit/README.md", "kit")},
         {"home/.agents/skills/group/deep.md: deep global",
          "repo/.agents/skills/group/csv.md: csv project in repo"}},
        {"what has no description is a text, and so is what lies beside a SKILL.md",
         "pi",
         {"home/.agents/skills/pdf"},
         {{"home/.pi/agent/skills/README.md", "# Skills\n"},
          {"home/.pi/agent/skills/notes.md", "---\nname: notes\n---\n"},
          {"home/.pi/agent/skills/broken.md", "---\ndescription: \"x\n---\n"},
          Single("home/.pi/agent/skills/list.txt", "list"),
          Single("home/.agents/skills/pdf/more.md", "more")},
         {"home/.agents/skills/pdf: pdf global"}},
        {"without a name it is called like its folder",
         "pi",
         {},
         {{"home/.pi/agent/skills/pdf.md", "---\ndescription: About PDF.\n---\n"}},
         {"home/.pi/agent/skills/pdf.md: skills global"}},
        {"the first of a name hides the others",
         "pi",
         {"home/.agents/skills/pdf"},
         {Single("home/.pi/agent/skills/x.md", "pdf"), Single("repo/src/.pi/skills/y.md", "pdf")},
         {"home/.agents/skills/pdf: pdf global, behind home/.pi/agent/skills/x.md",
          "home/.pi/agent/skills/x.md: pdf global",
          "repo/src/.pi/skills/y.md: pdf project in repo"}},
        {"settings name one, or a folder with some, and take one out",
         "pi",
         {},
         {Single("shelf/a.md", "a"),
          Single("shelf/b.md", "b"),
          Single("one/c.md", "c"),
          Single("home/.pi/agent/skills/d.md", "d"),
          Single("home/.pi/agent/skills/e.md", "e"),
          {own,
           R"({"skills": ["~~/shelf", "~~/one/c.md", "!b.md", "-skills/d.md", "!SKILL.md"]})"}},
         {"home/.pi/agent/skills/d.md: d global, off by home/.pi/agent/settings.json",
          "home/.pi/agent/skills/e.md: e global", "one/c.md: c global", "shelf/a.md: a global",
          "shelf/b.md: b global, off by home/.pi/agent/settings.json"}},
        {"of packages, by their folder or by patterns",
         "pi",
         {},
         {Single((std::string(kit) + "skills/a.md").c_str(), "a"),
          Single((std::string(kit) + "skills/group/b.md").c_str(), "b"),
          {own, R"({"packages": ["npm:kit"]})"}},
         {std::string(kit) + "skills/a.md: a system of npm:kit"}},
        {"those that a manifest means, and a filter takes out",
         "pi",
         {},
         {Single((std::string(kit) + "skills/a.md").c_str(), "a"),
          Single((std::string(kit) + "skills/group/b.md").c_str(), "b"),
          Single((std::string(kit) + "skills/c.md").c_str(), "c"),
          {std::string(kit) + "package.json", R"({"pi": {"skills": ["skills/*", "!c.md"]}})"},
          {own, R"({"packages": [{"source": "npm:kit", "skills": ["!a.md"]}]})"}},
         {std::string(kit) + "skills/a.md: a system of npm:kit, off by " + own,
          std::string(kit) + "skills/group/b.md: b system of npm:kit"}},
        {"other hosts do not look for such",
         "codex",
         {},
         {Single("home/.agents/skills/group/deep.md", "deep"),
          Single("home/.codex/skills/pdf.md", "pdf")},
         {}},
    });
  }

  TEST_CASE("pi: a single file is listed and never written, with the way out") {
    const Machine machine;
    machine.Write(Single("home/.pi/agent/skills/pdf.md", "pdf"));
    const skillfs::Discovery found = machine.Find("pi");
    const auto replicas = skillfs::FindReplicas(found, "pdf", "About pdf.");
    REQUIRE(replicas.size() == 1);
    CHECK(skillfs::Name(replicas[0].state) == "single_file");
    CHECK(replicas[0].reason == "a single file: move it to a folder of its own, as SKILL.md");
  }

  TEST_CASE("pi: a SKILL.md elsewhere that is a link to one is the same skill") {
    const Machine machine;
    machine.Write(Single("home/.pi/agent/skills/pdf.md", "pdf"));
    machine.Link("home/.pi/agent/skills/pdf.md", "home/.claude/skills/pdf/SKILL.md");
    CHECK(machine.Told(machine.Find("")) ==
          named_roots::Lines{"home/.claude/skills/pdf: pdf global",
                             "home/.claude/skills/pdf: pdf global",
                             "home/.pi/agent/skills/pdf.md: pdf global"});
    const skillfs::Discovery found = machine.Find("");
    REQUIRE(found.skills.size() == 1);
    CHECK(skillfs::Name(skillfs::FindReplicas(found, "pdf", "About pdf.")[0].state) ==
          "single_file");
  }

  TEST_CASE("pi: a single file that is a link to a SKILL.md is that one, and may be written") {
    const Machine machine;
    machine.Skill("home/.claude/skills/pdf");
    machine.Link("home/.claude/skills/pdf/SKILL.md", "home/.pi/agent/skills/other.md");
    const skillfs::Discovery found = machine.Find("");
    REQUIRE(found.skills.size() == 1);
    CHECK(skillfs::FindReplicas(found, "pdf", "About pdf.")[0].state ==
          skillfs::ReplicaState::kDeploys);
  }
}

}  // namespace
}  // namespace selftune
