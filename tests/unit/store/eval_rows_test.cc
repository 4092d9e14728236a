#include "store/eval_rows.h"

#include <string>
#include <tuple>
#include <vector>

#include <doctest/doctest.h>

#include "unit/store/store_fixture.h"

namespace selftune::store {
namespace {

using testing::Must;
using testing::TempStore;

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
}

}  // namespace selftune::store
