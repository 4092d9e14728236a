// Changes of skills that OpenClaw's workshop proposes. The table is that of the recording
// hosts/openclaw/2026.9.6 (state/openclaw.sqlite), which has no row; what a record holds is
// known from OpenClaw's published sources (schema openclaw.skill-workshop.proposal.v1).
#include <sqlite3.h>

#include <string>
#include <utility>
#include <vector>

#include <doctest/doctest.h>
#include <fmt/format.h>

#include "base/env.h"
#include "base/file.h"
#include "hosts/openclaw/source.h"
#include "hosts/sources.h"
#include "support/temp_dir.h"

namespace selftune::hosts {
namespace {

constexpr char kTable[] =
    "CREATE TABLE skill_workshop_proposals(proposal_id TEXT NOT NULL PRIMARY KEY, "
    "record_json TEXT NOT NULL, owner_agent_id TEXT, "
    "kind TEXT NOT NULL CHECK(kind IN('create','update')), "
    "status TEXT NOT NULL CHECK(status IN('pending','applied','rejected','quarantined','stale')), "
    "created_at TEXT NOT NULL, updated_at TEXT NOT NULL, draft_hash TEXT NOT NULL, "
    "origin_agent_id TEXT, origin_session_key TEXT, origin_run_id TEXT, origin_message_id TEXT, "
    "applied_at TEXT, rejected_at TEXT, quarantined_at TEXT, stale_at TEXT, status_reason TEXT) "
    "STRICT;";

std::string Row(std::string_view id, std::string_view status, std::string_view record) {
  return fmt::format(
      "INSERT INTO skill_workshop_proposals(proposal_id,record_json,kind,status,created_at,"
      "updated_at,draft_hash) VALUES('{}','{}','update','{}','2026-09-23T16:33:12Z',"
      "'2026-09-23T16:33:12Z','h');",
      id, record, status);
}

std::string For(std::string_view file) {
  return fmt::format(
      R"({{"schema":"openclaw.skill-workshop.proposal.v1","kind":"update",)"
      R"("target":{{"skillName":"csv","skillKey":"csv","skillDir":"/s/csv","skillFile":"{}"}}}})",
      file);
}

struct Scene {
  testing::TempDir dir;
  std::string path = dir / ".openclaw/state/openclaw.sqlite";
  std::vector<std::string> problems;

  void Make(const std::string& sql) {
    dir.Write(".openclaw/state/note", "");
    sqlite3* db = nullptr;
    REQUIRE(sqlite3_open(path.c_str(), &db) == SQLITE_OK);
    REQUIRE(sqlite3_exec(db, sql.c_str(), nullptr, nullptr, nullptr) == SQLITE_OK);
    sqlite3_close(db);
  }
  // File and what is said of it.
  std::vector<std::pair<std::string, std::string>> Pending() {
    base::Environment env;
    env.Set("HOME", dir.path());
    problems.clear();
    std::vector<std::pair<std::string, std::string>> out;
    for (const ingest::PendingChange& change : OpenClawSource().PendingChanges(env, problems)) {
      CHECK(change.command == "openclaw skills workshop list");
      out.emplace_back(change.skill_file, change.what);
    }
    return out;
  }
};

}  // namespace

TEST_SUITE("hosts/workshop") {
  TEST_CASE("a proposal that nobody decided about is pending, every other is not") {
    Scene scene;
    std::string sql = kTable;
    for (const char* status : {"applied", "rejected", "quarantined", "stale"}) {
      sql += Row(status, status, For("/s/pdf/SKILL.md"));
    }
    sql +=
        Row("p2", "pending", For("/s/zip/SKILL.md")) + Row("p1", "pending", For("/s/csv/SKILL.md"));
    scene.Make(sql);
    const std::string before = *base::ReadFile(scene.path, 1 << 20);
    CHECK(scene.Pending() == std::vector<std::pair<std::string, std::string>>{
                                 {"/s/csv/SKILL.md", "OpenClaw's skill workshop has proposal p1"},
                                 {"/s/zip/SKILL.md", "OpenClaw's skill workshop has proposal p2"}});
    CHECK(scene.problems.empty());
    CHECK(*base::ReadFile(scene.path, 1 << 20) == before);
    CHECK(base::ListDir(scene.dir / ".openclaw/state")->size() == 2);  // nothing beside it
  }

  TEST_CASE("without a store, and in one from before the workshop, nothing is pending") {
    Scene scene;
    for (const ingest::Source* source : Sources()) {
      CAPTURE(source->platform());
      base::Environment env;
      env.Set("HOME", scene.dir.path());
      CHECK(source->PendingChanges(env, scene.problems).empty());
    }
    CHECK(scene.problems.empty());
    scene.Make("CREATE TABLE skill_usage(x)");
    CHECK(scene.Pending().empty());
    CHECK(scene.problems.empty());
  }

  TEST_CASE("what cannot be understood is told, the rest is read") {
    struct Case {
      const char* name;
      std::string sql;
      size_t pending;
      std::string problem;  // behind the path
    };
    const std::string good = Row("p2", "pending", For("/s/csv/SKILL.md"));
    const Case cases[] = {
        {"a record that is no JSON", kTable + Row("p1", "pending", "{") + good, 1,
         ": proposal p1 names no file of a skill"},
        {"a record of another shape", kTable + Row("p1", "pending", R"({"target":"csv"})") + good,
         1, ": proposal p1 names no file of a skill"},
        {"another table",
         "CREATE TABLE skill_workshop_proposals(proposal_id TEXT, state TEXT, record_json TEXT)", 0,
         ": it has no skill_workshop_proposals.status"},
    };
    for (const Case& one : cases) {
      CAPTURE(one.name);
      Scene scene;
      scene.Make(one.sql);
      CHECK(scene.Pending().size() == one.pending);
      CHECK(scene.problems == std::vector<std::string>{scene.path + one.problem});
    }
    Scene scene;
    scene.dir.Write(".openclaw/state/openclaw.sqlite", std::string(4096, 'x'));
    CHECK(scene.Pending().empty());
    REQUIRE(scene.problems.size() == 1);
    CHECK(scene.problems[0].find(scene.path) != std::string::npos);
  }
}

}  // namespace selftune::hosts
