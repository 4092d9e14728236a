#include "store/eval_rows.h"

#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include <doctest/doctest.h>

#include "store/forget.h"
#include "unit/store/store_fixture.h"

namespace selftune::store {
namespace {

using testing::kNow;
using testing::Must;
using testing::TempStore;

// What the set of a skill says, and what it lost.
std::vector<std::string> Entries(Db& db) {
  std::vector<std::string> out;
  auto rows =
      Must(db.Query("SELECT e.entry_id, coalesce(b.text,'(gone)'), e.active FROM eval_entry e "
                    "JOIN body b ON b.body_id=e.query_body ORDER BY 1"));
  while (Must(rows.Next())) {
    out.push_back(rows.String(0) + (rows.Bool(2) ? "+" : "-") + rows.String(1));
  }
  return out;
}

}  // namespace

TEST_SUITE("store/eval_rows") {
  TEST_CASE("the strongest label of a prompt counts, and none of those that disagree") {
    using enum Label;
    struct Case {
      const char* name;
      std::vector<std::tuple<Label, MissReason, const char*>> labels;
      std::vector<EvidenceKind> kinds;
    };
    const Case cases[] = {
        {"none", {}, {}},
        {"should", {{kShould, MissReason::kSignal, "a"}}, {EvidenceKind::kLabelShould}},
        {"should not", {{kShouldNot, MissReason::kGrader, "a"}}, {EvidenceKind::kLabelShouldNot}},
        {"not known", {{kUnknown, MissReason::kCurated, "a"}}, {EvidenceKind::kUnclear}},
        {"two agree",
         {{kShould, MissReason::kSignal, "a"}, {kShould, MissReason::kSignal, "b"}},
         {EvidenceKind::kLabelShould}},
        {"two disagree",
         {{kShould, MissReason::kSignal, "a"}, {kShouldNot, MissReason::kSignal, "b"}},
         {EvidenceKind::kUnclear}},
        {"a person is stronger than two that disagree",
         {{kShould, MissReason::kSignal, "a"},
          {kShouldNot, MissReason::kSignal, "b"},
          {kShould, MissReason::kCurated, "c"}},
         {EvidenceKind::kLabelShould}},
        {"a person who does not know is stronger than a grader",
         {{kShould, MissReason::kGrader, "a"}, {kUnknown, MissReason::kCurated, "b"}},
         {EvidenceKind::kUnclear}},
    };
    for (const Case& c : cases) {
      CAPTURE(c.name);
      TempStore store;
      store.Write([&](IngestWriter& w) {
        const SessionPk s = Must(w.UpdateSession({.platform = "codex", .id = "s"}));
        const PromptPk prompt = Must(w.UpsertPrompt(s, {.seq = 0, .text = "make a pdf of it"}));
        for (const auto& [label, reason, source] : c.labels) {
          REQUIRE_OK(w.AddLabel({.prompt = prompt,
                                 .skill = "pdf",
                                 .label = label,
                                 .reason = reason,
                                 .source = source}));
        }
      });
      std::vector<EvidenceKind> kinds;
      for (const PromptEvidence& row : Must(ReadPromptEvidence(store.db(), "pdf", 10))) {
        kinds.push_back(row.kind);
        CHECK(row.prompt_id == "s:p0");
      }
      CHECK(kinds == c.kinds);
    }
  }

  TEST_CASE(
      "words that were forgotten come back with a file that names them, and with nothing else") {
    struct Case {
      const char* name;
      const char* source;
      std::vector<std::string> then;
    };
    const Case cases[] = {
        {"drawn from prompts", "log", {"a-(gone)", "b+", "c+fill in"}},
        {"made up", "synthetic", {"a-(gone)", "b+", "c+fill in"}},
        {"named in a file", "file", {"a+my word is hunter2", "b+", "c+fill in"}},
    };
    for (const Case& c : cases) {
      CAPTURE(c.name);
      TempStore store;
      const auto put = [&](const char* source) {
        std::vector<EvalEntryRow> entries;
        for (const auto& [id, query] : {std::pair{"a", "my word is hunter2"}, std::pair{"b", ""},
                                        std::pair{"c", "fill in"}}) {
          entries.push_back({.entry_id = id,
                             .query = query,
                             .invocation_type = "implicit",
                             .source = source,
                             .split = "train",
                             .extra = R"({"reason":"imported"})",
                             .first = kNow,
                             .last = kNow});
        }
        store.Write(
            [&](IngestWriter& w) { REQUIRE_OK(StoreEvalEntries(w.db(), "pdf", entries, kNow)); });
      };
      put("log");
      Must(Forget(store.db(), {.match = "hunter2"}, kNow));
      REQUIRE(Entries(store.db()) == std::vector<std::string>{"a-(gone)", "b+", "c+fill in"});
      put(c.source);
      CHECK(Entries(store.db()) == c.then);
      // And again: it is as any other.
      Must(Forget(store.db(), {.match = "hunter2"}, kNow));
      CHECK(Entries(store.db()).front() == "a-(gone)");
    }
  }
}

}  // namespace selftune::store
