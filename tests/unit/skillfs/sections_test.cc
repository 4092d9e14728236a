#include "skillfs/sections.h"

#include <doctest/doctest.h>

#include <string>
#include <string_view>

#include "skillfs/description_edit.h"

namespace selftune::skillfs {
namespace {

std::string_view Cut(std::string_view bytes, const ByteSpan& span) {
  return bytes.substr(span.begin, span.end - span.begin);
}

constexpr std::string_view kFile =
    "---\nname: x\n---\n\n# Title\n\nIntro.\n\n## Steps\n\n1. a\n\n```sh\n## no heading\n```\n"
    "## When to use it\nNow.\n";

TEST_SUITE("skillfs/sections") {
  TEST_CASE("a body is cut at its headings, not inside code") {
    const SkillSections found = FindSections(kFile);
    CHECK(found.title == std::optional<std::string>("Title"));
    CHECK(Cut(kFile, found.title_line) == "# Title\n");
    CHECK(Cut(kFile, found.intro) == "\nIntro.\n\n");
    REQUIRE(found.sections.size() == 2);
    CHECK(found.sections[0].name == "Steps");
    CHECK(Cut(kFile, found.sections[0].text) == "\n1. a\n\n```sh\n## no heading\n```\n");
    CHECK(Cut(kFile, found.sections[1].heading) == "## When to use it\n");
    CHECK(found.Find("When to use") == &found.sections[1]);
    CHECK(found.Find("When to us") == nullptr);
    CHECK(FindSections("text").intro == ByteSpan{0, 4});
    CHECK(FindSections("").sections.empty());
  }

  TEST_CASE("a section is replaced and the rest stays") {
    const auto edit = ReplaceSection(kFile, "Steps", "\n\n  - b\n- c\n\n");
    REQUIRE(edit.ok());
    CHECK(*edit ==
          "---\nname: x\n---\n\n# Title\n\nIntro.\n\n## Steps\n\n  - b\n- c\n\n"
          "## When to use it\nNow.\n");
    const auto again = ReplaceSection(*edit, "Steps", "  - b\n- c");
    REQUIRE(again.ok());
    CHECK(*again == *edit);
    const auto last = ReplaceSection(kFile, "When to use", "Later.");
    REQUIRE(last.ok());
    CHECK(last->ends_with("```\n## When to use it\n\nLater.\n"));
  }

  TEST_CASE("a missing section is added at the end") {
    const auto edit = ReplaceSection("# T\r\n\r\ntext", "New", "a\nb");
    REQUIRE(edit.ok());
    CHECK(*edit == "# T\r\n\r\ntext\r\n\r\n## New\r\n\r\na\r\nb\r\n");
    const auto empty = ReplaceSection("", "New", "a");
    REQUIRE(empty.ok());
    CHECK(*empty == "## New\n\na\n");
  }

  TEST_CASE("line ends of the heading are used") {
    const auto edit = ReplaceSection("# T\r\n## A\r\n## B\r\n", "A", "x\r\ny");
    REQUIRE(edit.ok());
    CHECK(*edit == "# T\r\n## A\r\n\r\nx\r\ny\r\n\r\n## B\r\n");
  }

  TEST_CASE("the body below the title is replaced") {
    const auto edit = ReplaceBody(kFile, "New.\n\n## Steps\n\n1. z\n\n\n");
    REQUIRE(edit.ok());
    CHECK(*edit == "---\nname: x\n---\n\n# Title\n\nNew.\n\n## Steps\n\n1. z\n");
    const auto untitled = ReplaceBody("---\nname: x\n---\nold", "new");
    REQUIRE(untitled.ok());
    CHECK(*untitled == "---\nname: x\n---\n\nnew\n");
  }

  TEST_CASE("text that would not be one section is refused") {
    for (const char* text : {"", " \n\t\n", "```\ncode", "a\n## B\n"}) {
      CAPTURE(text);
      const auto edit = ReplaceSection(kFile, "Steps", text);
      REQUIRE_FALSE(edit.ok());
      CHECK(CodeOf(edit.status()).name == "INVALID_REQUEST");
    }
    CHECK(ReplaceSection(kFile, "Steps", "```\n## code\n```").ok());
    const auto broken = ReplaceBody("---\nname: x\n", "a");
    CHECK(RefusalReason(broken.status()) == "unterminated_frontmatter");
  }
}

}  // namespace
}  // namespace selftune::skillfs
