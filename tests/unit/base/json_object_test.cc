#include "base/json_object.h"

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <doctest/doctest.h>

#include "base/json_value.h"

namespace selftune::base {
namespace {

// What a reader may do with a field.
using Touch = std::function<void(std::string_view key, JsonField& value)>;

// Parses a copy that is padded as the contract asks.
Status ParseLine(LineParser& parser, std::string_view line, const Touch& touch) {
  std::string padded(line);
  padded.append(64, '\0');
  return parser.ForEachField(std::string_view(padded).substr(0, line.size()), touch);
}

// Reads everything, in every form, as deep as it goes.
void TouchAll(std::string_view, JsonField& value) {
  switch (value.type()) {
    case JsonField::Type::kObject:
      value.ForEachField(TouchAll);
      break;
    case JsonField::Type::kArray:
      value.ForEachItem([](JsonField& item) { TouchAll("", item); });
      break;
    case JsonField::Type::kString:
      static_cast<void>(value.String());
      break;
    case JsonField::Type::kNumber:
      static_cast<void>(value.Int());
      break;
    case JsonField::Type::kBool:
      static_cast<void>(value.Bool());
      break;
    case JsonField::Type::kNull:
      static_cast<void>(value.IsNull());
      break;
    case JsonField::Type::kError:
      break;
  }
}

void TouchNothing(std::string_view, JsonField&) {}

// Asks every value for every type.
void TouchWrong(std::string_view, JsonField& value) {
  static_cast<void>(value.Bool());
  static_cast<void>(value.Int());
  static_cast<void>(value.Double());
  static_cast<void>(value.String());
  value.ForEachField(TouchWrong);
  value.ForEachItem([](JsonField& item) { TouchWrong("", item); });
}

}  // namespace

TEST_SUITE("base/json_object") {
  TEST_CASE("fields come in document order with their types") {
    LineParser parser;
    std::string seen;
    const Status status = ParseLine(
        parser,
        R"( {"s":"a\n\u00e9\ud83d\ude00","i":-42,"d":1.5,"t":true,"n":null,"o":{"x":1},"a":[1,"b"]} )",
        [&](std::string_view key, JsonField& value) {
          seen.append(key).append("=");
          if (const auto text = value.String()) seen.append(*text);
          if (key == "i") seen.append(std::to_string(*value.Int()));
          if (key == "d") seen.append(std::to_string(*value.Double()));
          if (const auto flag = value.Bool()) seen.append(*flag ? "yes" : "no");
          if (value.IsNull()) seen.append("null");
          value.ForEachField([&](std::string_view inner, JsonField& v) {
            seen.append(inner).append(std::to_string(*v.Int()));
          });
          value.ForEachItem(
              [&](JsonField& v) { seen.append(v.type() == JsonField::Type::kString ? "S" : "N"); });
          seen.append(";");
        });
    CHECK(status.ok());
    CHECK(seen == "s=a\n\u00e9\U0001f600;i=-42;d=1.500000;t=yes;n=null;o=x1;a=NS;");
  }

  TEST_CASE("another type than asked for is no error") {
    LineParser parser;
    int fields = 0;
    CHECK(ParseLine(parser, R"({"a":"text","b":5,"c":[1,2],"d":{"e":null},"f":true})",
                    [&](std::string_view, JsonField& value) {
                      ++fields;
                      if (value.type() != JsonField::Type::kString) CHECK(!value.String());
                      if (value.type() != JsonField::Type::kBool) CHECK(!value.Bool());
                      if (value.type() != JsonField::Type::kNumber) CHECK(!value.Int());
                      if (value.type() != JsonField::Type::kNumber) CHECK(!value.Double());
                    })
              .ok());
    CHECK(fields == 5);
  }

  TEST_CASE("damaged lines are errors however they are read") {
    struct Case {
      const char* name;
      std::string line;
    };
    const Case cases[] = {
        {"empty", ""},
        {"blank", "  \t "},
        {"only an opening brace", "{"},
        {"only a quote", "\""},
        {"only a closing brace", "}"},
        {"cut in a key", R"({"ke)"},
        {"cut after a key", R"({"key")"},
        {"cut after a colon", R"({"key":)"},
        {"cut in a string", R"({"key":"val)"},
        {"cut after a value", R"({"key":"value")"},
        {"cut after a comma", R"({"key":"value",)"},
        {"cut in a nested object", R"({"a":{"b":[1,{"c":)"},
        {"cut in an array", R"({"a":[1,2)"},
        {"cut in an escape", "{\"a\":\"x\\"},
        {"not an object", "[1,2]"},
        {"a string", "\"x\""},
        {"a number", "12"},
        {"null", "null"},
        {"plain text", "hello"},
        {"no colon", R"({"a" 1})"},
        {"no comma", R"({"a":1 "b":2})"},
        {"two commas", R"({"a":1,,"b":2})"},
        {"trailing comma", R"({"a":1,})"},
        {"key without quotes", R"({a:1})"},
        {"two objects", R"({"a":1}{"b":2})"},
        {"two objects apart", R"({"a":1} {"b":2})"},
        {"text after", R"({"a":1} x)"},
        {"brace too many", R"({"a":1}})"},
        {"mismatched brackets", R"({"a":[1}])"},
        {"invalid UTF-8 in a value", "{\"a\":\"caf\xe9\"}"},
        {"invalid UTF-8 in a key", "{\"\xff\":1}"},
        {"surrogate in UTF-8", "{\"a\":\"\xed\xa0\x80\"}"},
        {"control character in a string", "{\"a\":\"x\x01y\"}"},
        {"NUL in the middle", std::string("{\"a\":\0 1}", 9)},
    };
    for (const Case& c : cases) {
      CAPTURE(c.name);
      LineParser parser;
      for (const auto touch : {TouchAll, TouchNothing, TouchWrong}) {
        const Status status = ParseLine(parser, c.line, touch);
        CHECK(!status.ok());
        if (!status.ok()) CHECK(CodeOf(status).name == "INVALID_REQUEST");
        // The parser is as good as new.
        CHECK(ParseLine(parser, R"({"x":1})", TouchAll).ok());
      }
    }
  }

  TEST_CASE("damage inside a value is noticed when the value is read") {
    for (const char* line : {R"({"a":tru})", R"({"a":nul,"b":1})", R"({"a":"\q"})",
                             R"({"a":"\ud800"})", R"({"a":[1 2]})", R"({"a":{"b" 1}})"}) {
      CAPTURE(line);
      LineParser parser;
      CHECK(!ParseLine(parser, line, TouchAll).ok());
      CHECK(ParseLine(parser, R"({"x":1})", TouchAll).ok());
    }
  }

  TEST_CASE("after the first error nothing more is called") {
    LineParser parser;
    std::vector<std::string> keys;
    bool errors_stick = true;
    const Status status =
        ParseLine(parser, R"({"good":1,"bad":{"x":"\q","never":1},"never":2})",
                  [&](std::string_view key, JsonField& value) {
                    keys.emplace_back(key);
                    if (key != "bad") return;
                    value.ForEachField([&](std::string_view inner, JsonField& v) {
                      keys.emplace_back(inner);
                      errors_stick = errors_stick && !v.String().has_value();
                      errors_stick = errors_stick && v.type() == JsonField::Type::kError;
                      errors_stick = errors_stick && !v.String() && !v.Int() && !v.Bool();
                      errors_stick = errors_stick && v.RawJson().empty();
                      v.ForEachField(TouchAll);
                    });
                    errors_stick = errors_stick && value.type() == JsonField::Type::kError;
                  });
    CHECK(!status.ok());
    CHECK(errors_stick);
    CHECK(keys == std::vector<std::string>{"good", "bad", "x"});
  }

  TEST_CASE("a key may appear twice") {
    LineParser parser;
    std::vector<int64_t> values;
    CHECK(ParseLine(parser, R"({"a":1,"b":0,"a":2,"a":3})",
                    [&](std::string_view key, JsonField& value) {
                      if (key == "a") values.push_back(*value.Int());
                    })
              .ok());
    CHECK(values == std::vector<int64_t>{1, 2, 3});
  }

  TEST_CASE("keys with escapes are unescaped, values left alone are skipped") {
    LineParser parser;
    std::vector<std::string> keys;
    CHECK(ParseLine(parser, R"({"a\"b":{"deep":[[[{"x":"}"}]]]},"\u00e9":"\"]}","":0,"last":1})",
                    [&](std::string_view key, JsonField&) { keys.emplace_back(key); })
              .ok());
    CHECK(keys == std::vector<std::string>{"a\"b", "\u00e9", "", "last"});
  }

  TEST_CASE("leaving a nested value half read is fine") {
    LineParser parser;
    std::vector<std::string> keys;
    CHECK(ParseLine(parser, R"({"a":{"x":{"y":[1,2,{"z":3}]},"w":1},"b":[[1],[2]],"c":1})",
                    [&](std::string_view key, JsonField& value) {
                      keys.emplace_back(key);
                      value.ForEachField([&](std::string_view inner, JsonField& v) {
                        keys.emplace_back(inner);
                        if (inner == "x") v.ForEachField([](std::string_view, JsonField&) {});
                      });
                    })
              .ok());
    CHECK(keys == std::vector<std::string>{"a", "x", "w", "b", "c"});
  }

  TEST_CASE("numbers of every size") {
    struct Case {
      const char* text;
      std::optional<int64_t> as_int;
    };
    const Case cases[] = {
        {"0", 0},
        {"-0", 0},
        {"9223372036854775807", INT64_MAX},
        {"-9223372036854775808", INT64_MIN},
        {"9223372036854775808", std::nullopt},
        {"18446744073709551615", std::nullopt},
        {"12.0", 12},
        {"1e3", 1000},
        {"1.9", 1},
        {"-1.9", -1},
        {"1e30", std::nullopt},
    };
    for (const Case& c : cases) {
      CAPTURE(c.text);
      LineParser parser;
      std::optional<int64_t> got;
      std::optional<double> real;
      const std::string line = std::string("{\"a\":") + c.text + ",\"b\":" + c.text + "}";
      CHECK(ParseLine(parser, line, [&](std::string_view key, JsonField& value) {
              if (key == "a") got = value.Int();
              if (key == "b") real = value.Double();
            }).ok());
      CHECK(got == c.as_int);
      CHECK(real == std::stod(c.text));
    }
  }

  TEST_CASE("raw text is exactly what the document has") {
    LineParser parser;
    std::vector<std::string> raw;
    CHECK(ParseLine(parser, R"({"a": {"x" : [1, 2]} ,"b":[ ],"c":"q\"" , "d": -1.50,"e":true})",
                    [&](std::string_view, JsonField& value) { raw.emplace_back(value.RawJson()); })
              .ok());
    REQUIRE(raw.size() == 5);
    CHECK(raw[0] == R"({"x" : [1, 2]})");
    CHECK(raw[1] == "[ ]");
    CHECK(raw[2] == R"("q\"")");
    CHECK(raw[3] == "-1.50");
    CHECK(raw[4] == "true");
    for (const std::string& text : raw) {
      CAPTURE(text);
      CHECK(JsonValue::Parse(text).ok());
    }
  }

  TEST_CASE("strings of a megabyte and deep nesting") {
    const std::string big(1 << 20, 'x');
    LineParser parser;
    size_t size = 0;
    CHECK(ParseLine(parser, "{\"a\":\"" + big + "\",\"b\":1}",
                    [&](std::string_view key, JsonField& value) {
                      if (key == "a") size = value.String()->size();
                    })
              .ok());
    CHECK(size == big.size());
    for (const size_t depth : {size_t{500}, size_t{5000}, size_t{100'000}}) {
      CAPTURE(depth);
      std::string line = "{\"deep\":";
      line.append(depth, '[').append(depth, ']').append(",\"after\":7}");
      std::optional<int64_t> after;
      const Status status = ParseLine(parser, line, [&](std::string_view key, JsonField& value) {
        if (key == "after") after = value.Int();
      });
      // Skipped whole, or refused: never a crash, never half an answer.
      CHECK(status.ok() == (after == 7));
    }
    CHECK(ParseLine(parser, R"({"x":1})", TouchAll).ok());
  }

  TEST_CASE("every prefix of a line is refused, every way") {
    const std::string line =
        R"({"type":"user","n":[1,-2.5e3,{"k":"\u00e9\\"}],"message":{"content":[{"type":"text","text":"hi \"x\""}],"ok":true,"none":null}})";
    LineParser parser;
    for (size_t cut = 0; cut < line.size(); ++cut) {
      CAPTURE(cut);
      CHECK(!ParseLine(parser, line.substr(0, cut), TouchAll).ok());
      CHECK(!ParseLine(parser, line.substr(0, cut), TouchNothing).ok());
    }
    CHECK(ParseLine(parser, line, TouchAll).ok());
  }

  TEST_CASE("a parser can be moved") {
    LineParser first;
    REQUIRE(ParseLine(first, R"({"a":1})", TouchAll).ok());
    LineParser second = std::move(first);
    CHECK(ParseLine(second, R"({"a":1})", TouchAll).ok());
    first = LineParser();
    CHECK(ParseLine(first, R"({"a":1})", TouchAll).ok());
  }
}

}  // namespace selftune::base
