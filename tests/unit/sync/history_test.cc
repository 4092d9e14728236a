// Prompts that only a host's history knows, until a transcript tells their session.
#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

#include <doctest/doctest.h>
#include <fmt/format.h>

#include "base/time.h"
#include "unit/sync/sync_fixture.h"
#include "unit/sync/typed_scene.h"

namespace selftune::sync {
namespace {

using testing::After;
using testing::CheckWhole;
using testing::IdOf;
using testing::kSkill;
using testing::kSkillText;
using testing::Line;
using testing::PathOf;
using testing::SyncHome;
using Lines = std::vector<std::string>;

constexpr std::string_view kHistory = ".claude/history.jsonl";
constexpr std::string_view kCodexHistory = ".codex/history.jsonl";
constexpr int kTold = 1;  // has a transcript
constexpr int kGone = 2;

std::string Typed(int session, int n, std::string_view text) {
  return fmt::format(
      R"({{"display":"{}","pastedContents":{{}},"timestamp":{},"project":"/w","sessionId":"{}"}})"
      "\n",
      text, After(n).value, IdOf(session));
}

// Three prompts of a session with a transcript, which tells two of them; two of one without.
std::string WholeHistory() {
  return Typed(kTold, 0, "first") + Typed(kGone, 1, "alone") + Typed(kTold, 2, "second") +
         Typed(kTold, 3, "taken back") + Typed(kGone, 4, "alone again");
}

Lines Prompts(SyncHome& home) {
  return home.Rows(
      "SELECT substr(session_id,1,1), prompt_index, prompt_text, capture_mode FROM prompts "
      "WHERE is_actionable=1 ORDER BY 1,2",
      4);
}

}  // namespace

TEST_SUITE("sync/history") {
  TEST_CASE("without transcripts the history tells who asked what, and is marked as such") {
    SyncHome home;
    home.Write(kHistory, Typed(kGone, 0, "alone") + Typed(kGone, 1, "/model") +
                             Typed(kGone, 2, "! ls") + Typed(kGone, 3, "again"));
    home.Write(kCodexHistory, "{\"session_id\":\"c1\",\"ts\":1789999000,\"text\":\"hello\"}\n");
    home.Sync();
    CHECK(Prompts(home) ==
          Lines{"2|0|alone|batch_ingest", "2|1|again|batch_ingest", "c|0|hello|batch_ingest"});
    CHECK(home.Rows("SELECT platform, kind, parser FROM source_files ORDER BY 1", 3) ==
          Lines{"claude_code|transcript|claude_code/history", "codex|transcript|codex/history"});
    CHECK(home.One("SELECT workspace_path FROM sessions WHERE platform='claude_code'") == "/w");
    CHECK(home.One("SELECT source_offset FROM prompts WHERE prompt_text='again'") != "");
    CHECK(home.Sync().changed == false);
    // It is read on from its end.
    const auto end = home.One("SELECT read_offset FROM source_files WHERE platform='claude_code'");
    home.Append(kHistory, Typed(kGone, 4, "more"));
    home.claude.lowest = UINT64_MAX;
    home.Sync();
    CHECK(std::to_string(home.claude.lowest) == end);
    CHECK(home.One("SELECT prompt_index FROM prompts WHERE prompt_text='more'") == "2");
    CheckWhole(home);
  }

  TEST_CASE("a transcript outranks it, in any order of files and runs") {
    SyncHome at_once;
    at_once.Write(kHistory, WholeHistory());
    at_once.Write(PathOf(kTold), Line(kTold, 0, "first") + Line(kTold, 2, "second"));
    at_once.Sync();
    const Lines want{"1|0|first|replay", "1|1|second|replay", "2|0|alone|batch_ingest",
                     "2|1|alone again|batch_ingest"};
    CHECK(Prompts(at_once) == want);
    // Each step is one write of the world; a sync follows it.
    std::vector<int> steps{0, 1, 2, 3};
    do {
      CAPTURE(fmt::format("{}{}{}{}", steps[0], steps[1], steps[2], steps[3]));
      SyncHome home;
      std::string history, transcript;
      for (const int step : steps) {
        if (step == 0) history = WholeHistory().substr(0, WholeHistory().size() / 2);
        if (step == 1) history = WholeHistory();
        if (step == 2 && transcript.empty()) transcript = Line(kTold, 0, "first");
        if (step == 3) transcript = Line(kTold, 0, "first") + Line(kTold, 2, "second");
        home.Write(step < 2 ? std::string(kHistory) : PathOf(kTold),
                   step < 2 ? history : transcript);
        home.Sync();
      }
      home.Write(kHistory, WholeHistory());
      home.Sync();
      CHECK(Prompts(home) == want);
      CHECK(home.Facts() == at_once.Facts());
      CheckWhole(home);
    } while (std::ranges::next_permutation(steps).found);
  }

  TEST_CASE("a transcript that the host deleted was there before: nothing is counted twice") {
    SyncHome home;
    home.Write(PathOf(kTold), Line(kTold, 0, "first"));
    home.Sync();
    home.Remove(PathOf(kTold));
    home.Write(kHistory, WholeHistory());
    for (const bool force : {false, true}) {
      home.Sync({.force = force});
      CHECK(Prompts(home) ==
            Lines{"1|0|first|replay", "2|0|alone|batch_ingest", "2|1|alone again|batch_ingest"});
    }
  }

  TEST_CASE("what fell out of a history that its host keeps short stays known") {
    SyncHome home;
    home.Write(kHistory, Typed(kTold, 0, "first") + Typed(kGone, 1, "a") + Typed(kGone, 2, "b"));
    home.Sync();
    home.Write(kHistory, Typed(kGone, 1, "a"));
    home.Sync();
    CHECK(Prompts(home) == Lines{"1|0|first|batch_ingest", "2|0|a|batch_ingest"});
    CheckWhole(home);
  }

  TEST_CASE("a typed skill is one; a miss is concluded from no prompt that it alone knows") {
    SyncHome home;
    home.Write(kSkill, kSkillText);
    home.Write(kHistory, Typed(kGone, 0, "/zeta-check now") +
                             Typed(kGone, 1, "you should have used the zeta-check skill"));
    home.Sync();
    CHECK(home.Rows("SELECT skill_name, outcome, route, requested_by, skill_args, source "
                    "FROM skill_invocations",
                    6) == Lines{"zeta-check|triggered|slash_command|user|now|batch"});
    CHECK(home.One("SELECT count(*) FROM improvement_signals") == "0");
    home.Sync({.repair_only = true});
    CHECK(home.One("SELECT count(*) FROM skill_invocations WHERE outcome='missed'") == "0");
    CHECK(home.One("SELECT count(*) FROM improvement_signals") == "0");
  }
}

}  // namespace selftune::sync
