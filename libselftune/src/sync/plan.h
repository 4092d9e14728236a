// Compares what a host has on disk with the ledger: which files are new, which
// grew, which were replaced, which are gone.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/env.h"
#include "base/error.h"
#include "base/file.h"
#include "base/time.h"
#include "ingest/source.h"
#include "store/db.h"
#include "store/rows.h"
#include "store/source_ledger.h"

namespace selftune::sync {

// Enough to tell files apart: their first record names the session, the last ones
// are new each time. Hashing four times as many was a twentieth of a cold sync.
inline constexpr uint64_t kHeadBytes = 1024;

enum class Change {
  kNew,       // not in the ledger
  kGrown,     // the known beginning is unchanged, there is more
  kReplaced,  // other content, another parser, or forced: read from the start
};

// One file to read.
struct WorkItem {
  const ingest::Source* source = nullptr;
  ingest::SourceFile file;
  base::FileInfo info;
  std::optional<UtcMillis> looked;  // when that was asked
  Change change = Change::kNew;
  bool moved = false;  // known under another path, which is gone
  // What is known of the file; null of a new one, so that it takes no room. There are
  // thousands at a time.
  std::shared_ptr<const store::SourceState> known;
  // Files with records of the same sessions; this one is read behind others.
  std::vector<store::SourceId> together;
  bool behind_kept = false;  // files of its sessions are gone; what they gave stays
  bool anew = false;         // ... and its reader knows nothing of them
  bool accept_tail = false;  // quiet for a day: a last line without line end counts
  // A fork that is read again, and the session whose history it continues.
  std::string fork, forked_from;
  // Of a store of rows: a fork that is read again; what is known of the rest stays.
  std::string only_session;

  // Id 0 for a new file; offset and parser state for a grown one.
  [[nodiscard]] const store::SourceState& state() const;
};

struct OutOfReach {
  store::SourceId id;
  std::string why;
};

struct HostPlan {
  const ingest::Source* source = nullptr;
  bool available = false;
  int64_t scanned = 0;                   // files looked at
  std::vector<WorkItem> items;           // by path, histories of prompts last
  std::vector<store::SourceId> missing;  // in the ledger, not on disk any more
  std::vector<store::SourceId> back;     // were missing or set aside, are unchanged
  std::vector<OutOfReach> out_of_reach;  // whether they are there cannot be seen
  std::vector<std::string> problems;     // unreadable folders and files
};

struct PlanOptions {
  bool force = false;              // read everything again
  std::optional<UtcMillis> since;  // leave out files not written since then
  const Clock* clock = nullptr;
};

// Read-only. `db` may be null: nothing is known yet.
[[nodiscard]] StatusOr<HostPlan> PlanHost(store::Db* db, const ingest::Source& source,
                                          const base::Environment& env, const PlanOptions& options);

// What the file system changes whenever a file is written to, also when its time is
// put back, and what another file says of its session (SourceFile::beside); "" of a
// store of rows, which tells itself what changed.
[[nodiscard]] std::string StampOf(const ingest::SourceFile& file, const base::FileInfo& info);

// SHA-256 (raw) of the min(offset, 1024) bytes before `offset`.
[[nodiscard]] StatusOr<std::string> TailHash(const std::string& path, uint64_t offset);

// Does the file begin with all that was read of the other one?
[[nodiscard]] StatusOr<bool> BeginsWith(const ingest::Source& source,
                                        const ingest::SourceFile& file, uint64_t size,
                                        const store::SourceState& other);

// SHA-256 (raw) of the first min(size, 1024) bytes.
[[nodiscard]] StatusOr<std::string> HeadHash(const std::string& path, uint64_t size);

}  // namespace selftune::sync
