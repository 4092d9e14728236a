// One run of sync: the state that its stages share. Private to sync*.cc.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <absl/functional/function_ref.h>

#include "base/error.h"
#include "base/time.h"
#include "ingest/source.h"
#include "store/db.h"
#include "sync/apply.h"
#include "sync/batches.h"
#include "sync/forks.h"
#include "sync/joined.h"
#include "sync/parallel_reader.h"
#include "sync/plan.h"
#include "sync/sync.h"

namespace selftune::sync {

[[nodiscard]] ReadTask TaskFor(const WorkItem& item);

// Says nothing about the file, which stays as it was for the next sync.
[[nodiscard]] bool NoMemory(const Status& status);

// Execute() once. Not thread-safe.
class SyncRun {
 public:
  SyncRun(store::Db& db, const SyncWorld& world, const SyncOptions& options)
      : db_(db), world_(world), options_(options), batches_(db) {}

  [[nodiscard]] StatusOr<SyncReport> Execute();

 private:
  // The next piece of a file, valid until the one after; `wait`: also when it is
  // not there at once.
  using ReadNextFn = absl::FunctionRef<StatusOr<const ReadChunk*>(bool wait)>;
  using SteadyClock = std::chrono::steady_clock;

  // What one part leaves to the next.
  struct Chain {
    std::string reader_state;
    ingest::KeySet known;  // records of the parts before
  };

  [[nodiscard]] UtcMillis Now() const { return world_.clock->Now(); }
  [[nodiscard]] StatusOr<std::vector<HostPlan>> PlanAll();
  [[nodiscard]] Status MustKnowSession() const;
  [[nodiscard]] Status GoOn() const;
  [[nodiscard]] bool OutOfTime() const;
  [[nodiscard]] static int64_t BytesOf(const WorkItem& item);
  [[nodiscard]] int WorkersFor(uint64_t bytes) const;
  [[nodiscard]] Status SyncHosts(std::vector<HostPlan> plans);
  // Whose files are those from `first` on.
  [[nodiscard]] Status SyncHost(HostPlan& plan, ParallelReader& reader, size_t first);
  [[nodiscard]] Status MarkStates(const HostPlan& plan);
  [[nodiscard]] Status ReadOne(const WorkItem& item, int64_t min_generation, HostReport& host,
                               ReadNextFn next);
  [[nodiscard]] Status Hooks(const std::vector<std::string>& installed);
  [[nodiscard]] Status MendListings();
  [[nodiscard]] Status Settle();
  [[nodiscard]] Status LookAgain(std::vector<std::string> names, size_t workspaces);
  [[nodiscard]] Status Repair();
  [[nodiscard]] Status Link();
  [[nodiscard]] Status Commits();

  // Of sessions whose records lie in several files, and of forks: sync_together.cc.
  [[nodiscard]] Status JoinFiles(const ingest::Source& source, HostReport& host);
  [[nodiscard]] Status JoinFiles(const ingest::Source& source,
                                 const std::vector<store::SourceId>& ids, HostReport& host);
  [[nodiscard]] Status KeepAside(store::SourceId id, const Status& why);
  [[nodiscard]] Status ReadTogether(const Join& join,
                                    const std::shared_ptr<const ingest::KeySet>& copied,
                                    HostReport& host);
  [[nodiscard]] Status MarkParts(const Join& join);
  [[nodiscard]] StatusOr<bool> ReadPart(const JoinPart& part, int64_t generation, Chain& chain,
                                        HostReport& host);
  [[nodiscard]] const ingest::Source* SourceOf(std::string_view platform) const;
  [[nodiscard]] Status Reread(const ForkRead& read);
  [[nodiscard]] Status RereadRows(const ForkRead& read, const ingest::Source& source,
                                  const base::FileInfo& info, std::string_view forked_from);

  store::Db& db_;
  const SyncWorld& world_;
  const SyncOptions& options_;
  Batches batches_;
  std::unique_ptr<Applier> applier_;
  SyncReport report_;
  const SteadyClock::time_point begin_ = SteadyClock::now();
  const UtcMillis began_ = Now();
  int64_t total_bytes_ = 0;
  int64_t done_bytes_ = 0;
};

}  // namespace selftune::sync
