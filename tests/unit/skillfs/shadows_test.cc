#include "skillfs/shadows.h"

#include <cstddef>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include <doctest/doctest.h>

namespace selftune::skillfs {
namespace {

std::vector<HostSkillRules> Hosts() {
  std::vector<HostSkillRules> out(2);
  out[0].platform = "one";
  out[1].platform = "two";
  out[1].equal_names_shadow = false;
  return out;
}

SkillPlacement Place(std::string path, std::string name, std::string project, int precedence) {
  SkillPlacement out;
  out.path = std::move(path);
  out.platform = "one";
  out.name = std::move(name);
  out.project_root = std::move(project);
  out.precedence = precedence;
  return out;
}

InstalledSkill Skill(std::vector<SkillPlacement> placements) {
  InstalledSkill out;
  out.placements = std::move(placements);
  return out;
}

// By the words of the rule alone: who hides this placement.
std::string HiddenBy(const std::vector<InstalledSkill>& skills, size_t skill,
                     const SkillPlacement& loser) {
  const SkillPlacement* best = nullptr;
  if (loser.prefixed || loser.platform != "one") return "";
  for (size_t i = 0; i < skills.size(); ++i) {
    for (const SkillPlacement& one : skills[i].placements) {
      const bool meets = one.project_root.empty() || one.project_root == loser.project_root;
      if (i == skill || !meets || one.prefixed || one.platform != loser.platform ||
          one.name != loser.name || one.precedence >= loser.precedence) {
        continue;
      }
      if (best == nullptr || one.precedence < best->precedence ||
          (one.precedence == best->precedence && one.path < best->path)) {
        best = &one;
      }
    }
  }
  return best == nullptr ? "" : best->path;
}

}  // namespace

TEST_SUITE("skillfs/shadows") {
  TEST_CASE("a name is hidden by the same name of higher rank where both can be seen") {
    std::vector<InstalledSkill> skills = {
        Skill({Place("/home/pdf", "pdf", "", 2)}),
        Skill({Place("/a/pdf", "pdf", "/a", 3), Place("/b/pdf", "pdf", "/b", 1)}),
        Skill({Place("/b/other", "pdf", "/b", 3)}),
        Skill({Place("/home/equal", "pdf", "", 2)}),
    };
    MarkShadowed(Hosts(), skills);
    CHECK(skills[0].placements[0].shadowed_by.empty());  // elsewhere it is seen
    CHECK(skills[1].placements[0].shadowed_by == "/home/equal");
    CHECK(skills[1].placements[1].shadowed_by.empty());
    CHECK(skills[2].placements[0].shadowed_by == "/b/pdf");
    CHECK(skills[3].placements[0].shadowed_by.empty());
  }

  TEST_CASE("of any skills the same are hidden as by the words of the rule") {
    std::mt19937 dice(7);
    const auto roll = [&](unsigned sides) { return static_cast<unsigned>(dice() % sides); };
    for (int round = 0; round < 300; ++round) {
      CAPTURE(round);
      std::vector<InstalledSkill> skills(1 + roll(6));
      int paths = 0;
      for (InstalledSkill& skill : skills) {
        for (unsigned i = 0; i <= roll(5); ++i) {
          const unsigned project = roll(4);
          SkillPlacement place =
              Place("/" + std::to_string(paths++), std::string(1, "ab"[roll(2)]),
                    project == 0 ? "" : "/p" + std::to_string(project), static_cast<int>(roll(4)));
          if (roll(8) == 0) place.platform = "two";
          place.prefixed = roll(10) == 0;
          skill.placements.push_back(std::move(place));
        }
      }
      MarkShadowed(Hosts(), skills);
      for (size_t i = 0; i < skills.size(); ++i) {
        for (const SkillPlacement& place : skills[i].placements) {
          CAPTURE(place.path);
          CHECK(place.shadowed_by == HiddenBy(skills, i, place));
        }
      }
    }
  }

  TEST_CASE("equal names of many projects are gone through three times, not each with each") {
    for (const size_t projects : {size_t{10}, size_t{1000}}) {
      std::vector<InstalledSkill> skills(2);
      for (size_t i = 0; i < projects; ++i) {
        const std::string project = "/p" + std::to_string(i);
        skills[i % 2].placements.push_back(
            Place(project + "/pdf", "pdf", project, 1 + static_cast<int>(i % 2)));
      }
      CHECK(MarkShadowed(Hosts(), skills) == 3 * projects);
    }
  }
}

}  // namespace selftune::skillfs
