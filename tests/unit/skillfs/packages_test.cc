// Who looks after a skill's file: the package that it really lies in, whoever names it.
#include <algorithm>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <doctest/doctest.h>
#include <fmt/format.h>

#include "named_roots_machine.h"
#include "skillfs/replicas.h"

namespace selftune {
namespace {

using named_roots::File;
using named_roots::Lines;
using named_roots::Machine;

using Link = std::pair<const char*, const char*>;  // what it leads to, its path

struct Case {
  const char* name;
  std::vector<const char*> skills;  // their folders
  std::vector<Link> links;
  std::vector<File> files;
  Lines want;  // "real folder: plugin", "-" = the person's own; of all agents together
};

// What each agent says of a file is the same, so it is said once.
Lines Owners(const Machine& machine) {
  Lines out;
  for (const skillfs::InstalledSkill& skill : machine.Find("").skills) {
    Lines said;
    for (const skillfs::SkillPlacement& place : skill.placements) {
      const bool own = place.plugin.empty() && place.scope != "system" && place.scope != "admin";
      said.push_back(fmt::format("{}: {}", machine.Short(base::DirName(skill.real_path)),
                                 own ? "-" : place.plugin));
    }
    std::sort(said.begin(), said.end());
    said.erase(std::unique(said.begin(), said.end()), said.end());
    out.insert(out.end(), said.begin(), said.end());
  }
  std::sort(out.begin(), out.end());
  return out;
}

File ClaudePlugin(const char* skills) {
  return {"home/.claude/plugins/cache/market/acme/1.0/.claude-plugin/plugin.json",
          fmt::format(R"({{"name": "acme", "skills": {}}})", skills)};
}

const File kClaudePlugins{
    "home/.claude/plugins/installed_plugins.json",
    R"({"plugins": {"acme@market": {"installPath": "~~/home/.claude/plugins/cache/market/acme/1.0"}}})"};

}  // namespace

TEST_SUITE("skillfs/packages") {
  TEST_CASE("a file belongs to the package that it really lies in, and to no other") {
    const char* const kit = "home/.pi/agent/git/host.org/me/kit";
    const File uses_kit{"home/.pi/agent/settings.json", R"({"packages": ["git:host.org/me/kit"]})"};
    const File repo_uses_kit{"repo/src/.pi/settings.json",
                             R"({"packages": ["git:host.org/me/kit"]})"};
    const char* const kit_skill = "home/.pi/agent/git/host.org/me/kit/skills/one";
    const char* const acme = "home/.claude/plugins/cache/market/acme/1.0/skills/check";
    const Case cases[] = {
        {"in a plugin that is off, outside the cache, which another agent's folder links to",
         {"dev/acme/skills/check"},
         {{"dev/acme/skills/check", "home/.agents/skills/check"}},
         {{"dev/acme/.claude-plugin/plugin.json", R"({"name": "acme"})"},
          {"home/.claude/plugins/installed_plugins.json",
           R"({"plugins": {"acme@market": {"installPath": "~~/dev/acme"}}})"},
          {"home/.claude/settings.json", R"({"enabledPlugins": {"acme@market": false}})"}},
         {"dev/acme/skills/check: acme"}},
        {"in a package",
         {kit_skill},
         {},
         {uses_kit},
         {std::string(kit_skill) + ": git:host.org/me/kit"}},
        {"and seen by another agent through a link",
         {kit_skill},
         {{kit_skill, "home/.claude/skills/one"}},
         {uses_kit},
         {std::string(kit_skill) + ": git:host.org/me/kit"}},
        {"a link in a package leads to a person's skill, whatever the manifest names",
         {kit_skill, "home/mine/two"},
         {{"home/mine/two", "home/.pi/agent/git/host.org/me/kit/skills/two"}},
         {uses_kit, {std::string(kit) + "/package.json", R"({"pi": {"skills": ["skills"]}})"}},
         {std::string(kit_skill) + ": git:host.org/me/kit", "home/mine/two: -"}},
        {"the folder of a package leads to a person's",
         {"home/mine/skills/two"},
         {{"home/mine", kit}},
         {uses_kit},
         {"home/mine/skills/two: -"}},
        {"the same in a cloned repository",
         {"home/mine/skills/two"},
         {{"home/mine", "repo/src/.pi/git/host.org/me/kit"}},
         {repo_uses_kit},
         {"home/mine/skills/two: -"}},
        {"or a folder on the way to it",
         {"home/mine/kit/skills/two"},
         {{"home/mine", "repo/src/.pi/git/host.org/me"}},
         {repo_uses_kit},
         {"home/mine/kit/skills/two: -"}},
        {"or the folder that packages are kept in",
         {"home/git/host.org/me/kit/skills/two"},
         {{"home/git", "repo/src/.pi/git"}},
         {repo_uses_kit},
         {"home/git/host.org/me/kit/skills/two: -"}},
        {"a package within those of its kind, as some installers link them",
         {"home/.pi/agent/npm/node_modules/.pnpm/kit@1/node_modules/kit/skills/one"},
         {{"home/.pi/agent/npm/node_modules/.pnpm/kit@1/node_modules/kit",
           "home/.pi/agent/npm/node_modules/kit"}},
         {{"home/.pi/agent/settings.json", R"({"packages": ["npm:kit"]})"}},
         {"home/.pi/agent/npm/node_modules/.pnpm/kit@1/node_modules/kit/skills/one: npm:kit"}},
        {"a plugin", {acme}, {}, {kClaudePlugins}, {std::string(acme) + ": acme"}},
        {"a plugin's manifest leads out of it",
         {acme, "home/mine/two"},
         {},
         {kClaudePlugins, ClaudePlugin(R"(["../../../../../../mine"])")},
         {std::string(acme) + ": acme", "home/mine/two: -"}},
        {"by a link",
         {acme, "home/mine/two"},
         {{"home/mine", "home/.claude/plugins/cache/market/acme/1.0/more"}},
         {kClaudePlugins, ClaudePlugin(R"("./more")")},
         {std::string(acme) + ": acme", "home/mine/two: -"}},
        {"a plugin that is linked as a whole",
         {"home/dev/skills/check"},
         {{"home/dev", "home/.claude/plugins/cache/market/acme/1.0"}},
         {kClaudePlugins},
         {"home/dev/skills/check: -"}},
        {"an extension and a link in it",
         {"home/.gemini/extensions/ext/skills/one", "home/mine/two"},
         {{"home/mine/two", "home/.gemini/extensions/ext/skills/two"}},
         {{"home/.gemini/extensions/ext/gemini-extension.json",
           R"({"name": "ext", "version": "1"})"}},
         {"home/.gemini/extensions/ext/skills/one: ext", "home/mine/two: -"}},
    };
    for (const Case& c : cases) {
      CAPTURE(c.name);
      const Machine machine;
      for (const char* folder : c.skills) machine.Skill(folder);
      for (const auto& [target, path] : c.links) machine.Link(target, path);
      for (const File& file : c.files) machine.Write(file);
      Lines want = c.want;
      std::sort(want.begin(), want.end());
      CHECK(Owners(machine) == want);
    }
  }

  TEST_CASE("a person's skill that a package leads to is still changed, called as it is") {
    const Machine machine;
    machine.Skill("home/.claude/skills/two");
    machine.Write(kClaudePlugins);
    machine.Write(ClaudePlugin(R"(["../../../../../skills"])"));
    const skillfs::Discovery found = machine.Find("claude_code");
    CHECK(machine.Told(found) == Lines{"home/.claude/skills/two: two global"});
    const auto replicas = skillfs::FindReplicas(found, "two", "About two.");
    REQUIRE(replicas.size() == 1);
    CHECK(skillfs::Name(replicas[0].state) == "deploys");
  }
}

}  // namespace selftune
