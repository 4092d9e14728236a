// A model asked over HTTP, without an agent in between.
#pragma once

#include <functional>
#include <string>

#include "base/env.h"
#include "base/time.h"
#include "llm/api_messages.h"
#include "llm/api_settings.h"
#include "llm/backend.h"
#include "net/transport.h"

namespace selftune::llm {

struct ApiBackendOptions {
  ApiSettings settings;
  std::string key;
  std::string proxy, no_proxy;
  Refused refused;  // as remembered
  // Called, by the thread that asks, when the server refused another part.
  std::function<void(const std::string& model, const Refused&)> remember;
};

// Not thread-safe: what a server refuses is kept.
class ApiBackend final : public Backend {
 public:
  // `transport` and `clock` must outlive the backend.
  ApiBackend(ApiBackendOptions options, net::Transport& transport, const Clock& clock)
      : options_(std::move(options)), transport_(transport), clock_(clock) {}

  [[nodiscard]] std::string_view name() const override {
    return config::Word(options_.settings.provider);
  }
  // The server stands where an agent has its version: another one is another judge.
  [[nodiscard]] std::string_view version() const override { return options_.settings.base_url; }
  [[nodiscard]] StatusOr<LlmReply> Call(const LlmRequest& request) override;

 private:
  // One request and its reply, without the parts the server refuses.
  [[nodiscard]] StatusOr<net::HttpReply> Exchange(const LlmRequest& request, int64_t max_tokens,
                                                  int64_t deadline_ms);

  ApiBackendOptions options_;
  net::Transport& transport_;
  const Clock& clock_;
};

// Where a proxy is named for this address, "" = none.
[[nodiscard]] std::string ProxyFor(const base::Environment& env, std::string_view url);

}  // namespace selftune::llm
