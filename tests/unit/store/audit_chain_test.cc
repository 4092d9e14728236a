#include "store/audit_chain.h"

#include <sqlite3.h>

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <doctest/doctest.h>

#include "base/cancel.h"
#include "store/eval_rows.h"
#include "store/evolution_log.h"
#include "unit/store/store_fixture.h"

namespace selftune::store {
namespace {

using testing::kNow;
using testing::Must;
using testing::One;
using testing::TempStore;

// Two proposals with steps that lie between each other.
void Fill(TempStore& store) {
  store.Write([](IngestWriter& w) {
    for (const char* id : {"p1", "p2"}) {
      CHECK_OK(CreateProposal(
          w.db(),
          {.proposal_id = id,
           .skill = "pdf",
           .location = "/s",
           .original = "old text",
           .proposed = "new text"},
          {.action = ProposalState::kCreated,
           .details = "made",
           .eval_set = id == std::string_view("p1") ? R"({"look":1,"alpha":0.05})" : ""},
          kNow));
    }
    CHECK_OK(AddHoldoutLook(
        w.db(), "pdf",
        {.look = 1, .proposal_id = "p1", .eval_set_sha256 = "set", .entries = 20, .alpha = 0.05},
        kNow));
    const ProposalFigures figures{
        .tier = "promote", .gains = 5, .holdout = 20, .p = 0.03125, .alpha = 0.05};
    CHECK_OK(SetFigures(w.db(), "p1", figures, "promoted", kNow));
    CHECK_OK(SetLookFigures(w.db(), "p1", figures));
    CHECK_OK(AddStep(w.db(), "p1",
                     {.action = ProposalState::kValidated,
                      .validation = R"({"tier":"promote","gains":5,"losses":0,"counted":20,)"
                                    R"("p":0.03125,"alpha":0.05})"},
                     kNow));
    CHECK_OK(AddStep(w.db(), "p2", {.action = ProposalState::kRejected}, kNow));
  });
}

constexpr char kUnguard[] =
    "DROP TRIGGER evolution_no_update; DROP TRIGGER evolution_no_delete; "
    "DROP TRIGGER holdout_look_no_delete;";

}  // namespace

TEST_SUITE("store/audit_chain") {
  TEST_CASE("a look says what it saw; one that does not may have seen all there was") {
    TempStore store;
    Fill(store);
    const UtcMillis later{kNow.value + 1};
    store.Write([&](IngestWriter& w) {
      const auto entry = [](const char* id, const char* split, UtcMillis first) {
        return EvalEntryRow{.entry_id = id,
                            .query = id,
                            .invocation_type = "implicit",
                            .source = "log",
                            .split = split,
                            .first = first,
                            .last = first};
      };
      CHECK_OK(StoreEvalEntries(
          w.db(), "pdf",
          {entry("a", "test", kNow), entry("b", "test", later), entry("c", "train", kNow)}, kNow));
      CHECK_OK(CreateProposal(
          w.db(),
          {.proposal_id = "p3", .skill = "pdf", .original = "old text", .proposed = "third"},
          {.action = ProposalState::kCreated,
           .details = "made",
           .eval_set = R"({"look":2,"alpha":0.025,"entries":[{"id":"x","split":"test"},)"
                       R"({"id":"y","split":"train"},{"id":"z","split":"test"}]})"},
          later));
      CHECK_OK(AddHoldoutLook(
          w.db(), "pdf",
          {.look = 2, .proposal_id = "p3", .eval_set_sha256 = "set", .entries = 2, .alpha = 0.025},
          later));
    });
    CHECK(*EntriesOfLooks(store.db(), "PDF") ==
          std::vector<std::vector<std::string>>{{"a"}, {"x", "z"}});
    CHECK(EntriesOfLooks(store.db(), "other")->empty());
  }

  TEST_CASE("words that a code of a step has, too, do not take the code away") {
    TempStore store;
    Fill(store);
    store.Write([&](IngestWriter& w) {
      CHECK_OK(CreateProposal(
          w.db(),
          {.proposal_id = "p3", .skill = "pdf", .original = "old text", .proposed = "third"},
          {.action = ProposalState::kCreated,
           .details = "made",
           .eval_set = R"({"look":2,"alpha":0.025,"entries":[{"id":"x","split":"test"},)"
                       R"({"id":"y","split":"train"}],"split":"run this test"})"},
          kNow));
      CHECK_OK(AddHoldoutLook(
          w.db(), "pdf",
          {.look = 2, .proposal_id = "p3", .eval_set_sha256 = "set", .entries = 2, .alpha = 0.025},
          kNow));
    });
    const auto looks = *EntriesOfLooks(store.db(), "pdf");
    REQUIRE(looks.back() == std::vector<std::string>{"x"});
    for (const char* const words : {"promo", "test"}) {
      CAPTURE(words);
      Quotes quotes;
      quotes.AddWords(words);
      quotes.Seal();
      // More than a word is no code, whatever its member is called.
      CHECK(Must(EraseFromAudit(store.db(), quotes, nullptr)) == (words[0] == 't' ? 1 : 0));
      CHECK(Must(CheckChains(store.db())).empty());
      CHECK(*EntriesOfLooks(store.db(), "pdf") == looks);
    }
    CHECK(One(store.db(),
              "SELECT count(*) FROM evolution_event WHERE eval_set LIKE '%run this%'") == "0");
  }

  TEST_CASE("what was written is whole") {
    TempStore store;
    CHECK(Must(CheckChains(store.db())).empty());
    Fill(store);
    CHECK(Must(CheckChains(store.db())).empty());
  }

  TEST_CASE("steps are neither changed nor deleted by ordinary means") {
    TempStore store;
    Fill(store);
    CHECK_FALSE(store.db().Execute("UPDATE evolution_event SET details='x'").ok());
    CHECK_FALSE(store.db().Execute("DELETE FROM evolution_event").ok());
    CHECK(Must(CheckChains(store.db())).empty());
  }

  TEST_CASE(
      "words go from a long chain in pieces; cut off between any two it is whole, and goes on") {
    constexpr int kSteps = 1300;
    Quotes quotes;
    quotes.AddWords("xylophone");
    quotes.Seal();
    int number = 0;
    const auto say = [&number](Db& db, const std::string& details) {
      REQUIRE_OK(AppendEvent(db, {.event_id = "said-" + std::to_string(number++),
                                  .proposal_id = "p2",
                                  .action = "rejected",
                                  .details = details,
                                  .skill = 1,
                                  .at = kNow}));
    };
    const auto words = [](Db& db) {
      return One(db, "SELECT count(*) FROM evolution_event WHERE details LIKE '%xylophone%'");
    };
    int cuts = 0;
    for (bool done = false; !done; ++cuts) {
      CAPTURE(cuts);
      TempStore store;
      Fill(store);
      store.Write([&](IngestWriter& w) {
        for (int i = 0; i < kSteps; ++i) {
          say(w.db(), i % 400 == 7 ? "they say xylophone" : "nothing");
        }
      });
      struct Cut {
        base::Cancel cancel;
        int left;
      } cut{.cancel = {}, .left = cuts + 1};
      sqlite3_commit_hook(
          store.db().handle(),
          [](void* self) {
            auto* const c = static_cast<Cut*>(self);
            if (--c->left <= 0) c->cancel.Request();
            return 0;
          },
          &cut);
      const auto first = EraseFromAudit(store.db(), quotes, &cut.cancel);
      sqlite3_commit_hook(store.db().handle(), nullptr, nullptr);
      done = first.ok();
      CHECK(Must(CheckChains(store.db())).empty());
      store.Write([&](IngestWriter& w) { say(w.db(), "meanwhile, xylophone again"); });
      CHECK(Must(CheckChains(store.db())).empty());
      CHECK(Must(EraseFromAudit(store.db(), quotes, nullptr)) > 0);
      CHECK(words(store.db()) == "0");
      CHECK(Must(CheckChains(store.db())).empty());
      CHECK(One(store.db(), "SELECT count(*) FROM meta WHERE key='evolution_seam'") == "0");
      CHECK(Must(EraseFromAudit(store.db(), quotes, nullptr)) == 0);
    }
    CHECK(cuts >= 3);
  }

  TEST_CASE("a chain that was broken stays so, also when it breaks while it is hashed anew") {
    Quotes quotes;
    quotes.AddWords("made");
    quotes.Seal();
    TempStore store;
    Fill(store);
    REQUIRE_OK(store.db().Execute(kUnguard));
    REQUIRE_OK(store.db().Execute("UPDATE evolution_event SET location='/other' WHERE event_pk=3"));
    const std::vector<std::string> before = Must(CheckChains(store.db()));
    CHECK_FALSE(before.empty());
    CHECK(Must(EraseFromAudit(store.db(), quotes, nullptr)) == 2);
    CHECK_FALSE(Must(CheckChains(store.db())).empty());
    CHECK(One(store.db(), "SELECT count(*) FROM evolution_event WHERE details LIKE '%made%'") ==
          "0");
  }

  TEST_CASE("whatever is altered past the guards is found out") {
    const std::pair<const char*, const char*> cases[] = {
        {"DELETE FROM evolution_event WHERE event_pk=4",
         "audit: 4 steps were written, 3 are there"},
        {"DELETE FROM evolution_event", "audit: 4 steps were written, 0 are there"},
        {"DELETE FROM evolution_event WHERE event_pk=2", "does not continue the chain"},
        {"UPDATE evolution_event SET action='nonsense' WHERE event_pk=4", "nonsense is no step"},
        {"UPDATE evolution_event SET location='/other' WHERE event_pk=1", "step created"},
        {"UPDATE evolution_event SET event_id='other' WHERE event_pk=3", "step validated"},
        {"UPDATE evolution_event SET target='body' WHERE event_pk=3", "step validated"},
        {"UPDATE evolution_event SET iterations=7 WHERE event_pk=1", "step created"},
        {"UPDATE proposal SET state='approved' WHERE proposal_id='p1'",
         "proposal p1: it is approved, its last step is validated"},
        {"UPDATE proposal SET proposed_body=original_body WHERE proposal_id='p2'",
         "proposal p2: its texts are not those of its first step"},
        {"DELETE FROM proposal WHERE proposal_id='p2'", "proposal p2: it is gone"},
        {"UPDATE proposal SET gains=9 WHERE proposal_id='p1'",
         "proposal p1: its figures are not those of its test"},
        {"UPDATE proposal SET tier='hold' WHERE proposal_id='p1'", "its figures"},
        {"UPDATE proposal SET p=0.0001 WHERE proposal_id='p1'", "its figures"},
        {"UPDATE holdout_look SET look=2", "proposal p1: its look is not the one"},
        {"UPDATE holdout_look SET alpha=0.025", "its look is not the one"},
        {"UPDATE holdout_look SET p=0.5", "its look is not the one"},
        {"DELETE FROM holdout_look", "proposal p1: its look at the held-out entries is gone"},
        {"UPDATE holdout_look SET proposal_id='p2'", "its look at the held-out entries is gone"},
        {"UPDATE holdout_look SET proposal_id='p9'", "proposal p9: it has a look"},
    };
    for (const auto& [sql, said] : cases) {
      CAPTURE(sql);
      TempStore store;
      Fill(store);
      REQUIRE_OK(store.db().Execute(kUnguard));
      REQUIRE_OK(store.db().Execute(sql));
      const std::vector<std::string> problems = Must(CheckChains(store.db()));
      std::string all;
      for (const std::string& problem : problems) all += problem + "\n";
      CAPTURE(all);
      CHECK(all.find(said) != all.npos);
    }
  }
}

}  // namespace selftune::store
