#include "install/json_text.h"

#include <string>
#include <string_view>

#include <doctest/doctest.h>

#include "base/json_value.h"
#include "support/rounds.h"
#include "unit/install/random_settings.h"

namespace selftune::install {
namespace {

using base::JsonValue;

std::string ProblemOf(std::string_view text, JsonDialect dialect = JsonDialect::kPlain) {
  const auto parsed = ParseJsonText(text, dialect, "/home/dev/settings.json");
  if (parsed.ok()) return "none";
  CHECK(CodeOf(parsed.status()).name == "SETTINGS_INVALID");
  return std::string(Message(parsed.status()));
}

TEST_SUITE("install/json_text") {
  TEST_CASE("what is wrong is said with its line and column") {
    constexpr std::string_view kStart = "reading /home/dev/settings.json: ";
    const auto said = [&](std::string_view text) {
      const std::string problem = ProblemOf(text);
      REQUIRE(problem.starts_with(kStart));
      return problem.substr(kStart.size());
    };
    CHECK(said("") == "line 1, column 1: expected a value, found the end of the file");
    CHECK(said("{\n  \"a\": 1,\n}") == "line 3, column 1: expected a key in quotes, found '}'");
    CHECK(said("{\n  // note\n}") == "line 2, column 3: expected a key in quotes, found a comment");
    CHECK(said("{\"a\": 01}") == "line 1, column 8: expected ',' or '}', found '1'");
    CHECK(said("{\"a\": \"x\ny\"}") ==
          "line 1, column 9: expected no control character in a text, found the end of the line");
    CHECK(said("{} {}") == "line 1, column 4: expected the end of the file, found '{'");
    CHECK(said("{\"a\": nul}") == "line 1, column 7: expected a value, found 'n'");
    CHECK(said("{\"a\": \"\\x\"}") == "line 1, column 9: expected an escape, found 'x'");
    CHECK(said("{\"a") ==
          "line 1, column 4: expected the end of a text, found the end of the file");
  }

  TEST_CASE("comments are read where the host reads them, commas at the end never") {
    CHECK(ProblemOf("{ // one\n  /* two */ \"a\": [1 /* three */, 2] }", JsonDialect::kComments) ==
          "none");
    CHECK(ProblemOf("{\"a\": 1,}", JsonDialect::kComments) != "none");
    CHECK(ProblemOf("{ /* open", JsonDialect::kComments) != "none");
  }

  TEST_CASE("of a name that comes twice the last is read, in an object of any size") {
    std::string text = "{\"a\": 1";
    // Each compared with all before it would take minutes.
    for (int i = 0; i < 200'000; ++i) text += ", \"name-of-a-skill-" + std::to_string(i) + "\": 0";
    text += ", \"a\": 2}";
    const auto root = ParseJsonText(text, JsonDialect::kComments, "x");
    REQUIRE(root.ok());
    const JsonValue value = ValueOf(text, *root);
    CHECK(value.members().size() == 200'001);
    CHECK(value["a"].AsInt() == 2);
  }

  TEST_CASE("what hosts take beyond comments is read as they read it") {
    struct Case {
      const char* text;
      const char* json;  // nullptr = it is not understood
    };
    const auto value = [](const char* text, JsonDialect dialect) -> std::string {
      const auto root = ParseJsonText(text, dialect, "x");
      return root.ok() ? ValueOf(text, *root).ToJson() : "wrong";
    };
    constexpr Case kCommas[] = {
        {"{\"a\": [1, 2,],}", "{\"a\":[1,2]}"},
        {"{\"a\": 1, // last\n}", "{\"a\":1}"},
        {"[,]", nullptr},
        {"[1,,]", nullptr},
        {"{a: 1}", nullptr},
        {"{'a': 1}", nullptr},
        {"[.5]", nullptr},
    };
    for (const Case& c : kCommas) {
      CAPTURE(c.text);
      CHECK(value(c.text, JsonDialect::kTrailingCommas) == (c.json == nullptr ? "wrong" : c.json));
      if (c.json != nullptr) CHECK(value(c.text, JsonDialect::kComments) == "wrong");
    }
    constexpr Case kJson5[] = {
        {"{skills: {entries: {pdf: {enabled: false,},},},}",
         "{\"skills\":{\"entries\":{\"pdf\":{\"enabled\":false}}}}"},
        {"{'it\\'s': 'say \"hi\"', $x_1: \"don't\"}",
         "{\"it's\":\"say \\\"hi\\\"\",\"$x_1\":\"don't\"}"},
        {"['a\\\nb', 'a\\\r\nb', '\\x41\\u0042\\q']", "[\"ab\",\"ab\",\"ABq\"]"},
        {"['\t', '\\v']", "[\"\\t\",\"\\u000b\"]"},
        {"{caf\xc3\xa9: true}", "{\"caf\xc3\xa9\":true}"},
        {"[1, -2.5e3]\xc2\xa0", "[1,-2500]"},
        // Numbers that plain JSON does not know are read over.
        {"[+1, .5, 5., 0x1F, -Infinity, NaN, 1]", "[null,null,null,null,null,null,1]"},
        {"[1 2]", nullptr},
        {"['a\nb']", nullptr},
        {"['\\x4']", nullptr},
        {"['\\08']", nullptr},
        {"['\\1']", nullptr},
        {"[0x]", nullptr},
        {"[.]", nullptr},
        {"{1a: 2}", nullptr},
        {"{: 2}", nullptr},
        {"'open", nullptr},
        {"'open\\", nullptr},
        {"'open\\0", nullptr},
        {"", nullptr},
    };
    for (const Case& c : kJson5) {
      CAPTURE(c.text);
      CHECK(value(c.text, JsonDialect::kJson5) == (c.json == nullptr ? "wrong" : c.json));
    }
  }

  TEST_CASE("nesting without end is refused, not followed") {
    CHECK(ProblemOf(std::string(100'000, '[')) != "none");
  }

  TEST_CASE("a value appended and taken out again leaves the same bytes") {
    for (const bool comments : {false, true}) {
      const JsonDialect dialect = comments ? JsonDialect::kComments : JsonDialect::kPlain;
      for (uint64_t seed = 0; seed < static_cast<uint64_t>(selftune::testing::Rounds(700));
           ++seed) {
        CAPTURE(seed);
        const std::string text = testing::RandomSettings(seed, {.comments = comments}).Text();
        const auto root = ParseJsonText(text, dialect, "x");
        REQUIRE_MESSAGE(root.ok(), text);
        const JsonStyle style = StyleOf(text, *root);
        const JsonValue value = JsonValue::Object({{"a", JsonValue::Array({JsonValue::Int(1)})}});
        const std::string longer = AppendItem(text, *root, 0, style, "new", value);
        const auto after = ParseJsonText(longer, dialect, "x");
        REQUIRE_MESSAGE(after.ok(), longer);
        REQUIRE(after->items.size() == root->items.size() + 1);
        CHECK(ValueOf(longer, after->items.back().value) == value);
        CHECK(RemoveItem(longer, *after, 0, style, after->items.size() - 1) == text);
      }
    }
  }

  TEST_CASE("containers with nothing in them but white space come back as they were") {
    for (const std::string inside :
         {"", " ", "\t", "\n", "\n\n", "\n \n", "\n  ", "\n  \n  ", "  \n", "\r\n", "\r\n\r\n"}) {
      CAPTURE(inside);
      for (const std::string& text :
           {"{" + inside + "}", "{\n  \"hooks\": {" + inside + "},\n  \"a\": 1\n}"}) {
        const auto root = ParseJsonText(text, JsonDialect::kPlain, "x");
        REQUIRE(root.ok());
        const size_t depth = root->items.empty() ? 0 : 1;
        const JsonNode& node = depth == 0 ? *root : root->Find("hooks")->value;
        const JsonStyle style = StyleOf(text, *root);
        const std::string longer = AppendItem(text, node, depth, style, "new", JsonValue::Int(1));
        const auto after = ParseJsonText(longer, JsonDialect::kPlain, "x");
        REQUIRE_MESSAGE(after.ok(), longer);
        const JsonNode& grown = depth == 0 ? *after : after->Find("hooks")->value;
        CHECK(RemoveItem(longer, grown, depth, StyleOf(longer, *after), 0) == text);
      }
    }
  }

  TEST_CASE("each item can be taken out of the middle and the rest means the same") {
    for (uint64_t seed = 0; seed < static_cast<uint64_t>(selftune::testing::Rounds(500)); ++seed) {
      CAPTURE(seed);
      const std::string text = testing::RandomSettings(seed, {.comments = true}).Text();
      const auto root = ParseJsonText(text, JsonDialect::kComments, "x");
      REQUIRE(root.ok());
      for (size_t i = 0; i < root->items.size(); ++i) {
        const std::string shorter = RemoveItem(text, *root, 0, StyleOf(text, *root), i);
        const auto after = ParseJsonText(shorter, JsonDialect::kComments, "x");
        REQUIRE_MESSAGE(after.ok(), shorter);
        std::vector<JsonValue::Member> left = ValueOf(text, *root).members();
        left.erase(left.begin() + static_cast<ptrdiff_t>(i));
        CHECK(ValueOf(shorter, *after) == JsonValue::Object(left));
      }
    }
  }

  TEST_CASE("what is added looks like what is there") {
    const std::string text = "{\r\n\t\"a\": 1\r\n}\r\n";
    const auto root = ParseJsonText(text, JsonDialect::kPlain, "x");
    REQUIRE(root.ok());
    CHECK(AppendItem(text, *root, 0, StyleOf(text, *root), "b",
                     JsonValue::Object({{"c", JsonValue::Int(2)}})) ==
          "{\r\n\t\"a\": 1,\r\n\t\"b\": {\r\n\t\t\"c\": 2\r\n\t}\r\n}\r\n");
  }
}

}  // namespace
}  // namespace selftune::install
