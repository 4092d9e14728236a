// What is sent to a model's server and what comes back, for both ways of
// speaking: Anthropic's messages and OpenAI's chat completions. No network here.
#pragma once

#include <cstdint>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "base/time.h"
#include "llm/api_settings.h"
#include "llm/backend.h"
#include "net/transport.h"

namespace selftune::llm {

// Optional parts of a request that a server refused: left out from then on.
using Refused = std::set<std::string, std::less<>>;

// Address and headers of a request. `key` "" = none is sent.
[[nodiscard]] std::string ApiUrl(const ApiSettings& settings);
[[nodiscard]] std::vector<std::string> ApiHeaders(const ApiSettings& settings,
                                                  std::string_view key);
[[nodiscard]] std::string ApiBody(const ApiSettings& settings, const LlmRequest& request,
                                  const Refused& refused, int64_t max_tokens);

// Learns from a reply of status 400 or 422 that names an optional part which was
// sent: true when another request is worth a try.
[[nodiscard]] bool LearnRefusal(Provider provider, const LlmRequest& request,
                                const net::HttpReply& reply, Refused& refused);
// The limit of tokens to ask for instead of `sent`, when the reply says that a
// model cannot write that much; 0 = it does not say so.
[[nodiscard]] int64_t LowerLimit(const net::HttpReply& reply, int64_t sent);

struct ApiAnswer {
  LlmReply reply;    // its usage holds also when the rest cannot be used
  Status problem;    // INVALID_REPLY: no answer, or a refusal
  bool cut = false;  // it ended because it was as long as it may be
};

// A reply of status 2xx.
[[nodiscard]] ApiAnswer ReadApiReply(Provider provider, const net::HttpReply& reply);
// The error in any other reply; `details.retry_after_ms` when the server said
// when to come back. The text never holds `key`.
[[nodiscard]] Status ApiFailure(const ApiSettings& settings, const net::HttpReply& reply,
                                std::string_view key, UtcMillis now);

}  // namespace selftune::llm
