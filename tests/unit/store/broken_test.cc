// Which evidence is certainly broken (queries/doctor.h).
#include <string>
#include <vector>

#include <doctest/doctest.h>
#include <fmt/format.h>

#include "store/queries/doctor.h"
#include "store/store_fixture.h"

namespace selftune::store {
namespace {

using namespace testing;  // NOLINT

constexpr int64_t kDay = 86'400'000;
constexpr char kSet[] = R"sql(
  UPDATE source_file SET size=?2, records_seen=?3, records_used=?4, last_error=nullif(?5,''),
    mtime_ns=?6*1000000, last_read_ms=?6, state=?7, records_unknown=?8, bad_lines=?9 WHERE source_id=?1)sql";

struct Source {
  const char* platform = "codex";
  const char* kind = "rollout";
  int64_t bytes = 5000, records = 40, used = 0;
  const char* error = "";
  int64_t days_old = 0;
  const char* state = "active";
  int64_t unknown = 0, bad_lines = 0;
};

void Add(TempStore& store, const std::string& path, const Source& source) {
  store.Write([&](IngestWriter& w) {
    const SourceId id = Must(w.UpsertSource(source.platform, source.kind, path, source.kind, 1));
    REQUIRE_OK(store.db().Run(kSet, id, source.bytes, source.records, source.used,
                              std::string(source.error),
                              UtcMillis{kNow.value - source.days_old * kDay},
                              std::string(source.state), source.unknown, source.bad_lines));
  });
}

TEST_SUITE("store/broken") {
  TEST_CASE("a store is all its files, whatever their state; a database is a store of its own") {
    TempStore store;
    Add(store, "/a", {.used = 30, .unknown = 2, .bad_lines = 1});
    Add(store, "/b", {.records = 10, .used = 1, .state = "missing", .unknown = 1});
    Add(store, "/c", {.records = 7, .used = 3, .error = "EACCES", .unknown = 4});
    Add(store, "/d", {.records = 5, .state = "quarantined"});
    Add(store, "/x.db", {.platform = "openclaw", .kind = "sqlite", .used = 2, .unknown = 2});
    Add(store, "/y.db", {.platform = "openclaw", .kind = "sqlite", .state = "missing"});
    Add(store, "/z", {.platform = "openclaw", .kind = "transcript"});
    Add(store, "/spool", {.platform = "unknown", .kind = "spool"});
    std::vector<std::string> seen;
    for (const SourceHealth& health : Must(ReadSourceHealth(store.db()))) {
      seen.push_back(fmt::format(
          "{} {} {}: {} files, {} missing, {} with errors, {} bytes, {} {} {} {}; {} as {}, {}",
          health.platform, health.kind, health.database, health.files, health.missing,
          health.with_error, health.bytes, health.records, health.used, health.unknown,
          health.bad_lines, health.mostly_unknown, health.unknown_path, health.error));
    }
    CHECK(
        seen ==
        std::vector<std::string>{
            "codex rollout : 2 files, 1 missing, 1 with errors, 20000 bytes, 62 34 7 1; 2 as /c, "
            "EACCES",
            "openclaw sqlite /x.db: 1 files, 0 missing, 0 with errors, 5000 bytes, 40 2 2 0; 1 as "
            "/x.db, ",
            "openclaw sqlite /y.db: 0 files, 1 missing, 0 with errors, 5000 bytes, 40 0 0 0; 0 as "
            ", ",
            "openclaw transcript : 1 files, 0 missing, 0 with errors, 5000 bytes, 40 0 0 0; 0 as "
            ", ",
        });
  }

  TEST_CASE("only what is certainly broken now is called so") {
    struct Case {
      const char* name;
      Source source;
      const char* broken;
    };
    constexpr Source kSpool{.platform = "unknown", .kind = "spool"};
    const auto spool = [&](auto change) {
      Source source = kSpool;
      change(source);
      return source;
    };
    const Case cases[] = {
        {"nothing of many records", {}, "codex"},
        {"something of them", {.used = 1}, ""},
        {"of a few nobody knows", {.records = 9}, ""},
        {"a database that cannot be read",
         {.platform = "opencode", .kind = "sqlite", .records = 0, .error = "no such table"},
         "opencode"},
        {"a file of many that cannot be read", {.used = 30, .error = "EACCES"}, ""},
        {"nothing was read yet", {.records = 0}, ""},
        {"nothing is there", {.bytes = 0, .records = 0}, ""},
        {"of an agent that nobody uses now", {.days_old = 8}, ""},
        {"files that are gone", {.state = "missing"}, ""},
        {"events that no event is", kSpool, "hooks"},
        {"some of them", spool([](Source& s) { s.used = 1; }), ""},
        {"a few of them", spool([](Source& s) { s.records = 9; }), ""},
        {"long ago", spool([](Source& s) { s.days_old = 8; }), ""},
        {"a spool that cannot be read", spool([](Source& s) {
           s.records = s.used = 3;
           s.error = "EACCES";
         }),
         "hooks"},
        {"one that is gone", spool([](Source& s) {
           s.records = s.used = 3;
           s.error = "EACCES";
           s.state = "missing";
         }),
         ""},
    };
    for (const Case& c : cases) {
      CAPTURE(c.name);
      TempStore store;
      Add(store, "/x", c.source);
      CHECK(Must(FindBroken(store.db(), kNow)) == c.broken);
    }
  }

  TEST_CASE("an empty store is not broken, and a good file clears those beside it") {
    TempStore store;
    CHECK(Must(FindBroken(store.db(), kNow)).empty());
    Add(store, "/a", {});
    CHECK(Must(FindBroken(store.db(), kNow)) == "codex");
    Add(store, "/b", {.used = 20});
    CHECK(Must(FindBroken(store.db(), kNow)).empty());
    // A database is a store of its own, whatever another one says.
    Add(store, "/good.db", {.platform = "opencode", .kind = "sqlite", .used = 20});
    Add(store, "/bad.db", {.platform = "opencode", .kind = "sqlite"});
    CHECK(Must(FindBroken(store.db(), kNow)) == "opencode");
    Add(store, "/bad.db", {.platform = "opencode", .kind = "sqlite", .used = 20});
    CHECK(Must(FindBroken(store.db(), kNow)).empty());
    Add(store, "/spool/1", {.platform = "unknown", .kind = "spool"});
    CHECK(Must(FindBroken(store.db(), kNow)) == "hooks");
    Add(store, "/spool/2", {.platform = "unknown", .kind = "spool", .used = 20});
    CHECK(Must(FindBroken(store.db(), kNow)).empty());
  }
}

}  // namespace
}  // namespace selftune::store
