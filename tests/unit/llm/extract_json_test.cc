#include "llm/extract_json.h"

#include <string>

#include <doctest/doctest.h>

#include "base/crypto.h"
#include "base/json_value.h"
#include "support/test_files.h"

namespace selftune::llm {
namespace {

// "object", "array" or "object:key".
JsonShape ShapeOf(const std::string& want) {
  const size_t colon = want.find(':');
  std::vector<std::string> keys;
  if (colon != std::string::npos) keys.push_back(want.substr(colon + 1));
  return want.starts_with("array") ? JsonShape::Array(keys) : JsonShape::Object(keys);
}

// The extracted value as text, "~" before a repaired one, "-" for none.
std::string Extract(std::string_view reply, const std::string& want) {
  const auto found = ExtractJson(reply, ShapeOf(want));
  if (!found.ok()) return "-";
  return (found->repaired ? "~" : "") + found->value.ToJson();
}

}  // namespace

TEST_SUITE("llm/extract_json") {
  TEST_CASE("every collected reply gives what was wanted") {
    const base::JsonValue fixture = testing::ReadJson("eval/json_extraction_cases.json");
    CHECK(fixture["cases"].items().size() == 14);
    for (const base::JsonValue& c : fixture["cases"].items()) {
      CAPTURE(c["name"].AsString());
      const auto found = ExtractJson(c["raw"].AsString(), ShapeOf(c["want"].AsString()));
      if (c["expected"].is_null()) {
        CHECK_FALSE(found.ok());
        CHECK(CodeOf(found.status()).name == "INVALID_REPLY");
        continue;
      }
      REQUIRE(found.ok());
      CHECK(found->value == c["expected"]);
      CHECK_FALSE(found->repaired);
    }
  }

  TEST_CASE("messy replies") {
    struct Case {
      std::string name;
      std::string raw;
      std::string want;
      std::string got;
    };
    const Case cases[] = {
        {"windows line ends", "```json\r\n{\"a\":\r\n1}\r\n```\r\n", "object", "{\"a\":1}"},
        {"the later object wins", "{\"a\":1}\nSorry: {\"a\":2}", "object", "{\"a\":2}"},
        {"the same twice", "{\"a\":1} {\"a\":1}", "object", "{\"a\":1}"},
        {"the required key decides", "{\"x\":1} {\"draft\":1}", "object:x", "{\"x\":1}"},
        {"inside an array", "[{\"a\":1}]", "object", "{\"a\":1}"},
        {"inside an object without the key", "{\"r\":{\"x\":1},\"n\":2}", "object:x", "{\"x\":1}"},
        {"a fitting object keeps its members", "{\"x\":{\"x\":1}} end", "object:x",
         "{\"x\":{\"x\":1}}"},
        {"references after the array", "[{\"q\":1}] as in [2]", "array", "[{\"q\":1}]"},
        {"plain array", "Scores: [1,2,3].", "array", "[1,2,3]"},
        {"empty array", "none: []", "array", "[]"},
        {"items need the key", "[{\"a\":1}] [{\"q\":1}] [{\"b\":1}]", "array:q", "[{\"q\":1}]"},
        {"wrapped array in prose", "Here: {\"items\":[{\"q\":1}]} done", "array", "[{\"q\":1}]"},
        {"two members do not wrap", "{\"items\":[],\"n\":1}", "array:q", "[]"},
        {"unclosed brace in prose", "Use {two items. {\"a\":1}", "object", "{\"a\":1}"},
        {"apostrophes in prose", "It's {\"a\":\"it's\"}, isn't it?", "object", "{\"a\":\"it's\"}"},
        {"quote in prose", "He said \"hm {\"a\":1}", "object", "{\"a\":1}"},
        {"braces in strings", "x {\"a\":\"}{\"} y", "object", "{\"a\":\"}{\"}"},
        {"escaped quotes", "x {\"a\":\"\\\"}\"} y", "object", "{\"a\":\"\\\"}\"}"},
        {"code in a string beside prose", "ok {\"code\":\"```{}```\"} ok", "object",
         "{\"code\":\"```{}```\"}"},
        {"tilde fence", "~~~\n{\"a\":1}\n~~~", "object", "{\"a\":1}"},
        {"fence with prose inside", "```\nresult: {\"a\":1}\n```", "object", "{\"a\":1}"},
        {"fence after a stray brace", "{\"cut\n```json\n{\"a\":1}\n```", "object", "{\"a\":1}"},
        {"cut off", "{\"a\":{\"b\":1},\"c\":[1", "object", "-"},
        {"cut off in an array", "[{\"a\":1},{\"a\"", "array", "-"},
        {"cut off in an array, object wanted", "[{\"a\":1},{\"a\"", "object", "-"},
        {"cut off in a string", "{\"a\":\"x", "object", "-"},
        {"cut off fence", "```json\n{\"a\":[1,", "object", "-"},
        {"trailing commas", "{\"a\":[1,2,],}", "object", "~{\"a\":[1,2]}"},
        {"typographic quotes",
         "{\xE2\x80\x9C"
         "a\xE2\x80\x9D: \xE2\x80\x9Cx \"y\" z\xE2\x80\x9D}",
         "object", "~{\"a\":\"x \\\"y\\\" z\"}"},
        {"python", "{'a': True, 'b': None, 'c': 'it\\'s', 'd': [False,]}", "object",
         "~{\"a\":true,\"b\":null,\"c\":\"it's\",\"d\":[false]}"},
        {"python words in strings stay", "{\"a\":\"True, ] None\",}", "object",
         "~{\"a\":\"True, ] None\"}"},
        {"strict beats repaired", "{\"a\":1,} {\"a\":2}", "object", "{\"a\":2}"},
        {"repair does not complete", "{\"a\":[1,2,", "object", "-"},
        {"a scalar is no object", "42", "object", "-"},
        {"duplicate members", "{\"a\":1,\"a\":2}", "object", "-"},
        {"wrong brackets", "{\"a\":[1}", "object", "-"},
        {"only prose", "I would say {maybe} [or not].", "object", "-"},
    };
    for (const Case& c : cases) {
      CAPTURE(c.name);
      CHECK(Extract(c.raw, c.want) == c.got);
    }
  }

  TEST_CASE("a caller may tell the shape by a function") {
    const auto wanted = [](const base::JsonValue& value) { return value["n"].AsInt() == 2; };
    const auto found = ExtractJson("{\"n\":1} {\"n\":2} {\"n\":3}", wanted);
    REQUIRE(found.ok());
    CHECK(found->ToJson() == "{\"n\":2}");
    CHECK_FALSE(ExtractJson("{\"n\":1}", wanted).ok());
  }

  TEST_CASE("an object survives any prose without brackets around it") {
    base::Rng rng(7);
    const std::string alphabet = "abc \n\"'`:,.\\-\xC3\xA9";
    for (int round = 0; round < 500; ++round) {
      const auto prose = [&] {
        std::string out;
        for (uint64_t n = rng.Below(40); n > 0; --n) out += alphabet[rng.Below(alphabet.size())];
        return out;
      };
      const std::string reply = prose() + "{\"k\":\"v{[\\\"\",\"n\":[1,{\"m\":2}]}" + prose();
      CAPTURE(reply);
      CHECK(Extract(reply, "object:k") == "{\"k\":\"v{[\\\"\",\"n\":[1,{\"m\":2}]}");
    }
  }

  TEST_CASE("every cut of a document gives nothing") {
    const std::string document = "{\"a\":[{\"b\":\"x\\\"y\"},{\"c\":[1,2]}],\"d\":{\"e\":null}}";
    for (size_t cut = 0; cut < document.size(); ++cut) {
      CAPTURE(cut);
      CHECK(Extract(std::string_view(document).substr(0, cut), "object") == "-");
    }
  }

  TEST_CASE("hostile replies end soon") {
    CHECK(Extract(std::string(300'000, '{'), "object") == "-");
    CHECK(Extract(std::string(300'000, '['), "array") == "-");
    std::string nested(100'000, '{');
    nested += std::string(100'000, '}');
    CHECK(Extract(nested, "object") == "{}");  // the innermost pair
    std::string many;
    for (int i = 0; i < 50'000; ++i) many += "{}";
    CHECK(Extract(many + "{\"a\":1}", "object") == "{\"a\":1}");
    std::string fences;
    for (int i = 0; i < 20'000; ++i) fences += "```\n";
    CHECK(Extract(fences, "object") == "-");
  }
}

}  // namespace selftune::llm
