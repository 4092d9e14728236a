// Model calls as the loop makes them: marked as ours, paid for before they are
// made, answered from the cache where the same was asked before, retried where
// that can help, and written down.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/cancel.h"
#include "base/crypto.h"
#include "base/error.h"
#include "base/time.h"
#include "llm/backend.h"
#include "llm/redact.h"
#include "store/db.h"
#include "store/llm_rows.h"

namespace selftune::llm {

// Caps of one run; 0 = no limit. Defaults: evolution.md 21.
struct BudgetLimits {
  store::Spending skill{60, 400'000, 1'000'000};
  store::Spending run{180, 1'200'000, 2'000'000};
  store::Spending day{1'000, 5'000'000, 5'000'000};
};

// BUDGET_EXHAUSTED when the day's limits have no room for another call.
[[nodiscard]] Status CheckDay(store::Db& db, const store::Spending& limit, UtcMillis now);

// How whoever asked wants models to be used.
struct ModelUse {
  Tier tier = Tier::kStrong;
  std::string model, effort;  // "" = what the agent takes
  BudgetLimits limits;
  std::optional<UtcMillis> stop_at;
  bool redact_emails = false;
  uint64_t seed = 42;
};

struct CallerOptions {
  std::string run_id;
  std::string skill;  // budget and accounting, "" = none
  BudgetLimits limits;
  uint64_t seed = 42;  // jitter of retries
  bool use_cache = true;
  int max_retries = 3;
  const base::Cancel* cancel = nullptr;
  std::optional<UtcMillis> stop_at;  // no call is begun after this, none lasts longer
  std::string home;                  // taken out of prompts, like secrets
  bool redact_emails = false;
  // Sleeps between retries; tests replace it.
  std::function<void(int64_t ms)> sleep;
};

// One question. The caller adds the marker line; `body` is everything after it.
struct Question {
  Purpose purpose = Purpose::kProposal;
  Tier tier = Tier::kStandard;
  std::string system;
  std::string body;
  // The part of `body` that stays the same when only nonces differ: key of the
  // cache. "" = body.
  std::string cache_text;
  int repeat = 0;             // keeps repeated runs of one question apart
  int64_t items = 1;          // answers expected, for the estimate
  std::string model, effort;  // "" = by tier
};

struct CallerTotals {
  int64_t calls = 0;     // made, each attempt, without cached answers
  int64_t answered = 0;  // of the questions that were asked, with something that could be used
  int64_t cached = 0;
  int64_t input_tokens = 0, output_tokens = 0;
  int64_t cost_micro_usd = 0;
  bool cost_known = true;  // false: some call did not report its cost
};

// Not thread-safe. `db` must be open for writing; a dry run may pass it too:
// money that was spent is always written down.
class Caller {
 public:
  Caller(Backend& backend, store::Db& db, const Clock& clock, CallerOptions options);

  // BUDGET_EXHAUSTED before the call is made; else the backend's failure after
  // the last retry. After five failures in a row every further call fails with
  // BACKEND_UNAVAILABLE at once.
  [[nodiscard]] StatusOr<LlmReply> Ask(const Question& question);

  // Would these further calls be made? BUDGET_EXHAUSTED, CANCELLED or
  // BACKEND_UNAVAILABLE as Ask() would say; charges nothing.
  [[nodiscard]] Status CheckRoom(int64_t calls, int64_t tokens) const;

  // The validator refused the reply: it must not be answered from the cache.
  void Forget(const Question& question);
  // The same, and that was no answer at all.
  void Refuse(const Question& question);

  [[nodiscard]] const CallerTotals& totals() const { return totals_; }
  [[nodiscard]] std::string_view agent() const { return backend_.name(); }
  // What has to be taken out of a text before it goes into a question.
  [[nodiscard]] RedactOptions privacy() const {
    return {.home = options_.home, .emails = options_.redact_emails};
  }

 private:
  // The reply to the same question asked before, if it is not too old.
  [[nodiscard]] StatusOr<std::optional<LlmReply>> KeptReply(const Question& question,
                                                            const std::string& key, UtcMillis now);
  [[nodiscard]] LlmRequest RequestOf(const Question& question) const;
  // The budget is charged before the call and put right after it.
  [[nodiscard]] StatusOr<LlmReply> CallAndPay(const Question& question, UtcMillis now);
  // Charges each attempt before it is made; sets request.timeout.
  [[nodiscard]] StatusOr<LlmReply> CallWithRetries(LlmRequest request,
                                                   std::span<const store::BudgetScope> scopes,
                                                   const store::Spending& estimate, int& attempts);
  // Another model than that of cached answers which were used already? They are
  // dropped, so that the next experiment is made by one model.
  [[nodiscard]] Status CheckModel(const Question& question, const std::string& model);
  [[nodiscard]] Status CheckTime() const;
  [[nodiscard]] Status CheckBreaker() const;
  // The result refers to both keys.
  [[nodiscard]] std::array<store::BudgetScope, 3> Scopes(const std::string& day,
                                                         const std::string& skill) const;
  [[nodiscard]] std::string SkillKey() const { return options_.run_id + "/" + options_.skill; }
  [[nodiscard]] Status Record(const Question& question, const LlmRequest& request,
                              const StatusOr<LlmReply>& reply, UtcMillis started, int attempts);
  [[nodiscard]] std::string CacheKey(const Question& question) const;

  Backend& backend_;
  store::Db& db_;
  const Clock& clock_;
  CallerOptions options_;
  base::Rng rng_;
  CallerTotals totals_;
  int failures_in_a_row_ = 0;
  // Model that answered, by the one that was asked for: answers of another model
  // are not mixed into an experiment.
  std::map<std::string, std::string> answered_by_;
  std::map<std::string, std::vector<std::string>> kept_;  // keys of answers from the cache
  std::set<std::string> answered_;                        // keys of those counted in totals_
};

// Tokens a text will take, rounded up: bytes / 3.5.
[[nodiscard]] int64_t EstimateTokens(std::string_view text);

}  // namespace selftune::llm
