#include "store/backup.h"

#include <set>
#include <string>
#include <thread>
#include <vector>

#include <doctest/doctest.h>

#include "base/file.h"
#include "base/time.h"
#include "unit/store/store_fixture.h"

namespace selftune::store {
namespace {

using testing::kNow;
using testing::Must;
using testing::One;
using testing::TempStore;

void AddSessions(TempStore& store, const std::string& prefix, int count) {
  store.Write([&](IngestWriter& w) {
    for (int i = 0; i < count; ++i) Must(w.EnsureSession("pi", prefix + std::to_string(i)));
  });
}

}  // namespace

TEST_SUITE("store/backup") {
  TEST_CASE("a backup holds what was committed, also what only the log has") {
    TempStore store;
    AddSessions(store, "a", 3);
    const BackupReport report = Must(CreateBackup(store.path(), kNow));
    CHECK(report.backup.bytes > 0);
    CHECK(report.sha256.size() == 64);
    CHECK((Must(base::Stat(report.backup.path)).mode & 0777U) == 0600U);
    AddSessions(store, "b", 2);
    const auto copy = Must(Db::Open(report.backup.path, {}));
    CHECK(One(*copy, "SELECT count(*) FROM sessions") == "3");
    CHECK(Must(VerifyBackup(store.path(), report.backup.id)).ok);
    for (const base::DirEntry& entry : Must(base::ListDir(store.dir() / "backups"))) {
      CHECK(entry.name.ends_with(".db"));  // and nothing beside it
    }
  }

  TEST_CASE("backups made at the same time are each whole, and nothing else is left") {
    TempStore store;
    AddSessions(store, "a", 300);
    constexpr size_t kMakers = 8;
    std::vector<std::string> ids(kMakers), failures(kMakers);
    std::vector<std::thread> makers;
    for (size_t i = 0; i < kMakers; ++i) {
      makers.emplace_back([&, i] {
        const auto report = CreateBackup(store.path(), kNow);  // all in one millisecond
        if (report.ok()) {
          ids[i] = report->backup.id;
        } else {
          failures[i] = Message(report.status());
        }
      });
    }
    for (std::thread& maker : makers) maker.join();
    CHECK(failures == std::vector<std::string>(kMakers));
    CHECK(std::set<std::string>(ids.begin(), ids.end()).size() == kMakers);
    for (const std::string& id : ids) CHECK(Must(VerifyBackup(store.path(), id)).ok);
    CHECK(Must(base::ListDir(store.dir() / "backups")).size() == kMakers);
  }

  TEST_CASE("a backup that was only just made is not thinned out, however many there are") {
    TempStore store;
    std::vector<std::string> ids;
    for (int i = 0; i < 3; ++i) ids.push_back(Must(CreateBackup(store.path(), kNow)).backup.id);
    CHECK(Must(PruneBackups(store.path(), kNow)).empty());
    for (const std::string& id : ids) CHECK(Must(VerifyBackup(store.path(), id)).ok);
    CHECK(Must(PruneBackups(store.path(), UtcMillis{kNow.value + 2 * 3'600'000})).size() == 2);
  }

  TEST_CASE("what a backup that died left is not taken for one, and goes after a day") {
    TempStore store;
    const BackupReport report = Must(CreateBackup(store.path(), kNow));
    for (const char* part : {".tmp", ".tmp-wal", ".tmp-shm"}) {
      REQUIRE(base::WriteFileNew(report.backup.path + part, "half", 0600).ok());
    }
    CHECK(Must(CreateBackup(store.path(), kNow)).backup.id != report.backup.id);
    const int64_t made = Must(base::Stat(report.backup.path + ".tmp")).mtime_ns / 1'000'000;
    Must(PruneBackups(store.path(), UtcMillis{made + 1000}));
    CHECK(base::Exists(report.backup.path + ".tmp"));
    Must(PruneBackups(store.path(), UtcMillis{made + 2 * 86'400'000}));
    for (const base::DirEntry& entry : Must(base::ListDir(store.dir() / "backups"))) {
      CHECK(entry.name.ends_with(".db"));
    }
  }

  TEST_CASE("restoring puts the copy in place and keeps what was there") {
    TempStore store;
    AddSessions(store, "a", 3);
    const BackupReport report = Must(CreateBackup(store.path(), kNow));
    AddSessions(store, "b", 2);
    const RestoreReport restored = Must(RestoreBackup(store.path(), report.backup.id, kNow));
    const auto now = Must(Db::Open(store.path(), {.mode = OpenMode::kReadWrite}));
    CHECK(One(*now, "SELECT count(*) FROM sessions") == "3");
    CHECK(One(*now, "PRAGMA journal_mode") == "wal");
    const auto before = Must(Db::Open(restored.moved_aside, {}));
    CHECK(One(*before, "SELECT count(*) FROM sessions") == "5");
    CHECK(base::Exists(report.backup.path));
  }

  TEST_CASE("a damaged backup is found out and never restored") {
    TempStore store;
    AddSessions(store, "a", 3);
    const BackupReport report = Must(CreateBackup(store.path(), kNow));
    std::string bytes = Must(base::ReadFile(report.backup.path, 64 << 20));
    for (size_t page = 1; page * 4096 < bytes.size(); page += 2)
      bytes.replace(page * 4096, 100, 100, '\x7f');
    REQUIRE_OK(base::WriteFileAtomic(report.backup.path, bytes, 0600));
    const BackupCheck check = Must(VerifyBackup(store.path(), report.backup.id));
    CHECK(!check.ok);
    CHECK(!check.problem.empty());
    const Status refused = RestoreBackup(store.path(), report.backup.id, kNow).status();
    CHECK(CodeOf(refused).name == "STORE_CORRUPT");
    CHECK(One(store.db(), "SELECT count(*) FROM sessions") == "3");
  }

  TEST_CASE("a backup that is not there is not found") {
    TempStore store;
    CHECK(CodeOf(VerifyBackup(store.path(), "20260101T000000000Z").status()).name == "NOT_FOUND");
    CHECK(CodeOf(RestoreBackup(store.path(), "../../etc/passwd", kNow).status()).name ==
          "NOT_FOUND");
    CHECK(Must(ListBackups(store.path())).empty());
  }

  TEST_CASE("a store that is being written is not replaced") {
    TempStore store;
    AddSessions(store, "a", 1);
    const BackupReport report = Must(CreateBackup(store.path(), kNow));
    const WriteTxn held = Must(WriteTxn::Begin(store.db()));
    // The holder's lock belongs to this process; another connection waits.
    const Status busy =
        RestoreBackup(store.path(), report.backup.id, kNow, std::chrono::milliseconds(50)).status();
    CHECK(CodeOf(busy).name == "STORE_BUSY");
  }

  TEST_CASE("old backups go: one a day for a week, one a week for a month, the newest always") {
    TempStore store;
    for (int age = 60; age >= 0; --age) {
      Must(CreateBackup(store.path(), UtcMillis{kNow.value - age * kDayMs - 3'600'000}));
      if (age < 2) Must(CreateBackup(store.path(), UtcMillis{kNow.value - age * kDayMs}));
    }
    const std::vector<std::string> removed = Must(PruneBackups(store.path(), kNow));
    const std::vector<BackupInfo> kept = Must(ListBackups(store.path()));
    CHECK(kept.size() + removed.size() == 63);
    CHECK(kept.front().at == kNow);
    CHECK(kept.size() >= 9);
    CHECK(kept.size() <= 12);
    for (const BackupInfo& backup : kept) CHECK(kNow.value - backup.at.value <= 29 * kDayMs);
    CHECK(Must(PruneBackups(store.path(), kNow)).empty());
  }
}

}  // namespace selftune::store
