// Model calls in the store: what was spent, what may still be spent, answers
// kept for repeats, and what installed agents can do.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "base/error.h"
#include "store/db.h"
#include "store/rows.h"

namespace selftune::store {

// Amounts of one budget; in a limit, 0 = no limit, kNothing = not even one.
inline constexpr int64_t kNothing = -1;
struct Spending {
  int64_t calls = 0;
  int64_t tokens = 0;
  int64_t cost_micro_usd = 0;
};

struct BudgetScope {
  std::string_view scope;  // day run skill
  std::string_view key;    // 2026-11-25, a run id, a run id and a skill
  Spending limit;
};

// BUDGET_EXHAUSTED when `amount` would go over a limit; charges nothing.
[[nodiscard]] Status CheckBudget(Db& db, std::span<const BudgetScope> scopes,
                                 const Spending& amount);
// Charges `amount` to all scopes or to none: BUDGET_EXHAUSTED (details: scope,
// limit, spent) when one would go over. Its own transaction, before the call.
[[nodiscard]] Status ChargeBudget(Db& db, std::span<const BudgetScope> scopes,
                                  const Spending& amount, UtcMillis now);
// Corrects a charge once the real amount is known; may be negative.
[[nodiscard]] Status SettleBudget(Db& db, std::span<const BudgetScope> scopes,
                                  const Spending& difference, UtcMillis now);
[[nodiscard]] StatusOr<Spending> ReadBudget(Db& db, std::string_view scope, std::string_view key);

struct LlmCallRow {
  std::string_view call_id, run_id, purpose, skill, backend, agent_version, model, effort;
  UtcMillis started;
  int64_t duration_ms = 0;
  int64_t attempts = 0;
  std::string_view outcome;  // ok, or the name of the error
  std::optional<int64_t> input_tokens, output_tokens, cache_read_tokens, cache_write_tokens,
      reasoning_tokens, cost_micro_usd;
  std::string_view prompt_sha256, reply_sha256;  // raw, "" = none
};
// Its own transaction.
[[nodiscard]] Status AddLlmCall(Db& db, const LlmCallRow& row);

struct CachedReply {
  std::string text, model;
};
[[nodiscard]] StatusOr<std::optional<CachedReply>> FindCachedReply(Db& db, std::string_view key,
                                                                   UtcMillis not_before);
[[nodiscard]] Status KeepReply(Db& db, std::string_view key, std::string_view purpose,
                               const CachedReply& reply, UtcMillis now);

// The reply turned out to be unusable.
[[nodiscard]] Status DropReply(Db& db, std::string_view key);

// Facts about an agent binary, valid as long as its fingerprint.
[[nodiscard]] StatusOr<std::optional<std::string>> ReadCapability(Db& db, std::string_view subject,
                                                                  std::string_view name);
[[nodiscard]] Status WriteCapability(Db& db, std::string_view subject, std::string_view name,
                                     std::string_view value, UtcMillis now);

}  // namespace selftune::store
