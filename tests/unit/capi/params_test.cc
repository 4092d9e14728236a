#include "capi/params.h"

#include <doctest/doctest.h>

#include <cstdlib>
#include <memory>
#include <string>

#include "base/file.h"
#include "capi/engine.h"

namespace selftune::capi {
namespace {

constexpr std::string_view kColours[] = {"red", "green"};
constexpr ParamSpec kParams[] = {
    {.name = "name", .type = ParamType::kString, .required = true},
    {.name = "path", .type = ParamType::kPath},
    {.name = "since", .type = ParamType::kTime},
    {.name = "host", .type = ParamType::kPlatform},
    {.name = "hosts", .type = ParamType::kPlatform, .list = true},
    {.name = "colour", .type = ParamType::kString, .choices = kColours, .default_json = "\"red\""},
    {.name = "n", .type = ParamType::kInt, .default_json = "5", .minimum = 1, .maximum = 10},
    {.name = "rate", .type = ParamType::kNumber},
};
constexpr OpSpec kOp = {.name = "test.op", .schema = "s", .flags = "", .params = kParams};

std::unique_ptr<Engine> EngineAt(const std::string& home) {
  EngineOptions options;
  options.env.Set("HOME", home);
  options.now_ms = [] { return int64_t{1767323045678}; };  // 2026-01-02T03:04:05.678Z
  return *Engine::Open(std::move(options));
}

StatusOr<base::JsonValue> Check(const std::string& given) {
  const auto engine = EngineAt("/home/of/test");
  return CheckParams(kOp, *base::JsonValue::Parse(given), *engine);
}

std::string Value(const std::string& given, std::string_view key) {
  const auto checked = Check(given);
  return checked.ok() ? (*checked)[key].ToJson() : std::string(Message(checked.status()));
}

}  // namespace

TEST_SUITE("capi/params") {
  TEST_CASE("every declared key is there") {
    const auto checked = Check(R"({"name":"x"})");
    REQUIRE(checked.ok());
    CHECK(checked->ToJson() == R"({"name":"x","path":null,"since":null,"host":null,"hosts":null,)"
                               R"("colour":"red","n":5,"rate":null})");
  }

  TEST_CASE("values take their normal form") {
    struct Case {
      const char* given;
      const char* key;
      const char* want;
    };
    const Case cases[] = {
        {R"({"name":"x","path":"/a/../b//c"})", "path", "\"/b/c\""},
        {R"({"name":"x","path":"~/skills"})", "path", "\"/home/of/test/skills\""},
        {R"({"name":"x","path":"~"})", "path", "\"/home/of/test\""},
        {R"({"name":"x","since":"2026-01-01"})", "since", "\"2026-01-01T00:00:00.000Z\""},
        {R"({"name":"x","since":"2026-01-01T01:00:00+01:00"})", "since",
         "\"2026-01-01T00:00:00.000Z\""},
        {R"({"name":"x","since":"24h"})", "since", "\"2026-01-01T03:04:05.678Z\""},
        {R"({"name":"x","since":"1w"})", "since", "\"2025-12-26T03:04:05.678Z\""},
        {R"({"name":"x","host":"claude"})", "host", "\"claude_code\""},
        {R"({"name":"x","host":"claude-code"})", "host", "\"claude_code\""},
        {R"({"name":"x","colour":"RED"})", "colour", "\"red\""},
        {R"({"name":"x","hosts":["codex"]})", "hosts", "[\"codex\"]"},
        {R"({"name":"x","rate":1})", "rate", "1"},
        {R"({"name":"x","n":null})", "n", "5"},
    };
    for (const Case& c : cases) {
      CAPTURE(c.given);
      CHECK(Value(c.given, c.key) == c.want);
    }
  }

  TEST_CASE("what does not fit is refused, by name") {
    const char* cases[] = {
        R"({})",
        R"({"name":7})",
        R"({"name":"x","path":""})",
        R"({"name":"x","path":"a\u0000b"})",
        R"({"name":"x","since":"soon"})",
        R"({"name":"x","since":"99999999999d"})",
        R"({"name":"x","since":"-1d"})",
        R"({"name":"x","host":"emacs"})",
        R"({"name":"x","hosts":"codex"})",
        R"({"name":"x","colour":"blue"})",
        R"({"name":"x","n":0})",
        R"({"name":"x","n":11})",
        R"({"name":"x","n":1.5})",
        R"({"name":"x","rate":"1"})",
        R"({"name":"x","nam":1})",
    };
    for (const char* given : cases) {
      CAPTURE(given);
      const auto checked = Check(given);
      REQUIRE_FALSE(checked.ok());
      CHECK(CodeOf(checked.status()).name == "INVALID_REQUEST");
    }
  }

  TEST_CASE("the nearest name is suggested, a foreign one gets the list") {
    const std::vector<std::string_view> known = {"sync", "status"};
    CHECK(Suggestion(UnknownName("command", "statsu", known)) == "did you mean status?");
    CHECK(Suggestion(UnknownName("command", "orchestrate", known)) == "known are sync, status");
    CHECK(Suggestion(UnknownName("parameter", "x", {})) == "it takes none");
  }
}

}  // namespace selftune::capi
