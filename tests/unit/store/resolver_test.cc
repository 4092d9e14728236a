#include "store/resolver.h"

#include <algorithm>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include <doctest/doctest.h>
#include <fmt/format.h>

#include "store/integrity.h"
#include "unit/store/store_fixture.h"

namespace selftune::store {
namespace {

using testing::Must;
using testing::One;
using testing::Rows;
using testing::TempStore;

constexpr std::string_view kHost = "claude_code";

ObservationRow Seen(std::string_view key, std::string_view skill, Capture capture, int32_t seq = 0,
                    Outcome outcome = Outcome::kTriggered) {
  return {.key = key,
          .key_is_call_id = true,
          .skill = skill,
          .outcome = outcome,
          .prompt_seq = seq,
          .at = UtcMillis{1'780'000'000'000 + seq},
          .capture = capture};
}

using Write = std::function<void(IngestWriter&, SessionPk)>;

Write Row(ObservationRow row) {
  return [row](IngestWriter& w, SessionPk s) { CHECK_OK(w.UpsertObservation(s, row)); };
}

Write Missed(std::string_view skill) {
  return [skill](IngestWriter& w, SessionPk) {
    CHECK_OK(w.AddMissed({.prompt = PromptPk{1}, .skill = skill, .reason = MissReason::kGrader}));
  };
}

// What counts after these writes, in this order, one transaction each.
std::vector<std::string> Effective(const std::vector<Write>& writes,
                                   const std::vector<size_t>& order) {
  TempStore store;
  store.Write([](IngestWriter& w) {
    const SessionPk s = Must(w.UpdateSession({.platform = kHost, .id = "s"}));
    Must(w.UpsertPrompt(s, {.seq = 0, .text = "one"}));
    Must(w.UpsertPrompt(s, {.seq = 1, .text = "two"}));
  });
  for (const size_t i : order) {
    store.Write([&](IngestWriter& w) { writes[i](w, SessionPk{1}); });
  }
  const CheckReport report = Must(CheckStore(store.db(), {.deep = true}));
  for (const Problem& problem : report.problems)
    FAIL_CHECK(problem.check << ": " << problem.message);
  return Rows(store.db(),
              "SELECT skill_name,outcome,source,matched_prompt_id FROM skill_invocations"
              " ORDER BY 1,2,3,4",
              4);
}

void SameInEveryOrder(const std::vector<Write>& writes, const std::vector<std::string>& want) {
  std::vector<size_t> order(writes.size());
  for (size_t i = 0; i < order.size(); ++i) order[i] = i;
  do {
    CAPTURE(order);
    CHECK(Effective(writes, order) == want);
  } while (std::next_permutation(order.begin(), order.end()));
}

}  // namespace

TEST_SUITE("store/resolver") {
  TEST_CASE("the strongest capture of an occurrence counts, in any order") {
    SameInEveryOrder(
        {Row(Seen("t1", "pdf", Capture::kHook)), Row(Seen("t1", "pdf", Capture::kTranscript)),
         Row(Seen("t1", "pdf", Capture::kBatch)), Row(Seen("t2", "pdf", Capture::kHook))},
        {"pdf|triggered|hook|s:p0", "pdf|triggered|transcript|s:p0"});
  }

  TEST_CASE("two uses in one turn count twice") {
    SameInEveryOrder({Row(Seen("t1", "pdf", Capture::kTranscript)),
                      Row(Seen("t2", "pdf", Capture::kTranscript))},
                     {"pdf|triggered|transcript|s:p0", "pdf|triggered|transcript|s:p0"});
  }

  TEST_CASE("imported rows give way to any row of their session and skill") {
    SameInEveryOrder(
        {Row(Seen("x1", "pdf", Capture::kLegacy)), Row(Seen("x2", "pdf", Capture::kRepair, 1)),
         Row(Seen("x3", "doc", Capture::kLegacy)), Row(Seen("t1", "pdf", Capture::kTranscript))},
        {"doc|triggered|legacy|s:p0", "pdf|triggered|transcript|s:p0"});
  }

  TEST_CASE("a judged miss gives way to a use at the same prompt, not to a refusal") {
    SameInEveryOrder(
        {Missed("pdf"), Missed("doc"), Row(Seen("t1", "pdf", Capture::kTranscript)),
         Row(Seen("t2", "doc", Capture::kTranscript, 0, Outcome::kRefused))},
        {"doc|missed|label|s:p0", "doc|refused|transcript|s:p0", "pdf|triggered|transcript|s:p0"});
  }

  TEST_CASE("a judged miss counts as long as the strongest labels say that it should have run") {
    struct Case {
      const char* name;
      std::vector<std::tuple<Label, MissReason, const char*>> labels;
      const char* counts;
    };
    const Case cases[] = {
        {"nobody else said anything", {}, "1"},
        {"it should", {{Label::kShould, MissReason::kSignal, "a"}}, "1"},
        {"it should not", {{Label::kShouldNot, MissReason::kSignal, "a"}}, "0"},
        {"two of equal weight disagree",
         {{Label::kShould, MissReason::kSignal, "a"},
          {Label::kShouldNot, MissReason::kSignal, "b"}},
         "0"},
        {"a person overrules a signal",
         {{Label::kShouldNot, MissReason::kSignal, "a"},
          {Label::kShould, MissReason::kCurated, "b"}},
         "1"},
        {"a person overrules a grader",
         {{Label::kShould, MissReason::kGrader, "a"},
          {Label::kShouldNot, MissReason::kCurated, "b"}},
         "0"},
        {"a grader overrules a signal",
         {{Label::kShouldNot, MissReason::kSignal, "a"},
          {Label::kShould, MissReason::kGrader, "b"}},
         "1"},
    };
    for (const Case& c : cases) {
      CAPTURE(c.name);
      for (const bool label_first : {false, true}) {
        TempStore store;
        store.Write([&](IngestWriter& w) {
          const SessionPk s = Must(w.UpdateSession({.platform = "codex", .id = "s"}));
          const PromptPk prompt = Must(w.UpsertPrompt(s, {.seq = 0, .text = "a pdf"}));
          const auto miss = [&] { REQUIRE_OK(w.AddMissed({.prompt = prompt, .skill = "pdf"})); };
          if (!label_first) miss();
          for (const auto& [label, reason, source] : c.labels) {
            REQUIRE_OK(w.AddLabel({.prompt = prompt,
                                   .skill = "pdf",
                                   .label = label,
                                   .reason = reason,
                                   .source = source}));
          }
          if (label_first) miss();
        });
        CHECK(One(store.db(), "SELECT count(*) FROM skill_invocations") == c.counts);
        CHECK(One(store.db(), "SELECT coalesce(sum(missed),0) FROM skill_total") == c.counts);
        CHECK(Must(UnresolvedOccurrences(store.db(), 10)).empty());
      }
    }
  }

  TEST_CASE("a polluted row is kept and never counts") {
    ObservationRow polluted = Seen("t1", "pdf", Capture::kTranscript);
    polluted.polluted = true;
    SameInEveryOrder({Row(polluted), Row(Seen("t1", "pdf", Capture::kHook))},
                     {"pdf|triggered|hook|s:p0"});
  }

  TEST_CASE("a use that is taken back lets the miss count again") {
    TempStore store;
    store.Write([](IngestWriter& w) {
      const SessionPk s = Must(w.UpdateSession({.platform = kHost, .id = "s"}));
      Must(w.UpsertPrompt(s, {.seq = 0, .text = "one"}));
      CHECK_OK(w.AddMissed({.prompt = PromptPk{1}, .skill = "pdf"}));
      CHECK_OK(w.UpsertObservation(s, Seen("t1", "pdf", Capture::kTranscript)));
    });
    CHECK(One(store.db(), "SELECT outcome FROM skill_invocations") == "triggered");
    store.Write([](IngestWriter& w) {
      CHECK_OK(w.RetractObservation(SessionPk{1}, "t1", true, "pdf", Capture::kTranscript));
    });
    CHECK(Rows(store.db(), "SELECT outcome,reason,cause,level,confidence FROM skill_invocations",
               5) == std::vector<std::string>{"missed|signal|unknown|-|1.0"});
    CHECK(One(store.db(), "SELECT triggered||':'||missed FROM skill_total") == "0:1");
  }

  TEST_CASE("a decision that turns out to be another's moves in the rollups") {
    TempStore store;
    store.Write([](IngestWriter& w) {
      const SessionPk s = Must(w.UpdateSession({.platform = kHost, .id = "s"}));
      CHECK_OK(w.UpsertObservation(s, Seen("t1", "pdf", Capture::kTranscript)));
    });
    store.Write([](IngestWriter& w) {
      CHECK_OK(w.UpsertObservation(SessionPk{1}, Seen("t1", "doc", Capture::kTranscript)));
    });
    CHECK(Rows(store.db(),
               "SELECT k.name,t.triggered,t.sessions FROM skill_total t JOIN skill k "
               "USING(skill_id) ORDER BY 1",
               3) == std::vector<std::string>{"doc|1|1", "pdf|0|0"});
    CHECK(Must(CheckStore(store.db(), {.deep = true})).ok());
  }

  TEST_CASE("the wrong one of two rows is found out, and reading again is the cure") {
    TempStore store;
    store.Write([](IngestWriter& w) {
      const SessionPk s = Must(w.UpdateSession({.platform = kHost, .id = "s"}));
      Must(w.UpsertPrompt(s, {.seq = 0, .text = "one"}));
      for (const Capture capture : {Capture::kHook, Capture::kTranscript}) {
        CHECK_OK(w.UpsertObservation(s, Seen("k", "pdf", capture)));
      }
    });
    REQUIRE(One(store.db(), "SELECT count(*) FROM observation") == "2");
    CHECK(Must(CheckStore(store.db(), {.deep = true})).ok());
    for (const auto& [capture, counts] : {std::pair("transcript", 0), std::pair("hook", 1)}) {
      REQUIRE_OK(store.db().Execute(
          fmt::format("UPDATE observation SET effective={} WHERE capture='{}'", counts, capture)));
    }
    int found = 0;
    for (const Problem& problem : Must(CheckStore(store.db(), {})).problems) {
      const bool wrong = problem.message.find("the wrong row counts") != std::string::npos;
      CHECK(problem.reading_helps == wrong);  // else it is about sums
      found += wrong ? 1 : 0;
    }
    CHECK(found == 1);
    for (const std::string& key : Must(UnresolvedOccurrences(store.db(), SIZE_MAX))) {
      REQUIRE_OK(ResolveOccurrence(store.db(), key));
    }
    CHECK(Must(UnresolvedOccurrences(store.db(), SIZE_MAX)).empty());
  }
}

}  // namespace selftune::store
