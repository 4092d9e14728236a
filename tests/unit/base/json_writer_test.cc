#include "base/json_writer.h"

#include <cmath>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include <doctest/doctest.h>

#include "base/json_value.h"
#include "base/time.h"

namespace selftune::base {

TEST_SUITE("base/json_writer") {
  TEST_CASE("commas and nesting") {
    JsonWriter w;
    w.BeginObject()
        .Field("a", 1)
        .Key("b")
        .BeginArray()
        .Int(1)
        .BeginObject()
        .EndObject()
        .BeginArray()
        .EndArray()
        .String("x")
        .Null()
        .EndArray()
        .Field("c", true)
        .Key("d")
        .BeginObject()
        .NullField("e")
        .EndObject()
        .Key("raw")
        .Raw("[1, 2]")
        .Field("last", "z")
        .EndObject();
    const std::string want =
        R"({"a":1,"b":[1,{},[],"x",null],"c":true,"d":{"e":null},"raw":[1, 2],"last":"z"})";
    CHECK(w.view() == want);
    CHECK(std::move(w).Take() == want);
  }

  TEST_CASE("each overload of Field writes its own type") {
    JsonWriter w;
    const std::string text = "s";
    w.BeginObject()
        .Field("cstr", "c")
        .Field("str", text)
        .Field("view", std::string_view("v"))
        .Field("i", 5)
        .Field("i64", int64_t{-9'000'000'000})
        .Field("d", 2.0)
        .Field("b", false)
        .Field("t", UtcMillis{0})
        .Field("some", std::optional<int64_t>(3))
        .Field("none", std::optional<std::string>())
        .EndObject();
    CHECK(w.view() == R"({"cstr":"c","str":"s","view":"v","i":5,"i64":-9000000000,"d":2,"b":false,)"
                      R"("t":"1970-01-01T00:00:00.000Z","some":3,"none":null})");
  }

  TEST_CASE("every string comes out as valid JSON") {
    for (int c = 0; c < 256; ++c) {
      const std::string text = {'a', static_cast<char>(c), 'z'};
      CAPTURE(c);
      const std::string quoted = JsonQuote(text);
      const StatusOr<JsonValue> back = JsonValue::Parse(quoted);
      REQUIRE(back.ok());
      CHECK(back->AsString() == (c < 0x80 ? text : "a\ufffdz"));
      for (const char out : quoted) CHECK(static_cast<unsigned char>(out) >= 0x20);
    }
    CHECK(JsonQuote("\u00e9\U0001f600/") == "\"\u00e9\U0001f600/\"");
    CHECK(JsonQuote("\xed\xa0\x80") == "\"\ufffd\ufffd\ufffd\"");
    const std::string big(1 << 20, '"');
    CHECK(JsonValue::Parse(JsonQuote(big))->AsString() == big);
  }

  TEST_CASE("numbers are the shortest text that reads back equal") {
    const double values[] = {0,
                             -0.0,
                             0.1,
                             1.0 / 3,
                             1e21,
                             1e-7,
                             123456,
                             5e-324,
                             1.7976931348623157e308,
                             2.5e-5,
                             4503599627370497.5,
                             -0.0,
                             123456789012345680000.0,
                             -9223372036854775808.0};
    for (const double value : values) {
      CAPTURE(value);
      JsonWriter w;
      w.Double(value);
      const StatusOr<JsonValue> back = JsonValue::Parse(w.view());
      REQUIRE(back.ok());
      CHECK(back->AsDouble() == value);
      CHECK(std::signbit(back->AsDouble()) == std::signbit(value));
    }
    JsonWriter w;
    w.BeginArray()
        .Double(0.1)
        .Double(std::numeric_limits<double>::infinity())
        .Double(std::nan(""))
        .Int(std::numeric_limits<int64_t>::min())
        .Int(std::numeric_limits<int64_t>::max())
        .EndArray();
    CHECK(w.view() == "[0.1,null,null,-9223372036854775808,9223372036854775807]");
  }
}

}  // namespace selftune::base
