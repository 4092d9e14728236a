#include "llm/api_backend.h"

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>

#include <fmt/format.h>

#include "base/status_macros.h"

namespace selftune::llm {
namespace {

constexpr int64_t kMaxTokens = 8192;  // doubled once when a reply was cut
constexpr int kMaxTries = 12;         // more than a request has parts and halves

void Add(std::optional<int64_t>& sum, const std::optional<int64_t>& more) {
  if (more.has_value()) sum = sum.value_or(0) + *more;
}

void Add(Wasted& sum, const Usage& more) {
  ++sum.answers;
  Add(sum.usage.input_tokens, more.input_tokens);
  Add(sum.usage.output_tokens, more.output_tokens);
  Add(sum.usage.cache_read_tokens, more.cache_read_tokens);
  Add(sum.usage.cache_write_tokens, more.cache_write_tokens);
  Add(sum.usage.reasoning_tokens, more.reasoning_tokens);
}

}  // namespace

ApiBackend::ApiBackend(ApiBackendOptions options, net::Transport& transport, const Clock& clock)
    : options_(std::move(options)),
      version_(options_.settings.base_url),
      transport_(transport),
      clock_(clock) {
  for (const auto& [tier, model] : options_.settings.models) {
    version_ += fmt::format(" {}={}", Word(tier), model);
  }
}

std::string ProxyFor(const base::Environment& env, std::string_view url) {
  const auto first = [&](std::string_view lower, std::string_view upper) {
    const std::string value = env.GetOr(lower, "");
    return value.empty() ? env.GetOr(upper, "") : value;
  };
  // HTTP_PROXY in capitals can be set by whoever asks a CGI program.
  std::string proxy = url.starts_with("https://") ? first("https_proxy", "HTTPS_PROXY")
                                                  : env.GetOr("http_proxy", "");
  return proxy.empty() ? first("all_proxy", "ALL_PROXY") : proxy;
}

StatusOr<net::HttpReply> ApiBackend::Exchange(const LlmRequest& request, int64_t& max_tokens,
                                              int64_t deadline_ms) {
  const std::string model = options_.settings.ModelFor(request);
  Refused& refused = options_.refused[model];
  for (int i = 0; i < kMaxTries; ++i) {
    const int64_t left = deadline_ms - clock_.Now().value;
    if (left <= 0) {
      return Fail(kTimeout, "asking {}: no answer after {} ms", name(), TimeoutOf(request).count());
    }
    ST_ASSIGN_OR_RETURN(
        net::HttpReply reply,
        transport_.Post({.url = ApiUrl(options_.settings),
                         .headers = ApiHeaders(options_.settings, options_.key),
                         .body = ApiBody(options_.settings, request, refused, max_tokens),
                         .timeout = std::chrono::milliseconds(left),
                         .proxy = options_.proxy,
                         .no_proxy = options_.no_proxy,
                         .cancel = request.cancel}));
    if (const int64_t lower = LowerLimit(reply, max_tokens); lower > 0) {
      max_tokens = lower;
      continue;
    }
    if (!LearnRefusal(options_.settings.provider, request, reply, refused)) return reply;
    if (options_.remember) options_.remember(model, refused);
  }
  return Fail(kApiFailed, "asking {}: every form of the request was refused", name());
}

StatusOr<LlmReply> ApiBackend::Call(const LlmRequest& request) {
  const UtcMillis begun = clock_.Now();
  const int64_t deadline = begun.value + TimeoutOf(request).count();
  Wasted paid;
  int64_t max_tokens = kMaxTokens;
  for (int64_t wanted = kMaxTokens; wanted <= 2 * kMaxTokens; wanted *= 2) {
    max_tokens = wanted;
    const StatusOr<net::HttpReply> reply = Exchange(request, max_tokens, deadline);
    if (!reply.ok()) return WithWasted(reply.status(), paid);
    if (reply->status < 200 || reply->status >= 300) {
      return WithWasted(ApiFailure(options_.settings, *reply, options_.key, clock_.Now()), paid);
    }
    ApiAnswer answer = ReadApiReply(options_.settings.provider, *reply);
    Add(paid, answer.reply.usage);
    if (!answer.problem.ok()) return WithWasted(std::move(answer.problem), paid);
    if (answer.cut && max_tokens < wanted) break;  // it writes no more than that
    if (answer.cut) continue;
    answer.reply.usage = paid.usage;
    answer.reply.answers = paid.answers;
    answer.reply.duration = std::chrono::milliseconds(clock_.Now().value - begun.value);
    return std::move(answer.reply);
  }
  return WithWasted(
      Fail(kInvalidReply, "asking {}: the reply is cut after {} tokens", name(), max_tokens), paid);
}

}  // namespace selftune::llm
