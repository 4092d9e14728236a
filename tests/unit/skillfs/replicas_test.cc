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
  }
}

}  // namespace
}  // namespace selftune::skillfs
