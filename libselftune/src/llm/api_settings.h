// How a model is reached without an agent: the part `api` of config.json.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/env.h"
#include "base/error.h"
#include "config/config.h"
#include "llm/backend.h"

namespace selftune::llm {

using config::Provider;

struct ApiSettings {
  Provider provider = Provider::kAnthropic;
  std::string base_url;  // without a slash at its end
  std::string key_env;   // name of the variable that holds the key; never the key
  std::map<Tier, std::string> models;
  std::vector<std::string> headers;  // "name: value"
  bool allow_insecure = false;       // plain http to other machines

  // The model for a question: its own, else that of its tier. "" = none is set.
  [[nodiscard]] std::string ModelFor(const LlmRequest& request) const;
};

// Does the person want models called directly? `asked` is a parameter, "" = none;
// then SELFTUNE_LLM_MODE, then `llm_mode` of the configuration, then the agent.
// INVALID_REQUEST or INVALID_CONFIG for another word.
[[nodiscard]] StatusOr<bool> WantsApi(std::string_view asked, const base::Environment& env,
                                      const config::Config& config);

// INVALID_CONFIG names the key that is wrong or missing.
[[nodiscard]] StatusOr<ApiSettings> ReadApiSettings(const config::Config& config);

// The key, "" where none is needed (a server on this machine). AUTH_MISSING.
[[nodiscard]] StatusOr<std::string> ApiKey(const ApiSettings& settings,
                                           const base::Environment& env);

}  // namespace selftune::llm
