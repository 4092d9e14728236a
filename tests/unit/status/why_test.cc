#include "status/why.h"

#include <algorithm>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <doctest/doctest.h>

#include "hosts/registry.h"
#include "status/why_parts.h"
#include "store/queries/health.h"
#include "unit/status/status_fixture.h"

namespace selftune::status {
namespace {

using skillfs::SkillPlacement;
using store::ListingEntryRow;
using testing::DaysAgo;
using testing::Must;
using testing::World;

constexpr char kPath[] = "/home/dev/.claude/skills/pdf/SKILL.md";

// One session with one prompt at which pdf might have run.
struct Scene {
  World world;
  store::SessionPk session = world.Session("s1", DaysAgo(1));
  store::PromptPk prompt = world.Prompt(session, 3, "turn this into a pdf", DaysAgo(1));

  Scene() { world.Install("pdf", kPath, "Make PDF files from text."); }
  void Offer(ListingEntryRow entry) {
    world.Listing(session, std::nullopt, ExposureCause::kListing, {entry, {.name = "other"}});
  }
  WhyAnswer Ask() {
    const auto skill = Must(store::FindSkill(world.db(), "pdf"));
    return Must(WhyAt(world.db(), skill, session, 3));
  }
};

// The copy at kPath as a host sees it.
SkillPlacement Place(std::string_view platform, Bar::Kind kind = Bar::Kind::kNone) {
  SkillPlacement out{.path = kPath, .platform = platform, .scope = "global", .name = "pdf"};
  out.explicit_only = kind == Bar::Kind::kExplicitOnly;
  if (kind == Bar::Kind::kDisabled) out.disabled_by = "/home/dev/settings.json";
  if (kind == Bar::Kind::kHidden) out.shadowed_by = "/home/dev/.agents/skills/pdf/SKILL.md";
  return out;
}

const WhyEvidence* Find(const WhyAnswer& answer, std::string_view check) {
  const auto it = std::find_if(answer.evidence.begin(), answer.evidence.end(),
                               [&](const WhyEvidence& row) { return row.check == check; });
  return it == answer.evidence.end() ? nullptr : &*it;
}

}  // namespace

TEST_SUITE("status/why") {
  TEST_CASE("seen in full and not chosen: the description, with the rows behind it") {
    Scene scene;
    scene.Offer({.name = "pdf", .description = "Make PDF files from text.", .path = kPath});
    scene.world.Missed(scene.prompt, "pdf", MissCause::kDescription);
    const WhyAnswer answer = scene.Ask();
    CHECK(answer.cause == "description");
    CHECK(answer.expected == true);
    CHECK(answer.fix_command == "selftune evolve --skill pdf");
    REQUIRE(Find(answer, "prompt") != nullptr);
    CHECK(Find(answer, "prompt")->source_path == "/t/one.jsonl");
    CHECK(Find(answer, "prompt")->source_offset == 3000);
    CHECK(Find(answer, "prompt")->source_line == 31);
    REQUIRE(Find(answer, "exposure") != nullptr);
    CHECK(Find(answer, "exposure")->source_offset == 77);
    CHECK(Find(answer, "shadowed") == nullptr);
  }

  TEST_CASE("each way of not being seen has its cause") {
    struct Case {
      const char* name;
      ListingEntryRow entry;
      const char* cause;
    };
    const Case cases[] = {
        {"shortened", {.name = "pdf", .state = ExposureState::kTruncated}, "truncated"},
        {"without description", {.name = "pdf", .state = ExposureState::kNameOnly}, "truncated"},
        {"only by command", {.name = "pdf", .state = ExposureState::kExplicitOnly}, "disabled"},
        {"switched off", {.name = "pdf", .state = ExposureState::kDisabled}, "disabled"},
        {"not offered", {.name = "third"}, "not_listed"},
    };
    for (const Case& c : cases) {
      CAPTURE(c.name);
      Scene scene;
      scene.Offer(c.entry);
      const WhyAnswer answer = scene.Ask();
      CHECK(answer.cause == c.cause);
      CHECK_FALSE(answer.expected.has_value());
      CHECK(answer.explanation.find("Nobody said") != std::string::npos);
    }
  }

  TEST_CASE("every cause, on every host: rows with their places, and what to do next") {
    // What was offered, what is installed, and what follows.
    struct Case {
      const char* name;
      std::vector<ListingEntryRow> listed;  // empty: nothing was recorded
      bool compacted = false;               // after the listing
      enum { kHere, kNowhere, kElsewhere, kExplicit } installed = kHere;
      const char* cause = "";
      const char* words = "";  // of the explanation
      const char* next = "";   // begin of the command, "" = there is none
    };
    const Case cases[] = {
        {.name = "listed in full",
         .listed = {{.name = "pdf", .description = "Make PDF files from text.", .path = kPath}},
         .cause = "description",
         .words = "did not choose it",
         .next = "selftune evolve --skill pdf"},
        {.name = "shortened",
         .listed = {{.name = "pdf",
                     .state = ExposureState::kTruncated,
                     .description = "Make…",
                     .path = kPath}},
         .cause = "truncated",
         .words = "shortened",
         .next = "selftune budget pdf --platform "},
        {.name = "name only",
         .listed = {{.name = "pdf", .state = ExposureState::kNameOnly, .path = kPath}},
         .cause = "truncated",
         .words = "its name only",
         .next = "selftune budget pdf --platform "},
        {.name = "absent",
         .listed = {{.name = "other"}},
         .cause = "not_listed",
         .words = "not this one",
         .next = "selftune doctor --only 'skills.*'"},
        {.name = "explicit only, says the listing",
         .listed = {{.name = "pdf", .state = ExposureState::kExplicitOnly, .path = kPath}},
         .cause = "disabled",
         .words = "explicit only"},
        {.name = "explicit only, says the file",
         .listed = {{.name = "other"}},
         .installed = Case::kExplicit,
         .cause = "disabled",
         .words = "explicit only"},
        {.name = "lost at a compaction",
         .listed = {{.name = "pdf", .description = "Make PDF files from text.", .path = kPath}},
         .compacted = true,
         .cause = "compacted",
         .words = "compaction"},
        {.name = "shadowed",
         .listed = {{.name = "pdf", .description = "Another one.", .path = "/opt/pdf/SKILL.md"}},
         .cause = "shadowed",
         .words = "in its place",
         .next = "selftune doctor --only skills.shadowed"},
        {.name = "disabled by the host",
         .listed = {{.name = "pdf", .state = ExposureState::kDisabled, .path = kPath}},
         .cause = "disabled",
         .words = "switch it off"},
        {.name = "not installed yet",
         .listed = {{.name = "other"}},
         .installed = Case::kNowhere,
         .cause = "not_installed",
         .words = "not installed where"},
        {.name = "installed in another project",
         .installed = Case::kElsewhere,
         .cause = "not_installed",
         .words = "not installed where"},
        {.name = "no exposure known",
         .cause = "unknown",
         .words = "does not record",
         .next = "selftune skills show pdf"},
    };
    for (const hosts::HostRow& host : hosts::Rows()) {
      CAPTURE(host.platform);
      for (const Case& c : cases) {
        CAPTURE(c.name);
        World world;
        const auto session = world.Session("s1", DaysAgo(1), host.platform);
        const auto prompt = world.Prompt(session, 3, "turn this into a pdf", DaysAgo(1));
        const bool elsewhere = c.installed == Case::kElsewhere;
        if (c.installed == Case::kNowhere) {
          world.Missed(prompt, "pdf", MissCause::kUnknown);  // known by name alone
        } else {
          world.Install("pdf", elsewhere ? "/home/dev/site/skills/pdf/SKILL.md" : kPath,
                        "Make PDF files from text.", c.installed != Case::kExplicit,
                        elsewhere ? "/home/dev/site" : "");
        }
        if (!c.listed.empty()) {
          world.Listing(session, std::nullopt, ExposureCause::kListing, c.listed);
        }
        if (c.compacted) world.Listing(session, 2, ExposureCause::kCompaction, {});
        const auto skill = Must(store::FindSkill(world.db(), "pdf"));
        const WhyAnswer answer = Must(WhyAt(world.db(), skill, session, 3));
        CHECK(answer.cause == c.cause);
        CHECK(answer.explanation.find(c.words) != std::string::npos);
        const std::string next = c.next;
        CHECK(answer.fix_command.starts_with(next));
        CHECK(answer.fix_command.empty() == next.empty());
        if (next.ends_with("--platform "))
          CHECK(answer.fix_command == next + std::string(host.platform));
        // The description is to blame only where it was seen.
        const WhyEvidence* seen = Find(answer, "exposure");
        REQUIRE(seen != nullptr);
        CHECK((answer.cause == "description") == (std::string_view(c.name) == "listed in full"));
        if (!c.listed.empty() && c.listed.front().name == "pdf") {
          CHECK(seen->source_path == "/t/one.jsonl");
          CHECK(seen->source_offset == 77);
        }
        REQUIRE(Find(answer, "prompt") != nullptr);
        CHECK(Find(answer, "prompt")->source_offset == 3000);
      }
    }
  }

  TEST_CASE("of two copies that differ the host offers one: the other is shadowed") {
    constexpr char kOther[] = "/home/dev/shop/.claude/skills/pdf/SKILL.md";
    // `about`: the copy that is asked about.
    const auto ask = [](std::string_view other, std::string_view description,
                        std::string_view platform, std::string_view offered,
                        std::string_view about) {
      World world;
      world.Install("pdf", kPath, "Make PDF files from text.");
      world.Install("pdf", other, description);
      const auto session = world.Session("s1", DaysAgo(1), platform);
      (void)world.Prompt(session, 3, "turn this into a pdf", DaysAgo(1));
      world.Listing(session, std::nullopt, ExposureCause::kListing,
                    {{.name = "pdf", .description = "Make PDF files from text.", .path = offered}});
      const auto skill = Must(store::FindSkill(world.db(), "pdf"));
      return Must(WhyAt(world.db(), skill, session, 3, {.skill_path = about}));
    };
    const WhyAnswer hidden = ask(kOther, "Read PDF forms.", "claude_code", kPath, kOther);
    CHECK(hidden.cause == "shadowed");
    REQUIRE(Find(hidden, "shadowed") != nullptr);
    CHECK(Find(hidden, "shadowed")->source_path == kOther);
    CHECK(hidden.fix_command == "selftune doctor --only skills.shadowed");
    // Told by its words, where a listing names no file.
    CHECK(ask(kOther, "Read PDF forms.", "claude_code", "", kOther).cause == "shadowed");
    // The one that was offered was seen; whoever names none hears of both.
    for (const char* about : {kPath, ""}) {
      const WhyAnswer seen = ask(kOther, "Read PDF forms.", "claude_code", kPath, about);
      CHECK(seen.cause == "description");
      REQUIRE(Find(seen, "shadowed") != nullptr);
      CHECK(Find(seen, "shadowed")->source_path == kOther);
    }
    // The same words, another host's folder, and a host that lists both.
    constexpr char kQwen[] = "/home/dev/.qwen/skills/pdf/SKILL.md";
    constexpr char kCodex[] = "/home/dev/.codex/skills/pdf/SKILL.md";
    CHECK(ask(kOther, "Make PDF files from text.", "claude_code", kPath, kOther).cause ==
          "description");
    CHECK(ask(kQwen, "Read PDF forms.", "claude_code", kPath, kQwen).cause == "description");
    CHECK(ask(kCodex, "Read PDF forms.", "codex", kPath, kCodex).cause == "description");
  }

  TEST_CASE("a compaction that dropped the listing is the cause, and no description cures it") {
    Scene scene;
    scene.Offer({.name = "pdf", .description = "Make PDF files.", .path = kPath});
    scene.world.Listing(scene.session, 2, ExposureCause::kCompaction, {});
    const WhyAnswer answer = scene.Ask();
    CHECK(answer.cause == "compacted");
    CHECK(answer.fix_command.empty());
  }

  TEST_CASE("no listing recorded: unknown, unless the file itself tells") {
    Scene scene;
    CHECK(scene.Ask().cause == "unknown");
    scene.world.Install("pdf", kPath, "Make PDF files.", false);
    CHECK(scene.Ask().cause == "disabled");
  }

  TEST_CASE("what bars a skill is judged by the host of the session, elsewhere by those here") {
    using Kind = Bar::Kind;
    struct Case {
      const char* name;
      std::vector<SkillPlacement> places;  // of the one copy; see Place()
      const char* platform;                // of the session
      const char* cause;                   // there
      const char* at_all;                  // of the skill in general
      const char* evidence;                // "" = nothing but that it is installed
    };
    const Case cases[] = {
        {"free everywhere",
         {Place("gemini"), Place("opencode")},
         "gemini",
         "unknown",
         "no_misses",
         ""},
        {"by command only in both",
         {Place("gemini", Kind::kExplicitOnly), Place("opencode", Kind::kExplicitOnly)},
         "gemini",
         "disabled",
         "disabled",
         "policy"},
        {"by command only in this host",
         {Place("gemini", Kind::kExplicitOnly), Place("opencode")},
         "gemini",
         "disabled",
         "no_misses",
         "policy"},
        {"by command only in the other",
         {Place("gemini", Kind::kExplicitOnly), Place("opencode")},
         "opencode",
         "unknown",
         "no_misses",
         "policy"},
        {"switched off in this host",
         {Place("gemini", Kind::kDisabled), Place("opencode")},
         "gemini",
         "disabled",
         "no_misses",
         "policy"},
        {"one way here, another there",
         {Place("gemini", Kind::kDisabled), Place("opencode", Kind::kExplicitOnly)},
         "gemini",
         "disabled",
         "disabled",
         "policy"},
        {"hidden in this host",
         {Place("gemini", Kind::kHidden), Place("opencode")},
         "gemini",
         "shadowed",
         "no_misses",
         "shadowed"},
        {"hidden in every host",
         {Place("gemini", Kind::kHidden)},
         "gemini",
         "shadowed",
         "shadowed",
         "shadowed"},
    };
    for (const Case& c : cases) {
      CAPTURE(c.name);
      World world;
      // The sync knew of one host that lets the model load it.
      world.Install("pdf", kPath, "Make PDF files from text.");
      const auto session = world.Session("s1", DaysAgo(1), c.platform);
      (void)world.Prompt(session, 3, "turn this into a pdf", DaysAgo(1));
      const auto skill = Must(store::FindSkill(world.db(), "pdf"));
      const skillfs::Discovery found{.skills = {{.name = "pdf", .placements = c.places}}};
      const WhyScope scope{.skill_path = kPath, .found = &found};
      const WhyAnswer answer = Must(WhyAt(world.db(), skill, session, 3, scope));
      CHECK(answer.cause == c.cause);
      CHECK(Must(WhyAtAll(world.db(), skill, scope)).cause == c.at_all);
      const std::string text = Must(WhyText(world.db(), skill, "a pdf file", scope)).cause;
      CHECK(text == (std::string_view(c.at_all) == "no_misses" ? "would_match" : c.at_all));
      if (c.evidence[0] != '\0') CHECK(Find(answer, c.evidence) != nullptr);
      // Nobody means a hidden copy who names none.
      if (std::string_view(c.cause) == "shadowed") {
        CHECK(Must(WhyAt(world.db(), skill, session, 3, {.found = &found})).cause == "unknown");
      }
    }
  }

  TEST_CASE("the stored cause stands beside what files and settings say now") {
    using Kind = Bar::Kind;
    struct Case {
      const char* name;
      std::optional<MissCause> stored;
      Kind bar;  // of the file as it is now
      const char* cause;
      const char* missed_cause;  // "" = none
      bool both;                 // the answer tells of both
    };
    const Case cases[] = {
        {"as stored", MissCause::kNotListed, Kind::kNone, "not_listed", "not_listed", false},
        {"by command only since", MissCause::kNotListed, Kind::kExplicitOnly, "disabled",
         "not_listed", true},
        {"nobody missed it", std::nullopt, Kind::kExplicitOnly, "disabled", "", false},
    };
    for (const Case& c : cases) {
      CAPTURE(c.name);
      Scene scene;
      scene.Offer({.name = "third"});
      if (c.stored.has_value()) scene.world.Missed(scene.prompt, "pdf", *c.stored);
      const skillfs::Discovery found{
          .skills = {{.name = "pdf", .placements = {Place("claude_code", c.bar)}}}};
      const auto skill = Must(store::FindSkill(scene.world.db(), "pdf"));
      for (const WhyAnswer& answer :
           {Must(WhyAt(scene.world.db(), skill, scene.session, 3, {.found = &found})),
            Must(WhyAtAll(scene.world.db(), skill, {.found = &found}))}) {
        CHECK(answer.cause == c.cause);
        CHECK(answer.missed_cause.value_or("") == c.missed_cause);
        const WhyEvidence* const row = Find(answer, "missed_cause");
        CHECK((row != nullptr) == c.both);
        if (row == nullptr) continue;
        CHECK(row->result ==
              "not_listed: told by what was recorded at the time, and stored; disabled is what "
              "files and settings say now, and no evidence of then");
        CHECK(answer.explanation.find("That is so now; what was recorded at the time says "
                                      "not_listed.") != std::string::npos);
      }
      // What is stored is not touched by the question.
      const auto causes = Must(store::ReadJudgedPrompts(scene.world.db(), {.skill = skill.id}));
      CHECK(causes.size() == (c.stored.has_value() ? 1U : 0U));
    }
  }

  TEST_CASE("a question without a session is about the folder that it comes from") {
    constexpr char kProject[] = "/home/dev/site";
    struct Case {
      const char* cwd;
      const char* text;    // cause for a prompt to come
      const char* at_all;  // in general
      const char* here;    // the row about the folder, "" = there is none
    };
    const Case cases[] = {
        {"", "would_match", "no_misses", ""},
        {"/home/dev/site", "would_match", "no_misses",
         "asked from /home/dev/site: a session there sees a copy"},
        {"/home/dev/site/src", "would_match", "no_misses",
         "asked from /home/dev/site/src: a session there sees a copy"},
        {"/home/dev/shop", "not_installed", "not_installed",
         "asked from /home/dev/shop: a session there sees no copy"},
    };
    for (const Case& c : cases) {
      CAPTURE(c.cwd);
      World world;
      world.Install("deploy", "/home/dev/site/.claude/skills/deploy/SKILL.md", "Deploy the site.",
                    true, kProject);
      const auto skill = Must(store::FindSkill(world.db(), "deploy"));
      const WhyScope scope{.cwd = c.cwd};
      const WhyAnswer text = Must(WhyText(world.db(), skill, "deploy it now", scope));
      const WhyAnswer general = Must(WhyAtAll(world.db(), skill, scope));
      CHECK(text.cause == c.text);
      CHECK(general.cause == c.at_all);
      for (const WhyAnswer* const answer : {&text, &general}) {
        const WhyEvidence* const row = Find(*answer, "here");
        CHECK((row == nullptr ? "" : row->result) == c.here);
        if (answer->cause != "not_installed") continue;
        CHECK(answer->explanation == "It is not installed for sessions in /home/dev/shop.");
      }
    }
  }

  TEST_CASE("misses elsewhere stay the answer, and the folder that does not see it is told") {
    World world;
    world.Install("deploy", "/home/dev/site/.claude/skills/deploy/SKILL.md", "Deploy the site.",
                  true, "/home/dev/site");
    const auto session = world.Session("s1", DaysAgo(1));
    world.Missed(world.Prompt(session, 0, "go live", DaysAgo(1)), "deploy",
                 MissCause::kDescription);
    const auto skill = Must(store::FindSkill(world.db(), "deploy"));
    const WhyAnswer answer = Must(WhyAtAll(world.db(), skill, {.cwd = "/home/dev/shop"}));
    CHECK(answer.cause == "description");
    CHECK(answer.explanation.ends_with(" Sessions in /home/dev/shop do not see it."));
  }

  TEST_CASE("asked by someone who stands elsewhere, what bars the skill is told all the same") {
    World world;
    world.Install("deploy", "/home/dev/site/.claude/skills/deploy/SKILL.md", "Deploy the site.",
                  false, "/home/dev/site");
    const auto skill = Must(store::FindSkill(world.db(), "deploy"));
    for (const bool or_elsewhere : {true, false}) {
      CAPTURE(or_elsewhere);
      const std::string_view cause = or_elsewhere ? "disabled" : "not_installed";
      const WhyScope scope{.cwd = "/home/dev/shop", .or_elsewhere = or_elsewhere};
      CHECK(Must(WhyAtAll(world.db(), skill, scope)).cause == cause);
      CHECK(Must(WhyText(world.db(), skill, "deploy it now", scope)).cause == cause);
    }
  }

  TEST_CASE("a copy that the last sync did not see counts where it is seen") {
    World world;
    world.Install("deploy", "/home/dev/site/.claude/skills/deploy/SKILL.md", "Deploy the site.",
                  true, "/home/dev/site");
    SkillPlacement here = Place("claude_code");
    here.name = "deploy";
    here.project_root = "/home/dev/shop";
    const skillfs::Discovery found{.skills = {{.name = "deploy", .placements = {here}}}};
    const auto skill = Must(store::FindSkill(world.db(), "deploy"));
    const WhyScope scope{.cwd = "/home/dev/shop", .found = &found};
    CHECK(Must(WhyText(world.db(), skill, "deploy it now", scope)).cause == "would_match");
  }

  TEST_CASE("settings of a project switch a skill off for sessions in there") {
    for (const auto& [project, cause] :
         {std::pair{"/home/dev/shop", "disabled"}, std::pair{"/home/dev/site", "unknown"}}) {
      CAPTURE(project);
      Scene scene;  // in /home/dev/shop
      SkillPlacement place = Place("claude_code");
      place.disabled_in = {{project, "/settings.json"}};
      const skillfs::Discovery found{.skills = {{.name = "pdf", .placements = {place}}}};
      const auto skill = Must(store::FindSkill(scene.world.db(), "pdf"));
      const auto answer = Must(WhyAt(scene.world.db(), skill, scene.session, 3, {.found = &found}));
      CHECK(answer.cause == cause);
      CHECK((answer.fix == "allow it in /settings.json") == (answer.cause == "disabled"));
    }
  }

  TEST_CASE("a skill of another project was not installed here") {
    World world;
    const auto session = world.Session("s1", DaysAgo(1));
    (void)world.Prompt(session, 0, "go", DaysAgo(1));
    world.Install("deploy", "/home/dev/site/.claude/skills/deploy/SKILL.md", "Deploy.", true,
                  "/home/dev/site");
    const auto skill = Must(store::FindSkill(world.db(), "deploy"));
    CHECK(Must(WhyAt(world.db(), skill, session, 0)).cause == "not_installed");
  }

  TEST_CASE("of a skill that several projects have, none but those have it installed") {
    const char* const path = "/home/dev/kit/deploy/SKILL.md";
    struct Case {
      std::vector<const char*> projects;
      const char* cause;  // of a session in /home/dev/shop
    };
    const Case cases[] = {{{"/home/dev/shop", "/home/dev/site"}, "unknown"},
                          {{"/home/dev/site", "/home/dev/shop"}, "unknown"},
                          {{"/home/dev/blog", "/home/dev/site"}, "not_installed"}};
    for (const Case& c : cases) {
      CAPTURE(c.projects[0]);
      World world;
      const auto session = world.Session("s1", DaysAgo(1));
      (void)world.Prompt(session, 0, "go", DaysAgo(1));
      world.Install("deploy", path, "Deploy.", true, "/home/dev");  // as a sync stores it
      skillfs::InstalledSkill file{.name = "deploy"};
      for (const char* project : c.projects) {
        file.placements.push_back(Place("claude_code"));
        file.placements.back().path = path;
        file.placements.back().name = "deploy";
        file.placements.back().project_root = project;
      }
      const skillfs::Discovery found{.skills = {file}};
      const auto skill = Must(store::FindSkill(world.db(), "deploy"));
      const auto answer = Must(WhyAt(world.db(), skill, session, 0, {.found = &found}));
      CHECK(answer.cause == c.cause);
      CHECK(Find(answer, "installed")->result == std::string("project skill, seen only inside ") +
                                                     c.projects[0] + " and " + c.projects[1]);
    }
  }

  TEST_CASE("it ran, was refused, or its command loaded nothing") {
    struct Case {
      Outcome outcome;
      RequestedBy by;
      const char* cause;
    };
    const Case cases[] = {{Outcome::kTriggered, RequestedBy::kModel, "used"},
                          {Outcome::kTriggered, RequestedBy::kUser, "used_by_command"},
                          {Outcome::kRefused, RequestedBy::kModel, "refused"},
                          {Outcome::kRequested, RequestedBy::kUser, "requested"}};
    for (const Case& c : cases) {
      CAPTURE(c.cause);
      Scene scene;
      scene.world.Use(scene.session, 3, "pdf", DaysAgo(1), c.by, c.outcome);
      const WhyAnswer answer = scene.Ask();
      CHECK(answer.cause == c.cause);
      REQUIRE(Find(answer, "use") != nullptr);
      CHECK(Find(answer, "use")->source_offset == 3050);
    }
  }

  TEST_CASE("labels, signals and rivals at the prompt are named") {
    Scene scene;
    scene.Offer({.name = "pdf", .description = "Make PDF files.", .path = kPath});
    scene.world.Label(scene.prompt, "pdf", Label::kShouldNot);
    scene.world.Use(scene.session, 3, "docx", DaysAgo(1));
    const WhyAnswer answer = scene.Ask();
    CHECK(answer.expected == false);
    CHECK(answer.fix.empty());
    CHECK(Find(answer, "label") != nullptr);
    REQUIRE(Find(answer, "competing") != nullptr);
    CHECK(Find(answer, "competing")->result == "docx ran in the same turn");
  }

  TEST_CASE("a prompt that does not exist names the last one") {
    Scene scene;
    const auto skill = Must(store::FindSkill(scene.world.db(), "pdf"));
    const auto answer = WhyAt(scene.world.db(), skill, scene.session, 9);
    REQUIRE_FALSE(answer.ok());
    CHECK(CodeOf(answer.status()).name == kNotFound.name);
    CHECK(Message(answer.status()).find("the last is 3") != std::string_view::npos);
  }

  TEST_CASE("a text nobody typed is compared with descriptions and known prompts") {
    Scene scene;
    scene.world.Install("changelog", "/home/dev/.claude/skills/changelog/SKILL.md",
                        "Write changelog entries and release notes.");
    scene.world.Listing(
        scene.session, std::nullopt, ExposureCause::kListing,
        {{.name = "pdf", .description = "Make PDF files from text.", .path = kPath},
         {.name = "changelog", .description = "Write changelog entries and release notes."}});
    scene.world.Use(scene.session, 3, "pdf", DaysAgo(1));
    const auto pdf = Must(store::FindSkill(scene.world.db(), "pdf"));
    const auto good = Must(WhyText(scene.world.db(), pdf, "turn these notes into a pdf file"));
    CHECK(good.cause == "would_match");
    REQUIRE(Find(good, "similar_prompt") != nullptr);
    CHECK(Find(good, "similar_prompt")->result.find("s1:p3") != std::string::npos);
    const auto rival = Must(WhyText(scene.world.db(), pdf, "write release notes as text"));
    CHECK(rival.cause == "competing");
    CHECK(rival.explanation.find("changelog") != std::string::npos);
    const auto none = Must(WhyText(scene.world.db(), pdf, "quux frobnicate"));
    CHECK(none.cause == "no_overlap");
  }

  TEST_CASE("in general: what holds for most misses, or that none is known") {
    Scene scene;
    scene.Offer({.name = "pdf", .description = "Make PDF files.", .path = kPath});
    const auto skill = Must(store::FindSkill(scene.world.db(), "pdf"));
    CHECK(Must(WhyAtAll(scene.world.db(), skill)).cause == "no_misses");
    scene.world.Missed(scene.prompt, "pdf", MissCause::kCompacted);
    CHECK(Must(WhyAtAll(scene.world.db(), skill)).cause == "compacted");
  }
}

}  // namespace selftune::status
