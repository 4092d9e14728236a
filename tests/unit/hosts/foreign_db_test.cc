#include "hosts/common/foreign_db.h"

#include <sqlite3.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <memory>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "base/file.h"
#include "hosts/common/foreign_file.h"
#include "support/temp_dir.h"

namespace selftune::hosts {
namespace {

constexpr std::array<std::string_view, 2> kTables = {"part", "absent"};

// The program whose store it is.
class Host {
 public:
  Host(const std::string& path, const char* journal) {
    REQUIRE(sqlite3_open(path.c_str(), &db_) == SQLITE_OK);
    Run(("PRAGMA journal_mode=" + std::string(journal)).c_str());
    Run("PRAGMA wal_autocheckpoint=0");
    Run("CREATE TABLE IF NOT EXISTS part(id TEXT PRIMARY KEY, data TEXT)");
    Run("CREATE TABLE IF NOT EXISTS credential(id TEXT, value TEXT)");
  }
  ~Host() { Close(); }
  void Run(const char* sql) {
    CAPTURE(sql);
    CHECK(sqlite3_exec(db_, sql, nullptr, nullptr, nullptr) == SQLITE_OK);
  }
  void Add(int count) {
    for (int i = 0; i < count; ++i) {
      Run("INSERT INTO part VALUES(lower(hex(randomblob(8))), hex(randomblob(600)))");
    }
  }
  void Close() {
    sqlite3_close(db_);
    db_ = nullptr;
  }

 private:
  sqlite3* db_ = nullptr;
};

// Names, contents and times of everything below a folder.
std::vector<std::string> Snapshot(const std::string& folder) {
  std::vector<std::string> out;
  const auto entries = base::ListDir(folder);
  REQUIRE(entries.ok());
  for (const base::DirEntry& entry : *entries) {
    const std::string path = base::JoinPath(folder, entry.name);
    const auto info = base::Stat(path);
    const auto bytes = base::ReadFile(path, 1 << 26);
    REQUIRE(info.ok());
    REQUIRE(bytes.ok());
    out.push_back(entry.name + " " + std::to_string(info->mtime_ns) + " " +
                  std::to_string(info->inode) + " " + *bytes);
  }
  return out;
}

void CopyTo(const std::string& from, const std::string& to) {
  const auto bytes = base::ReadFile(from, 1 << 26);
  REQUIRE(bytes.ok());
  REQUIRE(base::WriteFileAtomic(to, *bytes, 0644).ok());
}

int64_t CountOf(const std::string& path) {
  const auto db = ForeignDb::Open(path, kTables);
  if (!db.ok()) return -1;
  const auto count = (*db)->QueryInt("SELECT count(*) FROM part", -2);
  return count.ok() ? *count : -3;
}

TEST_SUITE("hosts/foreign_db") {
  TEST_CASE("rows that are only in the log of a running host are seen, and nothing is touched") {
    const testing::TempDir dir;
    const std::string path = dir / "live/store.db";
    REQUIRE(base::MakeDirs(dir / "live", 0755).ok());
    Host host(path, "WAL");
    host.Add(5);
    const auto before = Snapshot(dir / "live");
    REQUIRE(before.size() == 3);  // the log and its index
    CHECK(CountOf(path) == 5);
    CHECK(Snapshot(dir / "live") == before);
    host.Add(1);
    CHECK(CountOf(path) == 6);
  }

  TEST_CASE(
      "a log without an index is read without making one, also in a folder nobody may write") {
    const testing::TempDir dir;
    REQUIRE(base::MakeDirs(dir / "left", 0755).ok());
    {
      Host host(dir / "store.db", "WAL");
      host.Add(7);
      CopyTo(dir / "store.db", dir / "left/store.db");
      CopyTo(dir / "store.db-wal", dir / "left/store.db-wal");
    }
    REQUIRE(::chmod((dir / "left/store.db").c_str(), 0444) == 0);
    REQUIRE(::chmod((dir / "left").c_str(), 0555) == 0);
    const auto before = Snapshot(dir / "left");
    CHECK(CountOf(dir / "left/store.db") == 7);
    CHECK(Snapshot(dir / "left") == before);
    REQUIRE(::chmod((dir / "left").c_str(), 0755) == 0);
  }

  TEST_CASE("a store without log is read, in both journal modes") {
    for (const char* mode : {"WAL", "DELETE"}) {
      CAPTURE(mode);
      const testing::TempDir dir;
      {
        Host host(dir / "store.db", mode);
        host.Add(3);
      }
      const auto before = Snapshot(dir.path());
      REQUIRE(before.size() == 1);
      CHECK(CountOf(dir / "store.db") == 3);
      CHECK(Snapshot(dir.path()) == before);
    }
  }

  TEST_CASE("a log cut at any of its last bytes gives the rows before the cut") {
    const testing::TempDir dir;
    Host host(dir / "store.db", "WAL");
    host.Add(4);
    const auto log = base::ReadFile(dir / "store.db-wal", 1 << 26);
    REQUIRE(log.ok());
    REQUIRE(base::MakeDirs(dir / "cut", 0755).ok());
    CopyTo(dir / "store.db", dir / "cut/store.db");
    for (size_t cut = 1; cut <= 300; cut += 13) {
      CAPTURE(cut);
      dir.Write("cut/store.db-wal", log->substr(0, log->size() - cut));
      const int64_t rows = CountOf(dir / "cut/store.db");
      CHECK(rows == 3);
    }
  }

  TEST_CASE("what the host appends meanwhile does no harm; what it writes over is noticed") {
    const testing::TempDir dir;
    const std::string path = dir / "store.db";
    Host host(path, "WAL");
    host.Add(3);
    const auto db = ForeignDb::Open(path, kTables);
    REQUIRE(db.ok());
    host.Add(2);
    CHECK((*db)->CheckUnchanged().ok());
    CHECK((*db)->QueryInt("SELECT count(*) FROM part", 0).value_or(-1) == 3);
    host.Run("PRAGMA wal_checkpoint(TRUNCATE)");
    const Status changed = (*db)->CheckUnchanged();
    CHECK(CodeOf(changed).name == kFileChanged.name);
    CHECK(CountOf(path) == 5);
  }

  TEST_CASE("only the tables that were named can be read, and nothing can be written") {
    const testing::TempDir dir;
    Host host(dir / "store.db", "WAL");
    host.Run("INSERT INTO credential VALUES('a','secret')");
    const auto db = ForeignDb::Open(dir / "store.db", kTables);
    REQUIRE(db.ok());
    CHECK((*db)->Query("SELECT count(*) FROM part").ok());
    for (const char* sql :
         {"SELECT value FROM credential", "INSERT INTO part VALUES('x','y')", "DELETE FROM part",
          "CREATE TABLE mine(a)", "PRAGMA journal_mode=DELETE", "ATTACH 'other.db' AS o",
          "SELECT id FROM part UNION SELECT value FROM credential"}) {
      CAPTURE(sql);
      auto query = (*db)->Query(sql);
      CHECK_FALSE(query.ok());
    }
  }

  TEST_CASE("a schema is recognised by its tables and columns") {
    const testing::TempDir dir;
    Host host(dir / "store.db", "WAL");
    const auto db = ForeignDb::Open(dir / "store.db", kTables);
    REQUIRE(db.ok());
    CHECK((*db)->Has("part", {"id", "data"}));
    CHECK((*db)->Missing("part", {"id", "time", "data", "kind"}) == "part.time, part.kind");
    CHECK((*db)->Missing("absent", {"id"}) == "absent");
    CHECK_FALSE((*db)->Has("credential"));  // not named
  }

  TEST_CASE("what is no store says so") {
    const testing::TempDir dir;
    struct Case {
      const char* name;
      std::string bytes;
      std::string_view want;
    };
    const Case cases[] = {
        {"text", std::string(8192, 'x'), kStoreCorrupt.name},
        {"head", "SQLite format 3" + std::string(1, '\0') + std::string(5000, '\x7f'),
         kStoreCorrupt.name},
    };
    for (const Case& c : cases) {
      CAPTURE(c.name);
      const auto db = ForeignDb::Open(dir.Write(c.name, c.bytes), kTables);
      REQUIRE_FALSE(db.ok());
      CHECK(CodeOf(db.status()).name == c.want);
    }
    CHECK(CodeOf(ForeignDb::Open(dir / "none", kTables).status()).name == kFileNotFound.name);
    REQUIRE(mkfifo((dir / "pipe").c_str(), 0600) == 0);
    CHECK(CodeOf(ForeignDb::Open(dir / "pipe", kTables).status()).name == kFileUnreadable.name);
    CHECK(CodeOf(ForeignDb::Open(dir.path(), kTables).status()).name == kFileUnreadable.name);
    const auto empty = ForeignDb::Open(dir.Write("empty", ""), kTables);
    REQUIRE(empty.ok());
    CHECK_FALSE((*empty)->Has("part"));
  }

  TEST_CASE("a writer in the middle of its work is waited for, not repaired") {
    const testing::TempDir dir;
    Host host(dir / "store.db", "DELETE");
    host.Add(3);
    host.Run("PRAGMA cache_size=1");
    host.Run("BEGIN");
    host.Add(200);  // spilled into the file, the journal tells how it was
    REQUIRE(base::MakeDirs(dir / "killed", 0755).ok());
    CopyTo(dir / "store.db", dir / "killed/store.db");
    CopyTo(dir / "store.db-journal", dir / "killed/store.db-journal");
    const auto before = Snapshot(dir / "killed");
    const auto db = ForeignDb::Open(dir / "killed/store.db", kTables);
    REQUIRE_FALSE(db.ok());
    CHECK(CodeOf(db.status()).name == kStoreBusy.name);
    CHECK(Snapshot(dir / "killed") == before);
    host.Run("ROLLBACK");
  }

  TEST_CASE("the look of a store counts its log") {
    const testing::TempDir dir;
    Host host(dir / "store.db", "WAL");
    const auto before = LookAtForeignDb(dir / "store.db");
    host.Add(1);
    const auto after = LookAtForeignDb(dir / "store.db");
    REQUIRE(before.ok());
    REQUIRE(after.ok());
    CHECK(after->size > before->size);
    CHECK(after->mtime_ns >= before->mtime_ns);
  }
}

}  // namespace
}  // namespace selftune::hosts
