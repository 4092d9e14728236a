#include "llm/api_settings.h"

#include <string>

#include <doctest/doctest.h>

#include "llm/choose.h"

namespace selftune::llm {
namespace {

config::Config With(const std::string& text) {
  auto config = config::Parse(text, "config.json");
  REQUIRE(config.ok());
  return *std::move(config);
}

base::Environment Variables(std::initializer_list<std::pair<const char*, const char*>> list) {
  base::Environment env;
  for (const auto& [name, value] : list) env.Set(name, value);
  return env;
}

TEST_CASE("a model is called directly when that was asked for, set, or configured") {
  struct Row {
    const char *asked, *variable, *configured;
    int wanted;  // -1 = an error
  };
  const Row rows[] = {
      {"", "", "{}", 0},
      {"", "", R"({"llm_mode":"agent"})", 0},
      {"", "", R"({"llm_mode":"api"})", 1},
      {"", "agent", R"({"llm_mode":"api"})", 0},
      {"", "api", "{}", 1},
      {"agent", "api", R"({"llm_mode":"api"})", 0},
      {"api", "agent", "{}", 1},
      {"", "", R"({"llm_mode":"http"})", -1},
      {"", "", R"({"llm_mode":7})", -1},
      {"", "yes", "{}", -1},
      {"yes", "", "{}", -1},
  };
  for (const Row& row : rows) {
    CAPTURE(row.asked);
    CAPTURE(row.variable);
    CAPTURE(row.configured);
    const auto wants =
        WantsApi(row.asked, Variables({{"SELFTUNE_LLM_MODE", row.variable}}), With(row.configured));
    CHECK(wants.ok() == (row.wanted >= 0));
    if (wants.ok()) CHECK(*wants == (row.wanted == 1));
  }
}

TEST_CASE("a model's name is enough") {
  const auto settings = ReadApiSettings(With(R"({"api":{"model":"m-large"}})"));
  REQUIRE(settings.ok());
  CHECK(settings->provider == Provider::kAnthropic);
  CHECK(settings->base_url == "https://api.anthropic.com");
  CHECK(settings->key_env == "ANTHROPIC_API_KEY");
  LlmRequest request;
  CHECK(settings->ModelFor(request) == "m-large");
  request.model = "other";
  CHECK(settings->ModelFor(request) == "other");
}

TEST_CASE("each tier may have a model; one without takes the strongest there is") {
  const auto settings = ReadApiSettings(
      With(R"({"api":{"provider":"openai","model":{"fast":"small","standard":"middle"}}})"));
  REQUIRE(settings.ok());
  CHECK(settings->base_url == "https://api.openai.com/v1");
  CHECK(settings->key_env == "OPENAI_API_KEY");
  LlmRequest request;
  const std::pair<Tier, const char*> rows[] = {
      {Tier::kFast, "small"}, {Tier::kStandard, "middle"}, {Tier::kStrong, "middle"}};
  for (const auto& [tier, model] : rows) {
    request.tier = tier;
    CHECK(settings->ModelFor(request) == model);
  }
}

TEST_CASE("what cannot be meant is refused by the name of its key") {
  const std::pair<const char*, const char*> rows[] = {
      {R"({})", "api.model"},
      {R"({"api":{}})", "api.model"},
      {R"({"api":{"model":""}})", "api.model"},
      {R"({"api":{"model":"--evil"}})", "api.model"},
      {R"({"api":{"model":{"fast":1}}})", "api.model"},
      {R"({"api":{"model":"m","provider":"other"}})", "api.provider"},
      {R"({"api":{"model":"m","provider":1}})", "api.provider"},
      {R"({"api":{"model":"m","base_url":1}})", "api.base_url"},
      {R"({"api":{"model":"m","base_url":"http://models.example"}})", "http://"},
      {R"({"api":{"model":"m","base_url":"ftp://models.example"}})", "https://"},
      {R"({"api":{"model":"m","allow_insecure":"yes"}})", "api.allow_insecure"},
      {R"({"api":{"model":"m","key_env":"sk-ant-api03-abc"}})", "api.key_env"},
      {R"({"api":{"model":"m","key_env":""}})", "api.key_env"},
      {R"({"api":{"model":"m","headers":["a"]}})", "api.headers"},
      {R"({"api":{"model":"m","headers":{"a":1}}})", "api.headers.a"},
      {R"({"api":{"model":"m","headers":{"a":"x\r\nb: y"}}})", "api.headers.a"},
      {R"({"api":{"model":"m","headers":{"Authorization":"Bearer x"}}})",
       "api.headers.Authorization"},
      {R"({"api":{"model":"m","headers":{"Transfer-Encoding":"chunked"}}})", "api.headers"},
      {R"({"api":{"model":"m","headers":{"a: b\n":"x"}}})", "api.headers"},
  };
  for (const auto& [text, named] : rows) {
    CAPTURE(text);
    const auto settings = ReadApiSettings(With(text));
    REQUIRE(!settings.ok());
    CHECK(CodeOf(settings.status()).name == kInvalidConfig.name);
    CHECK(Message(settings.status()).find(named) != std::string_view::npos);
  }
  CHECK(
      ReadApiSettings(
          With(R"({"api":{"model":"m","base_url":"http://models.example","allow_insecure":true}})"))
          .ok());
}

TEST_CASE("the key comes out of a variable; servers of this machine may do without") {
  ApiSettings settings{.base_url = "https://models.example", .key_env = "MY_KEY"};
  CHECK(ApiKey(settings, Variables({{"MY_KEY", "k-1"}})).value_or("") == "k-1");
  for (const char* const value : {"", "two words", "a\nb"}) {
    const auto key = ApiKey(settings, Variables({{"MY_KEY", value}}));
    REQUIRE(!key.ok());
    CHECK(CodeOf(key.status()).name == kAuthMissing.name);
    CHECK(Message(key.status()).find("MY_KEY") != std::string_view::npos);
    if (*value != 0) CHECK(Message(key.status()).find(value) == std::string_view::npos);
  }
  settings.base_url = "http://127.0.0.1:11434/v1";
  CHECK(ApiKey(settings, Variables({})).value_or("x").empty());
}

TEST_CASE("an engine that may not use the network asks no server") {
  ChooseOptions options;
  options.api = ApiSettings{.base_url = "https://models.example", .key_env = "MY_KEY"};
  const base::Environment env = Variables({{"MY_KEY", "k-1"}});
  CHECK(NameBackend(env, options).value_or("") == "anthropic");
  options.no_network = true;
  const auto name = NameBackend(env, options);
  REQUIRE(!name.ok());
  CHECK(CodeOf(name.status()).name == kApiFailed.name);
  CHECK(!ChooseBackend(env, options, nullptr, SystemClock()).ok());
}

}  // namespace
}  // namespace selftune::llm
