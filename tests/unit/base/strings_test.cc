#include "base/strings.h"

#include <cmath>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <doctest/doctest.h>

namespace selftune::base {

using Views = std::vector<std::string_view>;

TEST_SUITE("base/strings") {
  TEST_CASE("white space") {
    CHECK(Trim("").empty());
    CHECK(Trim(" \t\n\v\f\r").empty());
    CHECK(Trim(" a b \n") == "a b");
    CHECK(Trim("\u00a0x") == "\u00a0x");  // ASCII only
    CHECK(CollapseSpace("  a \t\n b  ") == "a b");
    CHECK(CollapseSpace("   ").empty());
    CHECK(SplitSpace("  a  b\tc\n") == Views{"a", "b", "c"});
    CHECK(SplitSpace(" \n").empty());
  }

  TEST_CASE("case") {
    CHECK(AsciiLower("AbZ[\u00c9") == "abz[\u00c9");
    CHECK(EqualsIgnoreCase("AbC", "aBc"));
    CHECK(!EqualsIgnoreCase("abc", "ab"));
    CHECK(StartsWithIgnoreCase("Content-Type: x", "content-type"));
    CHECK(!StartsWithIgnoreCase("con", "content"));
    CHECK(StartsWithIgnoreCase("x", ""));
  }

  TEST_CASE("splitting and joining") {
    CHECK(Split("", ',') == Views{""});
    CHECK(Split("a,,b,", ',') == Views{"a", "", "b", ""});
    CHECK(Join({}, ",").empty());
    CHECK(Join({"a"}, ",") == "a");
    CHECK(Join({"a", "", "b"}, ", ") == "a, , b");
    CHECK(ReplaceAll("aaa", "a", "aa") == "aaaaaa");
    CHECK(ReplaceAll("abc", "", "x") == "abc");
    CHECK(ReplaceAll("a--b--", "--", "") == "ab");
  }

  TEST_CASE("a command is the line that a shell splits again, and all of it is seen") {
    using Words = std::vector<std::string>;
    CHECK(JoinCommand({"selftune", "why", "a b"}) == "selftune why 'a b'");
    CHECK(JoinCommand({"it's", ""}) == R"('it'\''s' '')");
    CHECK(JoinCommand({"a\x1b[31m"}) == R"($'a\x1b[31m')");
    CHECK(JoinCommand({"a\xe2\x80\xae'\\b"}) == R"($'a\xe2\x80\xae\'\\b')");
    CHECK(JoinCommand({"a\xe2\x80\x99"}) == "'a\xe2\x80\x99'");  // an apostrophe is seen
    CHECK(JoinCommand({"\xc2\x9b", "\xef\xbb\xbf"}) == R"($'\xc2\x9b' $'\xef\xbb\xbf')");
    CHECK(WithFlag({"x"}, "--skill", "pdf") == Words{"x", "--skill", "pdf"});
    CHECK(WithFlag({"x"}, "--skill", "--help") == Words{"x", "--skill=--help"});
  }

  TEST_CASE("numbers are whole or nothing") {
    struct Case {
      const char* text;
      std::optional<int64_t> want;
    };
    const Case cases[] = {
        {"0", 0},
        {"-12", -12},
        {"007", 7},
        {"9223372036854775807", INT64_MAX},
        {"-9223372036854775808", INT64_MIN},
        {"9223372036854775808", std::nullopt},
        {"", std::nullopt},
        {"-", std::nullopt},
        {"+1", std::nullopt},
        {" 1", std::nullopt},
        {"1 ", std::nullopt},
        {"1.0", std::nullopt},
        {"0x10", std::nullopt},
    };
    for (const Case& c : cases) {
      CAPTURE(c.text);
      CHECK(ParseInt(c.text) == c.want);
    }
    CHECK(ParseDouble("1.5") == 1.5);
    CHECK(ParseDouble("-1e-3") == -0.001);
    CHECK(!ParseDouble("").has_value());
    CHECK(!ParseDouble("1,5").has_value());
    CHECK(!ParseDouble("1.5x").has_value());
  }

  TEST_CASE("hex and base64") {
    const std::string bytes("\x00\x7f\x80\xff", 4);
    CHECK(Hex(bytes) == "007f80ff");
    CHECK(FromHex("007F80ff") == bytes);
    CHECK(FromHex("") == "");
    CHECK(!FromHex("0").has_value());
    CHECK(!FromHex("0g").has_value());
    const char* vectors[][2] = {{"", ""},
                                {"f", "Zg=="},
                                {"fo", "Zm8="},
                                {"foo", "Zm9v"},
                                {"foob", "Zm9vYg=="},
                                {"fooba", "Zm9vYmE="},
                                {"foobar", "Zm9vYmFy"}};
    for (const auto& v : vectors) CHECK(Base64(v[0]) == v[1]);
    CHECK(Base64("\xfb\xff\xfe") == "+//+");
  }

  TEST_CASE("edit distance") {
    CHECK(EditDistance("", "") == 0);
    CHECK(EditDistance("abc", "") == 3);
    CHECK(EditDistance("", "abc") == 3);
    CHECK(EditDistance("kitten", "sitting") == 3);
    CHECK(EditDistance("status", "statsu") == 1);
    CHECK(EditDistance("ca", "abc") == 3);
  }

  TEST_CASE("a short name may be misspelt by one edit, a longer one by more") {
    CHECK(MostEdits("nope") == 1);
    CHECK(MostEdits("reviw") == 2);
    CHECK(MostEdits("a-name-of-16-chs") == 4);
  }
}

}  // namespace selftune::base
