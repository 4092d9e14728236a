#include "skillfs/frontmatter.h"

#include <doctest/doctest.h>

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace selftune::skillfs {
namespace {

using Codes = std::vector<std::string_view>;

// A file whose frontmatter is `entry`.
std::string File(std::string_view entry) {
  return "---\nname: x\n" + std::string(entry) + "license: MIT\n---\n# Title\n";
}

TEST_SUITE("skillfs/frontmatter") {
  TEST_CASE("every value form decodes as YAML 1.2 says") {
    struct Case {
      const char* name;
      const char* entry;
      DescriptionStyle style;
      const char* want;
    };
    using enum DescriptionStyle;
    const Case cases[] = {
        {"plain", "description: a b\n", kPlain, "a b"},
        {"plain after a tab", "description:\ta b\n", kPlain, "a b"},
        {"blanks before the colon", "description  : a\n", kPlain, "a"},
        {"quoted key", "\"description\": a\n", kPlain, "a"},
        {"single-quoted key", "'description': a\n", kPlain, "a"},
        {"escaped key", "\"descr\\u0069ption\": a\n", kPlain, "a"},
        {"trailing blanks", "description: a b  \t\n", kPlain, "a b"},
        {"comment", "description: a #b\n", kPlain, "a"},
        {"no comment without a blank", "description: a#b\n", kPlain, "a#b"},
        {"folded plain", "description: a\n  b\n   c\n", kPlain, "a b c"},
        {"plain with blank lines", "description: a\n\n \n  b\n", kPlain, "a\n\nb"},
        {"a comment line ends plain text", "description: a\n  # no\n  b\n", kPlain, "a"},
        {"a comment ends plain text", "description: a # c\n  b\n", kPlain, "a"},
        {"tab-indented continuation", "description: a\n\tb\n", kPlain, "a b"},
        {"dash first", "description: - a\n", kPlain, "- a"},
        {"block indicator with text", "description: > a\n", kPlain, "> a"},
        {"double", "description: \"a\\tb\\\"c\\\\ \\x41\\u00e9\\U0001F600\\/\"\n", kDouble,
         "a\tb\"c\\ A\u00e9\U0001F600/"},
        {"surrogate pair", "description: \"\\ud83d\\ude00\"\n", kDouble, "\U0001F600"},
        {"double folds", "description: \"a  \n   b\n\n\n c\"\n", kDouble, "a b\n\nc"},
        {"double continuation", "description: \"a\\\n  b \\\n  \\ c\"\n", kDouble, "ab  c"},
        {"escaped blank survives the fold", "description: \"a\\ \n  b\"\n", kDouble, "a  b"},
        {"double with comment", "description: \"a # b\" # c\n", kDouble, "a # b"},
        {"single", "description: 'it''s \\n'\n", kSingle, "it's \\n"},
        {"single folds", "description: 'a\n\n  b'\n", kSingle, "a\nb"},
        {"quotes at column 0", "description: 'a\nb'\n", kSingle, "a b"},
        {"literal", "description: |\n  a\n   b\n\n  c\n", kLiteral, "a\n b\n\nc"},
        {"literal keep", "description: |+\n  a\n\n", kLiteral, "a"},
        {"literal with a comment", "description: |- # c\n  a\n", kLiteral, "a"},
        {"literal with trailing blanks", "description: |-  \n  a\n", kLiteral, "a"},
        {"literal digit", "description: |2-\n    a\n  b\n", kLiteral, "a\nb"},
        {"literal sign digit", "description: |-1\n  a\n b\n", kLiteral, "a\nb"},
        {"hash in a block is text", "description: |\n  # a\n  b\n", kLiteral, "# a\nb"},
        {"folded", "description: >\n  a\n  b\n\n  c\n\n\n  d\n", kFolded, "a b\nc\n\nd"},
        {"folded more indented", "description: >-\n  a\n    b\n    c\n  d\n", kFolded,
         "a\n  b\n  c\nd"},
        {"folded more indented after blank", "description: >-\n  a\n\n    b\n\n  d\n", kFolded,
         "a\n\n  b\n\nd"},
        {"leading blank lines in a block", "description: |\n\n  a\n", kLiteral, "a"},
        {"block keeps blanks within lines", "description: |\n  a  \n  b\n", kLiteral, "a  \nb"},
        {"empty block", "description: |\n", kLiteral, ""},
        {"next line plain", "description:\n  a b\n  c\n", kPlain, "a b c"},
        {"next line after blanks", "description:  \n\n  a\n", kPlain, "a"},
        {"next line quoted", "description:\n  \"a: b\"\n", kDouble, "a: b"},
        {"next line after a comment", "description: # c\n  a\n", kPlain, "a"},
        {"next line with words and a colon", "description:\n  Use when: a\n", kPlain,
         "Use when: a"},
        {"empty", "description:\n", kEmpty, ""},
        {"empty with a comment", "description: # c\n", kEmpty, ""},
        {"unicode white space is trimmed", "description: \"\\u00a0a\\u3000\"\n", kDouble, "a"},
    };
    for (const Case& c : cases) {
      CAPTURE(c.name);
      for (const bool crlf : {false, true}) {
        CAPTURE(crlf);
        std::string bytes = File(c.entry);
        if (crlf) {
          for (size_t i = 0; (i = bytes.find('\n', i)) != std::string::npos; i += 2) {
            bytes.insert(i, "\r");
          }
        }
        const Frontmatter parsed = ParseFrontmatter(bytes);
        CHECK(parsed.errors == Codes{});
        CHECK(parsed.description_style == c.style);
        CHECK(parsed.description == std::optional<std::string>(c.want));
        CHECK(parsed.top_level_keys == std::vector<std::string>{"name", "description", "license"});
        CHECK(parsed.title == std::optional<std::string>("Title"));
      }
    }
  }

  TEST_CASE("spans hold the value and nothing else") {
    struct Case {
      const char* entry;
      const char* want;
    };
    const Case cases[] = {
        {"description: a b  # c\n", "a b"},
        {"description: 'a'  # c\n", "'a'"},
        {"description:\n  a\n  b \n", "a\n  b"},
        {"description: >- # c\n  a\n  b\n\n", ">- # c\n  a\n  b"},
        {"description: |\n", "|"},
        {"description:  # c\n", ""},
    };
    for (const Case& c : cases) {
      const std::string bytes = File(c.entry);
      CAPTURE(bytes);
      const Frontmatter parsed = ParseFrontmatter(bytes);
      REQUIRE(parsed.description_span.has_value());
      const ByteSpan span = *parsed.description_span;
      CHECK(bytes.substr(span.begin, span.end - span.begin) == c.want);
    }
  }

  TEST_CASE("what cannot be read is an error with a code") {
    struct Case {
      const char* name;
      std::string bytes;
      const char* code;
      bool has_frontmatter = true;
    };
    const Case cases[] = {
        {"no closing line", "---\nname: x\n", "unterminated_frontmatter"},
        {"an indented closing line", "---\nname: x\n ---\n", "unterminated_frontmatter"},
        {"dots do not close", "---\nname: x\n...\n", "unterminated_frontmatter"},
        {"the opening line alone", "---", "unterminated_frontmatter"},
        {"bytes that are no UTF-8", "---\nname: \xff\n---\n", "invalid_utf8_frontmatter"},
        {"flow mapping", "---\n# c\n\n{name: x}\n---\n", "unsupported_frontmatter"},
        {"flow sequence", "---\n[a]\n---\n", "unsupported_frontmatter"},
        {"anchor", File("description: &a b\n"), "unsupported_node"},
        {"alias", File("description: *a\n"), "unsupported_node"},
        {"tag", File("description: !!str b\n"), "unsupported_node"},
        {"flow value", File("description: [a, b]\n"), "unsupported_node"},
        {"flow over lines", File("description: {\n  a: b\n  }\n"), "unsupported_node"},
        {"directive character", File("description: %a\n"), "unsupported_node"},
        {"reserved", File("description: @a\n"), "unsupported_node"},
        {"backtick", File("description: `a`\n"), "unsupported_node"},
        {"anchor on the next line", File("description:\n  &a b\n"), "unsupported_node"},
        {"mapping", File("description:\n  en: b\n"), "unsupported_node"},
        {"sequence", File("description:\n  - b\n"), "unsupported_node"},
        {"sequence at column 0", File("description:\n- b\n"), "unsupported_node"},
        {"open quote", File("description: \"a\n"), "unterminated_quote"},
        {"open quote before another", File("description: \"a\nx: \"b\"\n"), "unterminated_quote"},
        {"text behind a quote", File("description: 'a' b\n"), "text_after_quote"},
        {"comment without a blank", File("description: 'a'# b\n"), "text_after_quote"},
        {"bad escape", File("description: \"\\q\"\n"), "invalid_escape"},
        {"lone surrogate", File("description: \"\\ud83d x\"\n"), "invalid_escape"},
        {"block indented by tabs", File("description: |\n\ta\n"), "tab_indentation"},
    };
    for (const Case& c : cases) {
      CAPTURE(c.name);
      const Frontmatter parsed = ParseFrontmatter(c.bytes);
      CHECK(parsed.errors == Codes{c.code});
      CHECK(parsed.has_frontmatter);
      CHECK_FALSE(parsed.description.has_value());
      CHECK_FALSE(parsed.description_span.has_value());
      CHECK(parsed.description_style == DescriptionStyle::kMissing);
    }
  }

  TEST_CASE("the frontmatter is found by its lines") {
    CHECK(ParseFrontmatter("--- \t\nname: x\n---\t \nbody").body_offset == 20);
    CHECK(ParseFrontmatter("---\nname: x\n---").body_offset == 15);
    CHECK(ParseFrontmatter("---\r\nname: x\r\n---\r\nbody").body_offset == 19);
    CHECK(ParseFrontmatter("\xEF\xBB\xBF---\nname: x\n---\nbody").body_offset == 19);
    CHECK(ParseFrontmatter("\xEF\xBB\xBF# T\n").body_offset == 3);
    for (const char* bytes : {"", "\n---\nname: x\n---\n", " ---\nname: x\n---\n", "----\nx\n---\n",
                              "--- a\nx\n---\n", "\xEF\xBB\xBF", "---\rname: x\r---\r"}) {
      CAPTURE(bytes);
      const Frontmatter parsed = ParseFrontmatter(bytes);
      CHECK_FALSE(parsed.has_frontmatter);
      CHECK(parsed.errors == Codes{});
      CHECK(parsed.description_style == DescriptionStyle::kMissing);
    }
  }

  TEST_CASE("line ends of the whole file") {
    CHECK(ParseFrontmatter("a").eol == LineEnds::kNone);
    CHECK(ParseFrontmatter("a\rb").eol == LineEnds::kNone);
    CHECK(ParseFrontmatter("a\n").eol == LineEnds::kLf);
    CHECK(ParseFrontmatter("a\r\n").eol == LineEnds::kCrlf);
    CHECK(ParseFrontmatter("a\r\nb\n").eol == LineEnds::kMixed);
  }

  TEST_CASE("a repeated description warns and the last one is read") {
    const Frontmatter parsed =
        ParseFrontmatter("---\ndescription: a\nname: x\ndescription: b\n---\n");
    CHECK(parsed.warnings == Codes{"duplicate_description"});
    CHECK(parsed.description == std::optional<std::string>("b"));
    CHECK(parsed.description_span == std::optional(ByteSpan{40, 41}));
    CHECK(parsed.top_level_keys == std::vector<std::string>{"description", "name", "description"});
  }

  TEST_CASE("colon and blank in plain text warns") {
    CHECK(ParseFrontmatter(File("description: Use when: a\n")).warnings ==
          Codes{"plain_contains_colon_space"});
    CHECK(ParseFrontmatter(File("description: Use when:\n  a\n")).warnings ==
          Codes{"plain_contains_colon_space"});
    CHECK(ParseFrontmatter(File("description: \"Use when: a\"\n")).warnings == Codes{});
    CHECK(ParseFrontmatter(File("description: a:b\n")).warnings == Codes{});
  }

  TEST_CASE("only keys at column 0 are keys of the file") {
    const Frontmatter parsed = ParseFrontmatter(
        "---\n"
        "metadata:\n  description: nested\n  version: '3'\n"
        "note: |\n  description: in a block\n"
        "quoted: \"a\ndescription: in quotes\n\"\n"
        "list: [a,\n\"description\": b]\n"
        "no space:x\nbad:x\n- description: item\n"
        "a.b-c_1: d\n"
        "---\ndescription: body\n");
    CHECK(parsed.errors == Codes{});
    CHECK_FALSE(parsed.description.has_value());
    CHECK(parsed.version == std::optional<std::string>("3"));
    CHECK(parsed.top_level_keys ==
          std::vector<std::string>{"metadata", "note", "quoted", "list", "a.b-c_1"});
    CHECK(parsed.Field("metadata.description") == std::optional<std::string_view>("nested"));
  }

  TEST_CASE("the version at the top outranks that of the metadata") {
    CHECK(ParseFrontmatter("---\nmetadata:\n  version: 1\nversion: 2\n---\n").version ==
          std::optional<std::string>("2"));
    CHECK(ParseFrontmatter("---\nmetadata:\n    # c\n\n    a:\n      version: 0\n"
                           "    version: \"1\"  # c\n---\n")
              .version == std::optional<std::string>("1"));
    CHECK_FALSE(ParseFrontmatter("---\nversion:\nmetadata: 1\n---\n").version.has_value());
  }

  TEST_CASE("the title is the first heading outside fences") {
    CHECK(FirstHeading("## a\n# b \n") == std::optional<std::string>("b"));
    CHECK(FirstHeading("```sh\n# no\n```\n# yes\n") == std::optional<std::string>("yes"));
    CHECK(FirstHeading("~~~~\n# no\n~~~\n# no\n~~~~~\n# yes") == std::optional<std::string>("yes"));
    CHECK(FirstHeading("```\n~~~\n# no\n```\r\n# yes\r\n") == std::optional<std::string>("yes"));
    CHECK(FirstHeading("`` ` ``` x\n# yes\n") == std::optional<std::string>("yes"));
    CHECK_FALSE(FirstHeading("#no\n #no\n```\n# no\n").has_value());
  }

  TEST_CASE("flags of the file and of small YAML files") {
    const Frontmatter parsed =
        ParseFrontmatter("---\na: true\nb: \"True\"\nc: yes\nd: FALSE # c\n---\n");
    CHECK(parsed.IsTrue("a"));
    CHECK(parsed.IsTrue("b"));
    CHECK_FALSE(parsed.IsTrue("c"));
    CHECK(parsed.IsFalse("d"));
    CHECK_FALSE(parsed.IsFalse("e"));
    const std::string_view yaml = "interface:\n  a: b\npolicy:\n  x: y\n  flag: false\n";
    CHECK(YamlFlag(yaml, "policy.flag") == std::optional(false));
    CHECK_FALSE(YamlFlag(yaml, "interface.flag").has_value());
    CHECK_FALSE(YamlFlag(yaml, "flag").has_value());
    CHECK(YamlFlag("---\nflag: true\n", "flag") == std::optional(true));
  }
}

}  // namespace
}  // namespace selftune::skillfs
