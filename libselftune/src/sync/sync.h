// Brings the store up to date with what the hosts have on disk: reads new
// bytes only, stores each fact exactly once, resolves what hangs together.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/cancel.h"
#include "base/env.h"
#include "base/error.h"
#include "base/time.h"
#include "ingest/source.h"
#include "skillfs/skill_root.h"
#include "store/db.h"

namespace selftune::sync {

struct SyncReport;

struct SyncOptions {
  std::vector<std::string> only;   // platforms; empty = all
  bool force = false;              // read everything again
  std::optional<UtcMillis> since;  // only files written since then
  std::string session;             // only files of this one (databases as a whole); "" = all
  // Looks at no file: says anew what follows from what is stored.
  bool repair_only = false;
  int workers = 2;
  std::optional<int64_t> time_budget_ms;  // stops between files; the rest is for the next run
  // Stage, done, total (bytes), file.
  std::function<void(std::string_view stage, int64_t done, int64_t total, std::string_view what)>
      progress;
  // Called at the end; what it writes is folded into the database with the rest.
  std::function<Status(const SyncReport& report)> finish;
};

// What happened on one host.
struct HostReport {
  std::string platform;
  bool available = false;
  int64_t scanned = 0;  // files looked at
  int64_t changed = 0;  // files read
  int64_t bytes_read = 0;
  int64_t sessions = 0;   // touched
  int64_t bad_lines = 0;  // found in this run
  // Read in this run: all but those that say nothing, and those of kinds that nobody knows.
  int64_t records = 0, unknown = 0;
  int64_t set_aside = 0;  // files that wait: another one of their session cannot be read
  // In the store, not of this run: known by what was typed alone, nothing else tells of them.
  int64_t history_sessions = 0, history_prompts = 0;
  std::vector<std::string> warnings;
};

// Commits that no hook saw.
struct CommitCounts {
  int64_t repositories = 0;  // whose log was read
  int64_t added = 0;
  int64_t ambiguous = 0;              // made while several sessions were at work there: nobody's
  int64_t waiting = 0;                // sessions whose repository is still to be asked
  int64_t refused = 0;                // sessions whose repository's log cannot be read
  bool git = true;                    // is installed
  std::vector<std::string> warnings;  // about those that could not be read in this run
};

struct SyncReport {
  std::vector<HostReport> hosts;           // registry order
  int64_t hook_events = 0;                 // taken in from the spool
  int64_t hook_rejects = 0;                // records of it that could not be used
  std::vector<std::string> hook_problems;  // files of it that cannot be read
  int64_t links_resolved = 0;
  int64_t repaired = 0;  // decisions that count again
  int64_t forks_settled = 0;
  int64_t skills_found = 0;
  // Folders, files and settings that the search for skills did not understand.
  std::vector<skillfs::DiscoveryProblem> skill_problems;
  CommitCounts commits;
  bool complete = true;  // false: the time budget ran out
  bool changed = false;  // something was written
  int64_t elapsed_ms = 0;
};

struct SyncWorld {
  const base::Environment* env = nullptr;
  const Clock* clock = nullptr;
  const base::Cancel* cancel = nullptr;
  std::span<const ingest::Source* const> sources;
};

// `db` must be open for writing. Cancelled or failed runs leave a consistent
// store; what was committed stays and the next run goes on from there.
[[nodiscard]] StatusOr<SyncReport> Run(store::Db& db, const SyncWorld& world,
                                       const SyncOptions& options);

// What Run would read, without writing anything. `db` may be null (no store yet).
[[nodiscard]] StatusOr<SyncReport> Preview(store::Db* db, const SyncWorld& world,
                                           const SyncOptions& options);

}  // namespace selftune::sync
