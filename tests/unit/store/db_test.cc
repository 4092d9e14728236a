#include "store/db.h"

#include <sys/stat.h>
#include <unistd.h>

#include <chrono>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "base/file.h"
#include "store/backup.h"
#include "store/bulk_run.h"
#include "store/migrate.h"
#include "store/queries/health.h"
#include "support/test_files.h"
#include "unit/store/store_fixture.h"

namespace selftune::store {
namespace {

using selftune::testing::TempDir;
using testing::Must;
using testing::One;
using testing::Rows;
using testing::TempStore;

std::string_view CodeName(const Status& status) { return CodeOf(status).name; }

std::string_view OpenCode(const std::string& path, OpenMode mode) {
  const auto db = Db::Open(path, {.mode = mode});
  return db.ok() ? std::string_view("OK") : CodeName(db.status());
}

uint32_t ModeOf(const std::string& path) { return Must(base::Stat(path)).mode & 0777U; }

Status AddColumn(Db& db) { return db.Execute("ALTER TABLE workspace ADD COLUMN note TEXT"); }
Status AddAnother(Db& db) { return db.Execute("ALTER TABLE workspace ADD COLUMN more TEXT"); }
Status Break(Db& db) {
  ST_RETURN_IF_ERROR(db.Execute("DROP TABLE budget"));
  return Fail(kInternal, "out of luck");
}

}  // namespace

TEST_SUITE("store/db") {
  TEST_CASE("a missing store is named with what to do next") {
    TempDir dir;
    for (const OpenMode mode : {OpenMode::kReadOnly, OpenMode::kReadWrite}) {
      const auto db = Db::Open(dir / "selftune.db", {.mode = mode});
      REQUIRE(!db.ok());
      CHECK(CodeName(db.status()) == "STORE_MISSING");
      CHECK(NextCommand(db.status()) == "selftune sync");
    }
    CHECK(!base::Exists(dir / "selftune.db"));
  }

  TEST_CASE("the new file and its folder are for the owner only") {
    TempDir dir;
    const std::string path = dir / "state/selftune.db";
    const auto db = Must(Db::Open(path, {.mode = OpenMode::kCreate}));
    CHECK(ModeOf(dir / "state") == 0700);
    CHECK(ModeOf(path) == 0600);
    CHECK(ModeOf(path + "-wal") == 0600);
    CHECK(ModeOf(path + "-shm") == 0600);
    CHECK(Rows(*db, "SELECT version,store_schema,store_created_at IS NOT NULL FROM sql_contract",
               3) == std::vector<std::string>{"1|1|1"});
  }

  TEST_CASE("a database of another program is never touched") {
    TempDir dir;
    const std::string path = dir / "selftune.db";
    {
      // The reference's file: tables, but no mark.
      REQUIRE_OK(base::WriteFileNew(path, "", 0600));
      const auto theirs = Must(Db::OpenUnchecked(path));
      REQUIRE_OK(theirs->Execute("CREATE TABLE sessions(session_id TEXT)"));
    }
    const std::string before = Must(base::ReadFile(path, 1 << 20));
    for (const OpenMode mode : {OpenMode::kReadOnly, OpenMode::kReadWrite, OpenMode::kCreate}) {
      const auto db = Db::Open(path, {.mode = mode});
      REQUIRE(!db.ok());
      CHECK(CodeName(db.status()) == "STORE_FOREIGN");
      CHECK(!NextCommand(db.status()).empty());
    }
    CHECK(Must(base::ReadFile(path, 1 << 20)) == before);
  }

  TEST_CASE("a file that is no database is corrupt, not foreign") {
    TempDir dir;
    const std::string path = dir.Write("selftune.db", std::string(8192, 'x'));
    CHECK(OpenCode(path, OpenMode::kReadOnly) == "STORE_CORRUPT");
    CHECK(OpenCode(path, OpenMode::kCreate) == "STORE_CORRUPT");
  }

  TEST_CASE("a damaged page is reported as corrupt") {
    TempStore store;
    store.Write([](IngestWriter& w) {
      for (int i = 0; i < 300; ++i) Must(w.InternBody(std::string(2000, 'a') + std::to_string(i)));
    });
    REQUIRE_OK(store.db().Checkpoint(/*truncate=*/true));
    std::string bytes = Must(base::ReadFile(store.path(), 64 << 20));
    for (size_t page = 8; page * 4096 < bytes.size(); ++page)
      bytes.replace(page * 4096, 64, 64, '\x5a');
    const std::string copy = store.dir().Write("copy.db", bytes);
    const auto db = Db::Open(copy, {});
    if (!db.ok()) {
      CHECK(CodeName(db.status()) == "STORE_CORRUPT");
      return;
    }
    const auto count = (*db)->QueryInt("SELECT sum(length(text)) FROM body", 0);
    REQUIRE(!count.ok());
    CHECK(CodeName(count.status()) == "STORE_CORRUPT");
  }

  TEST_CASE("a store that is written over under its reader is an error, not its end") {
    TempStore store;
    store.Write([](IngestWriter& w) {
      for (int i = 0; i < 300; ++i) Must(w.InternBody(std::string(2000, 'a') + std::to_string(i)));
    });
    REQUIRE_OK(store.db().Checkpoint(/*truncate=*/true));
    // With something in the log the reader does not look at the file's size.
    store.Write([](IngestWriter& w) { testing::AddSource(w, "/later.jsonl"); });
    const auto reader = store.Open(OpenMode::kReadOnly);
    CHECK(One(*reader, "SELECT count(*) FROM source_files") == "1");
    REQUIRE(truncate(store.path().c_str(), 64 << 10) == 0);
    const auto sum = reader->QueryInt("SELECT sum(length(text)) FROM body", 0);
    REQUIRE(!sum.ok());
    CHECK(CodeName(sum.status()) == "STORE_CORRUPT");
  }

  TEST_CASE("a newer schema is refused for writing, readable if it says so") {
    TempStore store;
    REQUIRE_OK(store.db().Execute("PRAGMA user_version=7"));
    const auto refused = Db::Open(store.path(), {.mode = OpenMode::kReadWrite});
    REQUIRE(!refused.ok());
    CHECK(CodeName(refused.status()) == "SCHEMA_NEWER");
    CHECK(CodeOf(refused.status()).exit_code == 5);
    CHECK(OpenCode(store.path(), OpenMode::kCreate) == "SCHEMA_NEWER");
    CHECK(OpenCode(store.path(), OpenMode::kReadOnly) == "OK");
    REQUIRE_OK(store.db().Execute("UPDATE meta SET value='7' WHERE key='min_reader'"));
    CHECK(OpenCode(store.path(), OpenMode::kReadOnly) == "SCHEMA_NEWER");
  }

  TEST_CASE("a reader cannot write") {
    TempStore store;
    const auto reader = store.Open(OpenMode::kReadOnly);
    CHECK(CodeName(WriteTxn::Begin(*reader).status()) == "STORE_READ_ONLY");
    CHECK(CodeName(reader->Execute("DELETE FROM meta")) == "STORE_READ_ONLY");
  }

  TEST_CASE("a full disk fails the transaction and keeps what was there") {
    TempStore store;
    store.Write([](IngestWriter& w) { Must(w.EnsureSession("pi", "kept")); });
    const auto small =
        Must(Db::Open(store.path(), {.mode = OpenMode::kReadWrite, .max_pages = 200}));
    IngestWriter writer(*small, testing::kNow);
    Status failure;
    {
      WriteTxn txn = Must(WriteTxn::Begin(*small));
      for (int i = 0; i < 500 && failure.ok(); ++i) {
        failure = writer.InternBody(std::string(4000, 'b') + std::to_string(i)).status();
      }
    }
    REQUIRE(!failure.ok());
    CHECK(CodeName(failure) == "STORE_FULL");
    CHECK(CodeOf(failure).retryable);
    CHECK(One(store.db(), "SELECT count(*) FROM body") == "0");
    CHECK(One(store.db(), "SELECT count(*) FROM sessions") == "1");
    // The writer and its connection go on once there is room.
    REQUIRE_OK(small->Execute("PRAGMA max_page_count=100000"));
    WriteTxn txn = Must(WriteTxn::Begin(*small));
    Must(writer.EnsureSession("pi", "later"));
    REQUIRE_OK(txn.Commit());
    CHECK(One(store.db(), "SELECT count(*) FROM sessions") == "2");
  }

  TEST_CASE("waiting for another writer ends with STORE_BUSY") {
    TempStore store;
    const WriteTxn held = Must(WriteTxn::Begin(store.db()));
    const auto other =
        Must(Db::Open(store.path(), {.mode = OpenMode::kReadWrite,
                                     .busy_timeout = std::chrono::milliseconds(60)}));
    const auto txn = WriteTxn::Begin(*other);
    REQUIRE(!txn.ok());
    CHECK(CodeName(txn.status()) == "STORE_BUSY");
    CHECK(CodeOf(txn.status()).retryable);
  }

  TEST_CASE("folding in the log waits for no reader") {
    TempStore store;
    const auto reader = store.Open(OpenMode::kReadOnly);
    Cursor rows = Must(reader->Query("SELECT 1 FROM meta"));
    REQUIRE(Must(rows.Next()));  // holds its snapshot
    store.Write([](IngestWriter& w) { testing::AddSource(w, "/later.jsonl"); });
    const auto started = std::chrono::steady_clock::now();
    CHECK_OK(store.db().Checkpoint(/*truncate=*/true));
    CHECK(std::chrono::steady_clock::now() - started < std::chrono::seconds(10));
    CHECK(Must(rows.Next()));
    CHECK(One(store.db(), "SELECT count(*) FROM source_files") == "1");
  }

  TEST_CASE("a run of many transactions goes into the file at its end") {
    TempStore store;
    const auto write = [&store](int begin, int end) {
      for (int i = begin; i < end; ++i) {
        store.Write([i](IngestWriter& w) {
          Must(w.InternBody(std::string(400'000, 'b') + std::to_string(i)));
        });
      }
    };
    const auto file_size = [&store] { return Must(base::Stat(store.path())).size; };
    const uint64_t before = file_size();
    {
      const BulkRun bulk(store.db());
      write(0, 15);  // 1,500 pages
      CHECK(file_size() == before);
    }
    write(15, 16);
    CHECK(file_size() > before + 15 * 400'000);
  }

  TEST_CASE("a broken constraint is our mistake and says so") {
    TempStore store;
    const WriteTxn txn = Must(WriteTxn::Begin(store.db()));
    const Status status = store.db().Execute(
        "INSERT INTO prompt(session_pk,prompt_key,prompt_id,seq,kind,"
        "actionable,body_id,capture) VALUES(99,zeroblob(16),'x',0,'user',1,1,'hook')");
    CHECK(CodeName(status) == "STORE_CONSTRAINT");
  }

  TEST_CASE("a finished query does not begin again") {
    TempStore store;
    Cursor rows = Must(store.db().Query("SELECT 1"));
    CHECK(Must(rows.Next()));
    for (int i = 0; i < 3; ++i) CHECK(!Must(rows.Next()));
  }

  TEST_CASE("the same statement may run inside itself") {
    TempStore store;
    static constexpr char kSql[] = "SELECT column1 FROM (VALUES(1),(2))";
    Cursor outer = Must(store.db().Query(kSql));
    int pairs = 0;
    while (Must(outer.Next())) {
      Cursor inner = Must(store.db().Query(kSql));
      while (Must(inner.Next())) ++pairs;
    }
    CHECK(pairs == 4);
  }

  TEST_CASE("hosts a registry knows are added when the store is opened for writing") {
    TempStore store;
    const HostName hosts[] = {{"newhost", "New Host"}, {"pi", "Pi"}};
    Must(Db::Open(store.path(), {.mode = OpenMode::kReadWrite, .hosts = hosts}));
    CHECK(One(store.db(), "SELECT name FROM host WHERE platform='newhost'") == "New Host");
    CHECK(One(store.db(), "SELECT count(*) FROM host") == "11");
  }

  TEST_CASE("views of an older program are made anew") {
    TempStore store;
    REQUIRE_OK(
        store.db().Execute("DROP VIEW queries; CREATE VIEW queries AS SELECT 1 AS old;"
                           "UPDATE meta SET value='x' WHERE key='views_sha256'"));
    const auto again = store.Open(OpenMode::kCreate);
    CHECK(One(*again, "SELECT count(*) FROM queries") == "0");
  }

  TEST_CASE(
      "indexes that an older program had not are made, and what they are for is read without until "
      "then") {
    TempStore store;
    REQUIRE_OK(store.db().Execute(
        "DROP INDEX label_facts; CREATE INDEX label_skill ON label(skill_id,label);"
        "DROP INDEX prompt_facts"));
    constexpr char kIndexes[] =
        "SELECT group_concat(name) FROM (SELECT name FROM sqlite_schema WHERE type='index' AND "
        "(tbl_name='label' AND name LIKE 'label%' OR name='prompt_facts') ORDER BY name)";
    const auto reader = store.Open(OpenMode::kReadOnly);
    CHECK(One(*reader, kIndexes) == "label_skill");
    CHECK(Must(ReadJudgedPrompts(*reader, {})).empty());
    CHECK(Must(ReadJudgedSessions(*reader, {})).empty());
    CHECK(One(*store.Open(OpenMode::kCreate), kIndexes) == "label_facts,prompt_facts");
  }
}

TEST_SUITE("store/migrate") {
  TEST_CASE("migrations run in order, after a backup") {
    TempStore store;
    const Migration steps[] = {{1, AddColumn}, {2, AddAnother}};
    const MigrateReport report = Must(MigrateWith(store.path(), steps, 3));
    CHECK(report.from == 1);
    CHECK(report.to == 3);
    CHECK(base::Exists(report.backup_path));
    const auto db = Must(Db::OpenUnchecked(store.path()));
    CHECK(One(*db, "PRAGMA user_version") == "3");
    CHECK(One(*db, "SELECT store_schema FROM sql_contract") == "3");
    CHECK(One(*db,
              "SELECT count(*) FROM pragma_table_info('workspace') WHERE name IN('note','more')") ==
          "2");
    CHECK(Must(MigrateWith(store.path(), steps, 3)).backup_path.empty());
  }

  TEST_CASE("a step that fails leaves the version before it, and is tried again") {
    TempStore store;
    const Migration broken[] = {{1, AddColumn}, {2, Break}};
    CHECK(!MigrateWith(store.path(), broken, 3).ok());
    {
      const auto db = Must(Db::OpenUnchecked(store.path()));
      CHECK(One(*db, "PRAGMA user_version") == "2");
      CHECK(One(*db, "SELECT count(*) FROM budget") == "0");
      CHECK(One(*db, "SELECT count(*) FROM sessions") == "0");
    }
    const Migration repaired[] = {{1, AddColumn}, {2, AddAnother}};
    const MigrateReport report = Must(MigrateWith(store.path(), repaired, 3));
    CHECK(report.from == 2);
    CHECK(report.to == 3);
    CHECK(Must(ListBackups(store.path())).size() == 2);
  }

  TEST_CASE("the embedded schema is the one in the files") {
    const std::string dir = selftune::testing::TestsDir() + "/../libselftune/src/store";
    CHECK(Must(base::ReadFile(dir + "/schema.sql", 1 << 20)) == SchemaSql());
    CHECK(Must(base::ReadFile(dir + "/views.sql", 1 << 20)) == ViewsSql());
  }
}

}  // namespace selftune::store
