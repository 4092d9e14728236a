#include "status/v2_rules.h"

#include <string>
#include <utility>

#include <doctest/doctest.h>

namespace selftune::status::v2 {
namespace {

store::V2Skill Skill(int64_t checks, int64_t missed, std::string latest = {}) {
  store::V2Skill out;
  out.name = "pdf";
  out.checks = checks;
  out.missed = missed;
  out.triggered = checks - missed;
  out.latest_action = std::move(latest);
  return out;
}

std::string CategoryOf(const store::V2Skill& skill) {
  const auto found = AttentionOf(skill);
  return found.has_value() ? std::string(found->category) + "/" + std::string(found->severity) : "";
}

TEST_SUITE("status/v2_rules") {
  TEST_CASE("the first rule that matches asks for attention") {
    CHECK(CategoryOf(Skill(10, 0)) == "");
    CHECK(CategoryOf(Skill(10, 1)) == "");  // not above a tenth
    CHECK(CategoryOf(Skill(10, 2)) == "regression/warning");
    CHECK(CategoryOf(Skill(4, 4)) == "");  // too few checks
    CHECK(CategoryOf(Skill(4, 4, "rolled_back")) == "needs_review/critical");
    store::V2Skill waiting = Skill(10, 5);
    waiting.pending = 1;
    CHECK(CategoryOf(waiting) == "needs_review/info");
  }

  TEST_CASE("trust falls into buckets") {
    struct Case {
      int64_t checks, missed;
      const char* latest;
      const char* bucket;
      const char* state;
    };
    const Case cases[] = {
        {20, 0, "", "stable", "observed"},
        {20, 3, "", "stable", "observed"},
        {20, 4, "", "at_risk", "observed"},
        {9, 0, "", "uncertain", "observed"},
        {4, 0, "", "uncertain", "low_sample"},
        {20, 0, "rolled_back", "at_risk", "rolled_back"},
        {20, 0, "validated", "improving", "validated"},
        {20, 0, "created", "improving", "observed"},
        {20, 0, "deployed", "stable", "deployed"},
        {20, 0, "confirmed", "stable", "deployed"},
    };
    for (const Case& c : cases) {
      const Trust trust = TrustOf(Skill(c.checks, c.missed, c.latest));
      CAPTURE(c.latest);
      CAPTURE(c.missed);
      CHECK(trust.bucket == c.bucket);
      CHECK(trust.state == c.state);
      CHECK(!trust.reason.empty());
    }
  }

  TEST_CASE("a decision is what somebody would want to know of") {
    const auto kind = [](const char* action, const char* snapshot = "") {
      store::V2Event event;
      event.action = action;
      event.snapshot = snapshot;
      return DecisionKind(event);
    };
    CHECK(kind("created") == "proposal_created");
    CHECK(kind("validated") == "proposal_created");
    CHECK(kind("validated", R"({"regressions":[]})") == "proposal_created");
    CHECK(kind("validated", R"({"regressions":["q"]})") == "validation_failed");
    CHECK(kind("rejected") == "proposal_rejected");
    CHECK(kind("deployed") == "proposal_deployed");
    CHECK(kind("rolled_back") == "rollback_triggered");
    CHECK(kind("deploying").empty());
  }

  TEST_CASE("the level is the worst there is") {
    const UtcMillis now{1'000'000'000'000};
    CHECK(AutonomyLevel({.now = now}) == "healthy");
    CHECK(AutonomyLevel({.last_run = UtcMillis{now.value - 3'600'000}, .now = now}) == "watching");
    CHECK(AutonomyLevel({.last_run = UtcMillis{0}, .now = now}) == "healthy");
    CHECK(AutonomyLevel({.recent_decision = true, .now = now}) == "watching");
    CHECK(AutonomyLevel({.needs_review = true, .recent_decision = true, .now = now}) ==
          "needs_review");
    CHECK(AutonomyLevel({.critical = true, .needs_review = true, .now = now}) == "blocked");
  }

  TEST_CASE("readiness names the next step") {
    store::V2Skill skill = Skill(2, 0);
    CHECK(ReadinessOf(skill).evals == "telemetry_only");
    skill.path = "/s/SKILL.md";
    CHECK(ReadinessOf(skill).evals == "cold_start_ready");
    skill.triggered = 3;
    CHECK(ReadinessOf(skill).evals == "log_ready");
    CHECK(ReadinessOf(skill).next_step == "generate_evals");
    CHECK(ReadinessOf(skill).deployment == "blocked");
    skill.eval_entries = 5;
    CHECK(ReadinessOf(skill).next_step == "run_replay_dry_run");
    skill.replays = 5;
    CHECK(ReadinessOf(skill).next_step == "deploy_candidate");
    CHECK(ReadinessOf(skill).deployment == "ready_to_deploy");
    skill.latest_action = "deployed";
    CHECK(ReadinessOf(skill).next_step == "watch_deployment");
    CHECK(ReadinessOf(skill).deployment == "watching");
    skill.latest_action = "rolled_back";
    CHECK(ReadinessOf(skill).deployment == "rolled_back");
  }
}

}  // namespace
}  // namespace selftune::status::v2
