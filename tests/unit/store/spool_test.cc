#include "store/spool.h"

#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <fstream>
#include <memory>
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

SpoolRecord Record(const std::string& id, UtcMillis at = kNow) {
  return {.id = id, .kind = "prompt", .at = at, .payload = R"({"text":"hello"})"};
}

std::vector<std::string> Drain(TempStore& store, UtcMillis now = kNow) {
  std::vector<std::string> ids;
  Must(SpoolDrain(store.db(), store.dir().path(), now, [&](const SpoolRecord& record) {
    ids.push_back(record.id);
    CHECK(record.kind == "prompt");
    return absl::OkStatus();
  }));
  return ids;
}

}  // namespace

TEST_SUITE("store/spool") {
  TEST_CASE("records are drained once, in order") {
    TempStore store;
    for (const char* id : {"a", "b", "c"}) REQUIRE_OK(SpoolAppend(store.dir().path(), Record(id)));
    CHECK(Must(SpoolWaiting(store.db(), store.dir().path())).files == 1);
    CHECK(Drain(store) == std::vector<std::string>{"a", "b", "c"});
    CHECK(Drain(store).empty());
    REQUIRE_OK(SpoolAppend(store.dir().path(), Record("d")));
    CHECK(Drain(store) == std::vector<std::string>{"d"});
    CHECK(Must(SpoolWaiting(store.db(), store.dir().path())).bytes == 0);
  }

  TEST_CASE("a record of any size arrives whole") {
    TempStore store;
    SpoolRecord big = Record("big");
    big.payload = R"({"text":")" + std::string(300'000, 'x') + R"("})";
    REQUIRE_OK(SpoolAppend(store.dir().path(), big));
    REQUIRE_OK(SpoolAppend(store.dir().path(), Record("small")));
    size_t longest = 0;
    const DrainReport report =
        Must(SpoolDrain(store.db(), store.dir().path(), kNow, [&](const SpoolRecord& record) {
          longest = std::max(longest, record.payload.size());
          return absl::OkStatus();
        }));
    CHECK(report.records == 2);
    CHECK(longest == big.payload.size());
  }

  TEST_CASE("a record that cannot be applied stops the drain before it") {
    TempStore store;
    for (const char* id : {"a", "bad", "c"})
      REQUIRE_OK(SpoolAppend(store.dir().path(), Record(id)));
    bool broken = true;
    std::vector<std::string> applied;
    const auto apply = [&](const SpoolRecord& record) -> Status {
      IngestWriter w(store.db(), kNow);
      ST_RETURN_IF_ERROR(w.EnsureSession("pi", record.id).status());
      if (record.id == "bad" && broken) return Fail(kInternal, "not today");
      return absl::OkStatus();
    };
    CHECK(!SpoolDrain(store.db(), store.dir().path(), kNow, apply).ok());
    // Nothing of the failed one is left behind; what came before it is.
    CHECK(One(store.db(), "SELECT group_concat(session_id) FROM sessions") == "a");
    broken = false;
    CHECK(Must(SpoolDrain(store.db(), store.dir().path(), kNow, apply)).records == 2);
    CHECK(One(store.db(), "SELECT count(*) FROM sessions") == "3");
  }

  TEST_CASE("a line that is no record is counted and shown") {
    TempStore store;
    REQUIRE_OK(SpoolAppend(store.dir().path(), Record("a")));
    const std::string file = Must(base::ListDir(store.dir() / "spool")).front().name;
    store.dir().Write("spool/" + file,
                      store.dir().Read("spool/" + file) + "{oops\n{\"v\":1}\n" + "half a li");
    std::vector<std::string> ids;
    const DrainReport report =
        Must(SpoolDrain(store.db(), store.dir().path(), kNow, [&](const SpoolRecord& record) {
          ids.push_back(record.id);
          return absl::OkStatus();
        }));
    CHECK(report.records == 1);
    CHECK(report.bad == 2);
    CHECK(One(store.db(), "SELECT count(*) FROM bad_lines WHERE reason='wrong_shape'") == "2");
    CHECK(Must(SpoolWaiting(store.db(), store.dir().path())).bytes == 9);
  }

  TEST_CASE("a writer that was cut short spoils no other line") {
    TempStore store;
    REQUIRE_OK(SpoolAppend(store.dir().path(), Record("a")));
    const std::string file = "spool/" + Must(base::ListDir(store.dir() / "spool")).front().name;
    store.dir().Write(file, store.dir().Read(file) + "\n{\"v\":1,\"id\":\"to");
    REQUIRE_OK(SpoolAppend(store.dir().path(), Record("b")));
    CHECK(Drain(store) == std::vector<std::string>{"a", "b"});
    CHECK(One(store.db(), "SELECT count(*) FROM bad_lines") == "1");
  }

  TEST_CASE("a last line without its end waits a minute for its writer") {
    TempStore store;
    REQUIRE_OK(SpoolAppend(store.dir().path(), Record("a")));
    const std::string file = "spool/" + Must(base::ListDir(store.dir() / "spool")).front().name;
    store.dir().Write(file, store.dir().Read(file) + "\n{\"v\":1,\"id\":\"to");
    CHECK(Drain(store, SystemClock().Now()) == std::vector<std::string>{"a"});
    CHECK(One(store.db(), "SELECT count(*) FROM bad_lines") == "0");
    CHECK(Drain(store, UtcMillis{SystemClock().Now().value + 61'000}).empty());
    CHECK(One(store.db(), "SELECT count(*) FROM bad_lines") == "1");
    CHECK(Must(SpoolWaiting(store.db(), store.dir().path())).bytes == 0);
  }

  TEST_CASE("a record that cannot be used is counted with its reason") {
    TempStore store;
    for (const char* id : {"a", "b", "c"}) REQUIRE_OK(SpoolAppend(store.dir().path(), Record(id)));
    const DrainReport report =
        Must(SpoolDrain(store.db(), store.dir().path(), kNow, [&](const SpoolRecord& record) {
          return record.id == "b" ? Fail(kInvalidRequest, "bad_json") : absl::OkStatus();
        }));
    CHECK(report.records == 2);
    CHECK(report.bad == 1);
    CHECK(One(store.db(), "SELECT reason FROM bad_lines") == "bad_json");
  }

  TEST_CASE("a new file under the name of a consumed one is read from its start") {
    TempStore store;
    for (const char* id : {"a", "b"}) REQUIRE_OK(SpoolAppend(store.dir().path(), Record(id)));
    Drain(store);
    const std::string file = "spool/" + Must(base::ListDir(store.dir() / "spool")).front().name;
    REQUIRE_OK(base::RemoveFile(store.dir() / file));
    REQUIRE_OK(SpoolAppend(store.dir().path(), Record("c")));
    CHECK(Drain(store) == std::vector<std::string>{"c"});
  }

  TEST_CASE("several take in the spool at once, and each record is taken once") {
    TempStore store;
    constexpr int kTakers = 4;
    std::vector<std::vector<std::string>> taken(kTakers);
    std::vector<std::thread> takers;
    std::atomic<bool> over = false;
    for (std::vector<std::string>& mine : taken) {
      takers.emplace_back([&store, &mine, &over] {
        const std::unique_ptr<Db> db = Must(Db::Open(store.path(), {.mode = OpenMode::kReadWrite}));
        bool last = false;
        while (!last) {
          last = over;
          Must(SpoolDrain(*db, store.dir().path(), kNow, [&mine](const SpoolRecord& record) {
            mine.push_back(record.id);
            return absl::OkStatus();
          }));
        }
      });
    }
    for (int i = 0; i < 300; ++i) {
      REQUIRE_OK(SpoolAppend(store.dir().path(), Record(std::to_string(i))));
    }
    over = true;
    for (std::thread& taker : takers) taker.join();
    std::vector<std::string> all;
    for (const auto& mine : taken) all.insert(all.end(), mine.begin(), mine.end());
    std::ranges::sort(all);
    CHECK(all.size() == 300);
    CHECK(std::unique(all.begin(), all.end()) == all.end());
  }

  TEST_CASE("records come by their time, whatever file they are in") {
    // A record above 64 KiB has a file of its own, whose name is before that of the day.
    for (const std::vector<int>& sizes : std::vector<std::vector<int>>{{10, 70'000, 10},
                                                                       {70'000, 10, 70'000},
                                                                       {10, 65'400, 65'600, 10},
                                                                       {1, 1, 1, 300'000}}) {
      TempStore store;
      std::vector<std::string> expected;
      for (size_t i = 0; i < sizes.size(); ++i) {
        SpoolRecord record =
            Record("r" + std::to_string(i), {kNow.value + static_cast<int64_t>(i)});
        record.payload = R"({"text":")" + std::string(static_cast<size_t>(sizes[i]), 'x') + R"("})";
        REQUIRE_OK(SpoolAppend(store.dir().path(), record));
        expected.push_back(record.id);
      }
      CHECK(Drain(store) == expected);
      CHECK(Drain(store).empty());
    }
  }

  TEST_CASE(
      "yesterday's last record comes before today's first, and one line's place is its time") {
    TempStore store;
    const int64_t midnight = kNow.value / kDayMs * kDayMs;
    // Written in another order than they happened: two hooks at once.
    for (const int64_t at :
         {midnight + 5, midnight - 1, midnight + 1, midnight - 7, midnight + 3}) {
      REQUIRE_OK(SpoolAppend(store.dir().path(), Record(std::to_string(at - midnight), {at})));
    }
    CHECK(Drain(store) == std::vector<std::string>{"-7", "-1", "1", "3", "5"});
  }

  TEST_CASE("a file that cannot be read is named, and the others are taken in") {
    TempStore store;
    REQUIRE_OK(SpoolAppend(store.dir().path(), Record("a")));
    const std::string spool = store.dir() / "spool/";
    REQUIRE(symlink("nowhere", (spool + "2026-01-01.jsonl").c_str()) == 0);
    REQUIRE(symlink("/etc/passwd", (spool + "2026-01-02.jsonl").c_str()) == 0);
    REQUIRE(mkfifo((spool + "2026-01-03.jsonl").c_str(), 0600) == 0);
    REQUIRE(mkdir((spool + "2026-01-04.jsonl").c_str(), 0700) == 0);
    CHECK(Must(SpoolWaiting(store.db(), store.dir().path())).problems.size() == 4);
    const auto apply = [](const SpoolRecord&) { return absl::OkStatus(); };
    const DrainReport report = Must(SpoolDrain(store.db(), store.dir().path(), kNow, apply));
    CHECK(report.records == 1);
    REQUIRE(report.problems.size() == 4);
    CHECK(report.problems[0].find("2026-01-01.jsonl: expected a file, found a link") !=
          std::string::npos);
    CHECK(One(store.db(), "SELECT count(*) FROM source_files WHERE last_error IS NOT NULL") == "4");
    const std::string clock = One(store.db(), "SELECT version FROM change_clock");
    CHECK(Must(SpoolDrain(store.db(), store.dir().path(), kNow, apply)).problems.size() == 4);
    CHECK(One(store.db(), "SELECT version FROM change_clock") == clock);  // nothing new to say
    // It can be read again.
    REQUIRE_OK(base::RemoveFile(spool + "2026-01-01.jsonl"));
    store.dir().Write("spool/2026-01-01.jsonl",
                      R"({"v":1,"id":"late","kind":"prompt","at_ms":1,"payload":{}})"
                      "\n");
    CHECK(Drain(store) == std::vector<std::string>{"late"});
    CHECK(One(store.db(), "SELECT count(*) FROM source_files WHERE last_error IS NOT NULL") == "3");
  }

  TEST_CASE("of a long day only what is new is read, and lines of any length") {
    TempStore store;
    SpoolRecord record = Record("x");
    record.payload = R"({"text":")" + std::string(50'000, 'x') + R"("})";
    for (int i = 0; i < 40; ++i) {
      record.id = std::to_string(i);
      record.at = {kNow.value + i};
      REQUIRE_OK(SpoolAppend(store.dir().path(), record));
    }
    CHECK(Drain(store).size() == 40);
    // Were the 2 MB before it looked at again, they would be no lines any more.
    const std::string file = "spool/" + Must(base::ListDir(store.dir() / "spool")).front().name;
    const size_t size = store.dir().Read(file).size();
    store.dir().Write(file, std::string(size, '?'));
    REQUIRE_OK(SpoolAppend(store.dir().path(), Record("new", {kNow.value + 100})));
    CHECK(Drain(store) == std::vector<std::string>{"new"});
    CHECK(One(store.db(), "SELECT count(*) FROM bad_lines") == "0");
  }

  TEST_CASE("a line longer than any event is counted, and what follows is read") {
    TempStore store;
    REQUIRE_OK(base::MakeDirs(store.dir() / "spool", 0700));
    const std::string path = store.dir() / "spool/2026-09-21.jsonl";
    {
      // A hole of 65 MiB costs no disk.
      std::ofstream out(path, std::ios::binary);
      out << "{";
      out.seekp((65 << 20) + 1);
      out << "}\n";
    }
    REQUIRE_OK(SpoolAppend(store.dir().path(), Record("a", UtcMillis{1'789'999'999'000})));
    CHECK(Drain(store) == std::vector<std::string>{"a"});
    CHECK(One(store.db(), "SELECT group_concat(reason) FROM bad_lines") == "too_long");
  }

  TEST_CASE("what the writer of a long record left when it was killed is counted and removed") {
    TempStore store;
    REQUIRE_OK(SpoolAppend(store.dir().path(), Record("a")));
    store.dir().Write("spool/2026-09-21-0123.jsonl.tmp", "\n{\"v\":1,\"id\":\"half");
    const UtcMillis now = SystemClock().Now();
    const auto apply = [](const SpoolRecord&) { return absl::OkStatus(); };
    CHECK(Must(SpoolDrain(store.db(), store.dir().path(), now, apply)).bad == 0);  // being written
    const DrainReport later =
        Must(SpoolDrain(store.db(), store.dir().path(), UtcMillis{now.value + 3'700'000}, apply));
    CHECK(later.bad == 1);
    CHECK(One(store.db(), "SELECT group_concat(reason) FROM bad_lines") == "cut_off");
    CHECK(Must(base::ListDir(store.dir() / "spool")).size() == 1);
  }

  TEST_CASE("a file that is consumed and a day old is removed") {
    TempStore store;
    REQUIRE_OK(SpoolAppend(store.dir().path(), Record("a")));
    Drain(store, SystemClock().Now());
    CHECK(Must(base::ListDir(store.dir() / "spool")).size() == 1);
    Drain(store, UtcMillis{SystemClock().Now().value + 2 * kDayMs});
    CHECK(Must(base::ListDir(store.dir() / "spool")).empty());
  }

  TEST_CASE("many processes append at once and no line is torn") {
    TempStore store;
    std::vector<pid_t> children;
    for (int who = 0; who < 8; ++who) {
      const pid_t child = fork();
      REQUIRE(child >= 0);
      if (child == 0) {
        for (int i = 0; i < 100; ++i) {
          if (!SpoolAppend(store.dir().path(), Record(std::to_string(who * 1000 + i))).ok())
            _exit(1);
        }
        _exit(0);
      }
      children.push_back(child);
    }
    for (const pid_t child : children) {
      int status = 0;
      REQUIRE(waitpid(child, &status, 0) == child);
      CHECK(status == 0);
    }
    std::vector<std::string> ids = Drain(store);
    std::sort(ids.begin(), ids.end());
    CHECK(std::unique(ids.begin(), ids.end()) == ids.end());
    CHECK(ids.size() == 800);
  }
}

}  // namespace selftune::store
