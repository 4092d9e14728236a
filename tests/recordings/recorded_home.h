// A home of recorded sessions that a test may change, its store, and what that
// says of them.
#pragma once

#include <algorithm>
#include <filesystem>
#include <iterator>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <doctest/doctest.h>

#include "base/env.h"
#include "base/file.h"
#include "base/json_value.h"
#include "base/strings.h"
#include "base/time.h"
#include "hosts/sources.h"
#include "store/db.h"
#include "support/temp_dir.h"
#include "support/test_files.h"
#include "sync/sync.h"

namespace selftune::testing {

namespace fs = std::filesystem;

class StillClock final : public Clock {
 public:
  [[nodiscard]] UtcMillis Now() const override { return UtcMillis{1'790'000'000'000}; }
};

using Facts = std::vector<std::string>;

// What the public views say, without row numbers and times of writing.
inline constexpr std::string_view kViews[] = {
    "sessions",  "prompts",         "skill_invocations", "tool_calls",
    "exposures", "execution_facts", "bad_lines",         "improvement_signals"};

inline std::string RowOf(store::Cursor& row, size_t columns, std::string_view view) {
  std::string line(view);
  for (size_t i = 0; i < columns; ++i) {
    line += '|';
    line += row.IsNull(static_cast<int>(i)) ? "-" : row.String(static_cast<int>(i));
  }
  return line;
}

// A query for each view, kept: statements are found again by their address.
struct ViewQuery {
  std::string view, sql;
  size_t columns = 0;
};
inline const std::vector<ViewQuery>& ViewQueries(store::Db& db) {
  static std::vector<ViewQuery> queries;
  if (!queries.empty()) return queries;
  const std::set<std::string_view> left_out = {"id", "normalized_at", "is_live", "source_id",
                                               "generation"};
  static std::vector<std::unique_ptr<std::string>> kept;
  for (const std::string_view view : kViews) {
    kept.push_back(std::make_unique<std::string>("SELECT name FROM pragma_table_info('" +
                                                 std::string(view) + "')"));
    std::vector<std::string> names;
    auto rows = db.Query(kept.back()->c_str());
    REQUIRE(rows.ok());
    while (*rows->Next()) {
      if (!left_out.contains(rows->Text(0))) names.push_back("\"" + rows->String(0) + "\"");
    }
    REQUIRE(!names.empty());
    queries.push_back({std::string(view),
                       "SELECT " + base::Join(names, ",") + " FROM " + std::string(view),
                       names.size()});
  }
  queries.push_back({"label",
                     "SELECT p.prompt_id,k.name,l.label,l.source FROM label l JOIN prompt p "
                     "USING(prompt_pk) JOIN skill k USING(skill_id)",
                     4});
  return queries;
}

inline Facts FactsOf(store::Db& db) {
  Facts out;
  for (const ViewQuery& query : ViewQueries(db)) {
    auto rows = db.Query(query.sql.c_str());
    REQUIRE_MESSAGE(rows.ok(), rows.status().ToString());
    StatusOr<bool> more = rows->Next();
    for (; more.ok() && *more; more = rows->Next()) {
      out.push_back(RowOf(*rows, query.columns, query.view));
    }
    REQUIRE_MESSAGE(more.ok(), more.status().ToString());
  }
  std::sort(out.begin(), out.end());
  return out;
}

// "" = the same; else what one has and the other has not.
inline std::string Difference(const Facts& want, const Facts& got) {
  Facts lost, added;
  std::set_difference(want.begin(), want.end(), got.begin(), got.end(), std::back_inserter(lost));
  std::set_difference(got.begin(), got.end(), want.begin(), want.end(), std::back_inserter(added));
  std::string out;
  for (size_t i = 0; i < std::min<size_t>(lost.size(), 3); ++i) out += "\nlost: " + lost[i];
  for (size_t i = 0; i < std::min<size_t>(added.size(), 3); ++i) out += "\nadded: " + added[i];
  return out;
}

// A copy of a recorded home that this test writes to, and its store.
class Home {
 public:
  Home() {
    env_.Set("HOME", dir_ / "home");
    REQUIRE(base::MakeDirs(dir_ / "state", 0700).ok());
  }

  // Where two recordings have the same file, that of the first stays.
  void Add(const std::string& recording) {
    fs::copy(recording, dir_ / "home",
             fs::copy_options::recursive | fs::copy_options::copy_symlinks |
                 fs::copy_options::skip_existing);
  }
  // Writes below the home.
  void Put(std::string_view name, std::string_view bytes) const {
    dir_.Write("home/" + std::string(name), bytes);
  }
  [[nodiscard]] const base::Environment& env() const { return env_; }
  [[nodiscard]] std::string Path(std::string_view name) const { return dir_ / name; }

  sync::SyncReport Sync(const sync::SyncOptions& options = {}) {
    const sync::SyncWorld world{
        .env = &env_, .clock = &clock_, .cancel = nullptr, .sources = hosts::Sources()};
    auto report = sync::Run(*Store(), world, options);
    REQUIRE_MESSAGE(report.ok(), report.status().ToString());
    return *std::move(report);
  }
  store::Db* Store() {
    if (db_ == nullptr) {
      auto opened = store::Db::Open(dir_ / "state/selftune.db", {.mode = store::OpenMode::kCreate});
      REQUIRE_MESSAGE(opened.ok(), opened.status().ToString());
      db_ = *std::move(opened);
    }
    return db_.get();
  }
  [[nodiscard]] Facts Known() { return FactsOf(*Store()); }

  void Forget() {
    db_.reset();
    REQUIRE(base::RemoveTree(dir_ / "state").ok());
    REQUIRE(base::MakeDirs(dir_ / "state", 0700).ok());
  }
  // The store as it is now, to come back to.
  void Keep() {
    REQUIRE(Store()->Checkpoint(/*truncate=*/true).ok());
    db_.reset();
    fs::copy_file(dir_ / "state/selftune.db", dir_ / "kept.db",
                  fs::copy_options::overwrite_existing);
  }
  void Back() {
    Forget();
    fs::copy_file(dir_ / "kept.db", dir_ / "state/selftune.db");
  }

 private:
  TempDir dir_;
  StillClock clock_;
  base::Environment env_;
  std::unique_ptr<store::Db> db_;
};

// A recorded home and what is known to be in it.
struct Recording {
  std::string name;  // "pi/0.87.1"
  std::string home;
  base::JsonValue truth;
  bool database = false;
};

// All of them, in order.
inline std::vector<Recording> Recordings() {
  std::vector<Recording> out;
  const std::string data = DataPath("hosts");
  for (const auto& entry : fs::recursive_directory_iterator(data)) {
    if (entry.path().filename() != "EXPECTED.json") continue;
    auto truth = base::JsonValue::Parse(ReadWhole(entry.path().string()));
    REQUIRE(truth.ok());
    const fs::path folder = entry.path().parent_path();
    const std::string home = (folder / std::string((*truth)["home"].AsString())).string();
    bool database = false;
    for (const auto& file : fs::recursive_directory_iterator(home)) {
      database |= file.path().extension() == ".sqlite" || file.path().filename() == "opencode.db";
    }
    out.push_back({fs::relative(folder, data).string(), home, *std::move(truth), database});
  }
  std::sort(out.begin(), out.end(),
            [](const Recording& a, const Recording& b) { return a.name < b.name; });
  REQUIRE(out.size() == 13);
  return out;
}

// Files that hold sessions, but for databases.
inline bool IsSessionFile(const std::string& path) {
  if (path.ends_with(".jsonl")) return true;
  return path.ends_with(".json") && (path.find("/.cline/data/sessions/") != std::string::npos ||
                                     path.find("/.cline/data/tasks/") != std::string::npos ||
                                     path.find("/opencode/storage/") != std::string::npos);
}

}  // namespace selftune::testing
