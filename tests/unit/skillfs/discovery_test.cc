#include "skillfs/discovery.h"

#include <doctest/doctest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/file.h"
#include "fake_machine.h"
#include "hosts/registry.h"
#include "skillfs/replicas.h"

namespace selftune::skillfs {
namespace {

using testing::FakeMachine;

// "name scope" of every placement, in order.
std::vector<std::string> Seen(const Discovery& discovery) {
  std::vector<std::string> out;
  for (const InstalledSkill& skill : discovery.skills) {
    for (const SkillPlacement& placement : skill.placements) {
      out.push_back(placement.name + " " + std::string(placement.scope));
    }
  }
  return out;
}

using Texts = std::vector<std::string>;

TEST_SUITE("skillfs/discovery") {
  TEST_CASE("claude code: one level deep, called by the folder, links followed") {
    FakeMachine machine;
    machine.Skill("home/.claude/skills/alpha", "front-name");
    machine.Skill("home/.claude/skills/group/deep", "deep");
    machine.Skill("elsewhere/linked", "linked");
    machine.Link("../../../elsewhere/linked", "home/.claude/skills/by-link");
    machine.Skill("home/.agents/skills/not-read", "not-read");
    machine.File("home/.claude/skills/readme.txt", "no skill");
    const Discovery found = machine.Find("claude_code");
    CHECK(Seen(found) == Texts{"alpha global", "by-link global"});
    CHECK(found.problems.empty());
    CHECK(found.skills[1].real_path == machine.Path("elsewhere/linked/SKILL.md"));
    CHECK(found.skills[1].placements[0].path ==
          machine.Path("home/.claude/skills/by-link/SKILL.md"));
    CHECK(found.skills[0].frontmatter.description ==
          std::optional<std::string>("about front-name"));
    CHECK(found.skills[0].sha256.size() == 32);
  }

  TEST_CASE("claude code: personal beats project, and projects do not hide each other") {
    FakeMachine machine;
    machine.Skill("home/.claude/skills/same", "same");
    machine.Dir("work/a/.git");
    machine.Skill("work/a/.claude/skills/same", "same");
    machine.Skill("work/a/.claude/skills/own", "own");
    machine.Skill("work/a/src/.claude/skills/inner", "inner");
    machine.Skill("work/b/.claude/skills/own", "own");
    machine.Skill("work/.claude/skills/outside", "outside");
    const Discovery found = machine.Find("claude_code", {"work/a/src", "work/b", "work/gone"});
    CHECK(Seen(found) == Texts{"inner project", "outside project", "own project", "own project",
                               "same global", "same project"});
    std::vector<std::string> shadowed;
    for (const InstalledSkill& skill : found.skills) {
      for (const SkillPlacement& placement : skill.placements) {
        if (!placement.shadowed_by.empty()) shadowed.push_back(placement.path);
        if (placement.scope == "project") CHECK_FALSE(placement.project_root.empty());
      }
    }
    CHECK(shadowed == Texts{machine.Path("work/a/.claude/skills/same/SKILL.md")});
    CHECK(found.skills[0].in_git());
    CHECK(found.skills[0].work_tree == machine.Path("work/a"));
    CHECK(found.skills[0].placements[0].project_root == machine.Path("work/a"));
    CHECK_FALSE(found.skills[3].in_git());
    // Above the one that is in no repository; nobody starts a session in a folder that is gone.
    REQUIRE(found.skills[1].placements.size() == 1);
    CHECK(found.skills[1].placements[0].project_root == machine.Path("work/b"));
  }

  TEST_CASE("a request may spare the looks that tell whose a file is") {
    FakeMachine machine;
    machine.Skill("home/.claude/skills/own", "own");
    machine.Dir("home/.git");
    DiscoveryRequest request = hosts::DiscoveryFor(machine.env, {});
    for (const bool ownership : {true, false}) {
      request.ownership = ownership;
      const Discovery found = DiscoverSkills(request);
      REQUIRE(found.skills.size() == 1);
      CHECK(found.skills[0].in_git() == ownership);
      CHECK(found.skills[0].real_path == machine.Path("home/.claude/skills/own/SKILL.md"));
    }
  }

  TEST_CASE("claude code: a session started in the home folder adds no project skills") {
    FakeMachine machine;
    machine.Skill("home/.claude/skills/alpha", "alpha");
    CHECK(Seen(machine.Find("claude_code", {"home"})) == Texts{"alpha global"});
  }

  TEST_CASE("claude code: projects that link to one folder each see its skills") {
    FakeMachine machine;
    machine.Skill("team/alpha", "alpha");
    for (const char* project : {"work/a", "work/b"}) {
      machine.Link(machine.Path("team"), std::string(project) + "/.claude/skills");
    }
    const Discovery found = machine.Find("claude_code", {"work/a", "work/b"});
    REQUIRE(found.skills.size() == 1);
    const std::vector<SkillPlacement>& places = found.skills[0].placements;
    REQUIRE(places.size() == 2);
    CHECK(places[0].path == machine.Path("work/a/.claude/skills/alpha/SKILL.md"));
    CHECK(places[0].project_root == machine.Path("work/a"));
    CHECK(places[1].path == machine.Path("work/b/.claude/skills/alpha/SKILL.md"));
    CHECK(places[1].project_root == machine.Path("work/b"));
    // Once it is the person's too, every session sees it, and the projects add nothing.
    machine.Link(machine.Path("team"), "home/.claude/skills");
    CHECK(Seen(machine.Find("claude_code", {"work/a", "work/b"})) == Texts{"alpha global"});
  }

  TEST_CASE("claude code: the configuration folder moves, the administrator's skills win") {
    FakeMachine machine;
    machine.env.Set("CLAUDE_CONFIG_DIR", machine.Path("home"));  // says nothing to us
    machine.env.SetHostHome("claude_code", machine.Path("moved"));
    machine.Skill("moved/skills/alpha", "alpha");
    machine.Skill("home/.claude/skills/beta", "beta");
    machine.Skill("etc/claude-code/.claude/skills/alpha", "alpha");
    const Discovery found = machine.Find("claude_code");
    CHECK(Seen(found) == Texts{"alpha admin", "alpha global"});
    CHECK(found.skills[1].placements[0].shadowed_by == found.skills[0].placements[0].path);
  }

  TEST_CASE("claude code: plugins bring prefixed skills") {
    FakeMachine machine;
    const std::string cache = machine.Path("home/.claude/plugins/cache/market/");
    machine.Skill("home/.claude/plugins/cache/market/acme/1.0/skills/check", "check");
    machine.File("home/.claude/plugins/cache/market/acme/1.0/.claude-plugin/plugin.json",
                 R"({"name":"acme-tools","skills":["./extra"]})");
    machine.Skill("home/.claude/plugins/cache/market/acme/1.0/extra/more", "more");
    machine.Skill("home/.claude/plugins/cache/market/off/1.0/skills/gone", "gone");
    machine.Skill("home/.claude/plugins/cache/market/team/1.0/skills/check", "check");
    machine.Skill("home/.claude/skills/check", "check");
    machine.File("home/.claude/plugins/installed_plugins.json",
                 R"({"version":2,"plugins":{"acme@market":[{"scope":"user","installPath":")" +
                     cache + R"(acme/1.0"}],"off@market":[{"installPath":")" + cache +
                     R"(off/1.0"}],"team@market":{"projectPath":"/p","installPath":")" + cache +
                     R"(team/1.0"},"bad@market":[{"installPath":"relative"},7]}})");
    machine.File("home/.claude/settings.json", R"({"enabledPlugins":{"off@market":false}})");
    const Discovery found = machine.Find("claude_code");
    CHECK(Seen(found) == Texts{"acme-tools:check global", "acme-tools:more global", "check global",
                               "off:gone global", "team:check project"});
    for (const InstalledSkill& skill : found.skills) {
      CHECK(skill.placements[0].shadowed_by.empty());
      const bool off = skill.name == "off:gone";
      CHECK(skill.placements[0].switches.disabled_by ==
            (off ? machine.Path("home/.claude/settings.json") : ""));
    }
    const std::vector<Replica> replicas = FindReplicas(found, "acme-tools:check", "about check");
    REQUIRE(replicas.size() == 1);
    CHECK(replicas[0].state == ReplicaState::kPlugin);
    CHECK(replicas[0].same_description);
  }

  TEST_CASE("codex: nested, called by the frontmatter, equal names are all listed") {
    FakeMachine machine;
    machine.Skill("home/.codex/skills/group/deep/dir-name", "front-name");
    machine.Skill("home/.codex/skills/group/deep/dir-name/inner", "inner");
    machine.Skill("home/.codex/skills/.system/bundled", "bundled");
    machine.Skill("home/.codex/skills/.hidden/no", "no");
    machine.File("home/.codex/skills/nameless/SKILL.md", "---\ndescription: a\n---\n");
    machine.Skill("home/.agents/skills/same", "same");
    machine.Dir("work/a/.git");
    machine.Skill("work/a/.agents/skills/same", "same");
    machine.Skill("work/a/.codex/skills/repo", "repo");
    machine.Skill("work/a/.claude/skills/not-read", "not-read");
    machine.Skill("etc/codex/skills/admin", "admin");
    const Discovery found = machine.Find("codex", {"work/a"});
    CHECK(Seen(found) == Texts{"admin admin", "bundled system", "front-name global", "inner global",
                               "nameless global", "repo project", "same global", "same project"});
    for (const InstalledSkill& skill : found.skills) {
      CHECK(skill.placements[0].shadowed_by.empty());
    }
  }

  TEST_CASE("skills that only a person may start are marked") {
    FakeMachine machine;
    machine.Skill("home/.claude/skills/a", "a", "disable-model-invocation: true\n");
    machine.Skill("home/.claude/skills/b", "b", "disable-model-invocation: false\n");
    machine.Skill("home/.codex/skills/c", "c", "disable-model-invocation: true\n");
    machine.Skill("home/.codex/skills/d", "d");
    machine.File(
        "home/.codex/skills/d/agents/openai.yaml",
        "interface:\n  display_name: \"D\"\npolicy:\n  allow_implicit_invocation: false\n");
    std::vector<std::string> marked;
    for (const char* host : {"claude_code", "codex"}) {
      for (const InstalledSkill& skill : machine.Find(host).skills) {
        if (skill.explicit_only) marked.push_back(skill.name);
      }
    }
    CHECK(marked == Texts{"a", "d"});
    // Another host that reads the same file may not know the key.
    const Discovery all = machine.Find("");
    const auto a = std::ranges::find(all.skills, "a", &InstalledSkill::name);
    REQUIRE(a != all.skills.end());
    CHECK(a->placements[0].explicit_only);
    CHECK_FALSE(a->placements.back().explicit_only);
    CHECK_FALSE(a->explicit_only);
  }

  TEST_CASE("every other host finds its own folders and the shared ones") {
    struct Case {
      const char* platform;
      Texts want;
    };
    const Case cases[] = {
        {"opencode",
         {"agents global", "agents-up project", "claude global", "claude-up project",
          "deep project", "mine global", "own project"}},
        {"openclaw", {"agents global", "claw global", "space global"}},
        {"cline", {"agents global", "agents-up project", "cline global", "clinerules project"}},
        {"pi", {"agents global", "agents-up project", "pi global", "pi-up project"}},
        {"gemini", {"agents global", "agents-up project", "gemini global", "gemini-up project"}},
        {"copilot",
         {"agents global", "agents-up project", "claude-up project", "copilot global",
          "github project"}},
        {"qwen", {"agents global", "agents-up project", "qwen global", "qwen-up project"}},
    };
    FakeMachine machine;
    machine.Dir("work/a/.git");
    machine.Skill("home/.agents/skills/agents", "agents");
    machine.Skill("home/.claude/skills/claude", "claude");
    machine.Skill("work/a/.agents/skills/agents-up", "agents-up");
    machine.Skill("work/a/.claude/skills/claude-up", "claude-up");
    machine.Skill("work/a/.opencode/skill/own", "own");
    machine.Skill("work/a/.opencode/skills/x/y/deep", "deep");
    machine.Skill("xdg/opencode/skills/mine", "mine");
    machine.env.SetHostHome("opencode", machine.Path("xdg/opencode"));
    machine.Skill("home/.openclaw/skills/claw", "claw");
    machine.Skill("home/.openclaw/workspace/skills/space", "space");
    machine.Skill("home/.cline/skills/cline", "cline");
    machine.Skill("work/a/.clinerules/skills/clinerules", "clinerules");
    machine.Skill("home/.pi/agent/skills/pi", "pi");
    machine.Skill("work/a/.pi/skills/pi-up", "pi-up");
    machine.Skill("home/.gemini/skills/gemini", "gemini");
    machine.Skill("work/a/.gemini/skills/gemini-up", "gemini-up");
    machine.Skill("home/.copilot/skills/copilot", "copilot");
    machine.Skill("work/a/.github/skills/github", "github");
    machine.Skill("home/.qwen/skills/qwen", "qwen");
    machine.Skill("work/a/.qwen/skills/qwen-up", "qwen-up");
    machine.Skill("work/a/skills/unrelated", "unrelated");
    for (const Case& c : cases) {
      CAPTURE(c.platform);
      CHECK(Seen(machine.Find(c.platform, {"work/a"})) == c.want);
    }
  }

  TEST_CASE("one file that several hosts see is one skill with several placements") {
    FakeMachine machine;
    machine.Skill("shared/tool", "tool");
    machine.Link(machine.Path("shared/tool"), "home/.claude/skills/tool");
    machine.Link(machine.Path("shared/tool"), "home/.agents/skills/tool");
    machine.Skill("home/.codex/skills/tool", "tool");
    machine.File("home/.codex/skills/other/SKILL.md",
                 "---\nname: Tool\ndescription: different\n---\n");
    const Discovery found = machine.Find("");
    REQUIRE(found.skills.size() == 3);
    const auto shared = std::ranges::find(found.skills, machine.Path("shared/tool/SKILL.md"),
                                          &InstalledSkill::real_path);
    REQUIRE(shared != found.skills.end());
    CHECK(shared->placements.size() >= 2);
    CHECK(shared->placements[0].platform == "claude_code");
    CHECK(shared->placements[1].platform == "codex");

    std::vector<std::string> states;
    for (const Replica& replica : FindReplicas(found, "tool", " about tool\r\n")) {
      states.emplace_back(Name(replica.state));
    }
    std::ranges::sort(states);
    CHECK(states == Texts{"deploys", "deploys", "diverged"});
  }

  TEST_CASE("hard links are one skill that cannot be swapped") {
    FakeMachine machine;
    machine.Skill("home/.claude/skills/a", "a");
    machine.Dir("home/.claude/skills/b");
    REQUIRE(link(machine.Path("home/.claude/skills/a/SKILL.md").c_str(),
                 machine.Path("home/.claude/skills/b/SKILL.md").c_str()) == 0);
    const Discovery found = machine.Find("claude_code");
    REQUIRE(found.skills.size() == 1);
    CHECK(Seen(found) == Texts{"a global", "b global"});
    const std::vector<Replica> replicas = FindReplicas(found, "B", "about a");
    REQUIRE(replicas.size() == 1);
    CHECK(replicas[0].state == ReplicaState::kHardLinked);
  }

  TEST_CASE("cycles, dangling links and damaged files are told, and the rest is found") {
    FakeMachine machine;
    machine.Skill("home/.codex/skills/good", "good");
    machine.Link("..", "home/.codex/skills/group/loop");
    machine.Link(".", "home/.codex/skills/group/again");
    machine.Link("self", "home/.codex/skills/self");
    machine.Link("nowhere", "home/.codex/skills/dangling");
    machine.File("home/.codex/skills/broken/SKILL.md", "---\nname: x\n");
    machine.File("home/.codex/skills/bytes/SKILL.md", "---\nname: \xff\n---\n");
    machine.Dir("home/.codex/skills/folder/SKILL.md");
    const Discovery found = machine.Find("codex");
    CHECK(Seen(found) == Texts{"broken global", "bytes global", "good global"});
    CHECK(found.skills[0].frontmatter.errors ==
          std::vector<std::string_view>{"unterminated_frontmatter"});
    std::vector<std::string> problems;
    for (const DiscoveryProblem& problem : found.problems) {
      problems.push_back(std::string(base::BaseName(problem.path)) + " " + problem.code);
    }
    CHECK(problems == Texts{"dangling FILE_NOT_FOUND", "again LINK_CYCLE", "loop LINK_CYCLE",
                            "self FILE_UNREADABLE"});
    const std::vector<Replica> replicas = FindReplicas(found, "broken", "");
    REQUIRE(replicas.size() == 1);
    CHECK(replicas[0].state == ReplicaState::kUnreadable);
  }

  // The link leads above the root: the first folder that holds it lies behind it.
  TEST_CASE("a link whose target holds the root is followed no further than the root") {
    FakeMachine machine;
    machine.Skill("home/.codex/skills/good", "good");
    machine.Link("..", "home/.codex/skills/up");
    const Discovery found = machine.Find("codex");
    REQUIRE(found.skills.size() == 1);
    CHECK(found.skills[0].placements.size() == 1);
    REQUIRE(found.problems.size() == 1);
    CHECK(found.problems[0].code == "LINK_CYCLE");
    CHECK(found.problems[0].path == machine.Path("home/.codex/skills/up/skills"));
  }

  // With hosts that look one folder deep and with those that look below.
  TEST_CASE("a SKILL.md that leads nowhere is told") {
    for (const auto& [host, root] :
         {std::pair{"claude_code", "home/.claude/skills"}, {"codex", "home/.codex/skills"}}) {
      FakeMachine machine;
      machine.Skill(std::string(root) + "/a", "a");
      machine.Link("nowhere", std::string(root) + "/lost/SKILL.md");
      machine.File(std::string(root) + "/lost/notes.md", "no skill");
      const Discovery found = machine.Find(host);
      CHECK(Seen(found) == Texts{"a global"});
      REQUIRE(found.problems.size() == 1);
      CHECK(found.problems[0].path == machine.Path(std::string(root) + "/lost/SKILL.md"));
      CHECK(found.problems[0].code == "FILE_NOT_FOUND");
    }
  }

  TEST_CASE("an unreadable folder is a problem") {
    if (geteuid() == 0) return;  // root reads everything
    FakeMachine machine;
    machine.Skill("home/.claude/skills/a", "a");
    machine.Dir("home/.claude/skills/closed");
    REQUIRE(chmod(machine.Path("home/.claude/skills/closed").c_str(), 0) == 0);
    const Discovery found = machine.Find("claude_code");
    CHECK(Seen(found) == Texts{"a global"});
    CHECK(found.problems.size() == 1);
    chmod(machine.Path("home/.claude/skills/closed").c_str(), 0755);
  }

  TEST_CASE("a folder that is entered but not listed has its skill all the same, as for the host") {
    if (geteuid() == 0) return;
    FakeMachine machine;
    machine.Skill("home/.claude/skills/a", "a");
    REQUIRE(chmod(machine.Path("home/.claude/skills/a").c_str(), 0311) == 0);
    const Discovery found = machine.Find("claude_code");
    CHECK(Seen(found) == Texts{"a global"});
    CHECK(found.problems.empty());
    chmod(machine.Path("home/.claude/skills/a").c_str(), 0755);
  }

  TEST_CASE("the same disk gives the same result") {
    FakeMachine machine;
    for (const char* name : {"c", "a", "b"}) {
      machine.Skill(std::string("home/.claude/skills/") + name, name);
      machine.Skill(std::string("home/.codex/skills/") + name, name);
    }
    const Texts once = Seen(machine.Find(""));
    CHECK(once == Seen(machine.Find("")));
    CHECK(std::ranges::is_sorted(once));
  }

  TEST_CASE("nothing is found without a home and without projects") {
    DiscoveryRequest request = hosts::DiscoveryFor(base::Environment(), {});
    request.absolute_root = "/nonexistent-root";
    CHECK(DiscoverSkills(request).skills.empty());
  }
}

}  // namespace
}  // namespace selftune::skillfs
