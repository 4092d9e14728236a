// What the tests of an evolution share: a skill with missed prompts, a store, and
// a backend that plays model and judge.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <doctest/doctest.h>
#include <fmt/format.h>

#include "evolution/engine.h"
#include "evolution/record.h"
#include "store/audit_chain.h"
#include "store/db.h"
#include "store/evolution_log.h"
#include "support/judge_script.h"
#include "support/new_store.h"
#include "support/scripted_backend.h"
#include "support/temp_dir.h"

namespace selftune::evolution {
inline constexpr char kOld[] = "Reads documents.";
inline constexpr char kNew[] =
    "Use when the user wants invoices or receipts totalled, such as a monthly sum.";

using testing::Block;
using testing::JudgeAnswer;
using testing::Proposal;

inline bool IsJudge(const llm::LlmRequest& request) {
  return request.purpose == llm::Purpose::kTriggerBatch;
}

// Twenty prompts that should trigger and twenty that should not, most of them
// about what the present description does not say.
inline EvolveInput Input() {
  EvolveInput input;
  input.skill = "ledger";
  input.current = kOld;
  input.rounds = 2;
  input.set.skill = "ledger";
  input.set.sha256 = std::string(64, '2');
  for (int i = 0; i < 40; ++i) {
    eval::EvalEntry& entry = input.set.entries.emplace_back();
    entry.id = fmt::format("{:012x}", i);
    entry.should_trigger = i < 20;
    entry.query = entry.should_trigger ? fmt::format("please total the invoice batch no {}", i)
                                       : fmt::format("deploy the service number {}", i);
    entry.invocation_type = entry.should_trigger ? "implicit" : "negative";
    entry.missed = entry.should_trigger;
    entry.split = i % 2 == 0 ? stats::Split::kTest : stats::Split::kTrain;
  }
  return input;
}

struct Scene {
  testing::TempDir dir;
  std::unique_ptr<store::Db> db = testing::NewStore(dir);
  static llm::CallerOptions Options(const EvolveInput& input, llm::BudgetLimits limits = {}) {
    llm::CallerOptions options;
    options.run_id = "run";
    options.skill = input.skill;
    options.limits = limits;
    options.use_cache = false;
    options.sleep = [](int64_t) {};
    return options;
  }
  // The evolution by itself: looks are counted, nothing is written down.
  StatusOr<EvolveResult> Run(testing::ScriptedBackend& backend, const EvolveInput& input,
                             llm::BudgetLimits limits = {}) const {
    llm::Caller caller(backend, *db, SystemClock(), Options(input, limits));
    EvolveResult result = Evolve(caller, input, [](const EvolveResult&) {
      return StatusOr<ChargedLook>({.look = 1, .alpha = 0.05});
    });
    if (!result.failure.ok()) return result.failure;
    return result;
  }
  // With its audit, as the loop does it.
  EvolveResult RunAndRecord(testing::ScriptedBackend& backend, const EvolveInput& input,
                            llm::BudgetLimits limits = {}) {
    llm::Caller caller(backend, *db, SystemClock(), Options(input, limits));
    AuditTrail trail(*db, input, Context(), SystemClock());
    EvolveResult result = Evolve(caller, input, trail.Charge());
    const Status finished = trail.Finish(result);
    INFO(Message(finished));
    REQUIRE(finished.ok());
    proposal_id = trail.best_proposal_id();
    CHECK(store::CheckChains(*db)->empty());
    return result;
  }
  static RecordContext Context() {
    return {.run_id = "run",
            .location = "/s/SKILL.md",
            .file_sha256 = std::string(32, 0x1),
            .agent = "scripted"};
  }
  [[nodiscard]] store::StoredProposal Stored() const {
    auto stored = store::LoadProposal(*db, proposal_id);
    REQUIRE(stored.ok());
    return *std::move(stored);
  }
  [[nodiscard]] std::vector<std::vector<std::string>> Looks() const {
    return store::EntriesOfLooks(*db, "ledger").value();
  }
  std::string proposal_id;
};

inline StatusOr<std::string> Good(const llm::LlmRequest& request) {
  return IsJudge(request) ? JudgeAnswer(request.user) : Proposal(kNew);
}

}  // namespace selftune::evolution
