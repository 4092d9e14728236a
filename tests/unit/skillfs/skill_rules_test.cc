#include "skillfs/skill_rules.h"

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <doctest/doctest.h>

#include "skillfs/discovery.h"

namespace selftune::skillfs {
namespace {

SkillRule Off(std::string name) { return {.name = std::move(name), .settings = "s"}; }
SkillRule On(std::string name) { return {.name = std::move(name), .off = false, .settings = "s"}; }
SkillRule Unknown(std::string settings) {
  return {.name = "*", .off = false, .unknown = true, .settings = std::move(settings)};
}
SkillRule In(std::string project, SkillRule rule) {
  rule.project_root = std::move(project);
  return rule;
}

// In words: what the rules make of a skill that lies in a project, "" = of the person.
std::string Judged(SkillRules& rules, std::string_view name, std::string_view project = "") {
  SkillPlacement placement;
  placement.path = "/skills/" + std::string(name) + "/SKILL.md";
  placement.name = name;
  placement.project_root = project;
  rules.Apply(placement.path, placement);
  std::string out;
  const auto add = [&](const std::string& text) { out += (out.empty() ? "" : ", ") + text; };
  if (!placement.disabled_by.empty()) add("off");
  for (const ProjectSwitch& in : placement.disabled_in) add("off in " + in.project_root);
  if (!placement.unknown_by.empty()) add("unknown by " + placement.unknown_by);
  for (const ProjectSwitch& in : placement.unknown_in) add("unknown in " + in.project_root);
  return out.empty() ? "on" : out;
}

TEST_SUITE("skillfs/skill_rules") {
  TEST_CASE("of the rules that name a skill the last counts, in each project") {
    struct Case {
      const char* name;
      std::vector<SkillRule> rules;
      const char* project;
      const char* want;
    };
    const Case cases[] = {
        {"none", {}, "", "on"},
        {"of another", {Off("docx")}, "", "on"},
        {"its name, however it is written", {Off("PDF")}, "", "off"},
        {"its name after a pattern", {Off("*"), On("pdf")}, "", "on"},
        {"a pattern after its name", {On("pdf"), Off("p*")}, "", "off"},
        {"the last of several patterns", {Off("p*"), On("*d*"), Off("x*")}, "", "on"},
        {"its file after its name",
         {On("pdf"), {.name = "", .path = "/skills/pdf", .settings = "s"}},
         "",
         "off"},
        {"its name after its file",
         {{.name = "", .path = "/skills/pdf/SKILL.md", .settings = "s"}, On("pdf")},
         "",
         "on"},
        {"for sessions in a project", {In("/a", Off("pdf"))}, "", "off in /a"},
        {"of its own project", {In("/a", Off("pdf"))}, "/a", "off"},
        {"of another project", {In("/b", Off("pdf"))}, "/a", "on"},
        {"a file that is not understood", {Unknown("s")}, "", "unknown by s"},
        {"after one that is", {Off("pdf"), Unknown("t")}, "", "unknown by t"},
        {"before one that is", {Unknown("t"), On("pdf")}, "", "on"},
        {"of its own project, which is not understood",
         {In("/a", Unknown("t"))},
         "/a",
         "unknown by t"},
        {"of a project, for who sees it everywhere", {In("/a", Unknown("t"))}, "", "unknown in /a"},
        {"off everywhere, whatever a project says",
         {Off("pdf"), In("/a", Unknown("t"))},
         "",
         "off, unknown in /a"},
    };
    for (const Case& c : cases) {
      CAPTURE(c.name);
      SkillRules rules(c.rules);
      CHECK(Judged(rules, "pdf", c.project) == c.want);
      CHECK(rules.TooMany().empty());
    }
  }

  TEST_CASE("names cost nothing but a look, patterns so much for each project and no more") {
    std::vector<SkillRule> names, patterns;
    for (int i = 0; i < 1000; ++i) {
      names.push_back(Off("skill-" + std::to_string(i)));
      patterns.push_back(In("/a", Off("*x*y*" + std::to_string(i))));
    }
    SkillRules exact(names, {}, /*most_effort=*/0);
    CHECK(Judged(exact, "skill-999") == "off");
    CHECK(Judged(exact, "skill-1000") == "on");
    CHECK(exact.TooMany().empty());

    // Enough for the first name, however often it is asked for.
    patterns.push_back(In("/b", Off("pdf")));
    SkillRules costly(patterns, {}, /*most_effort=*/20'000);
    for (int i = 0; i < 100; ++i) CHECK(Judged(costly, "first") == "on");
    CHECK(costly.TooMany().empty());
    int known = 0;
    for (int i = 0; i < 100; ++i) {
      const std::string judged = Judged(costly, "other-" + std::to_string(i));
      known += judged == "on" ? 1 : 0;
      CHECK((judged == "on" || judged == "unknown in /a"));
    }
    CHECK(known < 5);
    CHECK(Judged(costly, "pdf", "/b") == "off");  // projects do not use up each other's
    CHECK(costly.TooMany() == std::vector<std::string>{"s"});
  }
}

}  // namespace
}  // namespace selftune::skillfs
