#include "ingest/long_line.h"

#include <algorithm>
#include <random>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <doctest/doctest.h>

#include "base/json_object.h"

namespace selftune::ingest {
namespace {

constexpr size_t kKept = LongLine::kKeptBytes;
constexpr size_t kMiB = size_t{1} << 20;

// What is left of a line that comes in pieces; the rest of the buffer is noise.
std::string Squeezed(const std::string& line, size_t piece) {
  LongLine long_line;
  std::string held;
  size_t used = 0;
  for (size_t at = 0; at < line.size(); at += piece) {
    const size_t more = std::min(piece, line.size() - at);
    held.resize(std::max(held.size(), used + more));
    held.replace(used, more, line, at, more);
    used = long_line.Squeeze(held.data(), used + more);
    CHECK(used + long_line.removed() == at + more);
  }
  return held.substr(0, used);
}

using Fields = std::vector<std::pair<std::string, std::string>>;

// Strings of an object, unescaped; other values as they are written.
Fields FieldsOf(std::string line) {
  const size_t size = line.size();
  line.resize(size + 64);
  base::LineParser parser;
  Fields out;
  const Status status = parser.ForEachField(
      std::string_view(line).substr(0, size), [&](std::string_view key, base::JsonField& value) {
        const bool text = value.type() == base::JsonField::Type::kString;
        out.emplace_back(key, text ? std::string(*value.String()) : std::string(value.RawJson()));
      });
  REQUIRE_MESSAGE(status.ok(), status.ToString());
  return out;
}

std::string Quoted(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') out += '\\';
    if (c == '\n') {
      out += "\\n";
    } else {
      out += c;
    }
  }
  return out + "\"";
}

// Text with characters of all kinds and plain stretches in between.
std::string Text(std::mt19937& random, size_t size) {
  constexpr std::string_view kOdd[] = {"\\", "\"",   "\n", "é", "漢",
                                       "😀", "\\\"", "{",  "]", "\\u12"};
  std::string out;
  while (out.size() < size) {
    out += std::string(20 + random() % 60, static_cast<char>('a' + random() % 26));
    out += kOdd[random() % std::size(kOdd)];
  }
  return out;
}

}  // namespace

TEST_SUITE("ingest/long_line") {
  TEST_CASE("only the middles of long strings go, and what is left is well formed") {
    std::mt19937 random(7);
    for (int round = 0; round < 6; ++round) {
      CAPTURE(round);
      Fields fields;
      std::string line = "{";
      for (int i = 0; i < 8; ++i) {
        const size_t size = random() % 3 == 0 ? kMiB + random() % (2 * kMiB) : random() % 2000;
        fields.emplace_back("k" + std::to_string(i), Text(random, size));
        line +=
            (i == 0 ? "" : ",") + Quoted(fields.back().first) + ":" + Quoted(fields.back().second);
      }
      line += R"(,"n":[1,{"a":"b\\"}],"last":true})";
      for (const size_t piece : {line.size(), size_t{100'003}, kMiB}) {
        CAPTURE(piece);
        const std::string left = Squeezed(line, piece);
        CHECK(left.size() < 8 * 3 * kKept);
        CHECK(left == Squeezed(line, line.size()));
        const Fields got = FieldsOf(left);
        REQUIRE(got.size() == fields.size() + 2);
        CHECK(got[8] == std::pair<std::string, std::string>("n", R"([1,{"a":"b\\"}])"));
        for (size_t i = 0; i < fields.size(); ++i) {
          CHECK(got[i].first == fields[i].first);
          const std::string &was = fields[i].second, &is = got[i].second;
          if (was.size() < 2 * kKept) {
            CHECK(is == was);
          } else {  // escapes are longer in the line than here
            CHECK(is.size() < was.size());
            CHECK(was.starts_with(is.substr(0, kKept / 3)));
            CHECK(was.ends_with(is.substr(is.size() - kKept / 3)));
          }
        }
      }
    }
  }

  TEST_CASE("JSON in a string stays JSON when one of its own strings is cut") {
    std::mt19937 random(11);
    const std::string inner =
        R"({"output":)" + Quoted(Text(random, 3 * kMiB)) + R"(,"exit_code":7})";
    const std::string line = R"({"type":"output","payload":)" + Quoted(inner) + "}";
    const Fields got = FieldsOf(Squeezed(line, 70'001));
    REQUIRE(got.size() == 2);
    CHECK(got[1].second.size() < kMiB);
    const Fields within = FieldsOf(got[1].second);
    REQUIRE(within.size() == 2);
    CHECK(within[1] == std::pair<std::string, std::string>("exit_code", "7"));
  }

  TEST_CASE("what has no plain place, and what is no string, stays whole") {
    for (const std::string& line :
         {R"({"a":")" + std::string(2 * kMiB, '\\') + R"("})",
          "{" + std::string(2 * kMiB, ' ') + "}", std::string(2 * kMiB, '\\')}) {
      CHECK(Squeezed(line, 99'999) == line);
    }
  }

  TEST_CASE("a string that consists of escapes is cut between two of them") {
    for (const std::string escapes : {R"(\n\t)", R"(\u0000)", R"(\ud83d\ude00\n)", R"(\\\\\")"}) {
      CAPTURE(escapes);
      std::string text;
      while (text.size() < 3 * kMiB) text += escapes;
      const std::string line = R"({"a":")" + text + R"(","n":7})";
      const std::string left = Squeezed(line, line.size());
      CHECK(left.size() < 3 * kKept);
      for (const size_t piece : {size_t{99'999}, kMiB, size_t{65'537}}) {
        CAPTURE(piece);
        CHECK(Squeezed(line, piece) == left);
      }
      const Fields got = FieldsOf(left);  // no half of a character is left alone
      REQUIRE(got.size() == 2);
      CHECK(got[1] == std::pair<std::string, std::string>("n", "7"));
    }
  }

  TEST_CASE("what cannot be the beginning of an object is known at once") {
    struct Case {
      std::string line;
      bool object;
    };
    const Case cases[] = {{"{", true},
                          {"", true},
                          {" \t", true},
                          {"\xEF\xBB\xBF{\"a\":[1,-2.5e3,true,null]}", true},
                          {R"({"any thing \" in a string": "x)", true},
                          {"x", false},
                          {"[1]", false},
                          {"\"text\"", false},
                          {"{\"a\":1} x", false},
                          {std::string("{\0", 2), false},
                          {"{xxx", false}};
    for (const Case& c : cases) {
      CAPTURE(c.line);
      for (const size_t piece : {size_t{1}, size_t{100}}) {
        std::string held;
        LongLine line;
        for (size_t at = 0; at < c.line.size(); at += piece) {
          held += c.line.substr(at, piece);
          held.resize(line.Squeeze(held.data(), held.size()));
        }
        CHECK(line.may_be_object() == c.object);
      }
    }
  }

  TEST_CASE("tokens are what a parser marks") {
    LongLine line;
    std::string text = R"({"a":[1,22,true],"b":{"c":"d"}})";
    CHECK(line.Squeeze(text.data(), text.size()) == text.size());
    CHECK(line.tokens() == 19);
  }

  TEST_CASE("an escape between two pieces is one") {
    for (size_t piece = 1; piece < 12; ++piece) {
      CHECK(Squeezed(R"({"a":"x\\","b":"\"y\\\""})", piece) == R"({"a":"x\\","b":"\"y\\\""})");
    }
  }
}

}  // namespace selftune::ingest
