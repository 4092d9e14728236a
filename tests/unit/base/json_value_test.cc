#include "base/json_value.h"

#include <chrono>
#include <cstdint>
#include <limits>
#include <string>
#include <vector>

#include <doctest/doctest.h>

namespace selftune::base {

TEST_SUITE("base/json_value") {
  TEST_CASE("a document comes back as it was") {
    const char* texts[] = {
        "null",
        "true",
        "[]",
        "{}",
        "\"\"",
        R"({"b":1,"a":[1,2.5,"x",null,false,{"c":{}}],"":"e"})",
        R"("\"\\\n\t\u0001")",
        "-9223372036854775808",
        "9223372036854775807",
        "0.1",
        "1e+300",
    };
    for (const char* text : texts) {
      CAPTURE(text);
      const StatusOr<JsonValue> value = JsonValue::Parse(text);
      REQUIRE(value.ok());
      CHECK(value->ToJson() == text);
      CHECK(*JsonValue::Parse(value->ToJson()) == *value);
    }
    CHECK(JsonValue::Parse(" {\n \"a\" : [ 1 , 2 ] }\n")->ToJson() == R"({"a":[1,2]})");
    CHECK(JsonValue::Parse(R"("\u00e9\ud83d\ude00")")->AsString() == "\u00e9\U0001f600");
  }

  TEST_CASE("what is not one document is refused") {
    const std::string deep65 = std::string(65, '[') + std::string(65, ']');
    const std::string deep5000 = std::string(5000, '[') + std::string(5000, ']');
    const std::string texts[] = {"",
                                 "   ",
                                 "{",
                                 "[1,]",
                                 "{\"a\":1,}",
                                 "{'a':1}",
                                 "nul",
                                 "1 2",
                                 "{} x",
                                 "\"abc",
                                 "\"\x01\"",
                                 "\"\xff\"",
                                 "\"\\ud800\"",
                                 "01",
                                 "1.",
                                 ".5",
                                 "+1",
                                 "NaN",
                                 "1e999",
                                 R"({"a":1,"a":2})",
                                 R"({"x":{"a":1,"b":2,"\u0061":3}})",
                                 deep65 + " ",
                                 deep5000};
    for (const std::string& text : texts) {
      CAPTURE(text.substr(0, 80));
      const StatusOr<JsonValue> value = JsonValue::Parse(text);
      REQUIRE(!value.ok());
      CHECK(CodeOf(value.status()).name == "INVALID_REQUEST");
      CHECK(!Message(value.status()).empty());
    }
    CHECK(JsonValue::Parse(std::string(64, '[') + std::string(64, ']')).ok());
  }

  TEST_CASE("values answer with fallbacks for other types") {
    const StatusOr<JsonValue> parsed =
        JsonValue::Parse(R"({"i":7,"d":1.5,"s":"x","b":true,"n":null,"a":[1],"o":{"k":2}})");
    REQUIRE(parsed.ok());
    const JsonValue& v = *parsed;
    CHECK(v["i"].AsInt() == 7);
    CHECK(v["i"].AsDouble() == 7.0);
    CHECK(v["i"].is_number());
    CHECK(v["d"].AsDouble() == 1.5);
    CHECK(v["d"].AsInt(9) == 9);
    CHECK(!v["d"].is_int());
    CHECK(v["s"].AsString() == "x");
    CHECK(v["s"].AsInt(3) == 3);
    CHECK(v["b"].AsBool());
    CHECK(v["s"].AsBool(true));
    CHECK(v["n"].is_null());
    CHECK(v.Has("n"));
    CHECK(!v.Has("absent"));
    CHECK(v["absent"].is_null());
    CHECK(v["absent"]["more"]["and more"].AsString().empty());
    CHECK(v["a"].items().size() == 1);
    CHECK(v["a"]["k"].is_null());
    CHECK(v["o"]["k"].AsInt() == 2);
    CHECK(v["o"].items().empty());
  }

  TEST_CASE("built values print and compare") {
    const JsonValue value = JsonValue::Object({
        {"t", JsonValue::Text("a\"b")},
        {"i", JsonValue::Int(-5)},
        {"d", JsonValue::Double(0.5)},
        {"bad", JsonValue::Double(std::numeric_limits<double>::quiet_NaN())},
        {"b", JsonValue::Bool(false)},
        {"a", JsonValue::Array({JsonValue(), JsonValue::Int(1)})},
    });
    CHECK(value.ToJson() == R"({"t":"a\"b","i":-5,"d":0.5,"bad":null,"b":false,"a":[null,1]})");
    CHECK(JsonValue::Int(1) == JsonValue::Int(1));
    CHECK(!(JsonValue::Int(1) == JsonValue::Double(1)));
    CHECK(JsonValue::Text("") == JsonValue::Text(""));
  }

  TEST_CASE("a large string and many keys take no time to speak of") {
    const std::string big(1 << 20, 'y');
    CHECK(JsonValue::Parse("\"" + big + "\"")->AsString() == big);
    std::string object = "{";
    for (int i = 0; i < 300'000; ++i) {
      if (i > 0) object += ",";
      object += "\"key" + std::to_string(i) + "\":" + std::to_string(i);
    }
    object += "}";
    const auto start = std::chrono::steady_clock::now();
    const StatusOr<JsonValue> value = JsonValue::Parse(object);
    REQUIRE(value.ok());
    CHECK(value->members().size() == 300'000);
    CHECK(std::chrono::steady_clock::now() - start < std::chrono::seconds(10));
    for (const char* again : {"key0", "key15", "key16", "key299999"}) {
      const std::string twice = object.substr(0, object.size() - 1) + ",\"" + again + "\":0}";
      CHECK_FALSE(JsonValue::Parse(twice).ok());
    }
  }

  TEST_CASE("no text at all is no JSON") {
    CHECK(CodeOf(JsonValue::Parse({}).status()).name == "INVALID_REQUEST");
    CHECK(CodeOf(JsonValue::Parse("").status()).name == "INVALID_REQUEST");
  }
}

}  // namespace selftune::base
