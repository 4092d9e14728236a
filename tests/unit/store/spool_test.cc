#include "store/spool.h"

#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <string>
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
