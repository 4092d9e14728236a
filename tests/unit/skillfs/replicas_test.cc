#include "skillfs/replicas.h"

#include <doctest/doctest.h>

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace selftune::skillfs {
namespace {

TEST_SUITE("skillfs/replicas") {
  TEST_CASE("protected scopes and packages are never written") {
    Discovery discovery;
    const auto add = [&](std::string path, std::string_view scope, bool read_only) {
      InstalledSkill skill;
      skill.real_path = std::move(path);
      skill.read_only = read_only;
      skill.frontmatter.description = "d";
      SkillPlacement placement;
      placement.name = "x";
      placement.scope = scope;
      skill.placements.push_back(placement);
      discovery.skills.push_back(skill);
    };
    add("/etc/codex/skills/x/SKILL.md", "admin", false);
    add("/h/.codex/skills/.system/x/SKILL.md", "system", false);
    add("/h/node_modules/p/skills/x/SKILL.md", "global", false);
    add("/h/.claude/plugins/marketplaces/m/skills/x/SKILL.md", "global", false);
    add("/h/.claude/skills/x/SKILL.md", "global", true);
    add("/h/.claude/skills/y/SKILL.md", "global", false);
    std::vector<std::string_view> states;
    for (const Replica& replica : FindReplicas(discovery, "x", "d")) {
      states.push_back(Name(replica.state));
    }
    CHECK(states == std::vector<std::string_view>{"protected", "protected", "managed_by_plugin",
                                                  "managed_by_plugin", "managed_by_plugin",
                                                  "deploys"});
    CHECK_FALSE(IsPackagePath("/h/my-plugins/cache/x"));
    // What an installer put there is replaced by its next update, whoever names the folder too.
    CHECK(IsPackagePath("/h/p/.pi/git/github.com/u/r/skills/x/SKILL.md"));
    CHECK(IsPackagePath("/h/.pi/agent/git/github.com/u/r/skills/x/SKILL.md"));
    CHECK(IsPackagePath("/h/.gemini/extensions/docs/skills/x/SKILL.md"));
    CHECK_FALSE(IsPackagePath("/h/.pi/agent/skills/git/SKILL.md"));
    CHECK_FALSE(IsPackagePath("/h/git/.pi/skills/x/SKILL.md"));
  }

  TEST_CASE("a copy that its host is about to change is left alone, with what it says") {
    Discovery discovery;
    for (const std::string_view description : {"d", "another"}) {
      InstalledSkill skill;
      skill.real_path = "/h/.openclaw/skills/x/SKILL.md";
      skill.frontmatter.description = description;
      skill.held = {.what = "proposal p1", .command = "show it"};
      skill.placements.push_back({.platform = "openclaw", .scope = "global", .name = "x"});
      discovery.skills.push_back(skill);
    }
    const auto replicas = FindReplicas(discovery, "x", "d");
    REQUIRE(replicas.size() == 2);
    CHECK(Name(replicas[0].state) == "held_by_host");
    CHECK(replicas[0].reason == "proposal p1");
    CHECK(Name(replicas[1].state) == "diverged");  // never touched anyway
  }
}

}  // namespace
}  // namespace selftune::skillfs
