#include "llm/api_backend.h"

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>

#include "base/status_macros.h"

namespace selftune::llm {
namespace {

constexpr int64_t kMaxTokens = 8192;  // doubled once when a reply was cut
constexpr int kMaxParts = 8;          // more parts than a request has

// Adds what an earlier attempt used; unknown stays unknown.
void Add(std::optional<int64_t>& sum, const std::optional<int64_t>& more) {
  if (sum.has_value()) *sum += more.value_or(0);
}

}  // namespace

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

StatusOr<net::HttpReply> ApiBackend::Exchange(const LlmRequest& request, int64_t max_tokens,
                                              int64_t deadline_ms) {
  for (int i = 0; i < kMaxParts; ++i) {
    const int64_t left = deadline_ms - clock_.Now().value;
    if (left <= 0) {
      return Fail(kTimeout, "asking {}: no answer after {} ms", name(), TimeoutOf(request).count());
    }
    ST_ASSIGN_OR_RETURN(
        net::HttpReply reply,
        transport_.Post({.url = ApiUrl(options_.settings),
                         .headers = ApiHeaders(options_.settings, options_.key),
                         .body = ApiBody(options_.settings, request, options_.refused, max_tokens),
                         .timeout = std::chrono::milliseconds(left),
                         .proxy = options_.proxy,
                         .no_proxy = options_.no_proxy,
                         .cancel = request.cancel}));
    const std::string part = RefusedPart(options_.settings, request, options_.refused, reply);
    if (part.empty()) return reply;
    options_.refused.insert(part);
    if (options_.remember) options_.remember(options_.settings.ModelFor(request), options_.refused);
  }
  return Fail(kApiFailed, "asking {}: every form of the request was refused", name());
}

StatusOr<LlmReply> ApiBackend::Call(const LlmRequest& request) {
  const UtcMillis begun = clock_.Now();
  const int64_t deadline = begun.value + TimeoutOf(request).count();
  Usage cut;  // by a reply that was too long
  for (const int64_t max_tokens : {kMaxTokens, 2 * kMaxTokens}) {
    ST_ASSIGN_OR_RETURN(const net::HttpReply reply, Exchange(request, max_tokens, deadline));
    if (reply.status < 200 || reply.status >= 300) {
      return ApiFailure(options_.settings, reply, options_.key, clock_.Now());
    }
    ST_ASSIGN_OR_RETURN(ApiAnswer answer, ReadApiReply(options_.settings.provider, reply));
    if (answer.cut) {
      cut = answer.reply.usage;
      continue;
    }
    Add(answer.reply.usage.input_tokens, cut.input_tokens);
    Add(answer.reply.usage.output_tokens, cut.output_tokens);
    answer.reply.duration = std::chrono::milliseconds(clock_.Now().value - begun.value);
    return std::move(answer.reply);
  }
  return Fail(kInvalidReply, "asking {}: the reply is cut after {} tokens", name(), 2 * kMaxTokens);
}

}  // namespace selftune::llm
