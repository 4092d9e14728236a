#include "evolution/engine.h"

#include <algorithm>
#include <cstdint>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "base/status_macros.h"
#include "evolution/held_out.h"
#include "evolution/search.h"

namespace selftune::evolution {
namespace {

constexpr double kMaxInvalid = 0.10;

void Conclude(EvolveResult& result, std::string_view code, std::string reason) {
  result.reason_code = code;
  result.reason = std::move(reason);
}

bool IsBudget(const Status& status) { return CodeOf(status).name == kBudgetExhausted.name; }

// Counts of the held-out test; invalid and flaky entries are in none of them.
stats::PromotionInput Tally(EvolveResult& result) {
  stats::PromotionInput input;
  for (const HeldOutEntry& entry : result.held_out) {
    if (!entry.valid()) {
      ++result.invalid;
      continue;
    }
    if (entry.flaky) {
      ++result.flaky;
      continue;
    }
    ++result.counted;
    ++(entry.should_trigger ? input.positives : input.negatives);
    result.passed_before += entry.before.Passed(entry.should_trigger) ? 1 : 0;
    result.passed_after += entry.after.Passed(entry.should_trigger) ? 1 : 0;
    input.gains += entry.gain() ? 1 : 0;
    input.losses += entry.loss() ? 1 : 0;
    input.negative_losses += entry.loss() && !entry.should_trigger ? 1 : 0;
  }
  result.gains = input.gains;
  result.losses = input.losses;
  input.look = result.plan.look;
  return input;
}

std::vector<HeldOutEntry> HeldOutOf(const EvolveInput& input) {
  std::vector<HeldOutEntry> out;
  for (const eval::EvalEntry& entry : input.set.entries) {
    if (!stats::IsHeldOut(entry.split)) continue;
    out.push_back({.id = entry.id, .query = entry.query, .should_trigger = entry.should_trigger});
  }
  return out;
}

std::string_view CodeOfTier(const stats::PromotionDecision& decision) {
  if (decision.tier == stats::Tier::kPromote) return "promoted";
  if (decision.tier == stats::Tier::kCanary) return "canary";
  for (const std::string_view own :
       {"neighbour_regression", "budget_exhausted", "judge_unreliable"}) {
    if (decision.reason == own) return own;
  }
  return "hold";
}

// The figures decide; neighbours are asked only if they say yes.
Status Decide(Judge& judge, const EvolveInput& input, const std::string& candidate,
              EvolveResult& result) {
  stats::PromotionInput promotion = Tally(result);
  result.tested = true;
  const auto entries = static_cast<double>(result.held_out.size());
  if (static_cast<double>(result.invalid) > kMaxInvalid * entries) {
    Conclude(result, "judge_unreliable",
             fmt::format("{} of {} held-out prompts got no valid answer", result.invalid,
                         result.held_out.size()));
    return absl::OkStatus();
  }
  promotion.neighbours = stats::Neighbours::kClean;
  const bool worthwhile = stats::DecidePromotion(promotion).tier != stats::Tier::kHold;
  promotion.neighbours = stats::Neighbours::kNotAsked;  // stays, whatever ends it here
  result.decision = stats::DecidePromotion(promotion);
  if (worthwhile) {
    const StatusOr<NeighbourTest> test = TestNeighbours(judge, input, candidate);
    if (!test.ok() && !IsBudget(test.status())) return test.status();
    promotion.neighbours = !test.ok()            ? stats::Neighbours::kNotAffordable
                           : test->losses > 0    ? stats::Neighbours::kRegressed
                           : test->undecided > 0 ? stats::Neighbours::kUndecided
                                                 : stats::Neighbours::kClean;
    result.decision = stats::DecidePromotion(promotion);
  }
  Conclude(result, CodeOfTier(result.decision),
           fmt::format("{} gains and {} losses on {} held-out prompts, p = {:.5f} (limit {:.4f})",
                       result.gains, result.losses, result.counted, result.decision.p,
                       result.decision.alpha));
  return absl::OkStatus();
}

Status Test(Judge& judge, const EvolveInput& input, const ChargeLook& charge,
            EvolveResult& result) {
  ST_ASSIGN_OR_RETURN(const ChargedLook look, charge(result));
  if (!look.held_before.empty()) {
    Conclude(result, "hold",
             fmt::format("this text was tested before on the same prompts and held back (proposal "
                         "{}); new prompts allow another test",
                         look.held_before));
    return absl::OkStatus();
  }
  result.plan.look = look.look;
  result.plan.alpha = look.alpha;
  if (!look.alpha.has_value()) {
    Conclude(result, "hold", "the held-out prompts were looked at three times meanwhile");
    return absl::OkStatus();
  }
  result.looked = true;
  const std::string& candidate = result.candidates[*result.best].description;
  result.held_out = HeldOutOf(input);
  ST_RETURN_IF_ERROR(TestHeldOut(judge, input.skill, input.current, candidate, result.held_out));
  return Decide(judge, input, candidate, result);
}

std::vector<const Candidate*> Refused(const EvolveResult& result) {
  std::vector<const Candidate*> out;
  for (const Candidate& candidate : result.candidates) {
    if (candidate.fate == CandidateFate::kConstitution) out.push_back(&candidate);
  }
  return out;
}

// "broaden (3): \"any\" without ...; tags (1): ...": each rule that was broken with the
// number of texts that broke it and what was found first, the most broken rule first.
std::string BrokenRules(const std::vector<const Candidate*>& refused) {
  struct Rule {
    std::string_view id, first;
    int64_t texts = 0;
  };
  std::vector<Rule> rules;
  for (const Candidate* candidate : refused) {
    std::set<std::string_view> seen;
    for (const Violation& violation : candidate->violations) {
      if (!seen.insert(violation.id).second) continue;
      auto rule = std::find_if(rules.begin(), rules.end(),
                               [&](const Rule& known) { return known.id == violation.id; });
      if (rule == rules.end()) {
        rule = rules.insert(rule, Rule{.id = violation.id, .first = violation.message});
      }
      ++rule->texts;
    }
  }
  std::stable_sort(rules.begin(), rules.end(),
                   [](const Rule& a, const Rule& b) { return a.texts > b.texts; });
  std::string out;
  for (const Rule& rule : rules) {
    out += fmt::format("{}{} ({}): {}", out.empty() ? "" : "; ", rule.id, rule.texts, rule.first);
  }
  return out;
}

// Replies that could not be used cost their rounds; they are the answer only
// when there was no other.
Status ConcludeWithoutBest(const SearchResult& search, EvolveResult& result) {
  const bool bad_reply = IsRefusedReply(search.stopped) && !result.candidates.empty();
  if (!search.stopped.ok() && !bad_reply) return search.stopped;
  const std::vector<const Candidate*> refused = Refused(result);
  const size_t all = result.candidates.size();
  if (!refused.empty() && refused.size() == all) {
    Conclude(result, "constitution",
             fmt::format("{} of {} candidates refused untested by the rules for descriptions: {}",
                         all, all, BrokenRules(refused)));
    return absl::OkStatus();
  }
  Conclude(result, "no_candidate_improved",
           fmt::format("{} candidates, none better than the present text ({} of {} training "
                       "prompts){}",
                       all, search.passed_before, search.entries,
                       refused.empty() ? ""
                                       : fmt::format("; {} of them refused untested: {}",
                                                     refused.size(), BrokenRules(refused))));
  return absl::OkStatus();
}

Status Work(llm::Caller& caller, const EvolveInput& input, const ChargeLook& charge,
            EvolveResult& result) {
  Judge judge(caller, input.seed);
  ST_ASSIGN_OR_RETURN(const bool discriminates, JudgeDiscriminates(judge, input.skill));
  if (!discriminates) {
    Conclude(result, "harness_invalid",
             "the judge does not tell a fitting query from an unfitting one; no figure means "
             "anything");
    return absl::OkStatus();
  }
  ST_ASSIGN_OR_RETURN(SearchResult search, Search(caller, judge, input));
  result.candidates = std::move(search.candidates);
  result.best = search.best;
  result.train_passed_before = search.passed_before;
  result.train_passed_best = search.passed_best;
  if (search.invalid_share > kMaxInvalid) {
    Conclude(result, "judge_unreliable", "more than 10 % of the judge's answers were unusable");
    return absl::OkStatus();
  }
  if (!result.best.has_value()) return ConcludeWithoutBest(search, result);
  const bool whole = search.stopped.ok() || IsRefusedReply(search.stopped);
  if (!whole && !IsBudget(search.stopped)) return search.stopped;
  if (charge) {
    ST_RETURN_IF_ERROR(caller.CheckRoom(result.plan.test_calls, result.plan.test_tokens));
    return Test(judge, input, charge, result);
  }
  Conclude(result, "dry_run",
           fmt::format("a candidate does better on the training prompts ({} of {}, before {}){}; "
                       "the held-out test is not made in a dry run, for each look at it counts",
                       search.passed_best, search.entries, search.passed_before,
                       whole ? "" : ", the search ended early for its budget"));
  return absl::OkStatus();
}

}  // namespace

bool HeldOutEntry::gain() const {
  return counted() && !before.Passed(should_trigger) && after.Passed(should_trigger);
}

bool HeldOutEntry::loss() const {
  return counted() && before.Passed(should_trigger) && !after.Passed(should_trigger);
}

EvolveResult Evolve(llm::Caller& caller, const EvolveInput& input, const ChargeLook& charge) {
  EvolveResult result;
  result.plan = PlanEvolution(input);
  if (!result.plan.reason_code.empty()) {
    Conclude(result, result.plan.reason_code, result.plan.reason);
    return result;
  }
  result.failure = Work(caller, input, charge, result);
  if (result.failure.ok()) return result;
  const std::string why(Message(result.failure));
  if (!IsBudget(result.failure)) {
    Conclude(result, "error", why);
    return result;
  }
  Conclude(result, "budget_exhausted", why);
  result.failure = absl::OkStatus();
  return result;
}

}  // namespace selftune::evolution
