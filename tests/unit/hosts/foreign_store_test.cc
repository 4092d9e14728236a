#include "hosts/common/foreign_store.h"

#include <sqlite3.h>

#include <algorithm>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <doctest/doctest.h>

#include "hosts/opencode/source.h"
#include "support/temp_dir.h"

namespace selftune::hosts {
namespace {

// A database as OpenCode writes it.
class Host {
 public:
  explicit Host(const std::string& path) {
    REQUIRE(sqlite3_open(path.c_str(), &db_) == SQLITE_OK);
    Run("PRAGMA journal_mode=WAL");
    Run("PRAGMA wal_autocheckpoint=0");
    Run("CREATE TABLE session(id TEXT PRIMARY KEY, project_id TEXT, parent_id TEXT, directory "
        "TEXT, "
        "title TEXT, version TEXT, time_created INTEGER, time_updated INTEGER)");
    Run("CREATE TABLE message(id TEXT PRIMARY KEY, session_id TEXT, time_created INTEGER, "
        "time_updated INTEGER, data TEXT)");
    Run("CREATE TABLE part(id TEXT PRIMARY KEY, message_id TEXT, session_id TEXT, time_created "
        "INTEGER, time_updated INTEGER, data TEXT)");
    Run("CREATE TABLE migration(id TEXT PRIMARY KEY)");
    Run("INSERT INTO migration VALUES('20260101_first')");
  }
  ~Host() { sqlite3_close(db_); }
  Host(const Host&) = delete;
  Host& operator=(const Host&) = delete;

  void Run(const std::string& sql) {
    CAPTURE(sql);
    CHECK(sqlite3_exec(db_, sql.c_str(), nullptr, nullptr, nullptr) == SQLITE_OK);
  }
  // A session with one prompt and one call that runs.
  void Session(const std::string& id, int64_t at) {
    const std::string time = std::to_string(at);
    Run("INSERT INTO session VALUES('" + id + "','p',NULL,'/w','t','1'," + time + "," + time + ")");
    Message(id, id + "m1", at, R"({"role":"user"})");
    Part(id, id + "m1", id + "p1", at, R"({"type":"text","text":"do it"})");
    Message(id, id + "m2", at + 1, R"({"role":"assistant","parentID":")" + id + R"(m1"})");
    Part(id, id + "m2", id + "p2", at + 1,
         R"({"type":"tool","tool":"bash","callID":"c","state":{"status":"running"}})");
  }
  void Message(const std::string& session, const std::string& id, int64_t at,
               const std::string& data) {
    const std::string time = std::to_string(at);
    Run("INSERT INTO message VALUES('" + id + "','" + session + "'," + time + "," + time + ",'" +
        data + "')");
  }
  void Part(const std::string& session, const std::string& message, const std::string& id,
            int64_t at, const std::string& data) {
    const std::string time = std::to_string(at);
    Run("INSERT INTO part VALUES('" + id + "','" + message + "','" + session + "'," + time + "," +
        time + ",'" + data + "')");
  }

 private:
  sqlite3* db_ = nullptr;
};

struct Result {
  Status status;
  std::vector<ingest::Batch> batches;
  std::string state;  // after the last batch that was taken

  [[nodiscard]] std::vector<std::string> Whole() const {
    std::vector<std::string> ids;
    for (const ingest::Batch& batch : batches) {
      for (const ingest::SessionFacts& facts : batch.sessions) {
        if (facts.whole) ids.push_back(facts.id);
      }
    }
    return ids;
  }
  [[nodiscard]] int64_t Seen() const {
    int64_t seen = 0;
    for (const ingest::Batch& batch : batches) seen += batch.records_seen;
    return seen;
  }
};

// `take`: batches that are taken before the reader is told to stop.
Result Read(const std::string& path, const std::string& state, size_t take = 1000,
            std::string_view only = {}) {
  const ingest::Source& source = OpenCodeSource();
  const ingest::SourceFile file = source.Describe(path);
  const auto reader =
      source.OpenStore({.file = &file, .saved_state = state, .only_session = only, .max_rows = 1});
  REQUIRE(reader.ok());
  Result result;
  result.state = state;
  result.status = (*reader)->Read([&](ingest::Batch batch) -> Status {
    if (result.batches.size() == take) return Fail(kCancelledError, "enough");
    result.batches.push_back(std::move(batch));
    result.state = (*reader)->SaveState();
    return absl::OkStatus();
  });
  return result;
}

using Ids = std::vector<std::string>;

TEST_SUITE("hosts/foreign_store") {
  TEST_CASE("a session that is told in several batches has all its answers") {
    const testing::TempDir dir;
    const std::string path = dir / "opencode.db";
    Host host(path);
    host.Session("s", 1000);  // one answer
    for (int i = 0; i < 5; ++i) {
      const std::string id = "sn" + std::to_string(i);
      host.Message("s", id, 2000 + i, R"({"role":"assistant","parentID":"sm1"})");
      host.Part("s", id, id + "p", 2000 + i,
                R"({"type":"tool","tool":"read","callID":"c)" + std::to_string(i) +
                    R"(","state":{"status":"completed"}})");
    }
    const Result read = Read(path, "");
    REQUIRE(read.status.ok());
    CHECK(read.Whole() == Ids{"s"});
    CHECK(read.batches.size() > 3);
    int64_t answers = 0;
    for (const ingest::Batch& batch : read.batches) {
      for (const ingest::SessionFacts& facts : batch.sessions) {
        CHECK(facts.metrics.known_answers);
        answers += facts.metrics.answers;
      }
    }
    CHECK(answers == 6);
  }

  TEST_CASE("only sessions with new or changed rows are read again") {
    const testing::TempDir dir;
    const std::string path = dir / "opencode.db";
    Host host(path);
    for (int i = 0; i < 5; ++i) host.Session("s" + std::to_string(i), 1000 + i * 10);
    Result read = Read(path, "");
    REQUIRE(read.status.ok());
    CHECK(read.Whole() == Ids{"s0", "s1", "s2", "s3", "s4"});
    CHECK(read.Seen() == 20);
    CHECK(read.batches.back().host_schema == "20260101_first");

    read = Read(path, read.state);
    CHECK(read.Whole().empty());

    host.Part("s2", "s2m2", "s2p3", 2000, R"({"type":"text","text":"x"})");
    read = Read(path, read.state);
    CHECK(read.Whole() == Ids{"s2"});
    CHECK(read.Seen() == 1);  // the others were counted

    host.Run(
        "UPDATE part SET time_updated=2001, data='{\"type\":\"tool\",\"tool\":\"bash\","
        "\"callID\":\"c\",\"state\":{\"status\":\"completed\"}}' WHERE id='s3p2'");
    read = Read(path, read.state);
    CHECK(read.Whole() == Ids{"s3"});
    CHECK(read.Seen() == 0);

    for (int i = 10; i < 40; ++i) host.Session("s" + std::to_string(i), 1000 + i * 10);
    read = Read(path, read.state);
    host.Part("s1", "s1m2", "s1p3", 2100, R"({"type":"text","text":"x"})");
    read = Read(path, read.state);
    CHECK(read.Whole() == Ids{"s1"});
    host.Run("UPDATE part SET time_updated=2101 WHERE id='s1p3'");
    read = Read(path, read.state);
    CHECK(read.Whole() == Ids{"s1"});  // though others changed later

    host.Run("UPDATE session SET title='new', time_updated=3000 WHERE id='s0'");
    host.Session("s5", 4000);
    read = Read(path, read.state);
    CHECK(read.Whole() == Ids{"s0", "s5"});

    host.Run("DELETE FROM part WHERE id='s5p2'");
    read = Read(path, read.state);
    CHECK(read.Whole() == Ids{"s5"});
  }

  TEST_CASE("a store that was put together anew is read from the start") {
    const testing::TempDir dir;
    const std::string path = dir / "opencode.db";
    Host host(path);
    host.Session("s1", 1000);
    host.Session("s2", 1001);
    const Result first = Read(path, "");
    host.Run("DELETE FROM part");
    host.Run("DELETE FROM message");
    host.Run("DELETE FROM session");
    host.Session("a1", 1000);
    host.Session("a2", 1001);
    CHECK(Read(path, first.state).Whole() == Ids{"a1", "a2"});
    CHECK(Read(path, "no state of this reader").Whole() == Ids{"a1", "a2"});
  }

  TEST_CASE("a first read that breaks off goes on behind the sessions it finished") {
    const testing::TempDir dir;
    const std::string path = dir / "opencode.db";
    Host host(path);
    for (int i = 0; i < 6; ++i) host.Session("s" + std::to_string(i), 1000 + i);
    for (size_t take = 0; take < 20; ++take) {
      CAPTURE(take);
      const Result broken = Read(path, "", take);
      const Result rest = Read(path, broken.state);
      REQUIRE(rest.status.ok());
      Ids all = broken.Whole();
      for (const std::string& id : rest.Whole()) all.push_back(id);
      std::sort(all.begin(), all.end());
      all.erase(std::unique(all.begin(), all.end()), all.end());
      CHECK(all.size() == 6);
      CHECK(Read(path, rest.state).Whole().empty());
    }
  }

  TEST_CASE("rows that changed while a first read was broken off are read") {
    const testing::TempDir dir;
    const std::string path = dir / "opencode.db";
    Host host(path);
    for (int i = 0; i < 6; ++i) host.Session("s" + std::to_string(i), 1000 + i);
    const Result broken = Read(path, "", 4);
    REQUIRE_FALSE(broken.Whole().empty());
    const std::string first = broken.Whole().front();
    host.Part(first, first + "m2", "late", 5000, R"({"type":"text","text":"x"})");
    const Ids again = Read(path, broken.state).Whole();
    CHECK(std::find(again.begin(), again.end(), first) != again.end());
  }

  TEST_CASE("a row that is no JSON is told once, and again when it changes") {
    const testing::TempDir dir;
    const std::string path = dir / "opencode.db";
    Host host(path);
    host.Session("s1", 1000);
    host.Part("s1", "s1m2", "bad", 1002, R"({"type":"tex)");
    Result read = Read(path, "");
    REQUIRE(read.status.ok());
    std::vector<ingest::BadLine> bad;
    for (const ingest::Batch& batch : read.batches) {
      bad.insert(bad.end(), batch.bad_lines.begin(), batch.bad_lines.end());
    }
    REQUIRE(bad.size() == 1);
    CHECK(bad[0].reason == "not_json");
    CHECK(bad[0].excerpt.find("part/bad") != std::string::npos);
    CHECK(read.Whole() == Ids{"s1"});

    host.Run(
        "UPDATE part SET time_updated=2000, data='{\"type\":\"text\",\"text\":\"x\"}' "
        "WHERE id='bad'");
    read = Read(path, read.state);
    std::vector<uint64_t> again;
    for (const ingest::Batch& batch : read.batches) {
      CHECK(batch.bad_lines.empty());
      again.insert(again.end(), batch.read_again.begin(), batch.read_again.end());
    }
    CHECK(again == std::vector<uint64_t>{bad[0].offset});
  }

  TEST_CASE("an unknown schema is loud and counts what it holds") {
    const testing::TempDir dir;
    const std::string path = dir / "opencode.db";
    Host host(path);
    host.Session("s1", 1000);
    host.Run("ALTER TABLE part RENAME COLUMN data TO content");
    const Result read = Read(path, "");
    REQUIRE(read.status.ok());
    REQUIRE(read.batches.size() == 1);
    CHECK(read.batches[0].problem.find("part.data") != std::string::npos);
    CHECK(read.batches[0].records_seen == 6);  // the row of `migration` too
    CHECK(read.batches[0].records_unknown == 6);
    CHECK(read.state.empty());
  }

  TEST_CASE("one session can be read alone, and what is known of the rest stays") {
    const testing::TempDir dir;
    const std::string path = dir / "opencode.db";
    Host host(path);
    host.Session("s1", 1000);
    host.Session("s2", 1001);
    const Result first = Read(path, "");
    const Result one = Read(path, first.state, 1000, "s2");
    REQUIRE(one.status.ok());
    CHECK(one.Whole() == Ids{"s2"});
    CHECK(one.state == first.state);
    CHECK(one.Seen() == 0);
  }

  TEST_CASE("a database to which nothing was written yet is no problem") {
    const testing::TempDir dir;
    const Result read = Read(dir.Write("opencode.db", ""), "");
    REQUIRE(read.status.ok());
    for (const ingest::Batch& batch : read.batches) CHECK(batch.problem.empty());
  }
}

}  // namespace
}  // namespace selftune::hosts
