#include "llm/agent_reply.h"

#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "base/json_value.h"
#include "base/status_macros.h"
#include "base/strings.h"

namespace selftune::llm {
namespace {

struct Pattern {
  std::string_view text;  // lower case
  const ErrorCode* code;
};

// Order matters: the first match wins.
constexpr Pattern kPatterns[] = {
    {"not logged in", &kAuthMissing},
    {"/login", &kAuthMissing},
    {"invalid api key", &kAuthMissing},
    {"invalid x-api-key", &kAuthMissing},
    {"authentication", &kAuthMissing},
    {"unauthorized", &kAuthMissing},
    {"missing environment variable", &kAuthMissing},
    {"prompt is too long", &kContextTooLong},
    {"context length", &kContextTooLong},
    {"context window", &kContextTooLong},
    {"rate limit", &kRateLimited},
    {"rate_limit", &kRateLimited},
    {"overloaded", &kRateLimited},
    {"too many requests", &kRateLimited},
    {"usage limit", &kRateLimited},
    {"connection refused", &kBackendUnavailable},
    {"unable to connect", &kBackendUnavailable},
    {"connection error", &kBackendUnavailable},
    {"econnrefused", &kBackendUnavailable},
    {"enotfound", &kBackendUnavailable},
    {"stream disconnected", &kBackendUnavailable},
};

Status Ended(Agent agent, const base::ProcessResult& result) {
  if (result.cancelled) return Fail(kCancelledError, "calling {}: cancelled", CommandOf(agent));
  if (result.timed_out) {
    return Fail(kTimeout, "calling {}: no answer after {} ms", CommandOf(agent),
                result.duration.count());
  }
  if (result.signal != 0) {
    return Fail(kBackendUnavailable, "calling {}: killed by signal {}", CommandOf(agent),
                result.signal);
  }
  return absl::OkStatus();
}

Usage ClaudeUsage(const base::JsonValue& root) {
  const base::JsonValue& usage = root["usage"];
  Usage out;
  out.input_tokens = ReportedCount(usage["input_tokens"]);
  out.output_tokens = ReportedCount(usage["output_tokens"]);
  out.cache_read_tokens = ReportedCount(usage["cache_read_input_tokens"]);
  out.cache_write_tokens = ReportedCount(usage["cache_creation_input_tokens"]);
  out.cost_micro_usd = MicroUsd(root["total_cost_usd"]);
  return out;
}

// The one that wrote the most: helpers of the agent are listed, too.
std::string AnsweringModel(const base::JsonValue& usage) {
  std::string out;
  int64_t most = -1;
  for (const auto& [name, figures] : usage.members()) {
    const int64_t tokens = figures["outputTokens"].AsInt();
    if (tokens <= most) continue;
    most = tokens;
    out = name;
  }
  return out;
}

StatusOr<LlmReply> ReadClaude(const base::ProcessResult& result) {
  if (result.stdout_cut) return Fail(kInvalidReply, "calling claude: the answer is too long");
  const auto root = base::JsonValue::Parse(base::Trim(result.stdout_text));
  if (!root.ok() || !root->is_object()) {
    const std::string_view text =
        result.stderr_text.empty() ? result.stdout_text : result.stderr_text;
    if (result.exit_code != 0) return ClassifyFailure("claude", text, 0);
    return Fail(kInvalidReply, "calling claude: expected a JSON object, found: {}", Shown(text));
  }
  const base::JsonValue& reply = *root;
  // `subtype` says success for API errors too: is_error decides.
  if (reply["is_error"].AsBool() || reply["subtype"].AsString() != "success") {
    return ClassifyFailure("claude", reply["result"].AsString() + " " + reply["subtype"].AsString(),
                           static_cast<int>(reply["api_error_status"].AsInt()));
  }
  const bool has_text = reply["structured_output"].is_object() || reply["result"].is_string();
  if (!has_text || !(reply["is_error"].is_bool() || reply["is_error"].is_null())) {
    return Fail(kInvalidReply, "calling claude: an answer of another form: {}",
                Shown(result.stdout_text));
  }
  LlmReply out;
  out.text = reply["structured_output"].is_object() ? reply["structured_output"].ToJson()
                                                    : reply["result"].AsString();
  out.model = AnsweringModel(reply["modelUsage"]);
  out.usage = ClaudeUsage(reply);
  return out;
}

// One line of `codex exec --json`, folded into what the call came to.
struct CodexOutcome {
  std::string message;
  std::string failure;
  Usage usage;

  void Take(const base::JsonValue& event) {
    const std::string& type = event["type"].AsString();
    if (type == "item.completed" && event["item"]["type"].AsString() == "agent_message") {
      message = event["item"]["text"].AsString();
    } else if (type == "turn.failed") {
      failure = event["error"]["message"].AsString();
      if (failure.empty()) failure = "turn failed";
    } else if (type == "turn.completed") {
      const base::JsonValue& counts = event["usage"];
      usage.cache_read_tokens = ReportedCount(counts["cached_input_tokens"]);
      usage.input_tokens = ReportedCount(counts["input_tokens"]);
      if (usage.input_tokens.has_value() && usage.cache_read_tokens.has_value()) {
        *usage.input_tokens -= *usage.cache_read_tokens;
      }
      usage.output_tokens = ReportedCount(counts["output_tokens"]);
      usage.reasoning_tokens = ReportedCount(counts["reasoning_output_tokens"]);
    }
  }
};

StatusOr<LlmReply> ReadCodex(const base::ProcessResult& result, std::string_view reply_file_text) {
  CodexOutcome outcome;
  for (const std::string_view line : base::Split(result.stdout_text, '\n')) {
    const auto event = base::JsonValue::Parse(line);
    if (event.ok()) outcome.Take(*event);
  }
  if (!outcome.failure.empty()) return ClassifyFailure("codex", outcome.failure, 0);
  if (result.exit_code != 0) return ClassifyFailure("codex", result.stderr_text, 0);
  LlmReply out;
  out.text = reply_file_text.empty() ? outcome.message : std::string(reply_file_text);
  if (base::Trim(out.text).empty()) {
    return Fail(kInvalidReply, "calling codex: the turn ended without a message");
  }
  out.usage = outcome.usage;
  return out;
}

}  // namespace

Status ClassifyFailure(std::string_view agent, std::string_view text, int http_status) {
  const std::string lower = base::AsciiLower(text);
  const auto fail = [&](const ErrorCode& code) {
    Status status = Fail(code, "calling {}: {}", agent, Shown(text));
    if (code.name == kAuthMissing.name) {
      return WithSuggestion(std::move(status), "log in to the agent, then try again",
                            std::string(agent));
    }
    return status;
  };
  if (http_status == 401 || http_status == 403) return fail(kAuthMissing);
  if (http_status == 429 || http_status == 529 || http_status == 503) return fail(kRateLimited);
  for (const Pattern& pattern : kPatterns) {
    if (lower.find(pattern.text) != std::string::npos) return fail(*pattern.code);
  }
  return fail(http_status >= 500 ? kBackendUnavailable : kApiFailed);
}

StatusOr<LlmReply> ReadAgentReply(Agent agent, const base::ProcessResult& result,
                                  std::string_view reply_file_text) {
  ST_RETURN_IF_ERROR(Ended(agent, result));
  ST_ASSIGN_OR_RETURN(LlmReply reply, agent == Agent::kClaude ? ReadClaude(result)
                                                              : ReadCodex(result, reply_file_text));
  reply.duration = result.duration;
  return reply;
}

}  // namespace selftune::llm
