// A home of recorded transcripts, a clock that stands still, and a store.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <doctest/doctest.h>

#include "base/env.h"
#include "base/file.h"
#include "base/time.h"
#include "hosts/sources.h"
#include "ingest/source.h"
#include "store/db.h"
#include "support/temp_dir.h"
#include "sync/sync.h"
#include "unit/store/store_fixture.h"

namespace selftune::sync::testing {

using store::testing::Must;

class FixedClock final : public Clock {
 public:
  UtcMillis now{1'790'000'000'000};
  [[nodiscard]] UtcMillis Now() const override { return now; }
};

// Passes everything on to a real source and notes what is read.
class WatchedSource : public ingest::Source {
 public:
  explicit WatchedSource(const ingest::Source& real) : real_(real) {}

  int version_bump = 0;                               // of the parser
  std::string unreadable;                             // part of a path that cannot be opened
  mutable std::atomic<uint64_t> bytes = 0;            // handed out
  mutable std::atomic<uint64_t> lowest = UINT64_MAX;  // offset

  std::string_view platform() const override { return real_.platform(); }
  std::string_view parser_name() const override { return real_.parser_name(); }
  int parser_version() const override { return real_.parser_version() + version_bump; }
  bool Available(const base::Environment& env) const override { return real_.Available(env); }
  std::vector<ingest::SourceFile> Discover(const base::Environment& env,
                                           std::vector<std::string>& problems) const override {
    return real_.Discover(env, problems);
  }
  ingest::SourceFile Describe(std::string path) const override {
    return real_.Describe(std::move(path));
  }
  std::string PromptHistory(const base::Environment& env) const override {
    return real_.PromptHistory(env);
  }
  std::string Identity(const std::string& path) const override { return real_.Identity(path); }
  StatusOr<std::unique_ptr<ingest::ByteStream>> OpenBytes(const ingest::SourceFile& file,
                                                          uint64_t size) const override;
  StatusOr<std::unique_ptr<ingest::LineReader>> Open(
      const ingest::ReaderOptions& options) const override {
    return real_.Open(options);
  }

 private:
  const ingest::Source& real_;
};

class SyncHome {
 public:
  SyncHome();

  // The text of a recorded rollout, found by a part of its name.
  [[nodiscard]] static std::string Recording(std::string_view part);
  // Writes below the home; the file was last changed `age_ms` before now.
  std::string Write(std::string_view name, std::string_view bytes, int64_t age_ms = 1000);
  // The same path gets other bytes, but stays the same file.
  void Rewrite(std::string_view name, std::string_view bytes, int64_t age_ms);
  void Append(std::string_view name, std::string_view bytes);
  void Remove(std::string_view name);
  void Move(std::string_view from, std::string_view to);

  [[nodiscard]] SyncWorld World(const base::Cancel* cancel = nullptr);
  SyncReport Sync(const SyncOptions& options = {});
  [[nodiscard]] StatusOr<SyncReport> TrySync(const SyncOptions& options = {},
                                             const base::Cancel* cancel = nullptr);
  // The report of Codex.
  HostReport SyncCodex(const SyncOptions& options = {});

  // What is known, without where it was read and row numbers.
  [[nodiscard]] std::vector<std::string> Facts();
  [[nodiscard]] std::string One(const std::string& sql) { return store::testing::One(*db, sql); }
  [[nodiscard]] std::vector<std::string> Rows(const std::string& sql, int columns) {
    return store::testing::Rows(*db, sql, columns);
  }
  [[nodiscard]] std::string Path(std::string_view name) const { return dir / name; }

  selftune::testing::TempDir dir;
  FixedClock clock;
  base::Environment env;
  WatchedSource codex, claude;
  std::unique_ptr<store::Db> db;

 private:
  void SetAge(const std::string& path, int64_t age_ms);
  std::vector<const ingest::Source*> sources_;
};

// Where rollouts lie, below the home.
inline constexpr std::string_view kDay = ".codex/sessions/2026/11/22/";
inline constexpr std::string_view kArchive = ".codex/archived_sessions/";

// Parts of names of small recordings.
inline constexpr std::string_view kOld = "01a202ac-13dd";      // 0.44, three calls
inline constexpr std::string_view kResumed = "01a202ac-16ec";  // 0.44, two prompts
inline constexpr std::string_view kMention = "01a202ab-5668";  // 0.134
inline constexpr std::string_view kLong = "01a202ad-f791";     // 0.169, three prompts

inline std::string Name(std::string_view part, std::string_view folder = kDay) {
  return std::string(folder) + "rollout-2026-11-22T09-00-00-" + std::string(part) + ".jsonl";
}

}  // namespace selftune::sync::testing
