#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "base/time.h"
#include "store/evolution_log.h"
#include "store/integrity.h"
#include "store/job_rows.h"
#include "store/queries/observations.h"
#include "store/queries/overview.h"
#include "store/queries/runs.h"
#include "store/queries/sessions.h"
#include "store/queries/signals.h"
#include "store/queries/skills.h"
#include "store/queries/sources.h"
#include "unit/store/store_fixture.h"

namespace selftune::store {
namespace {

using testing::AddSource;
using testing::kNow;
using testing::Must;
using testing::One;
using testing::TempStore;

constexpr int64_t kStart = 1'780'000'000'000;

// Ten sessions of one prompt each, a day apart; every one uses pdf, the even
// ones doc as well; the last one misses pdf.
void Fill(TempStore& store) {
  store.Write([](IngestWriter& w) {
    const SourceId source = AddSource(w, "/t/a.jsonl");
    for (int i = 0; i < 10; ++i) {
      const UtcMillis at{kStart + i * kDayMs};
      const std::string id = "s" + std::to_string(i);
      SessionUpdate update{.platform = i % 2 == 0 ? "claude_code" : "codex", .id = id};
      update.cwd = "/work";
      update.started = at;
      update.source = source;
      const SessionPk s = Must(w.UpdateSession(update));
      const PromptPk prompt =
          Must(w.UpsertPrompt(s, {.seq = 0,
                                  .text = "Make PDF " + id,
                                  .at = at,
                                  .origin = {.source = source, .offset = 7, .line_no = 1}}));
      const std::string key = "t" + id;
      CHECK_OK(w.UpsertObservation(
          s, {.key = key,
              .key_is_call_id = true,
              .skill = "pdf",
              .level = i % 3 == 0 ? Level::kExplicit : Level::kRead,
              .mode = i % 3 == 0 ? InvocationMode::kExplicit : InvocationMode::kImplicit,
              .prompt_seq = 0,
              .at = at,
              .origin = {.source = source, .offset = 10, .line_no = 2}}));
      if (i % 2 == 0) {
        const std::string other = "u" + id;
        CHECK_OK(w.UpsertObservation(s, {.key = other,
                                         .key_is_call_id = true,
                                         .skill = "Doc",
                                         .outcome = Outcome::kRefused,
                                         .prompt_seq = 0,
                                         .at = at}));
      }
      if (i == 9) {
        CHECK_OK(w.AddMissed({.prompt = prompt,
                              .skill = "xlsx",
                              .reason = MissReason::kSignal,
                              .cause = MissCause::kTruncated,
                              .confidence = 0.7}));
        CHECK(Must(w.AddSignal({.prompt = prompt,
                                .kind = SignalKind::kExplicitRequest,
                                .mention = "XLSX",
                                .skill = "xlsx",
                                .at = at})));
        CHECK(!Must(w.AddSignal({.prompt = prompt,
                                 .kind = SignalKind::kExplicitRequest,
                                 .mention = "xlsx",
                                 .skill = "xlsx",
                                 .at = at})));
        CHECK_OK(w.AddLabel(
            {.prompt = prompt, .skill = "xlsx", .label = Label::kShould, .source = "signal:x"}));
      }
    }
    CHECK_OK(w.UpsertSkillLocation({.skill = "pdf",
                                    .path = "/s/pdf/SKILL.md",
                                    .scope = "global",
                                    .content_sha256 = std::string(32, 'h'),
                                    .description = "makes pdf"}));
    for (uint64_t i = 0; i < 5; ++i) {
      CHECK_OK(w.AddBadLine(
          source, 1, {.offset = i * 10, .line_no = i + 1, .reason = "not_json", .excerpt = "x"}));
    }
  });
}

// Every page of a list, joined; `limit` items each.
template <typename List>
std::vector<std::string> AllPages(int64_t limit, List&& list) {
  std::vector<std::string> all;
  std::string cursor;
  for (int pages = 0; pages < 100; ++pages) {
    auto [items, next] = list(PageRequest{.limit = limit, .cursor = cursor});
    CHECK(static_cast<int64_t>(items.size()) <= limit);
    all.insert(all.end(), items.begin(), items.end());
    if (next.empty()) return all;
    CHECK(static_cast<int64_t>(items.size()) == limit);
    cursor = next;
  }
  FAIL("a list without end");
  return all;
}

using Page = std::pair<std::vector<std::string>, std::string>;

}  // namespace

TEST_SUITE("store/queries") {
  TEST_CASE("pages of any size give the same list") {
    TempStore store;
    Fill(store);
    Db& db = store.db();
    const auto observations = [&](const PageRequest& page) {
      const ObservationPage found = Must(ListObservations(db, {.page = page}));
      Page out{{}, found.next};
      for (const ObservationItem& item : found.items) out.first.push_back(item.occurrence);
      return out;
    };
    const auto sessions = [&](const PageRequest& page) {
      const SessionPage found = Must(ListSessions(db, {.page = page}));
      Page out{{}, found.next};
      for (const SessionItem& item : found.items) out.first.push_back(item.session_id);
      return out;
    };
    const auto prompts = [&](const PageRequest& page) {
      const PromptTextPage found = Must(ListPromptTexts(db, {}, page));
      Page out{{}, found.next};
      for (const PromptText& item : found.items) out.first.push_back(item.text);
      return out;
    };
    const auto bad_lines = [&](const PageRequest& page) {
      const BadLinePage found = Must(ListBadLines(db, std::nullopt, page));
      Page out{{}, found.next};
      for (const BadLineItem& item : found.items) out.first.push_back(std::to_string(item.offset));
      return out;
    };
    for (const int64_t limit : {1, 2, 3, 7, 1000}) {
      CAPTURE(limit);
      CHECK(AllPages(limit, observations).size() == 16);
      CHECK(AllPages(limit, observations) == AllPages(1000, observations));
      CHECK(AllPages(limit, sessions) ==
            std::vector<std::string>{"s9", "s8", "s7", "s6", "s5", "s4", "s3", "s2", "s1", "s0"});
      CHECK(AllPages(limit, prompts).front() == "Make PDF s9");
      CHECK(AllPages(limit, prompts).size() == 10);
      CHECK(AllPages(limit, bad_lines) == std::vector<std::string>{"0", "10", "20", "30", "40"});
    }
    CHECK(CodeOf(ListObservations(db, {.page = {.cursor = "bogus"}}).status()).name ==
          "INVALID_REQUEST");
    CHECK(CodeOf(ListBadLines(db, std::nullopt, {.cursor = "1:2"}).status()).name ==
          "INVALID_REQUEST");
  }

  TEST_CASE("filters and windows narrow a list") {
    TempStore store;
    Fill(store);
    Db& db = store.db();
    const SkillId pdf = Must(FindSkill(db, " PDF ")).id;
    CHECK(Must(ListObservations(db, {.skill = pdf})).items.size() == 10);
    CHECK(Must(ListObservations(db, {.skill = pdf, .platform = "codex"})).items.size() == 5);
    CHECK(Must(ListObservations(db, {.outcome = "refused"})).items.size() == 5);
    CHECK(Must(ListObservations(db, {.skill = pdf, .level = "explicit"})).items.size() == 4);
    CHECK(Must(ListObservations(db, {.text = "pdf S3"})).items.size() == 1);
    const TimeWindow window{.from = UtcMillis{kStart + kDayMs},
                            .to = UtcMillis{kStart + 3 * kDayMs}};
    CHECK(Must(ListObservations(db, {.skill = pdf, .window = window})).items.size() == 2);
    CHECK(Must(ListSessions(db, {.skill = pdf, .window = window})).items.size() == 2);
    const SkillId doc = Must(FindSkill(db, "doc")).id;
    CHECK(Must(ListSessions(db, {.skill = doc})).items.empty());  // refused is no use
    CHECK(Must(ListSessions(db, {.platform = "codex"})).items.size() == 5);
  }

  TEST_CASE("an item says where it comes from") {
    TempStore store;
    Fill(store);
    const ObservationItem item =
        Must(ListObservations(store.db(), {.outcome = "triggered", .page = {.limit = 1}}))
            .items.at(0);
    CHECK(item.session_id == "s9");
    CHECK(item.prompt_id == "s9:p0");
    CHECK(item.prompt_text == "Make PDF s9");
    CHECK(item.source_path == "/t/a.jsonl");
    CHECK(item.source_line == 2);
    CHECK(item.source_offset == 10);
    CHECK(item.occurrence == One(store.db(),
                                 "SELECT skill_invocation_id FROM skill_invocations"
                                 " WHERE session_id='s9' AND triggered=1"));
  }

  TEST_CASE("a skill's report adds up to its days and to all skills together") {
    TempStore store;
    Fill(store);
    Db& db = store.db();
    const SkillId pdf = Must(FindSkill(db, "pdf")).id;
    const SkillReport report = Must(ReadSkillReport(db, pdf, {}));
    CHECK(report.triggered == 10);
    CHECK(report.explicit_uses == 4);
    CHECK(report.implicit_uses == 6);
    CHECK(report.confidence_sum == doctest::Approx(4 * 1.0 + 6 * 0.9));
    CHECK(report.summary.sessions == 10);
    CHECK(report.summary.workspaces == 1);
    CHECK(report.summary.locations.at(0).description == "makes pdf");
    CHECK(report.versions.size() == 1);
    CHECK(report.platforms ==
          std::vector<std::pair<std::string, int64_t>>{{"claude_code", 5}, {"codex", 5}});
    const std::vector<SkillDayRow> days = Must(ReadSkillDays(db, pdf, {}));
    CHECK(days.size() == 10);
    const std::vector<SkillDayRow> all = Must(ReadSkillDays(db, SkillId{}, {}));
    CHECK(all.size() == 10);
    CHECK(all[0].checks == 2);
    const TimeWindow two{.from = UtcMillis{kStart + kDayMs}, .to = UtcMillis{kStart + 2 * kDayMs}};
    CHECK(Must(ReadSkillReport(db, pdf, two)).triggered == 2);  // whole days
    const SkillReport missed = Must(ReadSkillReport(db, Must(FindSkill(db, "xlsx")).id, {}));
    CHECK(missed.missed == 1);
    REQUIRE(missed.causes.size() == 1);
    CHECK(missed.causes[0].cause == "truncated");
  }

  TEST_CASE("a miss shows why it is thought to be one") {
    TempStore store;
    Fill(store);
    const MissPage page = Must(ListMisses(store.db(), std::nullopt, {}, {}));
    REQUIRE(page.items.size() == 1);
    const MissItem& miss = page.items[0];
    CHECK(miss.skill == "xlsx");
    CHECK(miss.query == "Make PDF s9");
    CHECK(miss.cause == "truncated");
    CHECK(miss.signals == std::vector<std::string>{"explicit_request"});
    CHECK(miss.label == "should");
    CHECK(miss.competing_skill == "pdf");
    CHECK(miss.score == doctest::Approx(0.7));
    CHECK(miss.source_path == "/t/a.jsonl");
    CHECK(miss.source_line == 1);
    CHECK(miss.source_offset == 7);
  }

  TEST_CASE("an unknown skill suggests the nearest names") {
    TempStore store;
    Fill(store);
    const Status status = FindSkill(store.db(), "pfd").status();
    CHECK(CodeOf(status).name == "SKILL_NOT_FOUND");
    CHECK(Suggestion(status).find("pdf") != std::string::npos);
    CHECK(NextCommand(status) == "selftune skills list");
    // Half of a short name is no slip.
    CHECK(Suggestion(FindSkill(store.db(), "pxx").status()).find("pdf") == std::string::npos);
  }

  TEST_CASE("an unknown skill that is like none leads to those there are, if there are any") {
    TempStore store;
    CHECK(NextCommand(FindSkill(store.db(), "unheard-of").status()) == "selftune sync");
    Fill(store);
    const Status status = FindSkill(store.db(), "unheard-of").status();
    CHECK(CodeOf(status).name == "SKILL_NOT_FOUND");
    CHECK(NextCommand(status) == "selftune skills list");
  }

  TEST_CASE("signals move through their states") {
    TempStore store;
    Fill(store);
    const SignalPage page = Must(ListSignals(store.db(), {.state = "pending"}));
    REQUIRE(page.items.size() == 1);
    CHECK(page.items[0].mention == "xlsx");
    CHECK(page.items[0].resolved);
    store.Write([&](IngestWriter& w) {
      CHECK_OK(SetSignalState(w.db(), page.items[0].signal_id, "consumed", "run1", kNow));
      CHECK(CodeOf(SetSignalState(w.db(), 999, "dismissed", "", kNow)).name == "NOT_FOUND");
    });
    CHECK(Must(ListSignals(store.db(), {.state = "pending"})).items.empty());
    CHECK(One(store.db(), "SELECT consumed_by_run FROM improvement_signals WHERE consumed=1") ==
          "run1");
  }

  TEST_CASE("the strongest reason decides a label; equal ones that differ leave it open") {
    const auto label = [](const char* value, const char* reason) {
      return LabelItem{.label = value, .reason = reason};
    };
    CHECK(EffectiveLabel({}) == "unknown");
    CHECK(EffectiveLabel({label("should", "signal")}) == "should");
    CHECK(EffectiveLabel({label("should", "signal"), label("should_not", "curated")}) ==
          "should_not");
    CHECK(EffectiveLabel({label("should_not", "curated"), label("should", "grader")}) ==
          "should_not");
    CHECK(EffectiveLabel({label("should", "grader"), label("should_not", "grader")}) == "unknown");
  }

  TEST_CASE("sessions, tools and events of one conversation") {
    TempStore store;
    Fill(store);
    store.Write([](IngestWriter& w) {
      const SessionPk s = Must(w.EnsureSession("codex", "s1"));
      const std::vector<ToolDeltaRow> tools = {{.name = "a", .calls = 1},
                                               {.name = "b", .calls = 5, .errors = 1}};
      CHECK_OK(
          w.AddMetricDelta(s, {.answers = 3, .compactions = 1, .cache_read = 4, .tools = tools}));
      CHECK_OK(
          w.AddEvent(s, {.kind = EventKind::kToolError, .detail = "b", .origin = {.offset = 5}}));
      Must(w.EnsureSession("pi", "s1"));
    });
    Db& db = store.db();
    CHECK(CodeOf(FindSession(db, "", "s1").status()).name == "INVALID_REQUEST");
    CHECK(CodeOf(FindSession(db, "", "none").status()).name == "SESSION_NOT_FOUND");
    const SessionItem item = Must(FindSession(db, "codex", "s1"));
    CHECK(item.skills == std::vector<std::string>{"pdf"});
    CHECK(item.prompts == 1);
    CHECK(item.tool_calls == 6);
    CHECK(item.answers == 3);
    CHECK(item.input_tokens == 4);
    CHECK(!item.output_tokens.has_value());
    CHECK(Must(ReadTools(db, item.pk)).front().name == "b");
    CHECK(Must(ReadEvents(db, item.pk)).front().kind == "tool_error");
    CHECK(Must(ReadPrompts(db, item.pk)).front().prompt_id == "s1:p0");
    CHECK(Must(ReadSessionObservations(db, item.pk)).size() == 1);
  }

  TEST_CASE("the overview is read from rollups and counts what is there") {
    TempStore store;
    Fill(store);
    const Overview overview = Must(ReadOverview(store.db()));
    CHECK(overview.sessions == 10);
    CHECK(overview.prompts == 10);
    CHECK(overview.observations == 16);
    CHECK(overview.skills == 3);
    CHECK(overview.pending_signals == 1);
    CHECK(overview.sources == 1);
    CHECK(overview.bad_lines == 5);
    CHECK(overview.first == UtcMillis{kStart});
    CHECK(overview.last == UtcMillis{kStart + 9 * kDayMs});
    const StoreInfo info = Must(ReadStoreInfo(store.db()));
    CHECK(info.schema_version == kSchemaVersion);
    CHECK(info.size_bytes > 0);
    CHECK(info.change_version == 1);
    CHECK(Must(ReadFreshness(store.db())).size() == 1);
    CHECK(Must(LoadSources(store.db(), "claude_code")).at(0).path == "/t/a.jsonl");
  }

  TEST_CASE("the change clock moves with every commit that changed something") {
    TempStore store;
    const auto version = [&] { return Must(ReadChangeClock(store.db())).version; };
    CHECK(version() == 0);
    store.Write([](IngestWriter&) {});
    CHECK(version() == 0);
    store.Write([](IngestWriter& w) { CHECK_OK(WriteMeta(w.db(), "a", "b")); });
    CHECK(version() == 1);
    store.Write([](IngestWriter& w) {
      w.db().Touch(kTopicJobs);
      w.db().Touch(kTopicEvolution);
      CHECK_OK(WriteMeta(w.db(), "a", "c"));
    });
    CHECK(Must(ReadChangeClock(store.db())).topics == (kTopicJobs | kTopicEvolution));
    CHECK(Must(ReadMeta(store.db(), "a")) == "c");
    CHECK(!Must(ReadMeta(store.db(), "none")).has_value());
  }

  TEST_CASE("proposals and their audit are read back, and a changed step is found out") {
    TempStore store;
    store.Write([](IngestWriter& w) {
      for (const char* id : {"p1", "p2"}) {
        CHECK_OK(CreateProposal(w.db(),
                                {.proposal_id = id,
                                 .skill = "pdf",
                                 .location = "/s/SKILL.md",
                                 .original = "old",
                                 .proposed = "new"},
                                {.action = ProposalState::kCreated, .details = "made"}, kNow));
      }
      CHECK_OK(AddStep(w.db(), "p1", {.action = ProposalState::kValidated}, kNow));
    });
    Db& db = store.db();
    CHECK(Must(ListProposals(db, {.state = "open"})).items.size() == 2);
    CHECK(Must(ListProposals(db, {.state = "validated"})).items.at(0).proposal_id == "p1");
    CHECK(Must(FindProposal(db, "p1")).proposed == "new");
    CHECK(CodeOf(FindProposal(db, "p9").status()).name == "NOT_FOUND");
    CHECK(Must(ReadEvolution(db, "p1")).size() == 2);
    CHECK(testing::Rows(db,
                        "SELECT stage,original_text,proposed_text,target FROM evolution_evidence "
                        "WHERE proposal_id='p1'",
                        4) ==
          std::vector<std::string>{"created|old|new|description", "validated|old|new|description"});
    CHECK(Must(CheckStore(db, {.deep = true})).ok());
    REQUIRE_OK(
        db.Execute("DROP TRIGGER evolution_no_update; UPDATE evolution_event SET details='forged' "
                   "WHERE event_pk=1"));
    const CheckReport report = Must(CheckStore(db, {.deep = true}));
    CHECK(!report.hash_chain);
    CHECK(!report.ok());
  }

  TEST_CASE("damage to rollups, counters and foreign tables is found out") {
    TempStore store;
    Fill(store);
    Db& db = store.db();
    CHECK(Must(CheckStore(db, {.deep = true})).ok());
    REQUIRE_OK(
        db.Execute("UPDATE skill_day SET triggered=triggered+1 WHERE skill_id=1 AND day=(SELECT "
                   "min(day) FROM skill_day)"));
    REQUIRE_OK(db.Execute("UPDATE counter SET value=99 WHERE name='prompts'"));
    REQUIRE_OK(db.Execute("CREATE TABLE queries_old(id)"));
    const CheckReport report = Must(CheckStore(db, {.deep = true}));
    CHECK(report.rollups_bad >= 1);
    CHECK(report.foreign_tables == std::vector<std::string>{"queries_old"});
    bool counter = false;
    for (const Problem& problem : report.problems) counter |= problem.check == "counter";
    CHECK(counter);
  }
}

}  // namespace selftune::store
