#include "status/listing_budget.h"

#include <algorithm>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "hosts/installed_skills.h"
#include "status/listing_recorded.h"
#include "support/temp_dir.h"
#include "unit/status/status_fixture.h"

namespace selftune::status {
namespace {

using hosts::HostRow;
using selftune::testing::TempDir;
using testing::DaysAgo;
using testing::Must;
using testing::World;

const HostRow& Claude() { return *hosts::FindRow("claude_code"); }
const HostRow& Codex() { return *hosts::FindRow("codex"); }

base::Environment HomeOf(const TempDir& dir) {
  base::Environment env;
  env.Set("HOME", dir.path());
  return env;
}

ListedLine Line(std::string name, int64_t description_chars, int64_t uses = 0) {
  ListedLine line;
  line.path = "/s/" + name + "/SKILL.md";
  line.name = std::move(name);
  line.scope = "global";
  line.description_chars = description_chars;
  line.uses = uses;
  return line;
}

ListingLimit LimitOf(int64_t chars, int64_t max_description = 0) {
  return {.chars = chars, .basis = "test", .max_description = max_description};
}

int64_t Shown(const std::vector<ListedLine>& lines) {
  int64_t sum = 0;
  for (const ListedLine& line : lines) sum += line.shown.value_or(0);
  return sum;
}

std::string States(const std::vector<ListedLine>& lines) {
  std::string out;
  for (const ListedLine& line : lines) {
    out += (out.empty() ? "" : " ") + line.name + ":" + std::string(line.state);
  }
  return out;
}

}  // namespace

TEST_SUITE("status/listing_budget") {
  TEST_CASE("the limit is the host's share of the window, or what it takes without one") {
    const TempDir home;
    const base::Environment env = HomeOf(home);
    CHECK(ReadListingLimit(Claude(), env, std::nullopt).chars == 8000);
    CHECK(ReadListingLimit(Claude(), env, 200'000).chars == 8000);
    CHECK(ReadListingLimit(Claude(), env, 1'000'000).chars == 40'000);
    CHECK(ReadListingLimit(Codex(), env, std::nullopt).chars == 8000);
    CHECK(ReadListingLimit(Codex(), env, 200'000).chars == 16'000);
    CHECK(ReadListingLimit(Claude(), env, std::nullopt).max_description == 1536);
    CHECK(ReadListingLimit(Codex(), env, std::nullopt).max_description == 1024);
  }

  TEST_CASE("settings of the host change it, and what cannot be read does not") {
    const TempDir home;
    const base::Environment env = HomeOf(home);
    const auto with = [&](std::string_view settings) {
      (void)home.Write(".claude/settings.json", settings);
      return ReadListingLimit(Claude(), env, std::nullopt);
    };
    const ListingLimit doubled = with(R"({"skillListingBudgetFraction":0.02})");
    CHECK(doubled.chars == 16'000);
    CHECK(doubled.basis.find("skillListingBudgetFraction of settings.json: 2 %") == 0);
    CHECK(ReadListingLimit(Claude(), env, 100'000).chars == 8000);
    CHECK(with(R"({"skillListingMaxDescChars":300})").max_description == 300);
    const ListingLimit fixed = with(
        R"({"skillListingBudgetFraction":0.02,"env":{"SLASH_COMMAND_TOOL_CHAR_BUDGET":"1234"}})");
    CHECK(fixed.chars == 1234);
    CHECK(fixed.basis == "SLASH_COMMAND_TOOL_CHAR_BUDGET of settings.json");
    for (const char* text :
         {"", "{", "[]", R"({"skillListingBudgetFraction":"0.02"})",
          R"({"skillListingBudgetFraction":0})", R"({"skillListingBudgetFraction":7})",
          R"({"env":{"SLASH_COMMAND_TOOL_CHAR_BUDGET":"many"}})",
          R"({"env":[],"skillListingMaxDescChars":-1})"}) {
      CAPTURE(text);
      CHECK(with(text).chars == 8000);
      CHECK(with(text).max_description == 1536);
    }
  }

  TEST_CASE("a host whose budget is not known says so and cuts nobody") {
    const TempDir home;
    int unknown = 0;
    for (const HostRow& row : hosts::Rows()) {
      if (row.listing.window_share > 0) continue;
      CAPTURE(row.platform);
      ++unknown;
      const ListingLimit limit = ReadListingLimit(row, HomeOf(home), 200'000);
      CHECK_FALSE(limit.chars.has_value());
      CHECK(limit.basis == "the budget of " + std::string(row.title) + " is not known");
      std::vector<ListedLine> lines = {Line("a", 100'000, 1)};
      CutListing(row, limit, lines);
      CHECK(lines[0].state == "unknown");
      CHECK_FALSE(lines[0].shown.has_value());
      CHECK_FALSE(lines[0].cut());
      CHECK(lines[0].chars == LineChars(row, lines[0], 100'000));
    }
    CHECK(unknown == 7);
  }

  TEST_CASE("a line is what the host writes") {
    const ListedLine line = Line("pdf", 5);
    CHECK(LineChars(Claude(), line, 5) == std::string("- pdf: words\n").size());
    CHECK(LineChars(Claude(), line, 0) == std::string("- pdf\n").size());
    CHECK(LineChars(Codex(), line, 5) ==
          std::string("- pdf: words (file: /s/pdf/SKILL.md)\n").size());
  }

  TEST_CASE("what fits is listed whole, but for descriptions above the host's own limit") {
    std::vector<ListedLine> lines = {Line("long", 2000), Line("none", 0), Line("short", 90)};
    CutListing(Claude(), LimitOf(8000, 1536), lines);
    CHECK(States(lines) == "long:truncated none:name_only short:full");
    CHECK(lines[0].chars == LineChars(Claude(), lines[0], 1536));
    CHECK(Shown(lines) == TotalChars(lines));
  }

  TEST_CASE("Claude Code: the least used lose their description, nobody the name") {
    std::vector<ListedLine> lines;
    for (int i = 0; i < 20; ++i) lines.push_back(Line("s" + std::to_string(10 + i), 500, i));
    CutListing(Claude(), LimitOf(8000), lines);
    CHECK(Shown(lines) <= 8000);
    size_t bare = 0;
    while (bare < lines.size() && lines[bare].state == "name_only") ++bare;
    CHECK(bare > 0);
    for (size_t i = bare; i < lines.size(); ++i) CHECK(lines[i].state == "full");
    // One description more would be too much.
    CHECK(Shown(lines) + lines[bare - 1].chars - *lines[bare - 1].shown > 8000);
  }

  TEST_CASE("Claude Code: of equal uses the later name goes first, whatever its length") {
    std::vector<ListedLine> lines = {Line("a", 400), Line("b", 10), Line("c", 400), Line("d", 0)};
    CutListing(Claude(), LimitOf(TotalChars(lines) + 500), lines);
    CHECK(States(lines) == "a:full b:full c:name_only d:name_only");
  }

  TEST_CASE("Codex: long descriptions give way to short ones, to the last character") {
    std::vector<ListedLine> lines = {Line("a", 900), Line("b", 40), Line("c", 500), Line("d", 0)};
    int64_t names = 0;
    for (const ListedLine& line : lines) names += LineChars(Codex(), line, 1) - 1;
    CutListing(Codex(), LimitOf(names + 541), lines);
    CHECK(States(lines) == "a:truncated b:full c:truncated d:name_only");
    CHECK(*lines[0].shown + *lines[2].shown ==
          LineChars(Codex(), lines[0], 251) + LineChars(Codex(), lines[2], 250));
    CHECK(Shown(lines) <= names + 541);
    CutListing(Codex(), LimitOf(names), lines);
    CHECK(States(lines) == "a:name_only b:name_only c:name_only d:name_only");
  }

  TEST_CASE("Codex: where not even the names fit, skills are left out") {
    std::vector<ListedLine> lines = {Line("a", 9), Line("b", 9), Line("c", 9)};
    lines[2].scope = "system";
    const int64_t bare = LineChars(Codex(), lines[0], 0);
    CutListing(Codex(), LimitOf(2 * bare), lines);
    CHECK(States(lines) == "a:name_only b:absent c:name_only");
    CHECK(lines[1].shown == 0);
    CHECK(lines[1].cut());
  }

  TEST_CASE("what only a command loads takes no room and has no value") {
    std::vector<ListedLine> lines = {Line("a", 90, 3), Line("b", 9000, 3)};
    lines[1].explicit_only = true;
    CutListing(Claude(), LimitOf(200), lines);
    CHECK(States(lines) == "a:full b:explicit_only");
    CHECK(TotalChars(lines) == lines[0].chars);
    CHECK_FALSE(lines[1].Value().has_value());
    CHECK(*lines[0].Value() == doctest::Approx(3.0 / static_cast<double>(lines[0].chars)));
  }

  TEST_CASE("by value: unused and long first, what is not listed last") {
    std::vector<ListedLine> lines = {Line("hidden", 900), Line("often", 100, 50),
                                     Line("rare", 100, 1), Line("unused", 100),
                                     Line("unused-long", 800)};
    lines[0].explicit_only = true;
    CutListing(Claude(), LimitOf(8000), lines);
    SortByValue(lines);
    std::string order;
    for (const ListedLine& line : lines) order += line.name + " ";
    CHECK(order == "unused-long unused rare often hidden ");
  }

  TEST_CASE("the lines are those of the files a host finds, hidden ones left out") {
    const TempDir home;
    const auto skill = [&](std::string_view folder, std::string_view rest) {
      (void)home.Write(std::string(folder) + "/SKILL.md",
                       "---\nname: n\n" + std::string(rest) + "---\n");
    };
    skill(".claude/skills/pdf", "description: Fills förms.\nwhen_to_use: For forms.\n");
    skill(".claude/skills/quiet", "description: Q.\ndisable-model-invocation: true\n");
    skill("work/.claude/skills/pdf", "description: Another.\n");
    skill("work/.claude/skills/ship", "description: Ships.\n");
    const std::vector<std::string> projects = {home / "work"};
    const auto lines = LinesOf(Claude(), hosts::FindInstalledSkills(HomeOf(home), projects));
    REQUIRE(lines.size() == 3);
    CHECK(lines[0].name == "pdf");
    CHECK(lines[0].scope == "global");
    CHECK(lines[0].description_chars == 12 + 3 + 10);  // characters, not bytes
    CHECK(lines[1].name == "quiet");
    CHECK(lines[1].explicit_only);
    CHECK(lines[2].name == "ship");
    CHECK(LinesOf(Claude(), hosts::FindInstalledSkills(HomeOf(home), {})).size() == 2);
    CHECK(LinesOf(Codex(), hosts::FindInstalledSkills(HomeOf(home), projects)).empty());
  }

  TEST_CASE("what a project switches off is not listed to sessions in it, and is elsewhere") {
    const TempDir home;
    (void)home.Write(".claude/skills/pdf/SKILL.md", "---\nname: pdf\ndescription: P.\n---\n");
    (void)home.Write("work/.claude/settings.json", R"({"skillOverrides":{"pdf":"off"}})");
    (void)home.Write("work/deep/down/a.txt", "");
    (void)home.Write("work-two/a.txt", "");
    const std::vector<std::string> projects = {home / "work", home / "work-two"};
    skillfs::DiscoveryRequest request = hosts::DiscoveryFor(HomeOf(home), projects);
    hosts::AddSettings(request);
    const skillfs::Discovery found = skillfs::DiscoverSkills(request);
    struct Case {
      const char* name;
      std::string cwd;
      size_t listed;
    };
    const Case cases[] = {{"in no project", "", 1},
                          {"in the project", home / "work", 0},
                          {"below it, where other settings are read", home / "work/deep/down", 1},
                          {"in one whose name begins alike", home / "work-two", 1}};
    for (const Case& c : cases) {
      CAPTURE(c.name);
      CHECK(LinesOf(Claude(), found, c.cwd).size() == c.listed);
    }
  }

  TEST_CASE("where nobody understands the settings a skill counts, and the file is told") {
    const TempDir home;
    (void)home.Write(".claude/skills/pdf/SKILL.md", "---\nname: pdf\ndescription: P.\n---\n");
    (void)home.Write("work/.claude/settings.json", "{");
    (void)home.Write("work-two/a.txt", "");
    const std::vector<std::string> projects = {home / "work", home / "work-two"};
    skillfs::DiscoveryRequest request = hosts::DiscoveryFor(HomeOf(home), projects);
    hosts::AddSettings(request);
    const skillfs::Discovery found = skillfs::DiscoverSkills(request);
    for (const auto& [cwd, unknown_by] :
         {std::pair(home / "work", home / "work/.claude/settings.json"),
          std::pair(home / "work-two", std::string())}) {
      CAPTURE(cwd);
      const auto lines = LinesOf(Claude(), found, cwd);
      REQUIRE(lines.size() == 1);
      CHECK(lines[0].unknown_by == unknown_by);
    }
  }

  TEST_CASE("recorded: the newest session of this host, by file, then by name") {
    World world;
    CHECK_FALSE(Must(ReadRecordedListing(world.db(), Claude())).has_value());
    const auto old = world.Session("old", DaysAgo(3));
    world.Listing(old, std::nullopt, ExposureCause::kListing, {{.name = "gone"}});
    const auto session = world.Session("new", DaysAgo(1));
    world.Listing(session, std::nullopt, ExposureCause::kListing,
                  {{.name = "a", .description = "äbc", .path = "/s/a/SKILL.md"},
                   {.name = "B", .state = ExposureState::kNameOnly},
                   {.name = "built-in", .state = ExposureState::kTruncated, .description = "x…"}});
    CHECK_FALSE(Must(ReadRecordedListing(world.db(), Codex())).has_value());
    const auto recorded = Must(ReadRecordedListing(world.db(), Claude()));
    REQUIRE(recorded.has_value());
    CHECK(recorded->session_id == "new");
    CHECK(recorded->skills.size() == 3);
    CHECK(recorded->cut == 2);
    CHECK(recorded->chars == 9 + 4 + 15);  // "- a: äbc\n", "- B\n", "- built-in: x…\n"
    const std::vector<ListedLine> lines = {Line("a", 3), Line("b", 3), Line("c", 3)};
    const RecordedMatch match = MatchRecorded(Claude(), *recorded, lines);
    CHECK(match.states == std::vector<std::string>{"full", "name_only", "absent"});
    CHECK(match.others == 1);
    CHECK(match.others_chars == 15);
  }
}

}  // namespace selftune::status
