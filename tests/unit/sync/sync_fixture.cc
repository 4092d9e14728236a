#include "unit/sync/sync_fixture.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/status_macros.h"
#include "support/test_files.h"

namespace selftune::sync::testing {
namespace {

namespace fs = std::filesystem;

class WatchedBytes final : public ingest::ByteStream {
 public:
  WatchedBytes(std::unique_ptr<ingest::ByteStream> real, std::atomic<uint64_t>& bytes,
               std::atomic<uint64_t>& lowest)
      : real_(std::move(real)), bytes_(bytes), lowest_(lowest) {}
  StatusOr<size_t> ReadAt(uint64_t offset, char* out, size_t size) override {
    ST_ASSIGN_OR_RETURN(const size_t got, real_->ReadAt(offset, out, size));
    bytes_ += got;
    uint64_t least = lowest_;
    while (got > 0 && offset < least && !lowest_.compare_exchange_weak(least, offset)) {
    }
    return got;
  }
  const ingest::Damage* damage() const override { return real_->damage(); }

 private:
  std::unique_ptr<ingest::ByteStream> real_;
  std::atomic<uint64_t>& bytes_;
  std::atomic<uint64_t>& lowest_;
};

const ingest::Source& RealSource(std::string_view platform) {
  for (const ingest::Source* source : hosts::Sources()) {
    if (source->platform() == platform) return *source;
  }
  FAIL("no such source");
  return *hosts::Sources().front();
}

// A new store is a few hundred statements and a dozen waits for the disk: made
// once, it is copied from then on.
const std::string& NewStore() {
  static const std::string bytes = [] {
    const selftune::testing::TempDir dir;
    const auto db = Must(store::Db::Open(dir / "new.db", {.mode = store::OpenMode::kCreate}));
    REQUIRE(db->Checkpoint(/*truncate=*/true).ok());
    return dir.Read("new.db");
  }();
  return bytes;
}

}  // namespace

StatusOr<std::unique_ptr<ingest::ByteStream>> WatchedSource::OpenBytes(
    const ingest::SourceFile& file, uint64_t size) const {
  if (!unreadable.empty() && file.path.find(unreadable) != std::string::npos) {
    return Fail(kFileUnreadable, "reading {}: input/output error", file.path);
  }
  ST_ASSIGN_OR_RETURN(std::unique_ptr<ingest::ByteStream> real, real_.OpenBytes(file, size));
  return std::unique_ptr<ingest::ByteStream>(
      std::make_unique<WatchedBytes>(std::move(real), bytes, lowest));
}

SyncHome::SyncHome() : codex(RealSource("codex")), claude(RealSource("claude_code")) {
  env.Set("HOME", dir.path());
  sources_ = {&claude, &codex};
  dir.Write(".selftune/selftune.db", NewStore(), 0600);
  db = Must(store::Db::Open(dir / ".selftune/selftune.db", {.mode = store::OpenMode::kCreate}));
  // Hundreds of stores live for a moment each: none has to outlive a power cut.
  REQUIRE(db->Execute("PRAGMA synchronous=OFF").ok());
}

std::string SyncHome::Recording(std::string_view part) {
  for (const auto& entry :
       fs::recursive_directory_iterator(selftune::testing::DataPath("hosts/codex/home/.codex"))) {
    if (entry.path().filename().string().find(part) == std::string::npos) continue;
    return Must(base::ReadFile(entry.path().string(), 64 << 20));
  }
  FAIL("no such recording");
  return {};
}

std::string SyncHome::Write(std::string_view name, std::string_view bytes, int64_t age_ms) {
  std::string path = dir.Write(name, bytes);
  SetAge(path, age_ms);
  return path;
}

void SyncHome::Rewrite(std::string_view name, std::string_view bytes, int64_t age_ms) {
  {
    std::ofstream out(Path(name), std::ios::trunc | std::ios::binary);
    out << bytes;
    REQUIRE(out.flush().good());
  }
  SetAge(Path(name), age_ms);
}

void SyncHome::SetAge(const std::string& path, int64_t age_ms) {
  const int64_t at = clock.now.value - age_ms;
  const timespec times[2] = {{at / 1000, at % 1000 * 1'000'000},
                             {at / 1000, at % 1000 * 1'000'000}};
  REQUIRE(::utimensat(AT_FDCWD, path.c_str(), times, 0) == 0);
}

void SyncHome::Append(std::string_view name, std::string_view bytes) {
  std::ofstream out(Path(name), std::ios::app | std::ios::binary);
  out << bytes;
  REQUIRE(out.flush().good());
}

void SyncHome::Remove(std::string_view name) { REQUIRE(base::RemoveFile(Path(name)).ok()); }

void SyncHome::Move(std::string_view from, std::string_view to) {
  REQUIRE(base::MakeDirs(std::string(base::DirName(Path(to))), 0755).ok());
  REQUIRE(base::Rename(Path(from), Path(to)).ok());
}

SyncWorld SyncHome::World(const base::Cancel* cancel) {
  return {.env = &env, .clock = &clock, .cancel = cancel, .sources = sources_};
}

StatusOr<SyncReport> SyncHome::TrySync(const SyncOptions& options, const base::Cancel* cancel) {
  return Run(*db, World(cancel), options);
}

SyncReport SyncHome::Sync(const SyncOptions& options) { return Must(TrySync(options)); }

HostReport SyncHome::SyncCodex(const SyncOptions& options) {
  const SyncReport report = Sync(options);
  for (const HostReport& host : report.hosts) {
    if (host.platform == "codex") return host;
  }
  FAIL("codex was not read");
  return {};
}

std::vector<std::string> SyncHome::Facts() {
  struct View {
    const char* sql;
    int columns;
  };
  constexpr View kViews[] = {
      {"SELECT session_id, kind, model, host_version, started_at, ended_at, completion_status, "
       "is_archived FROM sessions ORDER BY 1",
       8},
      {"SELECT session_id, prompt_index, prompt_text, is_active, occurred_at, source_offset FROM "
       "prompts ORDER BY 1, 2",
       6},
      {"SELECT session_id, skill_name, outcome, route, source_offset, query FROM "
       "skill_invocations ORDER BY 1, 2, 5",
       6},
      {"SELECT session_id, name, calls, errors, nonzero_exits, unfinished FROM tool_calls "
       "ORDER BY 1, 2",
       6},
      {"SELECT session_id, assistant_turns, input_tokens, output_tokens, errors_encountered "
       "FROM execution_facts ORDER BY 1",
       5},
      {"SELECT session_id, skill_name, state, source_offset FROM exposures ORDER BY 1, 2, 4", 4},
      {"SELECT offset, reason FROM bad_lines ORDER BY 1, 2", 2},
  };
  std::vector<std::string> out;
  for (const View& view : kViews) {
    for (std::string& row : Rows(view.sql, view.columns)) out.push_back(std::move(row));
  }
  return out;
}

}  // namespace selftune::sync::testing
