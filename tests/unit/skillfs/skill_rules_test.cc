#include "skillfs/skill_rules.h"

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <doctest/doctest.h>

#include "skillfs/discovery.h"

namespace selftune::skillfs {
namespace {

using Says = SkillRule::Says;

SkillRule Rule(std::string name, Says says) {
  const bool pattern = name.find_first_of("*?") != std::string::npos;
  return {.name = std::move(name), .pattern = pattern, .says = says, .settings = "s"};
}
SkillRule Off(std::string name) { return Rule(std::move(name), Says::kOff); }
SkillRule On(std::string name) { return Rule(std::move(name), Says::kOn); }
SkillRule AnyCase(SkillRule rule) {
  rule.any_case = true;
  return rule;
}
SkillRule Unknown(std::string settings, Says says = Says::kMayEither) {
  SkillRule out = Rule("*", says);
  out.settings = std::move(settings);
  return out;
}
SkillRule MayOff() { return Unknown("t", Says::kMayOff); }
SkillRule MayOn() { return Unknown("t", Says::kMayOn); }
SkillRule Here(SkillRule rule) {
  rule.below = false;
  return rule;
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
  const Switches said = rules.Of(placement.path, placement);
  std::string out;
  const auto add = [&](const std::string& text) { out += (out.empty() ? "" : ", ") + text; };
  if (!said.disabled_by.empty()) add("off");
  if (!said.unknown_by.empty()) add("unknown by " + said.unknown_by);
  for (const ProjectSwitch& in : said.in_projects) {
    constexpr const char* kStates[] = {"on", "unknown", "off"};
    add(kStates[static_cast<size_t>(in.state)] + (" in " + in.project_root));
  }
  return out.empty() ? "on" : out;
}

TEST_SUITE("skillfs/skill_rules") {
  TEST_CASE("of the rules that hold for a session and name a skill the last counts") {
    struct Case {
      const char* name;
      std::vector<SkillRule> rules;
      const char* project;
      const char* want;
    };
    const Case cases[] = {
        {"none", {}, "", "on"},
        {"of another", {Off("docx")}, "", "on"},
        {"its name, written otherwise", {Off("PDF")}, "", "on"},
        {"where case does not matter", {AnyCase(Off("PDF"))}, "", "off"},
        {"a sign of its name", {Off("p?f")}, "", "off"},
        {"a sign is no text", {Off("p?"), Off("pdf?"), Off("p??f")}, "", "on"},
        {"a pattern in which case matters", {Off("P*")}, "", "on"},
        {"in which it does not", {AnyCase(Off("P*"))}, "", "off"},
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
        {"off everywhere, and nobody knows what a project says",
         {Off("pdf"), In("/a", Unknown("t"))},
         "",
         "off, unknown in /a"},
        {"a project has its word after the person",
         {Off("pdf"), In("/a", On("pdf"))},
         "",
         "off, on in /a"},
        {"or before", {In("/a", On("pdf")), Off("pdf")}, "", "off"},
        {"one says what is so anyhow", {Off("pdf"), In("/a", Off("pdf"))}, "", "off"},
        {"a folder in a project",
         {Off("pdf"), In("/a", On("pdf")), In("/a/b", Off("pdf"))},
         "",
         "off, on in /a, off in /a/b"},
        {"one that says the same",
         {Off("pdf"), In("/a", On("pdf")), In("/a/b", On("p*"))},
         "",
         "off, on in /a"},
        {"below one whose word is not for those below",
         {Off("pdf"), Here(In("/a", On("pdf"))), Here(In("/a/b", On("pdf")))},
         "",
         "off, on in /a, on in /a/b"},
        {"of its own project, after the person", {Off("pdf"), In("/a", On("pdf"))}, "/a", "on"},
        {"of a folder in its own project",
         {Off("pdf"), In("/a/b", On("pdf"))},
         "/a",
         "off, on in /a/b"},
        {"what may switch off takes nothing back", {Off("pdf"), In("/a", MayOff())}, "", "off"},
        {"and may take what is on", {In("/a", MayOff())}, "", "unknown in /a"},
        {"before what switches on", {MayOff(), On("pdf")}, "", "on"},
        {"what may switch on", {Off("pdf"), In("/a", MayOn())}, "", "off, unknown in /a"},
        {"and takes nothing", {In("/a", MayOn())}, "", "on"},
        {"one behind the other", {MayOn(), Off("pdf"), MayOff()}, "", "off"},
    };
    for (const Case& c : cases) {
      CAPTURE(c.name);
      SkillRules rules(c.rules);
      CHECK(Judged(rules, "pdf", c.project) == c.want);
      CHECK(rules.TooMany().empty());
    }
  }

  TEST_CASE("what holds in the folder of a skill is found by its place among thousands") {
    std::vector<SkillRule> all = {In("/", On("x")), In("/a", Off("pdf")),
                                  Here(In("/h", Off("pdf"))), In("/a/r/deep", Off("pdf")),
                                  In("/a-b", Off("pdf"))};
    for (int i = 0; i < 20'000; ++i) all.push_back(In("/w/" + std::to_string(i), On("pdf")));
    SkillRules rules(all, {"/a/r"});
    CHECK(Judged(rules, "pdf", "/a") == "off");
    CHECK(Judged(rules, "pdf", "/a/s/t") == "off");
    CHECK(Judged(rules, "pdf", "/ab") == "on");
    CHECK(Judged(rules, "pdf", "/h") == "off");
    CHECK(Judged(rules, "pdf", "/h/below") == "on");
    CHECK(Judged(rules, "pdf", "/a/r/x") == "on");  // a repository of its own
    CHECK(Judged(rules, "pdf", "/a/r") == "off in /a/r/deep");
    CHECK(Judged(rules, "pdf", "/a/r/deep/er") == "off");
    CHECK(Judged(rules, "pdf", "/") == "off in /a, off in /a-b, off in /a/r/deep, off in /h");
    // A second at most; each with each would take minutes.
    for (int i = 0; i < 20'000; ++i) {
      REQUIRE(Judged(rules, "pdf", "/w/" + std::to_string(i)) == "on");
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
