#include "llm/api_settings.h"

#include <algorithm>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include <fmt/format.h>

#include "base/status_macros.h"
#include "base/strings.h"
#include "net/transport.h"

namespace selftune::llm {
namespace {

using base::JsonValue;

constexpr std::string_view kUsualUrls[] = {"https://api.anthropic.com",
                                           "https://api.openai.com/v1"};
// What a request says itself.
constexpr std::string_view kOwnHeaders[] = {
    "accept",
    "anthropic-version",
    "authorization",
    "connection",
    "content-length",
    "content-type",
    "expect",
    "host",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "x-api-key",
};

Status Wrong(const config::Config& config, std::string_view key, std::string_view expected) {
  return WithSuggestion(Fail(kInvalidConfig, "{}: {}: expected {}", config.path, key, expected),
                        "correct it, or set llm_mode to \"agent\"", "selftune config list");
}

// One name for all, or one for each of the tiers that are to be used.
Status ReadModels(const config::Config& config, ApiSettings& out) {
  const JsonValue& model = config.Get("api.model");
  for (const Tier tier : {Tier::kFast, Tier::kStandard, Tier::kStrong}) {
    const JsonValue& name = model.is_object() ? model[Word(tier)] : model;
    if (name.is_null()) continue;
    if (!IsModelName(name.AsString())) {
      return Wrong(config, "api.model", "a model's name, or {\"fast\", \"standard\", \"strong\"}");
    }
    out.models[tier] = name.AsString();
  }
  if (!out.models.empty()) return absl::OkStatus();
  return Wrong(config, "api.model", "the name of the model to ask; none is guessed");
}

// One of ours, or one that could end another, is none a person may add.
bool IsHeader(std::string_view name, std::string_view value) {
  const auto token = [](char c) { return c > 0x20 && c < 0x7f && c != ':'; };
  const auto printable = [](char c) { return static_cast<unsigned char>(c) >= 0x20 && c != 0x7f; };
  const bool ours = std::find(std::begin(kOwnHeaders), std::end(kOwnHeaders),
                              base::AsciiLower(name)) != std::end(kOwnHeaders);
  return !name.empty() && !ours && std::all_of(name.begin(), name.end(), token) &&
         std::all_of(value.begin(), value.end(), printable);
}

Status ReadHeaders(const config::Config& config, ApiSettings& out) {
  const JsonValue& headers = config.Get("api.headers");
  if (!headers.is_null() && !headers.is_object()) {
    return Wrong(config, "api.headers", "an object of names and values");
  }
  for (const auto& [name, value] : headers.members()) {
    if (!value.is_string() || !IsHeader(name, value.AsString())) {
      return Wrong(
          config, "api.headers." + name,
          "a header's value on one line; those of the request itself are not yours to set");
    }
    out.headers.push_back(fmt::format("{}: {}", name, value.AsString()));
  }
  return absl::OkStatus();
}

}  // namespace

std::string ApiSettings::ModelFor(const LlmRequest& request) const {
  if (request.model.has_value()) return *request.model;
  const auto found = models.find(request.tier);
  if (found != models.end()) return found->second;
  // A tier without a name of its own takes the strongest that has one.
  return models.empty() ? std::string() : models.rbegin()->second;
}

StatusOr<bool> WantsApi(std::string_view asked, const base::Environment& env,
                        const config::Config& config) {
  const std::string variable = env.GetOr("SELFTUNE_LLM_MODE", "");
  const JsonValue& set = config.document["llm_mode"];
  const auto read = [](const ErrorCode& code, std::string_view where,
                       std::string_view word) -> StatusOr<bool> {
    if (const auto mode = config::ParseLlmMode(word)) return *mode == config::LlmMode::kApi;
    return WithSuggestion(Fail(code, "{}: \"{}\" is no way to ask a model", where, word),
                          "use agent or api", "");
  };
  if (!asked.empty()) return read(kInvalidRequest, "llm_mode", asked);
  if (!variable.empty()) return read(kInvalidRequest, "SELFTUNE_LLM_MODE", variable);
  return set.is_null() ? false : read(kInvalidConfig, "llm_mode", set.AsString());
}

StatusOr<ApiSettings> ReadApiSettings(const config::Config& config) {
  ApiSettings out;
  const JsonValue& provider = config.Get("api.provider");
  const std::optional<Provider> named = config::ParseProvider(provider.AsString());
  if (!provider.is_null() && !named.has_value()) {
    return Wrong(config, "api.provider", "anthropic or openai (any server that speaks like it)");
  }
  if (named.has_value()) out.provider = *named;

  const JsonValue& url = config.Get("api.base_url");
  if (!url.is_null() && !url.is_string()) return Wrong(config, "api.base_url", "an address");
  out.base_url =
      url.is_string() ? url.AsString() : std::string(kUsualUrls[static_cast<size_t>(out.provider)]);
  while (out.base_url.ends_with('/')) out.base_url.pop_back();
  const JsonValue& insecure = config.Get("api.allow_insecure");
  if (!insecure.is_null() && !insecure.is_bool()) {
    return Wrong(config, "api.allow_insecure", "true or false");
  }
  out.allow_insecure = insecure.AsBool();
  ST_RETURN_IF_ERROR(net::CheckUrl(out.base_url, out.allow_insecure));

  out.key_env = config::KeyVariable(config);
  if (!config::IsVariableName(out.key_env)) {
    return Wrong(config, "api.key_env",
                 "the name of the variable that holds the key, never the key");
  }
  ST_RETURN_IF_ERROR(ReadModels(config, out));
  ST_RETURN_IF_ERROR(ReadHeaders(config, out));
  return out;
}

StatusOr<std::string> ApiKey(const ApiSettings& settings, const base::Environment& env) {
  const std::string key = env.GetOr(settings.key_env, "");
  const bool one_line =
      std::all_of(key.begin(), key.end(), [](char c) { return c > 0x20 && c < 0x7f; });
  if (!key.empty() && one_line) return key;
  if (key.empty() && net::IsLoopback(settings.base_url)) return key;
  return WithSuggestion(Fail(kAuthMissing, "asking a model: the variable {} {}", settings.key_env,
                             key.empty() ? "is not set" : "holds more than a key"),
                        "set it where selftune runs, or set llm_mode to \"agent\"",
                        "selftune config list");
}

}  // namespace selftune::llm
