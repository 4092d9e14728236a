#include "status/summary.h"

#include <string>
#include <utility>
#include <vector>

#include <doctest/doctest.h>

namespace selftune::status {
namespace {

using monitoring::State;

SkillState Skill(int64_t id, std::string name, State state = State::kHealthy) {
  SkillState out;
  out.totals.id = store::SkillId{id};
  out.totals.name = std::move(name);
  out.health.state = state;
  out.health.state_reason = "upper_below_half";
  out.places.push_back({.id = out.totals.id, .path = "/s/SKILL.md"});
  return out;
}

std::vector<std::string> Kinds(const std::vector<Attention>& attention) {
  std::vector<std::string> out;
  for (const Attention& item : attention) out.push_back(item.skill + ":" + std::string(item.kind));
  return out;
}

TEST_SUITE("status/summary") {
  TEST_CASE("skills that do well need no attention") {
    const std::vector<SkillState> skills = {Skill(1, "a"), Skill(2, "b", State::kUncertain),
                                            Skill(3, "c", State::kUngraded),
                                            Skill(4, "d", State::kUnknown)};
    CHECK(FindAttention(skills).empty());
  }

  TEST_CASE("worst first, one entry a skill for how it does and one for what waits") {
    SkillState drifting = Skill(2, "drift");
    drifting.watch = store::SkillWatch{.deploy_id = "d", .state = "watching", .drifting = true};
    SkillState regressed = Skill(3, "worse", State::kCritical);
    regressed.watch = store::SkillWatch{.deploy_id = "d", .state = "regressed"};
    SkillState waiting = Skill(4, "waits", State::kWarning);
    waiting.open_proposals = 2;
    const std::vector<SkillState> skills = {drifting, Skill(1, "bad", State::kCritical), waiting,
                                            regressed};
    const auto found = FindAttention(skills);
    CHECK(Kinds(found) == std::vector<std::string>{"bad:critical", "worse:regressed",
                                                   "drift:drifting", "waits:warning",
                                                   "waits:proposal"});
    CHECK(found[1].argv ==
          std::vector<std::string>{"selftune", "evolve", "rollback", "--skill", "worse"});
    CHECK(found[4].reason == "2 proposals wait for a review");
  }

  TEST_CASE("skills are counted by what is installed, used, judged and in need") {
    SkillState silent = Skill(1, "silent", State::kUnknown);
    SkillState used = Skill(2, "used", State::kUngraded);
    used.window.triggered = 3;
    SkillState gone = Skill(3, "gone", State::kHealthy);
    gone.places.clear();
    gone.window.triggered = 1;
    gone.health.good = 4;
    SkillState bad = Skill(4, "bad", State::kCritical);
    bad.health.bad = 5;
    bad.open_proposals = 1;
    SkillState drifting = Skill(5, "drift");
    drifting.watch = store::SkillWatch{.deploy_id = "d", .state = "watching", .drifting = true};
    const SkillCounts counts =
        CountSkills(std::vector<SkillState>{silent, used, gone, bad, drifting});
    CHECK(counts.total == 5);
    CHECK(counts.installed == 4);
    CHECK(counts.used == 2);
    CHECK(counts.uses == 4);
    CHECK(counts.judged == 2);
    CHECK(counts.attention == 2);
  }

  TEST_CASE("what selftune may not change is only looked at") {
    SkillState locked = Skill(1, "locked", State::kCritical);
    locked.autonomy = config::SkillAutonomy::kLocked;
    SkillState managed = Skill(2, "p:managed", State::kCritical);
    managed.managed = true;
    SkillState gone = Skill(3, "gone", State::kCritical);
    gone.places.clear();
    SkillState off = Skill(5, "off", State::kCritical);
    off.disabled = true;  // no description brings it back
    for (const SkillState& skill : {locked, managed, gone, off}) {
      const auto found = FindAttention(std::vector<SkillState>{skill});
      REQUIRE(found.size() == 1);
      CHECK(found[0].argv ==
            std::vector<std::string>{"selftune", "skills", "show", skill.totals.name});
    }
    const auto ours = FindAttention(std::vector<SkillState>{Skill(4, "ours", State::kCritical)});
    CHECK(ours[0].argv == std::vector<std::string>{"selftune", "evolve", "--skill", "ours"});
  }

  TEST_CASE("the verdict names the worst there is") {
    std::vector<Attention> attention;
    const auto judge = [&](VerdictInput input) {
      input.attention = attention;
      return Judge(input);
    };
    CHECK(judge({}).level == "empty");
    const Verdict known = judge({.sessions = 5, .skills = {.total = 2, .uses = 1, .judged = 1}});
    CHECK(known.level == "ok");
    CHECK(known.text == "Nothing is wrong: 1 of 2 skills judged, 1 use in 30 days.");
    CHECK(known.hint.empty());
    // Nothing judged is not nothing wrong.
    const Verdict unknown = judge({.sessions = 5, .skills = {.total = 9, .uses = 46}});
    CHECK(unknown.level == "unknown");
    CHECK(unknown.text ==
          "Nothing is known to be wrong: none of 9 skills was judged yet, 46 uses in 30 days.");
    CHECK(unknown.hint.find("why didn't you use") != std::string::npos);
    CHECK(judge({.sessions = 5, .stale = true}).text == "The evidence is older than a day.");
    CHECK(judge({.sessions = 5, .failed_checks = 1, .stale = true}).text ==
          "1 check of the installation fails.");
    attention.push_back({.skill = "a", .kind = "proposal", .severity = Severity::kInfo});
    CHECK(judge({.sessions = 5, .stale = true}).text == "Proposals for a wait for your review.");
    attention.push_back({.skill = "b", .kind = "warning", .severity = Severity::kWarning});
    CHECK(judge({.sessions = 5}).text == "1 skill could do better: b.");
    for (const char* name : {"c", "d", "e", "f", "g"}) {
      attention.push_back({.skill = name, .kind = "critical", .severity = Severity::kCritical});
    }
    const Verdict worst = judge({.sessions = 5, .failed_checks = 3});
    CHECK(worst.level == "critical");
    CHECK(worst.text == "5 skills need help now: c, d, e and 2 more.");
  }
}

}  // namespace
}  // namespace selftune::status
