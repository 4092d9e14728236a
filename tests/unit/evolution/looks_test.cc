// What an evolution may ask of the held-out prompts, and what each look costs.

#include <string>
#include <vector>

#include <doctest/doctest.h>
#include <fmt/format.h>

#include "base/json_value.h"
#include "unit/evolution/evolve_scene.h"

namespace selftune::evolution {
namespace {

bool IsHeldOutQuestion(const llm::LlmRequest& request) {
  return IsJudge(request) && request.user.find("invoice batch no 0\"") != std::string::npos;
}

}  // namespace

TEST_SUITE("evolution/looks") {
  TEST_CASE("a look is charged before its first question, and stays when the test breaks off") {
    Scene scene;
    size_t looks_at_first_question = 0;
    testing::ScriptedBackend backend([&](const llm::LlmRequest& request) -> StatusOr<std::string> {
      if (!IsHeldOutQuestion(request)) return Good(request);
      looks_at_first_question = scene.Looks().size();
      return Fail(kAuthMissing, "logged out");
    });
    const EvolveResult result = scene.RunAndRecord(backend, Input());
    CHECK(CodeOf(result.failure).name == "AUTH_MISSING");
    CHECK_FALSE(result.tested);
    CHECK(looks_at_first_question == 1);
    CHECK(scene.Looks().size() == 1);
    CHECK(scene.Stored().state == store::ProposalState::kSuperseded);
    CHECK(store::RejectedTexts(*scene.db, "ledger")->empty());

    testing::ScriptedBackend repaired(Good);
    EvolveInput again = Input();
    again.looks = scene.Looks();
    CHECK(scene.RunAndRecord(repaired, again).plan.look == 2);
  }

  TEST_CASE("a budget that ends in the test leaves no proposal without an end") {
    int tested = 0;
    for (int64_t calls = 1; calls < 40; ++calls) {
      CAPTURE(calls);
      Scene scene;
      testing::ScriptedBackend backend(Good);
      llm::BudgetLimits limits;
      limits.skill.calls = calls;
      const EvolveResult result = scene.RunAndRecord(backend, Input(), limits);
      // Nobody looks unless the remainder covers the test.
      CHECK(result.looked == result.tested);
      CHECK(scene.Looks().size() == (result.tested ? 1 : 0));
      CHECK(store::UnfinishedProposals(*scene.db, "ledger")->empty());
      tested += result.tested ? 1 : 0;
    }
    CHECK(tested > 0);
    CHECK(tested < 38);
  }

  TEST_CASE("a process that dies in the test leaves its look; the next one ends its proposal") {
    Scene scene;
    testing::ScriptedBackend backend(Good);
    const EvolveInput input = Input();
    llm::Caller caller(backend, *scene.db, SystemClock(), Scene::Options(input));
    AuditTrail trail(*scene.db, input, Scene::Context(), SystemClock());
    CHECK(Evolve(caller, input, trail.Charge()).tested);
    const std::vector<std::string> left = *store::UnfinishedProposals(*scene.db, "ledger");
    REQUIRE(left.size() == 1);
    REQUIRE(EndUnfinished(*scene.db, "Ledger", "next", {9}).ok());
    CHECK(store::LoadProposal(*scene.db, left[0])->state == store::ProposalState::kSuperseded);
    CHECK(scene.Looks().size() == 1);
    CHECK(store::CheckChains(*scene.db)->empty());
  }

  TEST_CASE("two evolutions that planned at the same time make different looks") {
    Scene scene;
    const EvolveInput input = Input();
    EvolveResult result;
    result.candidates.push_back({.description = kNew});
    result.best = 0;
    for (const int look : {1, 2, 3}) {
      AuditTrail trail(*scene.db, input, Scene::Context(), SystemClock());
      const auto charged = trail.Charge()(result);
      REQUIRE(charged.ok());
      CHECK(charged->look == look);
      CHECK(charged->alpha == doctest::Approx(0.1 / (1 << look)));
    }
    AuditTrail trail(*scene.db, input, Scene::Context(), SystemClock());
    CHECK_FALSE(trail.Charge()(result)->alpha.has_value());
    CHECK(scene.Looks().size() == 3);
  }

  TEST_CASE("looks begin anew with twenty held-out texts that no look saw") {
    EvolveInput input = Input();
    std::vector<std::string> ids;
    for (const eval::EvalEntry& entry : input.set.entries) {
      if (stats::IsHeldOut(entry.split)) ids.push_back(entry.id);
    }
    input.looks = {ids, ids, ids};
    CHECK(PlanEvolution(input).reason_code == "hold");
    // Others that were ever known and never looked at are of no use to this set.
    input.looks = {ids, ids, {ids.begin(), ids.begin() + 5}};
    CHECK(PlanEvolution(input).reason_code == "hold");
    const auto rename = [&](size_t count) {
      size_t renamed = 0;
      for (eval::EvalEntry& entry : input.set.entries) {
        if (stats::IsHeldOut(entry.split) && renamed < count)
          entry.id = fmt::format("n{}", renamed++);
      }
    };
    rename(19);
    CHECK(PlanEvolution(input).reason_code == "hold");
    rename(20);
    CHECK(PlanEvolution(input).look == 1);
    CHECK(PlanEvolution(input).reason_code.empty());
  }

  TEST_CASE("a search that broke off is not followed by a look") {
    Scene scene;
    EvolveInput input = Input();
    for (int i = 0; i < 20; i += 3) {
      input.set.entries[static_cast<size_t>(i)].query = fmt::format("sort receipts of lot {}", i);
      input.set.entries[static_cast<size_t>(i) + 1].query =
          fmt::format("file receipts of lot {}", i);
    }
    int proposals = 0;
    bool looked = false;
    testing::ScriptedBackend backend([&](const llm::LlmRequest& request) -> StatusOr<std::string> {
      looked |= request.user.find("sort receipts of lot 0\"") != std::string::npos;
      if (IsJudge(request)) return JudgeAnswer(request.user);
      if (++proposals > 1) return Fail(kAuthMissing, "logged out");
      return Proposal("Use when invoices are totalled, such as a monthly sum.");
    });
    const EvolveResult result = scene.RunAndRecord(backend, input);
    CHECK(result.best.has_value());
    CHECK(CodeOf(result.failure).name == "AUTH_MISSING");
    CHECK_FALSE(looked);
    CHECK(scene.Looks().empty());
    CHECK(scene.Stored().state == store::ProposalState::kSuperseded);

    // Nor is it forgotten in a dry run.
    proposals = 0;
    llm::Caller caller(backend, *scene.db, SystemClock(), Scene::Options(input));
    CHECK(CodeOf(Evolve(caller, input, {}).failure).name == "AUTH_MISSING");
  }

  TEST_CASE("a text that was held back is not tested again on the same prompts") {
    Scene scene;
    EvolveInput input = Input();
    const auto held_back = [](const llm::LlmRequest& request) -> StatusOr<std::string> {
      // On the held-out prompts nothing is gained.
      if (!IsHeldOutQuestion(request)) return Good(request);
      std::string out;
      const auto queries = base::JsonValue::Parse(Block(request.user, "queries"));
      for (size_t i = 1; i <= queries->items().size(); ++i) out += fmt::format("{}. NO\n", i);
      return out;
    };
    testing::ScriptedBackend backend(held_back);
    CHECK(scene.RunAndRecord(backend, input).reason_code == "hold");
    const std::string first = scene.proposal_id;
    CHECK(scene.Stored().tier == "hold");
    testing::ScriptedBackend second(held_back);
    const EvolveResult again = scene.RunAndRecord(second, input);
    CHECK(again.reason_code == "hold");
    CHECK(again.reason.find(first) != std::string::npos);
    CHECK_FALSE(again.looked);
    CHECK(scene.Looks().size() == 1);
    CHECK(scene.Stored().state == store::ProposalState::kSuperseded);
    // Other prompts, or another present text: that is another test.
    input.set.sha256 = std::string(64, '3');
    testing::ScriptedBackend third(held_back);
    CHECK(scene.RunAndRecord(third, input).plan.look == 2);
    input.current += " And notes.";
    testing::ScriptedBackend fourth(held_back);
    CHECK(scene.RunAndRecord(fourth, input).looked);
    CHECK(scene.Looks().size() == 3);
  }

  TEST_CASE("a dry run does not look at the held-out queries") {
    Scene scene;
    bool looked = false;
    testing::ScriptedBackend backend([&](const llm::LlmRequest& request) -> StatusOr<std::string> {
      looked |= IsHeldOutQuestion(request);
      return Good(request);
    });
    llm::Caller caller(backend, *scene.db, SystemClock(), Scene::Options(Input()));
    const EvolveResult result = Evolve(caller, Input(), {});
    CHECK(result.reason_code == "dry_run");
    CHECK(result.best.has_value());
    CHECK_FALSE(result.tested);
    CHECK(result.gains == 0);
    CHECK_FALSE(looked);
  }
}

}  // namespace selftune::evolution
