#include "llm/api_messages.h"

#include <algorithm>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include <absl/time/time.h>
#include <fmt/format.h>

#include "base/json_value.h"
#include "base/json_writer.h"
#include "base/status_macros.h"
#include "base/strings.h"

namespace selftune::llm {
namespace {

using base::JsonValue;
using base::JsonWriter;

// Names of the optional parts, as they are remembered.
constexpr std::string_view kFormat = "format";           // a schema for the reply
constexpr std::string_view kJsonObject = "json_object";  // at least JSON, OpenAI only
constexpr std::string_view kEffort = "effort";
constexpr std::string_view kCompletionLimit = "max_completion_tokens";  // else max_tokens

struct Sign {
  std::string_view part;
  std::string_view text;  // in the error of the server, lower case
};
constexpr Sign kAnthropicSigns[] = {
    {kEffort, "effort"},        {kFormat, "output_config"}, {kFormat, "output_format"},
    {kFormat, "json_schema"},   {kFormat, "format"},        {kFormat, "schema"},
    {kEffort, "output_config"},
};
constexpr Sign kOpenAiSigns[] = {
    {kCompletionLimit, "max_completion_tokens"},
    {kEffort, "effort"},
    {kFormat, "response_format"},
    {kFormat, "json_schema"},
    {kFormat, "schema"},
    {kJsonObject, "response_format"},
    {kJsonObject, "json_object"},
};

bool Sends(const LlmRequest& request, const Refused& refused, std::string_view part) {
  if (refused.count(part) != 0) return false;
  if (part == kEffort) return request.effort.has_value();
  if (part == kFormat) return request.json_schema.has_value();
  if (part == kJsonObject) return request.json_schema.has_value() && refused.count(kFormat) != 0;
  return true;
}

void WriteAnthropic(JsonWriter& out, const LlmRequest& request, const Refused& refused,
                    int64_t max_tokens) {
  out.Field("max_tokens", max_tokens);
  if (!request.system.empty()) out.Field("system", request.system);
  out.Key("messages").BeginArray().BeginObject();
  out.Field("role", "user").Field("content", request.user).EndObject().EndArray();
  const bool effort = Sends(request, refused, kEffort), format = Sends(request, refused, kFormat);
  if (!effort && !format) return;
  out.Key("output_config").BeginObject();
  if (effort) out.Field("effort", *request.effort);
  if (format) {
    out.Key("format").BeginObject().Field("type", "json_schema");
    out.Key("schema").Raw(*request.json_schema).EndObject();
  }
  out.EndObject();
}

void WriteOpenAi(JsonWriter& out, const LlmRequest& request, const Refused& refused,
                 int64_t max_tokens) {
  out.Key("messages").BeginArray();
  if (!request.system.empty()) {
    out.BeginObject().Field("role", "system").Field("content", request.system).EndObject();
  }
  out.BeginObject().Field("role", "user").Field("content", request.user).EndObject().EndArray();
  const bool newer = Sends(request, refused, kCompletionLimit);
  out.Field(newer ? kCompletionLimit : std::string_view("max_tokens"), max_tokens);
  if (Sends(request, refused, kEffort)) out.Field("reasoning_effort", *request.effort);
  if (Sends(request, refused, kFormat)) {
    out.Key("response_format").BeginObject().Field("type", "json_schema");
    out.Key("json_schema").BeginObject().Field("name", "reply").Field("strict", true);
    out.Key("schema").Raw(*request.json_schema).EndObject().EndObject();
  } else if (Sends(request, refused, kJsonObject)) {
    out.Key("response_format").BeginObject().Field("type", "json_object").EndObject();
  }
}

Status Unusable(Provider provider, std::string_view what) {
  return Fail(kInvalidReply, "asking {}: {}", config::Word(provider), what);
}

// "end_turn", "max_tokens", "refusal" and OpenAI's words for the same.
void TakeEnd(Provider provider, std::string_view stop, ApiAnswer& out) {
  if (stop == "refusal" || stop == "content_filter") {
    out.problem = Unusable(provider, "the model refused to answer");
  }
  out.cut = stop == "max_tokens" || stop == "length" || stop == "model_context_window_exceeded";
}

void ReadAnthropic(const JsonValue& root, ApiAnswer& out) {
  const JsonValue& usage = root["usage"];
  out.reply.usage.input_tokens = ReportedCount(usage["input_tokens"]);
  out.reply.usage.output_tokens = ReportedCount(usage["output_tokens"]);
  out.reply.usage.cache_read_tokens = ReportedCount(usage["cache_read_input_tokens"]);
  out.reply.usage.cache_write_tokens = ReportedCount(usage["cache_creation_input_tokens"]);
  for (const JsonValue& block : root["content"].items()) {
    if (block["type"].AsString() == "text") out.reply.text += block["text"].AsString();
  }
  TakeEnd(Provider::kAnthropic, root["stop_reason"].AsString(), out);
}

std::string TextOf(const JsonValue& content) {
  if (content.is_string()) return content.AsString();
  std::string out;
  for (const JsonValue& part : content.items()) out += part["text"].AsString();
  return out;
}

void ReadOpenAi(const JsonValue& root, ApiAnswer& out) {
  const JsonValue& usage = root["usage"];
  Usage& counts = out.reply.usage;
  counts.input_tokens = ReportedCount(usage["prompt_tokens"]);
  counts.output_tokens = ReportedCount(usage["completion_tokens"]);
  counts.cache_read_tokens = ReportedCount(usage["prompt_tokens_details"]["cached_tokens"]);
  counts.reasoning_tokens = ReportedCount(usage["completion_tokens_details"]["reasoning_tokens"]);
  // What was read from a cache is part of the prompt there, beside it elsewhere.
  if (counts.input_tokens.has_value() && counts.cache_read_tokens.has_value()) {
    *counts.input_tokens = std::max<int64_t>(0, *counts.input_tokens - *counts.cache_read_tokens);
  }
  if (root["choices"].items().empty()) {
    out.problem = Unusable(Provider::kOpenAi, "the reply has no choices");
    return;
  }
  const JsonValue& choice = root["choices"].items().front();
  out.reply.text = TextOf(choice["message"]["content"]);
  TakeEnd(Provider::kOpenAi, choice["finish_reason"].AsString(), out);
  if (choice["message"]["refusal"].is_string()) {
    out.problem = Unusable(Provider::kOpenAi, "the model refused to answer");
  }
}

// What the server says is wrong, as text of a line.
std::string Complaint(const net::HttpReply& reply) {
  const auto root = JsonValue::Parse(reply.body);
  if (!root.ok()) return reply.body;
  const JsonValue& error = (*root)["error"];
  for (const JsonValue* const text : {&error["message"], &error, &(*root)["message"]}) {
    if (text->is_string()) return text->AsString();
  }
  return reply.body;
}

std::string_view HeaderOf(const net::HttpReply& reply, std::string_view name) {
  const auto found = reply.headers.find(name);
  return found == reply.headers.end() ? std::string_view() : std::string_view(found->second);
}

// When the server wants to be asked again: milliseconds, seconds or a date.
std::optional<int64_t> RetryAfterMs(const net::HttpReply& reply, UtcMillis now) {
  constexpr int64_t kMostSeconds = 86'400;
  if (const auto ms = base::ParseInt(HeaderOf(reply, "retry-after-ms")); ms && *ms >= 0) return ms;
  const std::string_view text = HeaderOf(reply, "retry-after");
  const std::optional<double> seconds = base::ParseDouble(text);
  if (seconds && *seconds >= 0 && *seconds <= kMostSeconds) {
    return static_cast<int64_t>(*seconds * 1000);
  }
  absl::Time date;
  std::string why;
  if (text.empty() || !absl::ParseTime("%a, %d %b %E4Y %H:%M:%S GMT",
                                       absl::string_view(text.data(), text.size()), &date, &why)) {
    return std::nullopt;
  }
  return std::max<int64_t>(0, absl::ToUnixMillis(date) - now.value);
}

const ErrorCode& CodeFor(int status, std::string_view complaint) {
  if (status == 401 || status == 403) return kAuthMissing;
  if (status == 429 || status == 503 || status == 529) return kRateLimited;
  if (status == 408 || status == 409 || status == 425 || status >= 500) return kBackendUnavailable;
  const std::string text = base::AsciiLower(complaint);
  const auto says = [&](std::string_view words) { return text.find(words) != std::string::npos; };
  const bool too_long = status == 413 || says("prompt is too long") || says("context length") ||
                        says("context window") || says("maximum context");
  return too_long ? kContextTooLong : kApiFailed;
}

}  // namespace

std::string ApiUrl(const ApiSettings& settings) {
  return settings.base_url +
         (settings.provider == Provider::kAnthropic ? "/v1/messages" : "/chat/completions");
}

std::vector<std::string> ApiHeaders(const ApiSettings& settings, std::string_view key) {
  std::vector<std::string> out = {"content-type: application/json", "accept: application/json",
                                  "expect:"};
  // Anthropic has keys and, for logged-in programs, tokens.
  constexpr std::string_view kToken = "sk-ant-oat";
  const bool anthropic = settings.provider == Provider::kAnthropic;
  if (anthropic) out.emplace_back("anthropic-version: 2023-06-01");
  if (!key.empty()) {
    out.push_back(anthropic && !key.starts_with(kToken)
                      ? fmt::format("x-api-key: {}", key)
                      : fmt::format("authorization: Bearer {}", key));
  }
  out.insert(out.end(), settings.headers.begin(), settings.headers.end());
  return out;
}

std::string ApiBody(const ApiSettings& settings, const LlmRequest& request, const Refused& refused,
                    int64_t max_tokens) {
  JsonWriter out;
  out.BeginObject().Field("model", settings.ModelFor(request));
  if (settings.provider == Provider::kAnthropic) {
    WriteAnthropic(out, request, refused, max_tokens);
  } else {
    WriteOpenAi(out, request, refused, max_tokens);
  }
  out.EndObject();
  return std::move(out).Take();
}

bool LearnRefusal(Provider provider, const LlmRequest& request, const net::HttpReply& reply,
                  Refused& refused) {
  if (reply.status != 400 && reply.status != 422) return false;
  const std::string text = base::AsciiLower(Complaint(reply));
  const auto names = [&](std::string_view word) { return text.find(word) != std::string::npos; };
  // The older word for the limit is refused, too: then it was the newer one.
  if (provider == Provider::kOpenAi && names("max_tokens") &&
      refused.erase(std::string(kCompletionLimit)) != 0) {
    return true;
  }
  const auto learn = [&](const auto& signs) {
    for (const Sign& sign : signs) {
      if (!names(sign.text) || !Sends(request, refused, sign.part)) continue;
      refused.emplace(sign.part);
      return true;
    }
    return false;
  };
  return provider == Provider::kAnthropic ? learn(kAnthropicSigns) : learn(kOpenAiSigns);
}

int64_t LowerLimit(const net::HttpReply& reply, int64_t sent) {
  constexpr int64_t kLeast = 16;
  constexpr int64_t kWorthHalving = 1024;
  if (reply.status != 400 && reply.status != 422) return 0;
  const std::string text = base::AsciiLower(Complaint(reply));
  const auto any = [&](std::initializer_list<std::string_view> words) {
    return std::any_of(words.begin(), words.end(),
                       [&](std::string_view word) { return text.find(word) != std::string::npos; });
  };
  if (!any({"max_tokens", "max_completion_tokens", "output tokens", "completion tokens"}) ||
      !any({"too large", "too high", "at most", "maximum", "exceed", "less than", "> "})) {
    return 0;
  }
  int64_t named = 0, number = 0;
  for (const char c : text + " ") {
    if (c >= '0' && c <= '9') {
      number = std::min<int64_t>(number * 10 + (c - '0'), sent);
    } else if (c != ',') {
      if (number < sent) named = std::max(named, number);
      number = 0;
    }
  }
  if (named >= kLeast) return named;
  return sent >= 2 * kWorthHalving ? sent / 2 : 0;
}

ApiAnswer ReadApiReply(Provider provider, const net::HttpReply& reply) {
  ApiAnswer out;
  const auto root = JsonValue::Parse(reply.body);
  if (!root.ok() || !root->is_object()) {
    out.problem = Unusable(provider, "the reply is no JSON object");
    return out;
  }
  out.reply.model = (*root)["model"].AsString();
  if (provider == Provider::kAnthropic) {
    ReadAnthropic(*root, out);
  } else {
    ReadOpenAi(*root, out);
  }
  if (out.problem.ok() && !out.cut && base::Trim(out.reply.text).empty()) {
    out.problem = Unusable(provider, "the reply has no text");
  }
  return out;
}

Status ApiFailure(const ApiSettings& settings, const net::HttpReply& reply, std::string_view key,
                  UtcMillis now) {
  std::string text = Complaint(reply);
  if (!key.empty()) text = base::ReplaceAll(text, key, "[key]");
  if (base::Trim(text).empty()) text = "no reason given";
  const ErrorCode& code = CodeFor(reply.status, text);
  Status status = Fail(code, "asking {}: status {}: {}", config::Word(settings.provider),
                       reply.status, Shown(text));
  if (code.name == kAuthMissing.name) {
    status = WithSuggestion(std::move(status),
                            fmt::format("check the key in the variable {}", settings.key_env),
                            "selftune config list");
  }
  const std::optional<int64_t> after = RetryAfterMs(reply, now);
  if (!after.has_value()) return status;
  return WithDetails(std::move(status), fmt::format("{{\"retry_after_ms\":{}}}", *after));
}

}  // namespace selftune::llm
