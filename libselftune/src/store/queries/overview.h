// Figures of the whole store, read from rollups: the cost does not grow with
// the evidence.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/error.h"
#include "store/db.h"
#include "store/queries/page.h"

namespace selftune::store {

struct Overview {
  int64_t sessions = 0, prompts = 0, observations = 0, evidence = 0, telemetry = 0;
  int64_t skills = 0;  // with at least one observation
  int64_t pending_signals = 0;
  int64_t open_proposals = 0;
  int64_t open_watches = 0;
  int64_t sources = 0, bad_lines = 0;
  std::optional<UtcMillis> first, last;  // of effective observations
};
[[nodiscard]] StatusOr<Overview> ReadOverview(Db& db);

struct StoreInfo {
  std::string path;
  int schema_version = 0;
  std::string sqlite_version;
  int64_t size_bytes = 0, wal_bytes = 0;
  int64_t change_version = 0;
  std::vector<std::pair<std::string, int64_t>> counts;  // table name, rows
};
// Counting walks over an index of each table; without it the cost is constant.
[[nodiscard]] StatusOr<StoreInfo> ReadStoreInfo(Db& db, bool with_counts = true);

// The change clock: moves with every commit.
struct ChangeClock {
  int64_t version = 0;
  uint32_t topics = 0;  // of the latest commit only
};
[[nodiscard]] StatusOr<ChangeClock> ReadChangeClock(Db& db);

// Rows of table meta.
[[nodiscard]] StatusOr<std::optional<std::string>> ReadMeta(Db& db, std::string_view key);
[[nodiscard]] Status WriteMeta(Db& db, std::string_view key, std::string_view value);

}  // namespace selftune::store
