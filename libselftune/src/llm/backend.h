// One question to a model, whoever answers it: the user's agent CLI, an
// embedder's handler, or recorded answers in tests.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/cancel.h"
#include "base/error.h"
#include "base/json_value.h"

namespace selftune::llm {

enum class Purpose { kTriggerBatch, kTriggerSingle, kGrade, kGenerate, kProposal };
enum class Tier { kFast, kStandard, kStrong };

[[nodiscard]] std::string_view Word(Purpose purpose);  // "trigger_batch"
[[nodiscard]] std::string_view Word(Tier tier);        // "fast"
[[nodiscard]] std::optional<Tier> ParseTier(std::string_view word);
// How long a call of this purpose may take, effort not considered.
[[nodiscard]] std::chrono::milliseconds DefaultTimeout(Purpose purpose);
// Tokens a reply of this purpose is expected to take.
[[nodiscard]] int64_t ExpectedOutputTokens(Purpose purpose, int64_t items);

struct LlmRequest {
  Purpose purpose = Purpose::kProposal;
  Tier tier = Tier::kStandard;
  std::string system;                 // short and public; goes into argv
  std::string user;                   // sentinel line first; goes to stdin
  std::optional<std::string> model;   // overrides the tier
  std::optional<std::string> effort;  // low medium high xhigh max
  std::optional<std::string> json_schema;
  std::chrono::milliseconds timeout{0};  // 0 = by purpose
  const base::Cancel* cancel = nullptr;
};

// How long the call may take: as the request says, else by purpose and effort.
[[nodiscard]] std::chrono::milliseconds TimeoutOf(const LlmRequest& request);

// Words agents know for the effort of a model.
[[nodiscard]] bool IsEffort(std::string_view word);
// A model's name or alias: never what an agent could take for a flag.
[[nodiscard]] bool IsModelName(std::string_view word);

struct Usage {
  std::optional<int64_t> input_tokens, output_tokens, cache_read_tokens, cache_write_tokens,
      reasoning_tokens;
  std::optional<int64_t> cost_micro_usd;  // as reported by the backend, never computed
};

// A count, and dollars as millionths, as a reply reports them; nothing for what
// is no number, negative, or more than anybody can have used.
[[nodiscard]] std::optional<int64_t> ReportedCount(const base::JsonValue& value);
[[nodiscard]] std::optional<int64_t> MicroUsd(const base::JsonValue& dollars);

// What a program or a server said, fit for an error: one line, 300 bytes.
[[nodiscard]] std::string Shown(std::string_view text);

struct LlmReply {
  std::string text;
  std::string model;  // as reported, "" = unknown
  Usage usage;
  int attempts = 1;
  int answers = 1;  // that were paid for, of which the last one is used
  std::chrono::milliseconds duration{0};
  bool from_cache = false;
};

// What was paid for although no reply can be used.
struct Wasted {
  int answers = 0;
  Usage usage;
};
// Kept in the details of a failure, and read from there.
[[nodiscard]] Status WithWasted(Status failure, const Wasted& wasted);
[[nodiscard]] Wasted WastedBy(const Status& failure);

// Thread-safe. Failures carry AUTH_MISSING, API_ERROR, RATE_LIMITED, TIMEOUT,
// CONTEXT_TOO_LONG, INVALID_REPLY, BACKEND_UNAVAILABLE or AGENT_*;
// WastedBy() says what one cost.
class Backend {
 public:
  virtual ~Backend() = default;
  [[nodiscard]] virtual std::string_view name() const = 0;     // "claude", "handler"
  [[nodiscard]] virtual std::string_view version() const = 0;  // "" = unknown
  [[nodiscard]] virtual StatusOr<LlmReply> Call(const LlmRequest& request) = 0;
};

}  // namespace selftune::llm
