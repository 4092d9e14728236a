// What is drawn from people's words is right after skills come and go, after a run
// that ended early, and after `sync --repair-only`.
#include <string>
#include <string_view>
#include <vector>

#include <doctest/doctest.h>

#include "base/time.h"
#include "unit/sync/sync_fixture.h"
#include "unit/sync/typed_scene.h"

namespace selftune::sync {
namespace {

using testing::CheckWhole;
using testing::IdOf;
using testing::kSkill;
using testing::kSkillText;
using testing::Line;
using testing::Must;
using testing::PathOf;
using testing::SyncHome;
using Lines = std::vector<std::string>;

constexpr std::string_view kResolved = "SELECT count(*) FROM improvement_signals WHERE resolved=1";

constexpr std::string_view kAsk = "please use the zeta-check skill";

}  // namespace

TEST_SUITE("sync/repair") {
  TEST_CASE("a skill that is back finds what was said while it was away, and looks no further") {
    SyncHome home;
    home.Write(kSkill, kSkillText);
    home.Write(PathOf(1), Line(1, 0, kAsk));
    home.Write(PathOf(2), Line(2, 0, "hello"));
    home.Sync();
    CHECK(home.One(std::string(kResolved)) == "1");
    home.clock.now.value += kDayMs;
    home.Remove(kSkill);
    home.Sync();
    home.clock.now.value += kDayMs;
    home.Append(PathOf(2), Line(2, 1, kAsk));
    home.Sync();
    CHECK(home.One(std::string(kResolved)) == "1");
    // Nobody is to look at session 1 again, whose words were drawn with the name.
    REQUIRE_OK(
        home.db->Execute("UPDATE improvement_signal SET run_id='kept' WHERE resolved=1; "
                         "DELETE FROM label"));
    home.clock.now.value += kDayMs;
    home.Write(kSkill, kSkillText);
    CHECK(home.Sync().changed);
    CHECK(home.Rows("SELECT session_id, p.seq FROM label JOIN prompt p USING(prompt_pk) "
                    "JOIN session USING(session_pk)",
                    2) == Lines{IdOf(2) + "|1"});
    CHECK(home.One(std::string(kResolved)) == "2");
    CHECK(!home.Sync().changed);
    // Read again without the skill, nothing knows it, until it is back.
    home.clock.now.value += kDayMs;
    home.Remove(kSkill);
    home.Sync({.force = true});
    CHECK(home.One(std::string(kResolved)) == "0");
    home.Write(kSkill, kSkillText);
    home.Sync();
    CHECK(home.One(std::string(kResolved)) == "2");
    CheckWhole(home);
  }

  TEST_CASE("what a run that ended early read without a skill is drawn when the skill is back") {
    SyncHome home;
    home.Write(kSkill, kSkillText);
    home.Write(PathOf(2), Line(2, 0, "hello"));
    home.Sync();
    home.Remove(kSkill);
    home.Write(PathOf(1), Line(1, 0, kAsk));
    home.Write(testing::Name(testing::kOld), SyncHome::Recording(testing::kOld));
    base::Cancel cancel;
    SyncOptions options;
    options.progress = [&](std::string_view, int64_t, int64_t, std::string_view what) {
      if (what.find(IdOf(1)) != std::string_view::npos) cancel.Request();
    };
    CHECK(CodeOf(home.TrySync(options, &cancel).status()).name == "CANCELLED");
    REQUIRE(home.One("SELECT count(*) FROM prompts WHERE session_id='" + IdOf(1) + "'") == "1");
    home.Write(kSkill, kSkillText);
    home.Sync();
    CHECK(home.One(std::string(kResolved)) == "1");
    CheckWhole(home);
  }

  TEST_CASE("looking through prompts for a new skill can be cancelled and has its time") {
    for (const bool cancelled : {false, true}) {
      CAPTURE(cancelled);
      SyncHome home;
      home.Write(PathOf(1), Line(1, 0, kAsk));
      home.Sync();
      home.Write(kSkill, kSkillText);
      base::Cancel cancel;
      SyncOptions options;
      int looks = 0;
      options.progress = [&](std::string_view stage, int64_t, int64_t, std::string_view) {
        looks += stage == "signals" ? 1 : 0;
        if (cancelled && stage == "signals") cancel.Request();
      };
      if (!cancelled) options.time_budget_ms = -1;
      const auto report = home.TrySync(options, &cancel);
      if (cancelled) CHECK(CodeOf(report.status()).name == "CANCELLED");
      if (!cancelled) CHECK(!Must(report).complete);
      CHECK(looks == 1);
      CHECK(home.One(std::string(kResolved)) == "0");
      CHECK(home.Sync().complete);
      CHECK(home.One(std::string(kResolved)) == "1");
    }
  }

  TEST_CASE("repair drops what no prompt says, and draws what is missing") {
    for (const bool installed : {false, true}) {
      CAPTURE(installed);
      SyncHome home;
      if (installed) home.Write(kSkill, kSkillText);
      home.Write(PathOf(1), Line(1, 0, kAsk) + Line(1, 1, "thanks"));
      home.Write(PathOf(2), Line(2, 0, "hello"));
      home.Sync();
      const auto said = [&] {
        Lines out =
            home.Rows("SELECT prompt_id, mentioned_skill, resolved FROM improvement_signals", 3);
        for (const Lines& more :
             {home.Rows("SELECT prompt_id, label, source FROM label JOIN prompt USING(prompt_pk)",
                        3),
              home.Rows("SELECT matched_prompt_id, outcome, cause FROM skill_invocations", 3)}) {
          out.insert(out.end(), more.begin(), more.end());
        }
        return out;
      };
      const Lines expected = said();
      REQUIRE(expected.size() == (installed ? 3 : 1));
      REQUIRE_OK(home.db->Execute("INSERT INTO skill(name,name_key) SELECT 'stale','stale'"));
      REQUIRE_OK(home.db->Execute(
          "INSERT INTO label(prompt_pk,skill_id,label,reason,source,at_ms) SELECT prompt_pk, "
          "(SELECT skill_id FROM skill WHERE name='stale'),'should','signal','signal:correction',0 "
          "FROM prompt WHERE session_pk=(SELECT session_pk FROM session WHERE session_id='" +
          IdOf(2) + "')"));
      REQUIRE_OK(home.db->Execute("DELETE FROM improvement_signal"));
      CHECK(home.Sync({.repair_only = true}).changed);
      CHECK(said() == expected);
      CheckWhole(home);
    }
  }
}

}  // namespace selftune::sync
