#include "skillfs/lint.h"

#include <doctest/doctest.h>

#include <string>
#include <string_view>
#include <vector>

#include "skill_fixtures.h"
#include "skillfs/lint_text.h"

namespace selftune::skillfs {
namespace {

using Codes = std::vector<std::string_view>;

Codes CodesOf(const std::vector<LintFinding>& findings) {
  Codes out;
  for (const LintFinding& finding : findings) out.push_back(finding.code);
  return out;
}

Codes Lint(std::string_view description) { return CodesOf(LintDescription(description, {})); }

std::string File(std::string_view frontmatter, std::string_view body = "# X\n") {
  return "---\n" + std::string(frontmatter) + "---\n" + std::string(body);
}

constexpr const char* kGood =
    "Explain and speed up slow SQL queries. Use when a query times out or a plan is pasted.";

TEST_SUITE("skillfs/lint") {
  TEST_CASE("a good description has no findings") {
    CHECK(Lint(kGood) == Codes{});
    CHECK(Lint("Review a customer reply's tone before it's sent, or when the user asks "
               "\"is my reply too harsh?\"") == Codes{});
  }

  TEST_CASE("each rule has its code") {
    struct Case {
      const char* name;
      std::string text;
      Codes want;
    };
    const Case cases[] = {
        {"blank", " \n", {"empty_description"}},
        {"over the specification",
         std::string(kGood) + std::string(1000, 'x'),
         {"description_too_long"}},
        {"long", std::string(kGood) + std::string(700, 'x'), {"description_long"}},
        {"short", "Use when SQL is slow.", {"description_short"}},
        {"no when",
         "Explains and speeds up slow SQL queries with indexes and plans.",
         {"no_when_clause"}},
        {"tags", std::string(kGood) + " <b>Always</b>.", {"xml_tags"}},
        {"comparison is no tag", std::string(kGood) + " Rows < 5 and x > 3.", {}},
        {"first person",
         "I can explain slow SQL queries. Use when a query times out.",
         {"first_person"}},
        {"first person plural",
         "Explains our slow SQL queries. Use when a query times out.",
         {"first_person"}},
        {"filler", "Helps with various tasks and things when the user needs it.", {"vague"}},
        {"capitals",
         "USE THIS SKILL WHEN ANY SQL QUERY TIMES OUT OR A PLAN IS PASTED.",
         {"all_caps"}},
        {"shouted words",
         "Speeds up slow queries. YOU MUST ALWAYS USE it when SQL is pasted.",
         {"all_caps"}},
        {"acronyms",
         "Converts SQL, CSV, PDF, XML, JSON and HTML files when a person asks for it.",
         {}},
        {"stuffing",
         "Use when asked for: sql, query, slow, plan, index, explain, tune, join, scan, hash, "
         "sort, vacuum, analyze.",
         {"stuffing"}},
        {"twelve are fine",
         "Use when asked for: sql, query, slow, plan, index, explain, tune, join, scan, hash, "
         "sort, vacuum.",
         {}},
        {"another script", "\u65c5\u884c\u306e\u8a08\u753b\u3092\u7acb\u3066\u308b\u3002", {}},
    };
    for (const Case& c : cases) {
      CAPTURE(c.name);
      CHECK(Lint(c.text) == c.want);
    }
  }

  TEST_CASE("a description that says the same as another skill's is told") {
    const NamedDescription others[] = {
        {"twin",
         "explain and speed up slow SQL queries; use when a query times out or a plan is "
         "pasted"},
        {"other", "Draft release notes when a version is tagged."},
    };
    LintContext context;
    context.others = others;
    const std::vector<LintFinding> findings = LintDescription(kGood, context);
    REQUIRE(findings.size() == 1);
    CHECK(findings[0].code == "overlaps_other_skill");
    CHECK(findings[0].message == "shares 100 % of its words with twin");
    CHECK(DescriptionOverlap(kGood, others[1].description) < 0.5);
  }

  TEST_CASE("the limit of a host's single line is its own") {
    LintContext context;
    context.single_line_limit = 50;
    CHECK(CodesOf(LintDescription(kGood, context)) == Codes{"single_line_limit"});
  }

  TEST_CASE("names are lower-case words joined by single hyphens") {
    for (const char* name : {"a", "sql-tuner", "a1-b2", "\u65c5\u884c", "caf\u00e9"}) {
      CAPTURE(name);
      CHECK(IsValidSkillName(name));
    }
    for (const char* name :
         {"", "-a", "a-", "a--b", "A", "a b", "a_b", "a.b", "\u00c9a", "a\xff"}) {
      CAPTURE(name);
      CHECK_FALSE(IsValidSkillName(name));
    }
    CHECK(IsValidSkillName(std::string(64, 'a')));
    CHECK_FALSE(IsValidSkillName(std::string(65, 'a')));
  }

  TEST_CASE("hosts may call a skill what the specification does not, but no path or sentence") {
    for (const char* name : {"a", "A_b.c", "acme:sql-tuner", "caf\u00e9", "\u65c5\u884c", "-a"}) {
      CAPTURE(name);
      CHECK(IsPossibleSkillName(name));
    }
    for (const char* name :
         {"", "a/b", "a\\b", "../a", "a b", ":a", "a:", "a\n", "a;b", "'a'", "a\xff", "a\u00a0b"}) {
      CAPTURE(name);
      CHECK_FALSE(IsPossibleSkillName(name));
    }
    CHECK(IsPossibleSkillName("acme:" + std::string(64, 'a')));
    CHECK_FALSE(IsPossibleSkillName(std::string(65, 'a')));
  }

  TEST_CASE("a file is checked as a whole") {
    struct Case {
      const char* name;
      std::string bytes;
      Codes want;
    };
    const std::string description = std::string("description: ") + kGood + "\n";
    const std::string good = "name: sql-tuner\n" + description;
    const Case cases[] = {
        {"good", File(good + "license: MIT\nmetadata:\n  version: \"1.0\"\n"), {}},
        {"no frontmatter", "# X\n", {"yaml_error"}},
        {"unterminated", "---\nname: x\n", {"yaml_error"}},
        {"duplicate", File(good + description), {"yaml_error"}},
        {"no name", File(description), {"missing_name"}},
        {"bad name",
         File("name: SQL Tuner\n" + description),
         {"invalid_name", "name_differs_from_folder"}},
        {"unknown key", File(good + "tags: a\n"), {"unknown_key"}},
        {"host key", File(good + "argument-hint: a\n"), {"host_specific_key"}},
        {"compatibility", File(good + "compatibility: \"\"\n"), {"invalid_compatibility"}},
        {"number in metadata", File(good + "metadata:\n  version: 1.0\n"), {"metadata_not_text"}},
        {"no description", File("name: sql-tuner\n"), {"empty_description"}},
        {"colon",
         File("name: sql-tuner\ndescription: Speeds up SQL: use when it is slow or when a "
              "plan is pasted.\n"),
         {"unquoted_colon_space"}},
        {"long body", File(good, std::string(501, '\n')), {"body_too_long"}},
    };
    LintContext context;
    context.directory_name = "sql-tuner";
    for (const Case& c : cases) {
      CAPTURE(c.name);
      CHECK(CodesOf(LintSkill(c.bytes, context)) == c.want);
    }
  }

  TEST_CASE("only a broken file has errors") {
    CHECK(HasErrors(LintSkill("---\n", {})));
    CHECK_FALSE(HasErrors(LintDescription("Use when SQL is slow.", {})));
    CHECK(Name(LintLevel::kError) == "error");
  }

  TEST_CASE("the fixtures that are portable skills have no errors") {
    for (const testing::SkillFixture& fixture : testing::LoadSkillFixtures()) {
      if (fixture.id != "01-plain-single" && fixture.id != "03-literal-strip" &&
          fixture.id != "07-unicode" && fixture.id != "08-crlf") {
        continue;
      }
      CAPTURE(fixture.id);
      LintContext context;
      context.directory_name = fixture.expected["dir_name"].AsString();
      CHECK_FALSE(HasErrors(LintSkill(fixture.bytes, context)));
    }
  }
}

}  // namespace
}  // namespace selftune::skillfs
