// From one schema version to the next: a copy first, whole steps only, whatever
// happens in the middle.
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "store/backup.h"
#include "store/migrate.h"
#include "unit/store/store_fixture.h"

namespace selftune::store {
namespace {

using testing::kNow;
using testing::Must;
using testing::One;
using testing::Rows;
using testing::TempStore;

// A step as one will look: a new column, filled from what is there.
Status NoteLength(Db& db) {
  ST_RETURN_IF_ERROR(db.Execute("ALTER TABLE session ADD COLUMN id_length INTEGER"));
  return db.Execute("UPDATE session SET id_length=length(session_id)");
}

Status HalfThenDie(Db& db) {
  ST_RETURN_IF_ERROR(NoteLength(db));
  kill(getpid(), SIGKILL);
  return absl::OkStatus();
}

Status HalfThenFail(Db& db) {
  ST_RETURN_IF_ERROR(NoteLength(db));
  return db.Execute("INSERT INTO no_such_table VALUES(1)");
}

Status NoteMore(Db& db) { return db.Execute("CREATE TABLE later(x INTEGER) STRICT"); }

void Fill(TempStore& store) {
  store.Write([](IngestWriter& w) {
    for (int i = 0; i < 50; ++i) {
      const SessionPk session = Must(w.EnsureSession("pi", "session-" + std::to_string(i)));
      Must(w.UpsertPrompt(session, {.seq = 0, .text = "text " + std::to_string(i), .at = kNow}));
    }
  });
}

int64_t VersionOf(const std::string& path) {
  const auto db = Must(Db::OpenUnchecked(path, /*read_only=*/true));
  return Must(db->QueryInt("PRAGMA user_version", -1));
}

const std::vector<Migration>& Good() {
  static const std::vector<Migration> steps = {{1, NoteLength}, {2, NoteMore}};
  return steps;
}

}  // namespace

TEST_SUITE("store/migrate") {
  TEST_CASE("a copy of the older version is made before anything changes") {
    TempStore store;
    Fill(store);
    const std::string before = One(store.db(), "SELECT group_concat(session_id) FROM session");
    const MigrateReport report = Must(MigrateWith(store.path(), Good(), 3));
    CHECK(report.from == 1);
    CHECK(report.to == 3);
    CHECK(VersionOf(store.path()) == 3);
    const auto copies = Must(ListBackups(store.path()));
    REQUIRE(copies.size() == 1);
    CHECK(copies[0].path == report.backup_path);
    CHECK(Must(VerifyBackup(store.path(), copies[0].id)).ok);
    CHECK(VersionOf(report.backup_path) == 1);
    const auto copy = Must(Db::Open(report.backup_path, {}));
    CHECK(One(*copy, "SELECT group_concat(session_id) FROM session") == before);
    // Back to it, and forward once more.
    Must(RestoreBackup(store.path(), copies[0].id, kNow));
    CHECK(VersionOf(store.path()) == 1);
    CHECK(Must(MigrateWith(store.path(), Good(), 3)).to == 3);
  }

  TEST_CASE("killed in the middle of a step: the version before, whole; the next run ends it") {
    TempStore store;
    Fill(store);
    const Migration steps[] = {{1, NoteMore}, {2, HalfThenDie}};
    const pid_t child = fork();
    REQUIRE(child >= 0);
    if (child == 0) {
      const auto ignored = MigrateWith(store.path(), steps, 3);
      _exit(ignored.ok() ? 0 : 1);
    }
    int status = 0;
    REQUIRE(waitpid(child, &status, 0) == child);
    REQUIRE(WIFSIGNALED(status));
    CHECK(VersionOf(store.path()) == 2);  // the first step is done
    {
      const auto db = Must(Db::OpenUnchecked(store.path()));
      CHECK(One(*db, "PRAGMA integrity_check") == "ok");
      CHECK(One(*db, "SELECT count(*) FROM session") == "50");
      CHECK(One(*db, "SELECT count(*) FROM pragma_table_info('session') WHERE name='id_length'") ==
            "0");
      CHECK(One(*db, "SELECT count(*) FROM sessions") == "50");  // its views are whole, too
    }
    const Migration repaired[] = {{1, NoteMore}, {2, NoteLength}};
    const MigrateReport report = Must(MigrateWith(store.path(), repaired, 3));
    CHECK(report.from == 2);
    CHECK(report.to == 3);
    const auto db = Must(Db::OpenUnchecked(store.path()));
    CHECK(One(*db, "SELECT count(*) FROM session WHERE id_length=length(session_id)") == "50");
  }

  TEST_CASE("a step that fails changes nothing and says which") {
    TempStore store;
    Fill(store);
    const Migration steps[] = {{1, HalfThenFail}};
    const Status failed = MigrateWith(store.path(), steps, 2).status();
    CHECK(!failed.ok());
    CHECK(VersionOf(store.path()) == 1);
    CHECK(One(store.db(),
              "SELECT count(*) FROM pragma_table_info('session') WHERE "
              "name='id_length'") == "0");
    const Status missing = MigrateWith(store.path(), {}, 2).status();
    CHECK(std::string(Message(missing)).find("no step from schema version 1") != std::string::npos);
  }

  TEST_CASE("nobody goes back: a newer store is neither written nor migrated") {
    TempStore store;
    Fill(store);
    Must(MigrateWith(store.path(), Good(), 3));
    for (const OpenMode mode : {OpenMode::kReadWrite, OpenMode::kCreate}) {
      const Status refused = Db::Open(store.path(), {.mode = mode}).status();
      CHECK(CodeOf(refused).name == "SCHEMA_NEWER");
    }
    // min_reader says that this one may still read it.
    const auto reader = Must(Db::Open(store.path(), {}));
    CHECK(One(*reader, "SELECT count(*) FROM sessions") == "50");
    CHECK(Must(Migrate(store.path())).backup_path.empty());
    CHECK(VersionOf(store.path()) == 3);
    const auto writer = Must(Db::OpenUnchecked(store.path()));
    REQUIRE_OK(writer->Execute("UPDATE meta SET value='3' WHERE key='min_reader'"));
    CHECK(CodeOf(Db::Open(store.path(), {}).status()).name == "SCHEMA_NEWER");
  }
}

}  // namespace selftune::store
