#include "store/spool.h"

#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include <doctest/doctest.h>

#include "base/file.h"
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

  TEST_CASE("a file that is consumed and a day old is removed") {
    TempStore store;
    REQUIRE_OK(SpoolAppend(store.dir().path(), Record("a")));
    Drain(store, SystemClock().Now());
    CHECK(Must(base::ListDir(store.dir() / "spool")).size() == 1);
    Drain(store, UtcMillis{SystemClock().Now().value + 2 * 86'400'000});
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
