#include "skillfs/description_edit.h"

#include <doctest/doctest.h>

#include <string>
#include <string_view>

#include "skillfs/frontmatter.h"
#include "skillfs/yaml_style.h"

namespace selftune::skillfs {
namespace {

std::string File(std::string_view entry) {
  return "---\nname: x\n" + std::string(entry) + "license: MIT\n---\n# Title\n";
}

TEST_SUITE("skillfs/description_edit") {
  TEST_CASE("the old style is kept where it can hold the new text") {
    struct Case {
      const char* name;
      const char* entry;
      const char* text;
      const char* want;
    };
    const Case cases[] = {
        {"plain", "description: a\n", " b c \r\n", "description: b c\n"},
        {"plain with comment", "description: a  # c\n", "b", "description: b  # c\n"},
        {"plain with trailing blanks", "description: a  \n", "b", "description: b  \n"},
        {"plain to double", "description: a\n", "b: \"c\"", "description: \"b: \\\"c\\\"\"\n"},
        {"lines collapse", "description: a\n  b\n\n  c # d\n", "e", "description: e # d\n"},
        {"double stays", "description: \"a\" # c\n", "b", "description: \"b\" # c\n"},
        {"double over lines", "description: \"a\n  b\"\n", "c", "description: \"c\"\n"},
        {"single stays", "description: 'a'\n", "b's: #", "description: 'b''s: #'\n"},
        {"single cannot escape", "description: 'a'\n", "b\x01", "description: \"b\\x01\"\n"},
        {"empty", "description:\n", "b", "description: b\n"},
        {"empty with a comment", "description: # c\n", "b", "description: b # c\n"},
        {"empty with a blank", "description: \n", "b", "description: b \n"},
        {"next line moves up", "description:\n  a\n  b\n", "c", "description: c\n"},
        {"next line quoted", "description:  \n\n  'a' # c\n", "b", "description: 'b' # c\n"},
        {"several lines", "description: a\n", "b\n\n c", "description: |-\n  b\n\n   c\n"},
        {"comment moves behind the header", "description: 'a'  # c\n", "b\nc",
         "description: |-  # c\n  b\n  c\n"},
        {"trailing blanks move too", "description: a  \n", "b\nc", "description: |-  \n  b\n  c\n"},
        {"an indented comment is not swallowed", "description: a\n  # c\n", "b\nc",
         "description: \"b\\nc\"\n  # c\n"},
        {"next line to several", "description:\n  a\n", "b\nc", "description: |-\n  b\n  c\n"},
        {"several lines with controls", "description: a\n", "b\n\x7f",
         "description: \"b\\n\\x7F\"\n"},
        {"literal", "description: |\n    a\n    b\n\n", "c\n\nd",
         "description: |\n    c\n\n    d\n\n"},
        {"literal strip", "description: |-\n  a\n", "b", "description: |-\n  b\n"},
        {"keep is dropped", "description: |+\n  a\n\n\n", "b", "description: |\n  b\n\n\n"},
        {"digit is dropped", "description: >1-  # c\n a\n", "b", "description: >-  # c\n b\n"},
        {"empty block", "description: >\n", "b", "description: >\n  b\n"},
        {"folded paragraphs", "description: >\n  a\n", "b\nc\n\nd",
         "description: >\n  b\n\n  c\n\n\n  d\n"},
        {"folded to literal", "description: >-\n  a\n", "b\n c", "description: |-\n  b\n   c\n"},
        {"block to double", "description: | # c\n  a\n", "b\x02\nc",
         "description: \"b\\x02\\nc\" # c\n"},
        {"folded line ends keep double spaces", "description: >\n  a\n",
         "aaaaaaaaa bbbbbbbbb ccccccccc ddddddddd eeeeeeeee fffffffff ggggggggg  hhhhhhhhh  iii",
         "description: >\n"
         "  aaaaaaaaa bbbbbbbbb ccccccccc ddddddddd eeeeeeeee fffffffff\n"
         "  ggggggggg  hhhhhhhhh  iii\n"},
        {"78 code points fit", "description: >\n  a\n",
         "\u00e9aaaaaaaa bbbbbbbbb ccccccccc ddddddddd eeeeeeeee fffffffff ggggggggg 12345678 x",
         "description: >\n"
         "  \u00e9aaaaaaaa bbbbbbbbb ccccccccc ddddddddd eeeeeeeee fffffffff ggggggggg 12345678\n"
         "  x\n"},
    };
    for (const Case& c : cases) {
      CAPTURE(c.name);
      const std::string bytes = File(c.entry);
      const auto edit = ReplaceDescription(bytes, c.text, "x");
      REQUIRE(edit.ok());
      CHECK(edit->bytes == File(c.want));
      CHECK(ParseFrontmatter(edit->bytes).description == NormalizeDescription(c.text));
    }
  }

  TEST_CASE("new lines end like the line of the description") {
    const auto edit = ReplaceDescription(
        "---\nname: x\ndescription: |\r\n  a\nlicense: MIT\r\n---\n", "b\nc", "x");
    REQUIRE(edit.ok());
    CHECK(edit->bytes == "---\nname: x\ndescription: |\r\n  b\r\n  c\nlicense: MIT\r\n---\n");
    const auto inserted = ReplaceDescription("---\r\nname: x\n---\n", "b", "x");
    REQUIRE(inserted.ok());
    CHECK(inserted->bytes == "---\r\nname: x\ndescription: b\r\n---\n");
  }

  TEST_CASE("a missing entry goes behind the name, missing frontmatter before the text") {
    struct Case {
      const char* bytes;
      const char* text;
      const char* want;
    };
    const Case cases[] = {
        {"---\nlicense: MIT\n---\n", "a", "---\ndescription: a\nlicense: MIT\n---\n"},
        {"---\n---\n", "a", "---\ndescription: a\n---\n"},
        {"---\na: b\nname: 'x\n  y' # c\n\nc: d\n---\n", "a: b",
         "---\na: b\nname: 'x\n  y' # c\ndescription: \"a: b\"\n\nc: d\n---\n"},
        {"---\nname: |+\n  x\n\nc: d\n---\n", "a",
         "---\nname: |+\n  x\n\ndescription: a\nc: d\n---\n"},
        {"---\nname: x\n---\n", "a\nb", "---\nname: x\ndescription: |-\n  a\n  b\n---\n"},
        {"text\r\n", "a", "---\nname: my-dir\ndescription: a\n---\n\ntext\r\n"},
        {"\xEF\xBB\xBF# T\n", "a\nb",
         "\xEF\xBB\xBF---\nname: my-dir\ndescription: |-\n  a\n  b\n---\n\n# T\n"},
        {"", "a", "---\nname: my-dir\ndescription: a\n---\n\n"},
    };
    for (const Case& c : cases) {
      CAPTURE(c.bytes);
      const auto edit = ReplaceDescription(c.bytes, c.text, "my-dir");
      REQUIRE(edit.ok());
      CHECK(edit->bytes == c.want);
    }
    const auto numeric = ReplaceDescription("text", "a", "123");
    REQUIRE(numeric.ok());
    CHECK(numeric->bytes == "---\nname: \"123\"\ndescription: a\n---\n\ntext");
  }

  TEST_CASE("refusals name their reason") {
    struct Case {
      std::string bytes;
      const char* text;
      const char* reason;
    };
    const Case cases[] = {
        {File("description: a\n"), " \r\n\t", "empty_new_description"},
        {File("description: a\n"), "\xff", "invalid_utf8_new_description"},
        {"---\nname: x\n", "b", "unterminated_frontmatter"},
        {"---\n[a]\n---\n", "b", "unsupported_frontmatter"},
        {"---\nname: \xff\n---\n", "b", "invalid_utf8_frontmatter"},
        {File("description: &a b\n"), "b", "unsupported_node"},
        {File("description: a\ndescription: b\n"), "b", "duplicate_description"},
        {File("description: # c\n  a\n"), "b", "comment_before_value"},
        {File("description:\n# c\n  a\n"), "b", "comment_before_value"},
        {File("description:\n  # c\n  a\n"), "b", "comment_before_value"},
        {File("description: \"a\n"), "b", "unterminated_quote"},
        // Text that the comment had hidden would become part of the value.
        {"---\n{\n---\n", "", "empty_new_description"},
    };
    for (const Case& c : cases) {
      CAPTURE(c.bytes);
      const auto edit = ReplaceDescription(c.bytes, c.text, "x");
      REQUIRE_FALSE(edit.ok());
      CHECK(CodeOf(edit.status()).name == "INVALID_FRONTMATTER");
      CHECK(RefusalReason(edit.status()) == c.reason);
    }
  }

  TEST_CASE("bytes of the body survive whatever they are") {
    const std::string body = std::string("\xff\xfe\0 # T\r\r\n---\n\x80", 15);
    const auto edit = ReplaceDescription("---\ndescription: a\n---\n" + body, "b", "x");
    REQUIRE(edit.ok());
    CHECK(edit->bytes == "---\ndescription: b\n---\n" + body);
  }

  TEST_CASE("text that another reader would not take for a string is quoted") {
    for (const char* text : {"",
                             "-",
                             "- a",
                             "?",
                             ":a",
                             ",a",
                             "[a",
                             "]a",
                             "{a",
                             "}a",
                             "#a",
                             "&a",
                             "*a",
                             "!a",
                             "|a",
                             ">a",
                             "'a",
                             "\"a",
                             "%a",
                             "@a",
                             "`a",
                             "a:",
                             "a: b",
                             "a:\tb",
                             "a #b",
                             "a\t#",
                             "a\tb",
                             "...",
                             "...a",
                             "~",
                             "Null",
                             "TRUE",
                             "no",
                             "On",
                             "y",
                             "N",
                             "12",
                             "+1",
                             "1_000",
                             "1.5",
                             "1.",
                             ".5",
                             "1e3",
                             "1.5E-3",
                             "0x1F",
                             "0o17",
                             "0b11",
                             ".inf",
                             ".NaN",
                             "+.Inf",
                             "2024-01-02",
                             "2024-1-2 10:00",
                             "12:30",
                             "1:30:15.5",
                             "=",
                             "<<",
                             "a\nb",
                             "a\x01",
                             "a\xe2\x80\xa8",
                             "a\xef\xbb\xbf",
                             "a\xc2\x85",
                             "---",
                             " a",
                             "a "}) {
      CAPTURE(text);
      CHECK_FALSE(IsPlainSafe(text));
    }
    for (const char* text :
         {"a",         "a:b",       "a#b",  "http://x", "a - b", "a, [b]",  "1.4.0",
          "12 apples", "nullable",  "0xyz", "1:90",     "e3",    ".",       "\u65c5\u884c",
          "it's",      "say \"x\"", "..",   "2024-01",  "12:",   "1_000 x", "a\u00a0"}) {
      CAPTURE(text);
      CHECK(IsPlainSafe(text) == (std::string_view(text) != "12:"));
    }
  }

  TEST_CASE("double quotes escape what cannot stand for itself") {
    CHECK(DoubleQuoted("a\"b\\c\n\t") == "\"a\\\"b\\\\c\\n\\t\"");
    CHECK(DoubleQuoted(std::string_view("\0\x1b\x7f", 3)) == "\"\\x00\\x1B\\x7F\"");
    CHECK(DoubleQuoted("\u0085\u2028\u2029\ufeff\ufffe\uffff") ==
          "\"\\x85\\u2028\\u2029\\uFEFF\\uFFFE\\uFFFF\"");
    CHECK(DoubleQuoted("\u00e9\U0001F600") == "\"\u00e9\U0001F600\"");
  }
}

}  // namespace
}  // namespace selftune::skillfs
