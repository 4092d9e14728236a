#include "llm/caller.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <cmath>
#include <cstdint>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "base/json_value.h"
#include "base/status_macros.h"
#include "base/time.h"
#include "llm/fence.h"
#include "store/llm_rows.h"

namespace selftune::llm {
namespace {

constexpr int64_t kCacheDays = 30;
constexpr int kBreakerFailures = 5;
constexpr int64_t kMaxDelayMs = 60'000;
constexpr std::chrono::milliseconds kSleepStep{50};  // between looks at `cancel`

std::string DayKey(UtcMillis now) { return FormatRfc3339(now).substr(0, 10); }

bool MayRetry(const Status& status, int attempt) {
  const ErrorCode& code = CodeOf(status);
  // A timeout already took its full time once.
  if (code.name == kTimeout.name) return attempt < 2;
  return code.name == kRateLimited.name || code.name == kBackendUnavailable.name;
}

// What the backend was told to wait at least; 0 = nothing.
int64_t RetryAfterMs(const Status& status) {
  const auto details = base::JsonValue::Parse(DetailsJson(status));
  return details.ok() ? std::max<int64_t>(0, (*details)["retry_after_ms"].AsInt()) : 0;
}

int64_t Sum(const Usage& usage) {
  return usage.input_tokens.value_or(0) + usage.output_tokens.value_or(0) +
         usage.cache_read_tokens.value_or(0) + usage.cache_write_tokens.value_or(0);
}

void SleepUnlessCancelled(int64_t ms, const base::Cancel* cancel) {
  using std::chrono::steady_clock;
  const auto end = steady_clock::now() + std::chrono::milliseconds(ms);
  while (steady_clock::now() < end && (cancel == nullptr || !cancel->requested())) {
    std::this_thread::sleep_for(
        std::min<steady_clock::duration>(kSleepStep, end - steady_clock::now()));
  }
}

std::string_view WantedModel(const Question& question) {
  return question.model.empty() ? Word(question.tier) : std::string_view(question.model);
}

// What to do about a failed call, unless the error says so already.
Status Advised(Status status) {
  if (!NextCommand(status).empty()) return status;
  const std::string_view code = CodeOf(status).name;
  if (code == kCancelledError.name) return status;
  if (code == kRateLimited.name) {
    return WithSuggestion(std::move(status), "wait until the agent's limit is over, then try again",
                          "selftune orchestrate --dry-run");
  }
  if (code == kBudgetExhausted.name) {
    return WithSuggestion(std::move(status), "nothing was changed; allow more, or try again later",
                          "selftune help evolve");
  }
  if (code == kInvalidReply.name) {
    return WithSuggestion(std::move(status),
                          "nothing was changed; try again, or name another agent with --agent",
                          "selftune doctor");
  }
  return WithSuggestion(std::move(status), "nothing was changed; check the agent by itself first",
                        "selftune doctor");
}

}  // namespace

Status CheckDay(store::Db& db, const store::Spending& limit, UtcMillis now) {
  const std::string day = DayKey(now);
  const store::BudgetScope scope{"day", day, limit};
  return store::CheckBudget(db, {&scope, 1}, {1, 1, 1});
}

int64_t EstimateTokens(std::string_view text) {
  return static_cast<int64_t>(std::ceil(static_cast<double>(text.size()) / 3.5));
}

Caller::Caller(Backend& backend, store::Db& db, const Clock& clock, CallerOptions options)
    : backend_(backend), db_(db), clock_(clock), options_(std::move(options)), rng_(options_.seed) {
  if (!options_.sleep) {
    options_.sleep = [cancel = options_.cancel](int64_t ms) { SleepUnlessCancelled(ms, cancel); };
  }
}

std::string Caller::CacheKey(const Question& question) const {
  return base::Sha256Bytes(
      base::FieldHash("llm2")
          .Add(backend_.name())
          .Add(backend_.version())
          .Add(WantedModel(question))
          .Add(question.effort)
          .Add(question.system)
          .Add(question.cache_text.empty() ? question.body : question.cache_text)
          .Add(Word(question.purpose))
          .Add(std::to_string(question.repeat))
          .Key16());
}

StatusOr<LlmReply> Caller::Ask(const Question& question) {
  if (options_.cancel != nullptr) ST_RETURN_IF_ERROR(options_.cancel->Check());
  const std::string key = CacheKey(question);
  const UtcMillis now = clock_.Now();
  if (options_.use_cache) {
    ST_ASSIGN_OR_RETURN(std::optional<LlmReply> kept, KeptReply(question, key, now));
    if (kept.has_value()) return *std::move(kept);
  }
  ST_RETURN_IF_ERROR(CheckTime());
  ST_RETURN_IF_ERROR(CheckBreaker());
  ST_ASSIGN_OR_RETURN(LlmReply reply, CallAndPay(question, now));
  totals_.answered += answered_.insert(key).second ? 1 : 0;
  if (options_.use_cache) {
    ST_RETURN_IF_ERROR(store::KeepReply(db_, key, Word(question.purpose), {reply.text, reply.model},
                                        clock_.Now()));
  }
  ST_RETURN_IF_ERROR(CheckModel(question, reply.model));
  return reply;
}

Status Caller::CheckModel(const Question& question, const std::string& model) {
  if (model.empty()) return absl::OkStatus();  // it did not say
  const std::string wanted(WantedModel(question));
  const std::string before = std::exchange(answered_by_[wanted], model);
  if (before.empty() || before == model || kept_[wanted].empty()) return absl::OkStatus();
  const std::vector<std::string> kept = std::exchange(kept_[wanted], {});
  for (const std::string& key : kept) ST_RETURN_IF_ERROR(store::DropReply(db_, key));
  return WithSuggestion(
      Fail(kBackendUnavailable,
           "calling {}: {} answers now, and earlier answers of {} were used; they are forgotten",
           backend_.name(), model, before),
      "nothing was changed; try again", "");
}

Status Caller::CheckBreaker() const {
  if (failures_in_a_row_ < kBreakerFailures) return absl::OkStatus();
  return Advised(Fail(kBackendUnavailable, "calling {}: {} calls in a row failed", backend_.name(),
                      failures_in_a_row_));
}

std::array<store::BudgetScope, 3> Caller::Scopes(const std::string& day,
                                                 const std::string& skill) const {
  return {store::BudgetScope{"day", day, options_.limits.day},
          store::BudgetScope{"run", options_.run_id, options_.limits.run},
          store::BudgetScope{"skill", skill, options_.limits.skill}};
}

Status Caller::CheckRoom(int64_t calls, int64_t tokens) const {
  if (options_.cancel != nullptr) ST_RETURN_IF_ERROR(options_.cancel->Check());
  ST_RETURN_IF_ERROR(CheckTime());
  ST_RETURN_IF_ERROR(CheckBreaker());
  const std::string day = DayKey(clock_.Now());
  const std::string skill = SkillKey();
  const Status fits = store::CheckBudget(db_, Scopes(day, skill), {calls, tokens, 0});
  return fits.ok() ? fits : Advised(fits);
}

Status Caller::CheckTime() const {
  if (!options_.stop_at.has_value() || clock_.Now() < *options_.stop_at) return absl::OkStatus();
  return Advised(Fail(kBudgetExhausted, "calling a model: the time for this run is used up"));
}

StatusOr<std::optional<LlmReply>> Caller::KeptReply(const Question& question,
                                                    const std::string& key, UtcMillis now) {
  ST_ASSIGN_OR_RETURN(const std::optional<store::CachedReply> kept,
                      store::FindCachedReply(db_, key, {now.value - kCacheDays * kDayMs}));
  if (!kept.has_value()) return std::optional<LlmReply>();
  const auto [by, first] =
      answered_by_.try_emplace(std::string(WantedModel(question)), kept->model);
  if (!first && by->second != kept->model) return std::optional<LlmReply>();
  ++totals_.cached;
  kept_[std::string(WantedModel(question))].push_back(key);
  LlmReply reply;
  reply.text = kept->text;
  reply.model = kept->model;
  reply.from_cache = true;
  return std::optional<LlmReply>(std::move(reply));
}

LlmRequest Caller::RequestOf(const Question& question) const {
  LlmRequest request;
  request.purpose = question.purpose;
  request.tier = question.tier;
  request.system = question.system;
  request.user = SentinelLine(Word(question.purpose), options_.run_id) + "\n" + question.body;
  if (!question.model.empty()) request.model = question.model;
  if (!question.effort.empty()) request.effort = question.effort;
  request.cancel = options_.cancel;
  return request;
}

StatusOr<LlmReply> Caller::CallAndPay(const Question& question, UtcMillis now) {
  const LlmRequest request = RequestOf(question);
  const std::string day = DayKey(now);
  const std::string skill_key = SkillKey();
  const std::array scopes = Scopes(day, skill_key);
  const store::Spending estimate{1,
                                 EstimateTokens(request.user) + EstimateTokens(request.system) +
                                     ExpectedOutputTokens(question.purpose, question.items),
                                 0};
  int attempts = 0;
  StatusOr<LlmReply> reply = CallWithRetries(request, scopes, estimate, attempts);
  if (attempts == 0) return reply;  // it could not be paid for
  failures_in_a_row_ = reply.ok() ? 0 : failures_in_a_row_ + 1;
  const Wasted paid = reply.ok() ? Wasted{reply->answers, reply->usage} : WastedBy(reply.status());
  if (paid.answers > 0) {
    // What was reported replaces the estimate of the attempt that was answered.
    const int64_t tokens = Sum(paid.usage);
    const store::Spending difference{paid.answers - 1, tokens > 0 ? tokens - estimate.tokens : 0,
                                     paid.usage.cost_micro_usd.value_or(0)};
    ST_RETURN_IF_ERROR(store::SettleBudget(db_, scopes, difference, clock_.Now()));
    attempts += paid.answers - 1;
  }
  ST_RETURN_IF_ERROR(Record(question, request, reply, now, attempts));
  return reply.ok() ? std::move(reply) : StatusOr<LlmReply>(Advised(reply.status()));
}

void Caller::Forget(const Question& question) {
  // Best effort: a refused reply in the cache only costs another refusal.
  static_cast<void>(store::DropReply(db_, CacheKey(question)));
}

void Caller::Refuse(const Question& question) {
  Forget(question);
  totals_.answered -= answered_.erase(CacheKey(question)) > 0 ? 1 : 0;
}

StatusOr<LlmReply> Caller::CallWithRetries(LlmRequest request,
                                           std::span<const store::BudgetScope> scopes,
                                           const store::Spending& estimate, int& attempts) {
  const std::chrono::milliseconds usual = TimeoutOf(request);
  while (true) {
    const UtcMillis now = clock_.Now();
    ST_RETURN_IF_ERROR(CheckTime());
    ST_RETURN_IF_ERROR(store::ChargeBudget(db_, scopes, estimate, now));
    if (options_.stop_at.has_value()) {
      request.timeout =
          std::min(usual, std::chrono::milliseconds(options_.stop_at->value - now.value));
    }
    ++attempts;
    StatusOr<LlmReply> reply = backend_.Call(request);
    if (!reply.ok() && CodeOf(reply.status()).name == kTimeout.name)
      ST_RETURN_IF_ERROR(CheckTime());
    if (reply.ok() || attempts > options_.max_retries || !MayRetry(reply.status(), attempts)) {
      if (reply.ok()) reply->attempts = attempts;
      return reply;
    }
    const int64_t ceiling = std::min<int64_t>(kMaxDelayMs, int64_t{1000} << attempts);
    const auto jitter = static_cast<int64_t>(rng_.Below(static_cast<uint64_t>(ceiling)));
    const int64_t asked_for = RetryAfterMs(reply.status());
    // Nobody waits that long for one answer: the run goes on without it.
    if (asked_for > kMaxDelayMs) return reply;
    options_.sleep(std::max(jitter, asked_for));
    if (options_.cancel != nullptr) ST_RETURN_IF_ERROR(options_.cancel->Check());
  }
}

Status Caller::Record(const Question& question, const LlmRequest& request,
                      const StatusOr<LlmReply>& reply, UtcMillis started, int attempts) {
  totals_.calls += attempts;
  const std::string call_id = base::MakeUlid(started);
  const std::string prompt_sha = base::Sha256Bytes(request.user);
  const std::string reply_sha = reply.ok() ? base::Sha256Bytes(reply->text) : std::string();
  store::LlmCallRow row{.call_id = call_id,
                        .run_id = options_.run_id,
                        .purpose = Word(question.purpose),
                        .skill = options_.skill,
                        .backend = backend_.name(),
                        .agent_version = backend_.version(),
                        .effort = question.effort,
                        .started = started,
                        .duration_ms = clock_.Now().value - started.value,
                        .attempts = attempts,
                        .outcome = reply.ok() ? "ok" : CodeOf(reply.status()).name,
                        .prompt_sha256 = prompt_sha,
                        .reply_sha256 = reply_sha};
  const Wasted paid = reply.ok() ? Wasted{reply->answers, reply->usage} : WastedBy(reply.status());
  if (reply.ok()) row.model = reply->model;
  if (paid.answers > 0) {
    const Usage& usage = paid.usage;
    row.input_tokens = usage.input_tokens;
    row.output_tokens = usage.output_tokens;
    row.cache_read_tokens = usage.cache_read_tokens;
    row.cache_write_tokens = usage.cache_write_tokens;
    row.reasoning_tokens = usage.reasoning_tokens;
    row.cost_micro_usd = usage.cost_micro_usd;
    totals_.input_tokens += usage.input_tokens.value_or(0);
    totals_.output_tokens += usage.output_tokens.value_or(0);
    totals_.cost_micro_usd += usage.cost_micro_usd.value_or(0);
    totals_.cost_known &= usage.cost_micro_usd.has_value();
  }
  return store::AddLlmCall(db_, row);
}

}  // namespace selftune::llm
