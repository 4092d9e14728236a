// What hosts sum up themselves about the uses of skills.
#include <sqlite3.h>

#include <string>
#include <utility>
#include <vector>

#include <doctest/doctest.h>

#include "base/env.h"
#include "hosts/claude_code/source.h"
#include "hosts/openclaw/source.h"
#include "hosts/sources.h"
#include "support/temp_dir.h"
#include "support/test_files.h"

namespace selftune::hosts {
namespace {

using Counts = std::vector<std::pair<std::string, int64_t>>;

base::Environment At(const std::string& home) {
  base::Environment env;
  env.Set("HOME", home);
  return env;
}

Counts Counted(const ingest::Source& source, const std::string& home) {
  const auto counted = source.CountedUses(At(home));
  REQUIRE_MESSAGE(counted.ok(), counted.status());
  Counts out;
  for (const ingest::HostCount& host : *counted) out.emplace_back(host.skill, host.uses);
  return out;
}

void MakeDb(const std::string& path, const char* sql) {
  sqlite3* db = nullptr;
  REQUIRE(sqlite3_open(path.c_str(), &db) == SQLITE_OK);
  CHECK(sqlite3_exec(db, sql, nullptr, nullptr, nullptr) == SQLITE_OK);
  sqlite3_close(db);
}

}  // namespace

TEST_SUITE("hosts/counted_uses") {
  TEST_CASE("Claude Code keeps them in its state file, as its recording shows") {
    const Counts counted =
        Counted(claude_code::TranscriptSource(), testing::DataPath("hosts/claude-code/home"));
    CHECK(counted == Counts{{"changelog-writer", 9},
                            {"standup", 1},
                            {"secret-scan", 1},
                            {"sql-helper", 5},
                            {"forked-audit", 3},
                            {"db-migrate", 3},
                            {"acme:deploy-check", 1}});
  }

  TEST_CASE("OpenClaw keeps them in its own store, a row a file") {
    const testing::TempDir dir;
    CHECK(Counted(OpenClawSource(), dir.path()).empty());
    dir.Write(".openclaw/state/note", "");
    const std::string path = dir / ".openclaw/state/openclaw.sqlite";
    MakeDb(path, "CREATE TABLE other(x)");  // of a version that counted nothing
    CHECK(Counted(OpenClawSource(), dir.path()).empty());
    MakeDb(path,
           "CREATE TABLE skill_usage(skill_file TEXT PRIMARY KEY, skill_key TEXT, skill_name TEXT,"
           " use_count INTEGER);"
           "INSERT INTO skill_usage VALUES('/a/csv/SKILL.md','csv','csv',2),"
           "('/b/csv/SKILL.md','csv','csv',3),('/a/pdf/SKILL.md','pdf','pdf',1)");
    CHECK(Counted(OpenClawSource(), dir.path()) == Counts{{"csv", 5}, {"pdf", 1}});
  }

  TEST_CASE("what cannot be read is an error, what is not there is nothing") {
    const testing::TempDir dir;
    for (const ingest::Source* source : Sources()) {
      CAPTURE(source->platform());
      CHECK(Counted(*source, dir.path()).empty());
    }
    dir.Write(".claude.json", "{\"skillUsage\":");
    CHECK_FALSE(claude_code::TranscriptSource().CountedUses(At(dir.path())).ok());
    dir.Write(".claude.json", R"({"skillUsage":{"pdf":7,"csv":{"usageCount":"two"}}})");
    CHECK(Counted(claude_code::TranscriptSource(), dir.path()) == Counts{{"pdf", 0}, {"csv", 0}});
    dir.Write(".openclaw/state/openclaw.sqlite", std::string(4096, 'x'));
    CHECK_FALSE(OpenClawSource().CountedUses(At(dir.path())).ok());
  }
}

}  // namespace selftune::hosts
