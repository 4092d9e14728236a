#include "store/queries/merged.h"

#include <string>
#include <vector>

#include <doctest/doctest.h>
#include <fmt/format.h>

#include "unit/store/store_fixture.h"

namespace selftune::store {
namespace {

using testing::Must;
using testing::TempStore;

constexpr UtcMillis kThen{1'780'000'000'000};

ObservationRow Seen(std::string_view key, std::string_view skill, Capture capture) {
  return {.key = key,
          .key_is_call_id = true,
          .skill = skill,
          .prompt_seq = 0,
          .at = kThen,
          .capture = capture};
}

std::vector<std::string> Words(const std::vector<MergedRows>& rows) {
  std::vector<std::string> out;
  for (const MergedRows& row : rows) {
    out.push_back(fmt::format("{} {} {} {} {}", row.platform, row.capture, row.why,
                              row.counts.empty() ? "-" : row.counts, row.rows));
  }
  return out;
}

}  // namespace

TEST_SUITE("store/merged") {
  TEST_CASE("an empty store has merged nothing") {
    TempStore store;
    const Merged merged = Must(ReadMerged(store.db()));
    CHECK(merged.prompts.empty());
    CHECK(merged.rows.empty());
    CHECK(merged.examples.empty());
  }

  TEST_CASE("each row that does not count says why, and what counts in its place") {
    TempStore store;
    store.Write([](IngestWriter& w) {
      const SessionPk s = Must(w.UpdateSession({.platform = "claude_code", .id = "s"}));
      const PromptPk prompt = Must(w.UpsertPrompt(s, {.seq = 0, .text = "one"}));
      for (const ObservationRow& row :
           {Seen("t1", "pdf", Capture::kHook), Seen("t1", "pdf", Capture::kTranscript),
            Seen("x1", "pdf", Capture::kLegacy), Seen("t2", "doc", Capture::kHook)}) {
        CHECK_OK(w.UpsertObservation(s, row));
      }
      ObservationRow ours = Seen("t3", "xls", Capture::kTranscript);
      ours.polluted = true;
      CHECK_OK(w.UpsertObservation(s, ours));
      CHECK_OK(w.AddMissed({.prompt = prompt, .skill = "pdf", .reason = MissReason::kGrader}));
    });
    const Merged merged = Must(ReadMerged(store.db()));
    CHECK(Words(merged.rows) == std::vector<std::string>{"claude_code hook outranked transcript 1",
                                                         "claude_code label used - 1",
                                                         "claude_code legacy imported - 1",
                                                         "claude_code transcript polluted - 1"});
    REQUIRE(merged.examples.size() == 4);
    for (const MergedExample& example : merged.examples) {
      CAPTURE(example.why);
      CHECK(example.session_id == "s");
      CHECK(example.counts.has_value() == (example.why == "outranked"));
      if (!example.counts.has_value()) continue;
      CHECK(example.skill == "pdf");
      CHECK(example.prompt_id == "s:p0");
      CHECK(example.at == kThen);
      CHECK(example.row.capture == "hook");
      CHECK(example.counts->capture == "transcript");
      CHECK(example.counts->outcome == "triggered");
    }
  }
}

}  // namespace selftune::store
