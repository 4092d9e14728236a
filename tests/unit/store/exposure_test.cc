#include <optional>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "store/link.h"
#include "store/prompt_lookup.h"
#include "store/queries/sessions.h"
#include "unit/store/store_fixture.h"

namespace selftune::store {
namespace {

using testing::AddSource;
using testing::Must;
using testing::One;
using testing::Rows;
using testing::TempStore;

SessionUpdate Session(std::string_view id) { return {.platform = "codex", .id = id}; }

ListingEntryRow Full(std::string_view name, std::string_view text) {
  return {.name = name, .state = ExposureState::kFull, .description = text, .path = "/s/SKILL.md"};
}

ExposureRow Listing(const std::vector<ListingEntryRow>& entries, std::optional<int32_t> seq = {},
                    uint64_t offset = 0, ExposureCause cause = ExposureCause::kListing) {
  return {.prompt_seq = seq, .cause = cause, .entries = entries, .origin = {.offset = offset}};
}

void Prompts(IngestWriter& w, SessionPk session, int count) {
  for (int i = 0; i < count; ++i) {
    Must(w.UpsertPrompt(session, {.seq = i, .text = "p" + std::to_string(i)}));
  }
}

const std::string kRows =
    "SELECT skill_name,state,cause,prompt_id,description FROM exposures ORDER BY source_offset,1";

}  // namespace

TEST_SUITE("store/exposures") {
  TEST_CASE("a listing says what is offered, the next one what is gone") {
    TempStore store;
    store.Write([](IngestWriter& w) {
      const SessionPk s = Must(w.UpdateSession(Session("s")));
      Prompts(w, s, 3);
      const std::vector<ListingEntryRow> first = {
          Full("a", "does a"),
          {.name = "b", .state = ExposureState::kNameOnly},
          {.name = "c", .state = ExposureState::kExplicitOnly},
          {.name = "d", .state = ExposureState::kTruncated, .description = "do"}};
      CHECK_OK(w.AddExposure(s, Listing(first, {}, 10)));
      const std::vector<ListingEntryRow> second = {Full("a", "does a")};
      CHECK_OK(w.AddExposure(s, Listing(second, 1, 20)));
      const std::vector<ListingEntryRow> change = {Full("b", "does b"),
                                                   {.name = "a", .state = ExposureState::kAbsent}};
      CHECK_OK(w.AddExposure(s, Listing(change, 2, 30, ExposureCause::kDelta)));
    });
    CHECK(Rows(store.db(), kRows, 5) ==
          std::vector<std::string>{"a|full|listing|-|does a", "b|name_only|budget|-|-",
                                   "c|explicit_only|policy|-|-", "d|truncated|budget|-|do",
                                   "a|full|listing|s:p1|does a", "b|absent|listing|s:p1|-",
                                   "c|absent|listing|s:p1|-", "d|absent|listing|s:p1|-",
                                   "a|absent|delta|s:p2|-", "b|full|delta|s:p2|does b"});
  }

  TEST_CASE("a text that ends as shortened ones do is whole when the skill's file ends so") {
    const std::string ends = "Extracts tables, forms, images \u2026";
    const std::vector<ListingEntryRow> shown = {
        {.name = "pdf", .state = ExposureState::kTruncated, .description = ends},
        {.name = "csv",
         .state = ExposureState::kTruncated,
         .description = "Reads tables an\u2026"}};
    const auto file = [](std::string_view skill, std::string_view text, char hash) {
      static std::string sha(32, ' ');
      sha.assign(32, hash);
      return SkillLocationRow{
          .skill = skill, .path = "/s/SKILL.md", .content_sha256 = sha, .description = text};
    };
    const std::string states = "SELECT skill_name,state,cause FROM exposures ORDER BY 1";
    for (const bool file_first : {true, false}) {
      CAPTURE(file_first);
      TempStore store;
      store.Write([&](IngestWriter& w) {
        const SessionPk s = Must(w.UpdateSession(Session("s")));
        Prompts(w, s, 1);
        if (!file_first) CHECK_OK(w.AddExposure(s, Listing(shown)));
        CHECK_OK(w.UpsertSkillLocation(file("pdf", ends, 'a')));
        CHECK_OK(w.UpsertSkillLocation(file("csv", "Reads tables and more.", 'b')));
        if (file_first) CHECK_OK(w.AddExposure(s, Listing(shown)));
      });
      CHECK(Rows(store.db(), states, 3) ==
            std::vector<std::string>{"csv|truncated|budget", "pdf|full|listing"});
    }
  }

  TEST_CASE("what is learned of a listing later is as if it had been known") {
    const std::string ends = "Extracts tables, forms, images \u2026";
    const std::vector<ListingEntryRow> shown = {
        {.name = "pdf", .state = ExposureState::kTruncated, .description = ends}};
    const std::string sha(32, 'a');
    const SkillLocationRow file{
        .skill = "pdf", .path = "/s/SKILL.md", .content_sha256 = sha, .description = ends};
    TempStore store;
    store.Write([&](IngestWriter& w) {
      const SessionPk s = Must(w.UpdateSession(Session("s")));
      const auto prompt = Must(w.UpsertPrompt(s, {.seq = 0, .text = "a pdf"}));
      CHECK_OK(w.AddExposure(s, Listing(shown)));
      CHECK_OK(w.AddMissed({.prompt = prompt, .skill = "pdf", .cause = MissCause::kTruncated}));
    });
    store.Write([&](IngestWriter& w) { CHECK_OK(w.UpsertSkillLocation(file)); });
    CHECK(One(store.db(), "SELECT cause FROM skill_invocations") == "description");
    // The same shown again is the same listing, whenever that is.
    store.Write([&](IngestWriter& w) {
      const SessionPk s = Must(w.UpdateSession(Session("t")));
      Prompts(w, s, 1);
      CHECK_OK(w.AddExposure(s, Listing(shown)));
    });
    CHECK(One(store.db(), "SELECT count(*) FROM listing") == "1");
    CHECK(One(store.db(), "SELECT count(DISTINCT listing_id) FROM exposure") == "1");
    CHECK(Rows(store.db(), "SELECT session_id,state FROM exposures ORDER BY 1", 2) ==
          std::vector<std::string>{"s|full", "t|full"});
  }

  TEST_CASE("two listings that turn out to be the same become one") {
    const std::string ends = "Extracts tables, forms, images \u2026";
    const std::string sha(32, 'a');
    TempStore store;
    store.Write([&](IngestWriter& w) {
      const std::vector<ListingEntryRow> cut = {
          {.name = "pdf", .state = ExposureState::kTruncated, .description = ends}};
      const std::vector<ListingEntryRow> whole = {
          {.name = "pdf", .state = ExposureState::kFull, .description = ends}};
      const SessionPk s = Must(w.UpdateSession(Session("s")));
      const SessionPk t = Must(w.UpdateSession(Session("t")));
      CHECK_OK(w.AddExposure(s, Listing(cut)));
      CHECK_OK(w.AddExposure(t, Listing(whole)));
      CHECK_OK(w.UpsertSkillLocation(
          {.skill = "pdf", .path = "/s/SKILL.md", .content_sha256 = sha, .description = ends}));
    });
    CHECK(One(store.db(), "SELECT count(*) FROM listing") == "1");
    CHECK(One(store.db(), "SELECT count(*) FROM listing_entry") == "1");
    CHECK(Rows(store.db(), "SELECT session_id,state FROM exposures ORDER BY 1", 2) ==
          std::vector<std::string>{"s|full", "t|full"});
  }

  TEST_CASE("a compaction without a new listing takes everything away") {
    TempStore store;
    store.Write([](IngestWriter& w) {
      const SessionPk s = Must(w.UpdateSession(Session("s")));
      Prompts(w, s, 2);
      const std::vector<ListingEntryRow> first = {Full("a", "x")};
      CHECK_OK(w.AddExposure(s, Listing(first, {}, 10)));
      CHECK_OK(w.AddExposure(s, Listing({}, 1, 20, ExposureCause::kCompaction)));
    });
    CHECK(Rows(store.db(), kRows, 5) ==
          std::vector<std::string>{"a|full|listing|-|x", "a|absent|compaction|s:p1|-"});
    const PromptPk after{2};
    const ExposureAt at = Must(ReadExposureAt(store.db(), after, "A"));
    CHECK(at.recorded);
    CHECK(at.state == ExposureState::kAbsent);
    CHECK(CauseOf(at) == MissCause::kCompacted);
    const ExposureSnapshot begin = Must(ReadExposure(store.db(), SessionPk{1}, 0));
    REQUIRE(begin.skills.size() == 1);
    CHECK(begin.skills[0].description == "x");
    CHECK(Must(ReadExposure(store.db(), SessionPk{1}, std::nullopt)).skills.empty());
  }

  TEST_CASE("equal listings of many sessions are stored once") {
    TempStore store;
    store.Write([](IngestWriter& w) {
      const std::vector<ListingEntryRow> entries = {Full("a", "x"), Full("b", "y")};
      for (int i = 0; i < 20; ++i) {
        const SessionPk s = Must(w.UpdateSession(Session("s" + std::to_string(i))));
        ExposureRow row = Listing(entries);
        row.tag = i % 2 == 0 ? static_cast<const void*>(&entries) : nullptr;
        CHECK_OK(w.AddExposure(s, row));
      }
    });
    CHECK(One(store.db(), "SELECT count(*) FROM listing") == "1");
    CHECK(One(store.db(), "SELECT count(*) FROM exposures") == "40");
  }

  TEST_CASE("a listing for a prompt that never came holds for none, unless it is the first") {
    TempStore store;
    store.Write([](IngestWriter& w) {
      const std::vector<ListingEntryRow> entries = {Full("a", "x")};
      CHECK_OK(w.AddExposure(Must(w.UpdateSession(Session("empty"))), Listing(entries, 0)));
      const SessionPk s = Must(w.UpdateSession(Session("later")));
      Prompts(w, s, 1);
      CHECK_OK(w.AddExposure(s, Listing(entries, 1)));
    });
    CHECK(Rows(store.db(), "SELECT session_id,prompt_id FROM exposures", 2) ==
          std::vector<std::string>{"empty|-"});
  }

  TEST_CASE("a fork that copied nothing begins with what its parent showed before it") {
    for (const bool fork_first : {false, true}) {
      CAPTURE(fork_first);
      TempStore store;
      SourceId parent_file;
      const auto parent = [&](IngestWriter& w) {
        parent_file = AddSource(w, "/t/parent.jsonl", "codex");
        SessionUpdate update = Session("parent");
        update.source = parent_file;
        const SessionPk s = Must(w.UpdateSession(update));
        Prompts(w, s, 2);
        const std::vector<ListingEntryRow> first = {Full("a", "x"), Full("b", "y")};
        CHECK_OK(w.AddExposure(s, Listing(first, {}, 10)));
        const std::vector<ListingEntryRow> change = {Full("c", "z")};
        CHECK_OK(w.AddExposure(s, Listing(change, 1, 500, ExposureCause::kDelta)));
        SourceState state{.id = parent_file,
                          .platform = "codex",
                          .size = 1000,
                          .offset = 1000,
                          .parser = "t",
                          .parser_version = 1};
        CHECK_OK(w.SaveCursor(state, {}));
      };
      const auto fork = [&](IngestWriter& w) {
        SessionUpdate update = Session("fork");
        update.forked_from = "parent";
        update.fork_end_offset = 400;
        const SessionPk s = Must(w.UpdateSession(update));
        Prompts(w, s, 1);
        const std::vector<ListingEntryRow> own = {Full("b", "y2")};
        CHECK_OK(w.AddExposure(s, Listing(own, 0, 30)));
      };
      if (fork_first) {
        store.Write(fork);
        store.Link();
        store.Write(parent);
      } else {
        store.Write(parent);
        store.Write(fork);
      }
      CHECK(store.Link().inherited == 1);
      CHECK(store.Link().inherited == 0);
      CHECK(
          Rows(
              store.db(),
              "SELECT skill_name,state,prompt_id,description FROM exposures WHERE session_id='fork'"
              " ORDER BY prompt_id,source_offset,1",
              4) == std::vector<std::string>{"a|full|-|x", "b|full|-|y", "a|absent|fork:p0|-",
                                             "b|full|fork:p0|y2"});
    }
  }

  TEST_CASE("a parent that is not read far enough keeps its heir waiting") {
    TempStore store;
    store.Write([](IngestWriter& w) {
      const SourceId file = AddSource(w, "/t/parent.jsonl", "codex");
      SessionUpdate parent = Session("parent");
      parent.source = file;
      Must(w.UpdateSession(parent));
      SessionUpdate fork = Session("fork");
      fork.forked_from = "parent";
      fork.fork_end_offset = 400;
      Must(w.UpdateSession(fork));
    });
    CHECK(store.Link().inherited == 0);
  }
}

}  // namespace selftune::store
