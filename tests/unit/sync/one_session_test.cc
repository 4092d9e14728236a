// A sync of one session only: which files are its, and what if there are none.
#include <string>
#include <string_view>

#include <doctest/doctest.h>

#include "sync/one_session.h"
#include "unit/sync/sync_fixture.h"

namespace selftune::sync {

using testing::SyncHome;

TEST_SUITE("sync/one session") {
  TEST_CASE("a file is of the session it is named after, not of one it has letters of") {
    constexpr std::string_view kId = "33333333-2222-4222-8222-222222222222";
    const std::string id(kId);
    for (const std::string& path : {"/h/.claude/projects/-p/" + id + ".jsonl",
                                    "/h/.codex/rollout-2026-01-02-" + id + ".jsonl",
                                    "/h/.codex/rollout-2026-01-02-" + id + ".jsonl.zst",
                                    "/h/.claude/projects/-p/" + id + "/subagents/agent-7.jsonl",
                                    "/h/state/" + id + "/e.jsonl"}) {
      CAPTURE(path);
      CHECK(IsNamedAfter(path, kId));
      CHECK(IsNamedAfter(path, id + ":agent:7"));
      for (const std::string_view part : {"h", "a", "alice", "2026", "22", "projects", "jsonl",
                                          "rollout", "subagents", "agent", "33333333", "state"}) {
        CAPTURE(part);
        CHECK(!IsNamedAfter(path, part));
      }
    }
    CHECK(!IsNamedAfter("/h/" + id + "/a/b/c.jsonl", kId));
    CHECK(!IsNamedAfter("/h/x" + id + ".jsonl", kId));
    CHECK(IsNamedAfter("/h/abc.jsonl", "abc"));
    CHECK(!IsNamedAfter("/h/abc.jsonl", ""));
  }

  TEST_CASE("a session that nobody knows is not found, and nothing is read") {
    SyncHome home;
    home.Write(testing::Name(testing::kOld), SyncHome::Recording(testing::kOld));
    for (const std::string_view id : {"nope", "a", "rollout"}) {
      const auto report = home.TrySync({.session = std::string(id)});
      CHECK(CodeOf(report.status()).name == "SESSION_NOT_FOUND");
      const SyncReport would =
          testing::Must(Preview(home.db.get(), home.World(), {.session = std::string(id)}));
      for (const HostReport& host : would.hosts) CHECK(host.changed == 0);
    }
    CHECK(home.One("SELECT count(*) FROM session") == "0");
    home.Sync();
    const std::string id = home.One("SELECT session_id FROM session");
    CHECK(!home.Sync({.session = id}).changed);  // known, and nothing is new
    CHECK(home.SyncCodex({.force = true, .session = id}).changed == 1);
  }
}

}  // namespace selftune::sync
