// A model asked over HTTP, with a server that says what the test wants.
#include <chrono>
#include <cstdint>
#include <deque>
#include <string>
#include <utility>
#include <vector>

#include <doctest/doctest.h>

#include "base/json_value.h"
#include "llm/api_backend.h"

namespace selftune::llm {
namespace {

using base::JsonValue;

struct FakeTransport final : net::Transport {
  std::deque<StatusOr<net::HttpReply>> replies;
  std::vector<net::HttpPost> posts;

  StatusOr<net::HttpReply> Post(const net::HttpPost& post) override {
    posts.push_back(post);
    REQUIRE(!replies.empty());
    auto reply = std::move(replies.front());
    replies.pop_front();
    return reply;
  }
  void Say(int status, std::string body,
           std::map<std::string, std::string, std::less<>> headers = {}) {
    replies.emplace_back(
        net::HttpReply{.status = status, .headers = std::move(headers), .body = std::move(body)});
  }
  [[nodiscard]] JsonValue Body(size_t i) const {
    auto body = JsonValue::Parse(posts.at(i).body);
    REQUIRE(body.ok());
    return *std::move(body);
  }
};

struct FakeClock final : Clock {
  UtcMillis now{1'764'000'000'000};  // 2025-11-24T16:00:00Z
  [[nodiscard]] UtcMillis Now() const override { return now; }
};

struct Scene {
  FakeTransport server;
  FakeClock clock;
  ApiBackendOptions options;
  std::vector<std::pair<std::string, Refused>> remembered;

  explicit Scene(Provider provider) {
    options.settings.provider = provider;
    options.settings.base_url = "https://models.example/base";
    options.settings.key_env = "KEY";
    options.settings.models[Tier::kStandard] = "m-1";
    options.settings.headers = {"x-team: tides"};
    options.key = "k-secret";
    options.remember = [this](const std::string& model, const Refused& refused) {
      remembered.emplace_back(model, refused);
    };
  }
  StatusOr<LlmReply> Ask(const LlmRequest& request) {
    ApiBackend backend(options, server, clock);
    return backend.Call(request);
  }
};

LlmRequest Question() {
  LlmRequest request;
  request.system = "You judge.";
  request.user = "[selftune:internal v1 purpose=grade run=r]\nIs it \"good\"?";
  request.json_schema = R"({"type":"object"})";
  request.effort = "high";
  return request;
}

constexpr char kMessage[] =
    R"({"model":"m-1-dated","content":[{"type":"thinking","thinking":"hm"},{"type":"text","text":"{\"a\":"},)"
    R"({"type":"text","text":"1}"}],"stop_reason":"end_turn",)"
    R"("usage":{"input_tokens":10,"output_tokens":4,"cache_read_input_tokens":6,"cache_creation_input_tokens":2}})";
constexpr char kCompletion[] =
    R"({"model":"m-1-dated","choices":[{"finish_reason":"stop","message":{"content":"{\"a\":1}"}}],)"
    R"("usage":{"prompt_tokens":16,"completion_tokens":4,"prompt_tokens_details":{"cached_tokens":6},)"
    R"("completion_tokens_details":{"reasoning_tokens":3}}})";

TEST_CASE("Anthropic: the question goes out as a message, the text blocks come back") {
  Scene scene(Provider::kAnthropic);
  scene.server.Say(200, kMessage);
  const auto reply = scene.Ask(Question());
  REQUIRE(reply.ok());
  CHECK(reply->text == R"({"a":1})");
  CHECK(reply->model == "m-1-dated");
  CHECK(reply->usage.input_tokens == 10);
  CHECK(reply->usage.output_tokens == 4);
  CHECK(reply->usage.cache_read_tokens == 6);
  CHECK(reply->usage.cache_write_tokens == 2);
  CHECK(!reply->usage.cost_micro_usd.has_value());  // never computed

  const net::HttpPost& post = scene.server.posts.at(0);
  CHECK(post.url == "https://models.example/base/v1/messages");
  const std::vector<std::string> headers = {
      "content-type: application/json", "accept: application/json", "expect:",
      "anthropic-version: 2023-06-01",  "x-api-key: k-secret",      "x-team: tides"};
  CHECK(post.headers == headers);
  CHECK(post.timeout == TimeoutOf(Question()));
  const JsonValue body = scene.server.Body(0);
  CHECK(body["model"].AsString() == "m-1");
  CHECK(body["max_tokens"].AsInt() == 8192);
  CHECK(body["system"].AsString() == "You judge.");
  CHECK(body["messages"].items().size() == 1);
  CHECK(body["messages"].items()[0]["role"].AsString() == "user");
  CHECK(body["messages"].items()[0]["content"].AsString() == Question().user);
  CHECK(body["output_config"]["effort"].AsString() == "high");
  CHECK(body["output_config"]["format"]["type"].AsString() == "json_schema");
  CHECK(body["output_config"]["format"]["schema"]["type"].AsString() == "object");
  CHECK(!body.Has("temperature"));  // several models refuse it
}

TEST_CASE("Anthropic: a token of a logged-in program is no key") {
  Scene scene(Provider::kAnthropic);
  scene.options.key = "sk-ant-oat01-abc";
  scene.server.Say(200, kMessage);
  REQUIRE(scene.Ask(LlmRequest{.user = "x"}).ok());
  CHECK(scene.server.posts[0].headers[4] == "authorization: Bearer sk-ant-oat01-abc");
  const JsonValue body = scene.server.Body(0);
  CHECK((!body.Has("system") && !body.Has("output_config")));
}

TEST_CASE("OpenAI: the question goes out as a chat, the choice comes back") {
  Scene scene(Provider::kOpenAi);
  scene.server.Say(200, kCompletion);
  const auto reply = scene.Ask(Question());
  REQUIRE(reply.ok());
  CHECK(reply->text == R"({"a":1})");
  CHECK(reply->usage.input_tokens == 10);  // without what was in the cache
  CHECK(reply->usage.cache_read_tokens == 6);
  CHECK(reply->usage.output_tokens == 4);
  CHECK(reply->usage.reasoning_tokens == 3);
  const net::HttpPost& post = scene.server.posts.at(0);
  CHECK(post.url == "https://models.example/base/chat/completions");
  CHECK(post.headers[3] == "authorization: Bearer k-secret");
  const JsonValue body = scene.server.Body(0);
  CHECK(body["messages"].items().size() == 2);
  CHECK(body["messages"].items()[0]["role"].AsString() == "system");
  CHECK(body["max_completion_tokens"].AsInt() == 8192);
  CHECK(body["reasoning_effort"].AsString() == "high");
  CHECK(body["response_format"]["json_schema"]["strict"].AsBool());

  // A server of this machine needs no key, and may answer in parts.
  scene.options.key.clear();
  scene.server.Say(
      200, R"({"choices":[{"message":{"content":[{"type":"text","text":"a"},{"text":"b"}]}}]})");
  CHECK(scene.Ask(LlmRequest{.user = "x"})->text == "ab");
  for (const std::string& header : scene.server.posts[1].headers) {
    CHECK(!header.starts_with("authorization"));
  }
}

TEST_CASE("an optional part that a server refuses is left out, and remembered") {
  Scene scene(Provider::kOpenAi);
  const auto no = [&](const char* what) {
    scene.server.Say(
        400, std::string(R"({"error":{"message":"Unsupported parameter: ')") + what + "'\"}}");
  };
  no("max_completion_tokens");
  no("response_format.json_schema");
  no("reasoning_effort");
  no("response_format");
  scene.server.Say(200, kCompletion);
  REQUIRE(scene.Ask(Question()).ok());
  REQUIRE(scene.server.posts.size() == 5);
  const JsonValue second = scene.server.Body(1), third = scene.server.Body(2),
                  last = scene.server.Body(4);
  CHECK((second["max_tokens"].AsInt() == 8192 && !second.Has("max_completion_tokens")));
  CHECK(third["response_format"]["type"].AsString() == "json_object");
  CHECK((!last.Has("response_format") && !last.Has("reasoning_effort")));
  REQUIRE(scene.remembered.size() == 4);
  CHECK(scene.remembered.back().first == "m-1");
  CHECK(scene.remembered.back().second ==
        Refused{"effort", "format", "json_object", "max_completion_tokens"});

  // Who knows it already does not ask for it again.
  scene.options.refused["m-1"] = scene.remembered.back().second;
  scene.server.Say(200, kCompletion);
  REQUIRE(scene.Ask(Question()).ok());
  CHECK(!scene.server.Body(5).Has("response_format"));
}

TEST_CASE("Anthropic: formats and efforts that a model does not know are left out") {
  Scene scene(Provider::kAnthropic);
  scene.server.Say(400,
                   R"({"type":"error","error":{"message":"output_config.format: not supported"}})");
  scene.server.Say(400,
                   R"({"type":"error","error":{"message":"output_config.effort: not supported"}})");
  scene.server.Say(200, kMessage);
  REQUIRE(scene.Ask(Question()).ok());
  CHECK(scene.server.Body(1)["output_config"].Has("effort"));
  CHECK(!scene.server.Body(2).Has("output_config"));
  // What was never sent cannot be at fault.
  scene.server.Say(400, R"({"error":{"message":"effort: bad, format: bad"}})");
  CHECK(!scene.Ask(LlmRequest{.user = "x"}).ok());
}

TEST_CASE("a reply that was cut is asked for once more, twice as long") {
  for (const bool again : {false, true}) {
    Scene scene(Provider::kAnthropic);
    const char* const cut =
        R"({"content":[{"type":"text","text":"{\"a"}],"stop_reason":"max_tokens","usage":{"input_tokens":10,"output_tokens":8192}})";
    scene.server.Say(200, cut);
    scene.server.Say(200, again ? cut : kMessage);
    const auto reply = scene.Ask(Question());
    CHECK(scene.server.Body(1)["max_tokens"].AsInt() == 16'384);
    CHECK(reply.ok() == !again);
    if (again) {
      CHECK(CodeOf(reply.status()).name == kInvalidReply.name);
      CHECK(WastedBy(reply.status()).answers == 2);
      CHECK(WastedBy(reply.status()).usage.output_tokens == 16'384);
    } else {
      CHECK(reply->usage.output_tokens == 8196);  // both were paid for
      CHECK(reply->answers == 2);
    }
  }
}

TEST_CASE("replies that say nothing usable are invalid") {
  const std::pair<Provider, const char*> rows[] = {
      {Provider::kAnthropic, "<html>"},
      {Provider::kAnthropic, "[]"},
      {Provider::kAnthropic, R"({"content":[]})"},
      {Provider::kAnthropic,
       R"({"content":[{"type":"tool_use","name":"x"}],"stop_reason":"tool_use"})"},
      {Provider::kAnthropic,
       R"({"content":[{"type":"text","text":"no"}],"stop_reason":"refusal"})"},
      {Provider::kOpenAi, R"({"choices":[]})"},
      {Provider::kOpenAi, R"({"choices":[{"message":{"content":null,"refusal":"no"}}]})"},
      {Provider::kOpenAi,
       R"({"choices":[{"finish_reason":"content_filter","message":{"content":"a"}}]})"},
  };
  for (const auto& [provider, body] : rows) {
    CAPTURE(body);
    Scene scene(provider);
    scene.server.Say(200, body);
    const auto reply = scene.Ask(Question());
    REQUIRE(!reply.ok());
    CHECK(CodeOf(reply.status()).name == kInvalidReply.name);
  }
}

TEST_CASE("what one model refuses is not kept from another") {
  Scene scene(Provider::kOpenAi);
  scene.options.settings.models[Tier::kStrong] = "m-2";
  scene.options.refused["m-1"] = {"format", "max_completion_tokens"};
  scene.server.Say(200, kCompletion);
  LlmRequest strong = Question();
  strong.tier = Tier::kStrong;
  REQUIRE(scene.Ask(strong).ok());
  CHECK(scene.server.Body(0).Has("max_completion_tokens"));
  // A model that wants the newer word after all gets it.
  scene.server.Say(
      400,
      R"({"error":{"message":"Unsupported parameter: 'max_tokens'. Use 'max_completion_tokens' instead."}})");
  scene.server.Say(200, kCompletion);
  REQUIRE(scene.Ask(Question()).ok());
  CHECK(scene.server.Body(1).Has("max_tokens"));
  CHECK(scene.server.Body(2).Has("max_completion_tokens"));
  CHECK(scene.remembered.back().second == Refused{"format"});
}

TEST_CASE("a model that writes less than is asked for is asked for less") {
  const std::pair<const char*, int64_t> rows[] = {
      {"max_completion_tokens is too large: 8192. This model supports at most 4096 completion "
       "tokens",
       4096},
      {"max_tokens: 8192 > 4,096, which is the maximum allowed number of output tokens for m-1",
       4096},
      {"max_tokens is too large", 4096},
      {"max_tokens must be less than or equal to `2048`", 2048},
      {"max_tokens: unknown field", 0},
      {"maximum is 5", 0},
  };
  for (const auto& [text, limit] : rows) {
    CAPTURE(text);
    CHECK(LowerLimit({.status = 400, .headers = {}, .body = text}, 8192) == limit);
    CHECK(LowerLimit({.status = 500, .headers = {}, .body = text}, 8192) == 0);
  }
  Scene scene(Provider::kOpenAi);
  scene.server.Say(400, rows[0].first);
  scene.server.Say(200, R"({"choices":[{"finish_reason":"length","message":{"content":"{"}}]})");
  const auto reply = scene.Ask(Question());
  CHECK(scene.server.Body(1)["max_completion_tokens"].AsInt() == 4096);
  CHECK(scene.remembered.empty());
  REQUIRE(!reply.ok());  // it was cut, and more cannot be had
  CHECK(scene.server.posts.size() == 2);
}

TEST_CASE("a refusal was paid for") {
  Scene scene(Provider::kOpenAi);
  scene.server.Say(
      200,
      R"({"choices":[{"message":{"refusal":"no"}}],"usage":{"prompt_tokens":9,"completion_tokens":4}})");
  const Wasted wasted = WastedBy(scene.Ask(Question()).status());
  CHECK(wasted.answers == 1);
  CHECK(wasted.usage.input_tokens == 9);
  CHECK(wasted.usage.output_tokens == 4);
  // Nobody answered: nothing was.
  scene.server.Say(500, "{}");
  CHECK(WastedBy(scene.Ask(Question()).status()).answers == 0);
}

TEST_CASE("another server or model is another judge") {
  Scene scene(Provider::kOpenAi);
  const ApiBackend first(scene.options, scene.server, scene.clock);
  scene.options.settings.models[Tier::kStandard] = "m-2";
  const ApiBackend second(scene.options, scene.server, scene.clock);
  CHECK(first.version() != second.version());
  CHECK(first.version() == "https://models.example/base standard=m-1");
}

TEST_CASE("every other status is an error of its kind, without the key") {
  struct Row {
    int status;
    const char* body;
    const ErrorCode* code;
  };
  const Row rows[] = {
      {301, "", &kApiFailed},
      {400, R"({"error":{"message":"bad model"}})", &kApiFailed},
      {400, R"({"error":{"message":"prompt is too long: 9 > 8"}})", &kContextTooLong},
      {401, R"({"error":{"message":"invalid x-api-key k-secret"}})", &kAuthMissing},
      {403, "no", &kAuthMissing},
      {404, R"({"error":"model m-1 not found"})", &kApiFailed},
      {408, "", &kBackendUnavailable},
      {409, "", &kBackendUnavailable},
      {413, "", &kContextTooLong},
      {422, R"({"message":"no"})", &kApiFailed},
      {425, "", &kBackendUnavailable},
      {429, R"({"error":{"message":"slow down"}})", &kRateLimited},
      {500, "k-secret \x1b[31m", &kBackendUnavailable},
      {502, "<html>", &kBackendUnavailable},
      {503, "", &kRateLimited},
      {504, "", &kBackendUnavailable},
      {529, R"({"error":{"message":"Overloaded"}})", &kRateLimited},
  };
  for (const Row& row : rows) {
    CAPTURE(row.status);
    Scene scene(Provider::kAnthropic);
    scene.server.Say(row.status, row.body);
    const auto reply = scene.Ask(LlmRequest{.user = "x"});
    REQUIRE(!reply.ok());
    CHECK(CodeOf(reply.status()).name == row.code->name);
    const std::string message(Message(reply.status()));
    CHECK(message.find("k-secret") == std::string::npos);
    CHECK(message.find('\x1b') == std::string::npos);
    CHECK(message.find(std::to_string(row.status)) != std::string::npos);
  }
}

TEST_CASE("when the server says when to come back, the error says it too") {
  const std::pair<std::pair<const char*, const char*>, const char*> rows[] = {
      {{"retry-after", "7"}, R"({"retry_after_ms":7000})"},
      {{"retry-after", "0.5"}, R"({"retry_after_ms":500})"},
      {{"retry-after-ms", "1234"}, R"({"retry_after_ms":1234})"},
      {{"retry-after", "Mon, 24 Nov 2025 16:00:09 GMT"}, R"({"retry_after_ms":9000})"},
      {{"retry-after", "Mon, 24 Nov 2025 15:00:00 GMT"}, R"({"retry_after_ms":0})"},
      {{"retry-after", "soon"}, ""},
      {{"retry-after", "-3"}, ""},
      {{"x", "7"}, ""},
  };
  for (const auto& [header, details] : rows) {
    CAPTURE(header.second);
    Scene scene(Provider::kAnthropic);
    scene.server.Say(429, "{}", {{header.first, header.second}});
    CHECK(DetailsJson(scene.Ask(LlmRequest{.user = "x"}).status()) == details);
  }
}

TEST_CASE("a server that cannot be reached is the transport's error") {
  Scene scene(Provider::kOpenAi);
  scene.server.replies.emplace_back(Fail(kTimeout, "late"));
  CHECK(CodeOf(scene.Ask(Question()).status()).name == kTimeout.name);
}

TEST_CASE("a proxy is the one that the variables name for the address") {
  const auto with = [](std::initializer_list<std::pair<const char*, const char*>> list) {
    base::Environment env;
    for (const auto& [name, value] : list) env.Set(name, value);
    return env;
  };
  constexpr char kUrl[] = "https://models.example";
  CHECK(ProxyFor(with({}), kUrl).empty());
  CHECK(ProxyFor(with({{"HTTPS_PROXY", "p"}}), kUrl) == "p");
  CHECK(ProxyFor(with({{"https_proxy", "q"}, {"HTTPS_PROXY", "p"}}), kUrl) == "q");
  CHECK(ProxyFor(with({{"all_proxy", "a"}}), kUrl) == "a");
  CHECK(ProxyFor(with({{"HTTP_PROXY", "p"}}), "http://models.example").empty());
  CHECK(ProxyFor(with({{"http_proxy", "p"}}), "http://models.example") == "p");
}

}  // namespace
}  // namespace selftune::llm
