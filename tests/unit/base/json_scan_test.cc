#include "base/json_scan.h"

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <doctest/doctest.h>

#include "base/json_value.h"

namespace selftune::base {
namespace {

using Members = std::vector<std::pair<std::string, std::string>>;

// All members as (key, raw value); empty optional when malformed.
bool Walk(std::string_view text, Members& out) {
  JsonScan scan(text);
  while (scan.Next()) {
    out.emplace_back(scan.key().ToString(), std::string(scan.value().text));
  }
  return scan.complete();
}

bool WellFormed(std::string_view text) {
  Members ignored;
  return Walk(text, ignored);
}

std::string Nested(size_t depth, std::string_view open, std::string_view close) {
  std::string text = R"({"a":)";
  for (size_t i = 0; i < depth; ++i) text.append(open);
  for (size_t i = 0; i < depth; ++i) text.append(close);
  return text + "}";
}

}  // namespace

TEST_SUITE("base/json_scan") {
  TEST_CASE("members come in their order, values as they stand") {
    Members members;
    CHECK(Walk(
        "\n {\"a\" : 1.5e-3,\"b\":[1,{\"c\":\"]}\"}], \"d\":{} ,\"e\":null,\"f\":\"x\\\"y\"} \t",
        members));
    const Members want = {
        {"a", "1.5e-3"}, {"b", R"([1,{"c":"]}"}])"}, {"d", "{}"}, {"e", "null"}, {"f", R"(x\"y)"}};
    CHECK(members == want);
  }

  TEST_CASE("kinds are told apart") {
    using Kind = JsonSpan::Kind;
    JsonScan scan(R"({"a":"","b":0,"c":true,"d":false,"e":null,"f":[],"g":{}})");
    for (const Kind kind : {Kind::kString, Kind::kNumber, Kind::kBool, Kind::kBool, Kind::kNull,
                            Kind::kArray, Kind::kObject}) {
      REQUIRE(scan.Next());
      CHECK(scan.value().kind == kind);
      CHECK(scan.value().present() == (kind != Kind::kNull));
    }
    CHECK(!scan.Next());
    CHECK(scan.complete());
  }

  TEST_CASE("strings are unescaped on demand") {
    struct Case {
      const char* json;
      const char* want;
    };
    const Case cases[] = {
        {R"(plain)", "plain"},
        {R"(\"\\\/\b\f\n\r\t)", "\"\\/\b\f\n\r\t"},
        {R"(\u0041\u00e9\u20ac)", "A\u00e9\u20ac"},
        {R"(\ud83d\ude00!)", "\U0001F600!"},
        {R"(\ud83d)", "\uFFFD"},  // half a pair
        {R"(\ud83dx)", "\uFFFDx"},
        {R"(\ud83d\u0041)", "\uFFFDA"},  // a half and a letter
        {R"(\ude00)", "\uFFFD"},
    };
    for (const Case& c : cases) {
      CAPTURE(c.json);
      const std::string text = std::string(R"({"k":")") + c.json + "\"}";
      JsonScan scan(text);
      REQUIRE(scan.Next());
      CHECK(scan.value().ToString() == c.want);
      CHECK(scan.value().Is(c.want));
      CHECK(!scan.value().Is("something else"));
    }
  }

  TEST_CASE("what is no JSON object is refused") {
    for (const char* text : {"",
                             " ",
                             "[]",
                             "1",
                             "\"a\"",
                             "{",
                             "{\"a\"",
                             "{\"a\":",
                             "{\"a\":1",
                             "{\"a\":1,",
                             "{\"a\":1,}",
                             "{,}",
                             "{a:1}",
                             "{\"a\" 1}",
                             "{\"a\":1 \"b\":2}",
                             "{\"a\":[1,]}",
                             "{\"a\":[1 2]}",
                             "{\"a\":[1}",
                             "{\"a\":{\"b\"}}",
                             "{\"a\":{\"b\":1,}}",
                             "{\"a\":tru}",
                             "{\"a\":nul}",
                             "{\"a\":01}",
                             "{\"a\":-}",
                             "{\"a\":1.}",
                             "{\"a\":1e}",
                             "{\"a\":+1}",
                             "{\"a\":\"\\x\"}",
                             "{\"a\":\"\\u12\"}",
                             "{\"a\":\"\\u12g4\"}",
                             "{\"a\":\"\n\"}",
                             "{\"a\":\"b}",
                             "{\"a\":\"b\\\"}",
                             "{\"a\":1}}",
                             "{\"a\":1} x",
                             "{\"a\":]}"}) {
      CAPTURE(text);
      CHECK(!WellFormed(text));
      CHECK(!JsonValue::Parse(text).ok() ==
            (std::string_view(text) != "[]" && std::string_view(text) != "1" &&
             std::string_view(text) != "\"a\""));
    }
  }

  TEST_CASE("every way to cut a payload is noticed") {
    const std::string text =
        R"({"session_id":"s","tool_input":{"skill":"pdf","args":null},"tool_response":["\u00e9",-1.5E+2,true]})";
    REQUIRE(WellFormed(text));
    for (size_t cut = 0; cut < text.size(); ++cut) {
      CAPTURE(cut);
      CHECK(!WellFormed(std::string_view(text).substr(0, cut)));
    }
  }

  TEST_CASE("nesting has a limit and needs no memory") {
    CHECK(WellFormed(Nested(JsonScan::kMaxDepth, "[", "]")));
    CHECK(!WellFormed(Nested(JsonScan::kMaxDepth + 1, "[", "]")));
    CHECK(!WellFormed(Nested(1'000'000, "[", "]")));
    CHECK(!WellFormed(Nested(1'000'000, R"({"a":)", "}")));
    CHECK(!WellFormed(R"({"a":[{"b":1]}})"));  // crossed brackets
    CHECK(WellFormed(R"({"a":[[{"b":[]}],{"c":[{}]}]})"));
  }

  TEST_CASE("long strings are skipped at every alignment") {
    for (size_t length = 0; length < 70; ++length) {
      for (const char* special : {"", "\\n", "\\\""}) {
        const std::string inside = std::string(length, 'x') + special + std::string(5, 'y');
        const std::string text = R"({"a":")" + inside + R"(","b":1})";
        Members members;
        CHECK(Walk(text, members));
        REQUIRE(members.size() == 2);
        CHECK(members[0].second == inside);
        CHECK(!WellFormed(R"({"a":")" + std::string(length, 'x') + '\x1f' + "\"}"));
      }
    }
  }

  TEST_CASE("bytes that are no UTF-8 pass through") {
    const std::string text = "{\"a\":\"\xff\xc3\"}";
    JsonScan scan(text);
    REQUIRE(scan.Next());
    CHECK(scan.value().ToString() == "\xff\xc3");
    CHECK(!scan.Next());
    CHECK(scan.complete());
  }
}

}  // namespace selftune::base
