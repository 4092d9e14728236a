#include "store/llm_rows.h"

#include <optional>
#include <span>
#include <string>
#include <string_view>

#include <fmt/format.h>

#include "base/json_writer.h"
#include "base/status_macros.h"
#include "store/ingest_writer.h"
#include "store/write_txn.h"

namespace selftune::store {
namespace {

constexpr char kReadBudget[] =
    "SELECT calls, tokens, cost_micro_usd FROM budget WHERE scope=?1 AND key=?2";

constexpr char kAddBudget[] =
    "INSERT INTO budget(scope,key,calls,tokens,cost_micro_usd,updated_ms) "
    "VALUES(?1,?2,?3,?4,?5,?6) ON CONFLICT(scope,key) DO UPDATE SET "
    "calls=max(0,calls+excluded.calls), tokens=max(0,tokens+excluded.tokens), "
    "cost_micro_usd=max(0,cost_micro_usd+excluded.cost_micro_usd), updated_ms=excluded.updated_ms";

constexpr char kInsertCall[] =
    "INSERT INTO llm_call(call_id,run_id,purpose,skill_id,backend,agent_version,model,effort,"
    "started_ms,duration_ms,attempts,outcome,input_tokens,output_tokens,cache_read_tokens,"
    "cache_write_tokens,reasoning_tokens,cost_micro_usd,cost_source,prompt_sha256,reply_sha256) "
    "VALUES(?1,?2,?3,?4,?5,?6,?7,?8,?9,?10,?11,?12,?13,?14,?15,?16,?17,?18,?19,?20,?21)";

constexpr char kFindReply[] = "SELECT reply, model FROM llm_cache WHERE key=?1 AND created_ms>=?2";

constexpr char kKeepReply[] =
    "INSERT OR REPLACE INTO llm_cache(key,purpose,model,created_ms,reply) VALUES(?1,?2,?3,?4,?5)";

constexpr char kDropReply[] = "DELETE FROM llm_cache WHERE key=?1";

constexpr char kReadCapability[] = "SELECT value FROM capability WHERE subject=?1 AND name=?2";

constexpr char kWriteCapability[] =
    "INSERT OR REPLACE INTO capability(subject,name,value,checked_ms) VALUES(?1,?2,?3,?4)";

bool Over(int64_t limit, int64_t spent, int64_t amount) {
  return limit < 0 || (limit > 0 && spent + amount > limit);
}

Status Exhausted(const BudgetScope& scope, const Spending& spent) {
  const Spending& limit = scope.limit;
  if (std::min({limit.calls, limit.tokens, limit.cost_micro_usd}) < 0) {
    return WithSuggestion(
        Fail(kBudgetExhausted, "calling a model: the budget of this {} allows nothing",
             scope.scope),
        "raise budget.daily_usd or budget.daily_calls in config.json", "selftune llm usage");
  }
  base::JsonWriter details;
  details.BeginObject()
      .Field("scope", scope.scope)
      .Field("spent_calls", spent.calls)
      .Field("spent_tokens", spent.tokens)
      .Field("spent_micro_usd", spent.cost_micro_usd)
      .Field("limit_calls", scope.limit.calls)
      .Field("limit_tokens", scope.limit.tokens)
      .Field("limit_micro_usd", scope.limit.cost_micro_usd)
      .EndObject();
  return WithDetails(
      WithSuggestion(Fail(kBudgetExhausted,
                          "calling a model: the budget of this {} is used up ({} calls, "
                          "{} tokens)",
                          scope.scope, spent.calls, spent.tokens),
                     "raise the limit, or wait", "selftune status"),
      details.view());
}

}  // namespace

Status CheckBudget(Db& db, std::span<const BudgetScope> scopes, const Spending& amount) {
  for (const BudgetScope& scope : scopes) {
    ST_ASSIGN_OR_RETURN(const Spending spent, ReadBudget(db, scope.scope, scope.key));
    if (Over(scope.limit.calls, spent.calls, amount.calls) ||
        Over(scope.limit.tokens, spent.tokens, amount.tokens) ||
        Over(scope.limit.cost_micro_usd, spent.cost_micro_usd, amount.cost_micro_usd)) {
      return Exhausted(scope, spent);
    }
  }
  return absl::OkStatus();
}

Status ChargeBudget(Db& db, std::span<const BudgetScope> scopes, const Spending& amount,
                    UtcMillis now) {
  ST_ASSIGN_OR_RETURN(WriteTxn txn, WriteTxn::Begin(db));
  ST_RETURN_IF_ERROR(CheckBudget(db, scopes, amount));
  for (const BudgetScope& scope : scopes) {
    ST_RETURN_IF_ERROR(db.Run(kAddBudget, scope.scope, scope.key, amount.calls, amount.tokens,
                              amount.cost_micro_usd, now));
  }
  return txn.Commit();
}

Status SettleBudget(Db& db, std::span<const BudgetScope> scopes, const Spending& difference,
                    UtcMillis now) {
  ST_ASSIGN_OR_RETURN(WriteTxn txn, WriteTxn::Begin(db));
  for (const BudgetScope& scope : scopes) {
    ST_RETURN_IF_ERROR(db.Run(kAddBudget, scope.scope, scope.key, difference.calls,
                              difference.tokens, difference.cost_micro_usd, now));
  }
  return txn.Commit();
}

StatusOr<Spending> ReadBudget(Db& db, std::string_view scope, std::string_view key) {
  ST_ASSIGN_OR_RETURN(Cursor row, db.Query(kReadBudget, scope, key));
  ST_ASSIGN_OR_RETURN(const bool found, row.Next());
  if (!found) return Spending{};
  return Spending{row.Int(0), row.Int(1), row.Int(2)};
}

Status AddLlmCall(Db& db, const LlmCallRow& row) {
  ST_ASSIGN_OR_RETURN(WriteTxn txn, WriteTxn::Begin(db));
  SkillId skill;
  if (!row.skill.empty()) {
    IngestWriter writer(db, row.started);
    ST_ASSIGN_OR_RETURN(skill, writer.EnsureSkill(row.skill));
  }
  ST_RETURN_IF_ERROR(db.Run(kInsertCall, row.call_id, OrNull{row.run_id}, row.purpose, skill,
                            row.backend, OrNull{row.agent_version}, OrNull{row.model},
                            OrNull{row.effort}, row.started, row.duration_ms, row.attempts,
                            row.outcome, row.input_tokens, row.output_tokens, row.cache_read_tokens,
                            row.cache_write_tokens, row.reasoning_tokens, row.cost_micro_usd,
                            row.cost_micro_usd.has_value() ? "reported" : "unknown",
                            Blob{row.prompt_sha256}, Blob{row.reply_sha256}));
  return txn.Commit();
}

StatusOr<std::optional<CachedReply>> FindCachedReply(Db& db, std::string_view key,
                                                     UtcMillis not_before) {
  ST_ASSIGN_OR_RETURN(Cursor row, db.Query(kFindReply, Blob{key}, not_before));
  ST_ASSIGN_OR_RETURN(const bool found, row.Next());
  if (!found) return std::optional<CachedReply>();
  return std::optional<CachedReply>({row.String(0), row.String(1)});
}

Status KeepReply(Db& db, std::string_view key, std::string_view purpose, const CachedReply& reply,
                 UtcMillis now) {
  ST_ASSIGN_OR_RETURN(WriteTxn txn, WriteTxn::Begin(db));
  ST_RETURN_IF_ERROR(db.Run(kKeepReply, Blob{key}, purpose, OrNull{reply.model}, now, reply.text));
  return txn.Commit();
}

Status DropReply(Db& db, std::string_view key) {
  ST_ASSIGN_OR_RETURN(WriteTxn txn, WriteTxn::Begin(db));
  ST_RETURN_IF_ERROR(db.Run(kDropReply, Blob{key}));
  return txn.Commit();
}

StatusOr<std::optional<std::string>> ReadCapability(Db& db, std::string_view subject,
                                                    std::string_view name) {
  ST_ASSIGN_OR_RETURN(Cursor row, db.Query(kReadCapability, subject, name));
  ST_ASSIGN_OR_RETURN(const bool found, row.Next());
  if (!found) return std::optional<std::string>();
  return std::optional<std::string>(row.String(0));
}

Status WriteCapability(Db& db, std::string_view subject, std::string_view name,
                       std::string_view value, UtcMillis now) {
  ST_ASSIGN_OR_RETURN(WriteTxn txn, WriteTxn::Begin(db));
  ST_RETURN_IF_ERROR(db.Run(kWriteCapability, subject, name, value, now));
  return txn.Commit();
}

}  // namespace selftune::store
