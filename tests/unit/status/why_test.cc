#include "status/why.h"

#include <string>
#include <string_view>
#include <vector>

#include <doctest/doctest.h>

#include "hosts/registry.h"
#include "status/why_parts.h"
#include "store/queries/health.h"
#include "unit/status/why_scene.h"

namespace selftune::status {
namespace {

using skillfs::SkillPlacement;
using store::ListingEntryRow;
using testing::DaysAgo;
using testing::Find;
using testing::kPath;
using testing::Must;
using testing::Place;
using testing::Scene;
using testing::World;

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
        {"settings of this host that nobody understands",
         {Place("gemini", Kind::kUnknown), Place("opencode")},
         "gemini",
         "unknown",
         "no_misses",
         "policy"},
        {"settings that nobody understands, of the only host",
         {Place("gemini", Kind::kUnknown)},
         "gemini",
         "unknown",
         "unknown",
         "policy"},
        {"off in one host, nobody knows in the other",
         {Place("gemini", Kind::kUnknown), Place("opencode", Kind::kDisabled)},
         "opencode",
         "disabled",
         "unknown",
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
