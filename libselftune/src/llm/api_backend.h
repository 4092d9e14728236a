// A model asked over HTTP, without an agent in between.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
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
  std::map<std::string, Refused, std::less<>> refused;  // by model, as remembered
  // Called, by the thread that asks, when a model's refusals are others than before.
  std::function<void(const std::string& model, const Refused&)> remember;
};

// Not thread-safe: what a server refuses is kept.
class ApiBackend final : public Backend {
 public:
  // `transport` and `clock` must outlive the backend.
  ApiBackend(ApiBackendOptions options, net::Transport& transport, const Clock& clock);

  [[nodiscard]] std::string_view name() const override {
    return config::Word(options_.settings.provider);
  }
  // The server and its models stand where an agent has its version: another one
  // is another judge, whose answers are not mixed with these.
  [[nodiscard]] std::string_view version() const override { return version_; }
  [[nodiscard]] StatusOr<LlmReply> Call(const LlmRequest& request) override;

 private:
  // One request and its reply, without what the model refuses; `max_tokens`
  // becomes what it takes.
  [[nodiscard]] StatusOr<net::HttpReply> Exchange(const LlmRequest& request, int64_t& max_tokens,
                                                  int64_t deadline_ms);

  ApiBackendOptions options_;
  std::string version_;
  net::Transport& transport_;
  const Clock& clock_;
};

// Where a proxy is named for this address, "" = none.
[[nodiscard]] std::string ProxyFor(const base::Environment& env, std::string_view url);

}  // namespace selftune::llm
