#include "eval/eval_set.h"

#include <algorithm>
#include <cstdint>
#include <initializer_list>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <doctest/doctest.h>
#include <fmt/format.h>

#include "store/write_txn.h"
#include "support/new_store.h"
#include "support/temp_dir.h"

namespace selftune::eval {
namespace {

using store::EvidenceKind;
using store::PromptEvidence;

PromptEvidence Evidence(EvidenceKind kind, std::string text) {
  PromptEvidence out;
  out.kind = kind;
  out.prompt_id = "s:p0";
  out.text = std::move(text);
  out.at = UtcMillis{1};
  return out;
}

// Words that no other number has, so that nothing is a near duplicate. Letters:
// runs of digits count as equal.
std::string Prompt(int i) {
  std::string mark;
  for (int rest = i; rest > 0 || mark.empty(); rest /= 10) {
    mark.push_back(static_cast<char>('a' + rest % 10));
  }
  return fmt::format("alpha{0} beta{0} gamma{0} delta{0} of the folder", mark);
}

std::vector<PromptEvidence> Positives(int from, int to) {
  std::vector<PromptEvidence> out;
  for (int i = from; i < to; ++i) out.push_back(Evidence(EvidenceKind::kTriggered, Prompt(i)));
  return out;
}

struct Scene {
  testing::TempDir dir;
  std::unique_ptr<store::Db> db = testing::NewStore(dir);
  [[nodiscard]] EvalSet Next(const std::vector<PromptEvidence>& evidence) const {
    const auto known = store::ReadEvalEntries(*db, "pdf");
    REQUIRE(known.ok());
    return BuildEvalSet("pdf", evidence, *known, {.max_per_side = 10});
  }
  void Store(const EvalSet& set) const {
    auto txn = store::WriteTxn::Begin(*db);
    REQUIRE(StoreEvalSet(*db, set, {5}).ok());
    REQUIRE(txn->Commit().ok());
  }
};

}  // namespace

TEST_SUITE("eval/eval_set") {
  TEST_CASE("an entry that left the set comes back on its side") {
    const Scene scene;
    EvalSet first = scene.Next(Positives(0, 10));
    REQUIRE(first.entries.size() == 10);
    // As if a near duplicate had drawn them over: the other side of their own hash.
    for (EvalEntry& entry : first.entries) {
      entry.split = stats::IsHeldOut(entry.split) ? stats::Split::kTrain : stats::Split::kTest;
    }
    scene.Store(first);
    scene.Store(scene.Next(Positives(100, 105)));  // none of them is active any more
    const EvalSet again = scene.Next(Positives(0, 10));
    REQUIRE(again.entries.size() == 10);
    for (size_t i = 0; i < again.entries.size(); ++i) {
      CHECK(again.entries[i].id == first.entries[i].id);
      CHECK(again.entries[i].split == first.entries[i].split);
    }
  }

  TEST_CASE("a prompt that wanted the skill is no negative, whatever kept it from running") {
    // Another skill ran at each of these prompts, which makes a negative of whoever did not
    // want this one.
    struct Case {
      const char* cause;  // of the miss that somebody labelled; nullptr = nobody did
      const char* other;  // another prompt at which only the other skill ran; nullptr = none
      int64_t positives, negatives, other_causes;
    };
    const Case cases[] = {
        {nullptr, nullptr, 0, 1, 0},
        {"description", nullptr, 1, 0, 0},
        {"unknown", nullptr, 1, 0, 0},
        {"disabled", nullptr, 0, 0, 1},
        {"shadowed", nullptr, 0, 0, 1},
        {"not_listed", nullptr, 0, 0, 1},
        {"compacted", nullptr, 0, 0, 1},
        {"explicit_only", nullptr, 0, 0, 1},
        {"disabled", "alphab betab gammab deltab of the folder please", 0, 0,
         1},  // nearly the same
        {"disabled", "turn every table into a chart", 0, 1, 1},
    };
    for (const Case& c : cases) {
      CAPTURE(c.cause);
      CAPTURE(c.other);
      for (const bool miss_first : {true, false}) {
        CAPTURE(miss_first);
        std::vector<PromptEvidence> evidence = {Evidence(EvidenceKind::kSibling, Prompt(1))};
        if (c.other != nullptr) evidence.push_back(Evidence(EvidenceKind::kSibling, c.other));
        if (c.cause != nullptr) {
          PromptEvidence miss = Evidence(EvidenceKind::kLabelShould, Prompt(1));
          miss.miss_cause = c.cause;
          evidence.insert(miss_first ? evidence.begin() : evidence.end(), miss);
        }
        const EvalSet set = BuildEvalSet("pdf", evidence, {}, {});
        CHECK(set.Count(true, true) + set.Count(true, false) == c.positives);
        CHECK(set.Count(false, true) + set.Count(false, false) == c.negatives);
        CHECK(set.other_causes == c.other_causes);
      }
    }
  }

  TEST_CASE("a label that says nothing makes no negative") {
    const std::vector<PromptEvidence> evidence = {Evidence(EvidenceKind::kUnclear, Prompt(1)),
                                                  Evidence(EvidenceKind::kSibling, Prompt(1)),
                                                  Evidence(EvidenceKind::kSibling, Prompt(2))};
    const EvalSet set = BuildEvalSet("pdf", evidence, {}, {});
    REQUIRE(set.entries.size() == 1);
    CHECK(set.entries[0].query == Prompt(2));
    CHECK_FALSE(set.entries[0].should_trigger);
  }

  TEST_CASE("a label that says nothing leaves the labels of other prompts alone") {
    // The same words were typed twice; of one prompt nobody can tell.
    for (const auto& [kind, should] :
         {std::pair(EvidenceKind::kLabelShouldNot, false),
          std::pair(EvidenceKind::kLabelShould, true), std::pair(EvidenceKind::kTriggered, true)}) {
      CAPTURE(should);
      const std::vector<PromptEvidence> evidence = {Evidence(kind, Prompt(1)),
                                                    Evidence(EvidenceKind::kUnclear, Prompt(1)),
                                                    Evidence(EvidenceKind::kSibling, Prompt(1))};
      const EvalSet set = BuildEvalSet("pdf", evidence, {}, {});
      REQUIRE(set.entries.size() == 1);
      CHECK(set.entries[0].should_trigger == should);
    }
  }

  TEST_CASE("what is nearly a positive is no negative, among thousands") {
    std::vector<PromptEvidence> evidence = Positives(0, 1000);
    for (int i = 0; i < 1000; ++i) {
      evidence.push_back(
          Evidence(EvidenceKind::kSibling, Prompt(i) + (i % 2 == 0 ? " please" : "")));
      evidence.push_back(Evidence(EvidenceKind::kSibling, Prompt(i + 10'000)));
    }
    const EvalSet set = BuildEvalSet("pdf", evidence, {}, {.max_per_side = 100'000});
    CHECK(std::count_if(set.entries.begin(), set.entries.end(),
                        [](const EvalEntry& entry) { return entry.should_trigger; }) == 1000);
    const auto near =
        std::count_if(set.entries.begin(), set.entries.end(), [](const EvalEntry& entry) {
          return !entry.should_trigger && entry.query.find("please") != std::string::npos;
        });
    CHECK(near == 0);
    CHECK(set.Count(false, true) + set.Count(false, false) == 1000);
  }
}

}  // namespace selftune::eval
