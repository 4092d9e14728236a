// A store in a fresh directory, and short forms of what tests do with it.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <doctest/doctest.h>

#include "base/status_macros.h"
#include "store/db.h"
#include "store/ingest_writer.h"
#include "store/link.h"
#include "store/write_txn.h"
#include "support/temp_dir.h"

// Shows the message of a failed status.
#define CHECK_OK(expr)                                 \
  do {                                                 \
    const ::selftune::Status st_check = (expr);        \
    CHECK_MESSAGE(st_check.ok(), st_check.ToString()); \
  } while (false)
#define REQUIRE_OK(expr)                                 \
  do {                                                   \
    const ::selftune::Status st_check = (expr);          \
    REQUIRE_MESSAGE(st_check.ok(), st_check.ToString()); \
  } while (false)

namespace selftune::store::testing {

inline constexpr UtcMillis kNow{1'790'000'000'000};

template <typename T>
T Must(StatusOr<T> value) {
  REQUIRE_MESSAGE(value.ok(), value.status().ToString());
  return *std::move(value);
}

// Rows of a query as text: columns joined by '|', NULL as "-".
inline std::vector<std::string> Rows(Db& db, const std::string& sql, int columns) {
  std::vector<std::string> out;
  // The text must outlive the statement cache, which goes by address.
  static std::vector<std::unique_ptr<std::string>> kept;
  kept.push_back(std::make_unique<std::string>(sql));
  Cursor rows = Must(db.Query(kept.back()->c_str()));
  while (Must(rows.Next())) {
    std::string line;
    for (int i = 0; i < columns; ++i) {
      if (i > 0) line += '|';
      line += rows.IsNull(i) ? "-" : rows.String(i);
    }
    out.push_back(std::move(line));
  }
  return out;
}

inline std::string One(Db& db, const std::string& sql) {
  const std::vector<std::string> rows = Rows(db, sql, 1);
  return rows.empty() ? "(no row)" : rows.front();
}

class TempStore {
 public:
  TempStore() : path_(dir_ / "selftune.db"), db_(Open()), writer_(*db_, kNow) {}

  [[nodiscard]] std::unique_ptr<Db> Open(OpenMode mode = OpenMode::kCreate) const {
    return Must(Db::Open(path_, {.mode = mode}));
  }
  [[nodiscard]] Db& db() { return *db_; }
  [[nodiscard]] IngestWriter& writer() { return writer_; }
  [[nodiscard]] const std::string& path() const { return path_; }
  [[nodiscard]] const selftune::testing::TempDir& dir() const { return dir_; }

  // Runs `body` in a transaction.
  template <typename Body>
  void Write(Body&& body) {
    WriteTxn txn = Must(WriteTxn::Begin(*db_));
    body(writer_);
    REQUIRE_OK(txn.Commit());
  }
  LinkReport Link() {
    WriteTxn txn = Must(WriteTxn::Begin(*db_));
    const LinkReport report = Must(ResolveLinks(*db_, kNow));
    REQUIRE_OK(txn.Commit());
    return report;
  }

 private:
  selftune::testing::TempDir dir_;
  std::string path_;
  std::unique_ptr<Db> db_;
  IngestWriter writer_;
};

// A source with a plausible cursor.
inline SourceId AddSource(IngestWriter& w, std::string_view path,
                          std::string_view platform = "claude_code") {
  return Must(w.UpsertSource(platform, "transcript", path, "test/jsonl", 1));
}

}  // namespace selftune::store::testing
