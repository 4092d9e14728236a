#include "sync/sync.h"

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/file.h"
#include "base/lock_file.h"
#include "base/status_macros.h"
#include "hosts/registry.h"
#include "store/hook_evidence.h"
#include "store/link.h"
#include "store/resolver.h"
#include "store/session_parts.h"
#include "store/source_ledger.h"
#include "store/write_txn.h"
#include "sync/apply.h"
#include "sync/batches.h"
#include "sync/catalogue.h"
#include "sync/forks.h"
#include "sync/hook_evidence.h"
#include "sync/joined.h"
#include "sync/new_skills.h"
#include "sync/one_session.h"
#include "sync/parallel_reader.h"
#include "sync/plan.h"
#include "sync/sync_lock.h"

namespace selftune::sync {
namespace {

using SteadyClock = std::chrono::steady_clock;

constexpr int kJoinRounds = 4;

// A transaction is not held open while the disk is slow. A reader that is a little
// behind is no reason to end it: each one writes the same pages once more.
constexpr std::chrono::milliseconds kPatience{10};

int64_t MsSince(SteadyClock::time_point start) {
  return std::chrono::duration_cast<std::chrono::milliseconds>(SteadyClock::now() - start).count();
}

bool Wanted(const SyncOptions& options, std::string_view platform) {
  return options.only.empty() ||
         std::find(options.only.begin(), options.only.end(), platform) != options.only.end();
}

ReadTask TaskFor(const WorkItem& item) {
  ReadTask task;
  task.source = item.source;
  task.file = item.file;
  task.size = item.info.size;
  task.accept_tail = item.accept_tail;
  if (item.change == Change::kGrown) {
    task.start = {item.state.offset, item.state.line_no};
    task.saved_state = item.state.parser_state;
  }
  task.only_session = item.only_session;
  return task;
}

// Says nothing about the file, which stays as it was for the next sync.
bool NoMemory(const Status& status) { return CodeOf(status).name == kOutOfMemory.name; }

class SyncRun {
 public:
  SyncRun(store::Db& db, const SyncWorld& world, const SyncOptions& options)
      : db_(db), world_(world), options_(options), batches_(db) {}

  StatusOr<SyncReport> Execute() {
    ST_ASSIGN_OR_RETURN(std::vector<HostPlan> plans, PlanAll());
    if (total_bytes_ == 0) ST_RETURN_IF_ERROR(MustKnowSession());
    ST_ASSIGN_OR_RETURN(const std::vector<std::string> workspaces, store::Workspaces(db_));
    ST_ASSIGN_OR_RETURN(CatalogueReport catalogue, UpdateCatalogue(db_, *world_.env, Now()));
    report_.skills_found = catalogue.skills;
    report_.changed |= catalogue.changed;
    ST_RETURN_IF_ERROR(BeginNames(db_, catalogue.names, began_));
    if (!options_.repair_only) ST_RETURN_IF_ERROR(Hooks(catalogue.names));
    applier_ = std::make_unique<Applier>(db_, catalogue.names, Now());
    for (HostPlan& plan : plans) {
      ST_RETURN_IF_ERROR(SyncHost(plan));
      plan = HostPlan();  // thousands of files
    }
    ST_RETURN_IF_ERROR(Settle());
    ST_RETURN_IF_ERROR(LookAgain(std::move(catalogue.names), workspaces.size()));
    ST_RETURN_IF_ERROR(Link());
    if (report_.changed) ST_RETURN_IF_ERROR(db_.Checkpoint(/*truncate=*/true));
    if (report_.complete) ST_RETURN_IF_ERROR(MustKnowSession());
    report_.elapsed_ms = MsSince(begin_);
    return std::move(report_);
  }

 private:
  [[nodiscard]] UtcMillis Now() const { return world_.clock->Now(); }

  StatusOr<std::vector<HostPlan>> PlanAll() {
    std::vector<HostPlan> plans;
    if (options_.repair_only) return plans;
    for (const ingest::Source* source : world_.sources) {
      if (!Wanted(options_, source->platform())) continue;
      ST_ASSIGN_OR_RETURN(
          HostPlan plan,
          PlanHost(&db_, *source, *world_.env,
                   {.force = options_.force, .since = options_.since, .clock = world_.clock}));
      if (!options_.session.empty()) {
        ST_RETURN_IF_ERROR(KeepSession(&db_, options_.session, plan));
      }
      for (const WorkItem& item : plan.items) total_bytes_ += BytesOf(item);
      plans.push_back(std::move(plan));
    }
    return plans;
  }

  [[nodiscard]] Status MustKnowSession() const {
    if (options_.session.empty()) return absl::OkStatus();
    std::vector<std::string_view> platforms;
    for (const ingest::Source* source : world_.sources) {
      if (Wanted(options_, source->platform())) platforms.push_back(source->platform());
    }
    return sync::MustKnowSession(db_, platforms, options_.session);
  }

  // Also asked by work that follows reading.
  [[nodiscard]] Status GoOn() const {
    if (world_.cancel != nullptr) ST_RETURN_IF_ERROR(world_.cancel->Check());
    return OutOfTime() ? Fail(kDeadline, "the time for this sync is over") : absl::OkStatus();
  }
  [[nodiscard]] bool OutOfTime() const {
    return options_.time_budget_ms.has_value() && MsSince(begin_) > *options_.time_budget_ms;
  }

  static int64_t BytesOf(const WorkItem& item) {
    const uint64_t start = item.change == Change::kGrown ? item.state.offset : 0;
    return static_cast<int64_t>(item.info.size - std::min(start, item.info.size));
  }

  Status SyncHost(HostPlan& plan) {
    HostReport& host = report_.hosts.emplace_back();
    host.platform = std::string(plan.source->platform());
    host.available = plan.available;
    host.scanned = plan.scanned;
    host.warnings = plan.problems;
    ST_RETURN_IF_ERROR(MarkStates(plan));
    std::vector<ReadTask> tasks;
    tasks.reserve(plan.items.size());
    for (const WorkItem& item : plan.items) tasks.push_back(TaskFor(item));
    ParallelReader reader(std::move(tasks), options_.workers, world_.cancel);
    for (size_t i = 0; i < plan.items.size(); ++i) {
      if (OutOfTime()) {
        report_.complete = false;
        break;
      }
      ST_RETURN_IF_ERROR(ReadOne(plan.items[i], 0, host, [&](bool wait) -> StatusOr<ReadChunk> {
        if (!wait || !reader.Ready(i, kPatience)) ST_RETURN_IF_ERROR(batches_.Close());
        return reader.Next(i);
      }));
    }
    ST_RETURN_IF_ERROR(batches_.Close());
    return JoinFiles(*plan.source, host);
  }

  // Reads the files that were set aside together with those they belong to;
  // which may show that others belong to them as well.
  Status JoinFiles(const ingest::Source& source, HostReport& host) {
    for (int round = 0; round < kJoinRounds; ++round) {
      const std::vector<store::SourceId> ids = applier_->TakeSetAside();
      if (ids.empty()) break;
      ST_RETURN_IF_ERROR(JoinFiles(source, ids, host));
    }
    static_cast<void>(applier_->TakeSetAside());  // the next run finds them changed
    return absl::OkStatus();
  }

  Status JoinFiles(const ingest::Source& source, const std::vector<store::SourceId>& ids,
                   HostReport& host) {
    std::set<int64_t> done;
    for (const store::SourceId id : ids) {
      if (done.contains(id.value)) continue;
      StatusOr<Join> join = LoadParts(db_, source, id, world_.cancel);
      if (join.ok()) {
        for (const JoinPart& part : join->parts) done.insert(part.item.state.id.value);
        ST_RETURN_IF_ERROR(ReadTogether(*join, {}, host));
        continue;
      }
      if (world_.cancel != nullptr) ST_RETURN_IF_ERROR(world_.cancel->Check());
      if (NoMemory(join.status())) return join.status();
      host.set_aside += 1;
      host.warnings.emplace_back(Message(join.status()));
      ST_RETURN_IF_ERROR(KeepAside(id, join.status()));
    }
    return absl::OkStatus();
  }

  // One of the files it belongs to cannot be read. What is stored stays; the
  // next run tries again.
  Status KeepAside(store::SourceId id, const Status& why) {
    ST_ASSIGN_OR_RETURN(const store::SourceState state, store::LoadSourceState(db_, id));
    ST_RETURN_IF_ERROR(batches_.Open());
    store::IngestWriter& writer = applier_->writer();
    ST_RETURN_IF_ERROR(state.offset == 0 ? writer.SetSourceState(id, "quarantined", Message(why))
                                         : writer.SetUnreadable(id, Message(why)));
    return batches_.Close();
  }

  // As if the parts were one file: each reader goes on with the state of the one
  // before, and knows the records of all before.
  Status ReadTogether(const Join& join, const std::shared_ptr<const ingest::KeySet>& copied,
                      HostReport& host) {
    ST_RETURN_IF_ERROR(MarkParts(join));
    Chain chain{.reader_state = join.reader_state, .known = join.known};
    if (copied != nullptr) chain.known.insert(copied->begin(), copied->end());
    for (const JoinPart& part : join.parts) {
      ST_ASSIGN_OR_RETURN(const bool read, ReadPart(part, join.generation, chain, host));
      if (!read) return batches_.Close();  // it became unreadable: the next run tries again
    }
    ST_RETURN_IF_ERROR(batches_.Open());
    for (const JoinPart& part : join.parts) {
      ST_RETURN_IF_ERROR(
          applier_->writer().SweepSource(part.item.state.id, join.generation, !join.kept.empty()));
    }
    return batches_.Close();
  }

  Status MarkParts(const Join& join) {
    ST_RETURN_IF_ERROR(batches_.Open());
    for (const store::SourceId kept : join.kept) {
      ST_RETURN_IF_ERROR(store::KeepSource(db_, kept));
    }
    for (const store::SourceId confused : join.confused) {
      ST_RETURN_IF_ERROR(store::ForgetReaderState(db_, confused));
    }
    for (const store::SourceId former : join.former) {
      ST_RETURN_IF_ERROR(store::ReleaseSource(db_, former));
    }
    for (const JoinPart& part : join.parts) {
      ST_RETURN_IF_ERROR(store::ReleaseSource(db_, part.item.state.id));
      ST_RETURN_IF_ERROR(store::ForgetSeen(db_, part.item.state.id));
    }
    return batches_.Close();
  }

  // What one part leaves to the next.
  struct Chain {
    std::string reader_state;
    ingest::KeySet known;  // records of the parts before
  };

  StatusOr<bool> ReadPart(const JoinPart& part, int64_t generation, Chain& chain,
                          HostReport& host) {
    ReadTask task = TaskFor(part.item);
    task.start = part.start;
    task.saved_state = chain.reader_state;
    if (!chain.known.empty()) task.copied = std::make_shared<const ingest::KeySet>(chain.known);
    std::vector<ReadTask> tasks;
    tasks.push_back(std::move(task));
    ParallelReader reader(std::move(tasks), 1, world_.cancel);
    HostReport one;
    ST_RETURN_IF_ERROR(ReadOne(part.item, generation, one, [&](bool) -> StatusOr<ReadChunk> {
      ReadChunk chunk = reader.Next(0);
      chain.reader_state = chunk.reader_state;
      for (const ingest::SessionFacts& facts : chunk.batch.sessions) {
        chain.known.insert(facts.record_keys.begin(), facts.record_keys.end());
      }
      return chunk;
    }));
    host.bad_lines += one.bad_lines;
    host.bytes_read += one.bytes_read;
    for (std::string& warning : one.warnings) host.warnings.push_back(std::move(warning));
    return one.changed > 0;
  }

  Status MarkStates(const HostPlan& plan) {
    if (plan.missing.empty() && plan.back.empty() && plan.out_of_reach.empty()) {
      return absl::OkStatus();
    }
    ST_RETURN_IF_ERROR(batches_.Open());
    for (const store::SourceId id : plan.missing) {
      ST_RETURN_IF_ERROR(applier_->writer().SetSourceState(id, "missing", ""));
    }
    for (const store::SourceId id : plan.back) {
      ST_RETURN_IF_ERROR(applier_->writer().SetSourceState(id, "active", ""));
    }
    for (const OutOfReach& file : plan.out_of_reach) {
      ST_RETURN_IF_ERROR(applier_->writer().SetUnreadable(file.id, file.why));
    }
    report_.changed = true;
    return batches_.Close();
  }

  template <typename NextFn>
  Status ReadOne(const WorkItem& item, int64_t min_generation, HostReport& host, NextFn next) {
    ApplyState state;
    bool begun = false;
    while (true) {
      ST_ASSIGN_OR_RETURN(const ReadChunk chunk, next(true));
      if (world_.cancel != nullptr) ST_RETURN_IF_ERROR(world_.cancel->Check());
      if (NoMemory(chunk.status)) return chunk.status;
      ST_RETURN_IF_ERROR(batches_.Open());
      if (!begun && !chunk.status.ok()) {
        report_.changed = true;
        host.warnings.emplace_back(Message(chunk.status));
        ST_RETURN_IF_ERROR(applier_->Unreadable(item, chunk.status));
        return batches_.Wrote(1);
      }
      if (!begun) {
        ST_ASSIGN_OR_RETURN(state, applier_->Begin(item, min_generation));
        begun = true;
      }
      report_.changed = true;
      if (!chunk.status.ok()) {
        host.warnings.emplace_back(Message(chunk.status));
        ST_RETURN_IF_ERROR(applier_->Failed(state, chunk.status));
        return batches_.Wrote(1);
      }
      ST_RETURN_IF_ERROR(applier_->Apply(state, chunk));
      ST_RETURN_IF_ERROR(batches_.Wrote(chunk.batch.row_count() + 1));
      if (!chunk.damage.empty()) host.warnings.push_back(chunk.damage);
      if (chunk.last) break;
    }
    host.changed += 1;
    host.sessions += static_cast<int64_t>(state.sessions.size());
    host.bad_lines += state.bad_lines;
    host.bytes_read += BytesOf(item);
    done_bytes_ += BytesOf(item);
    total_bytes_ = std::max(total_bytes_, done_bytes_);  // forks are read twice
    if (options_.progress) options_.progress("sync", done_bytes_, total_bytes_, item.file.path);
    return absl::OkStatus();
  }

  // First, so that transcripts find what hooks saw of them.
  Status Hooks(const std::vector<std::string>& installed) {
    ST_ASSIGN_OR_RETURN(store::DrainReport taken,
                        TakeInHooks(db_, world_.env->StateDir(), installed, Now()));
    report_.hook_events = taken.records;
    report_.hook_rejects = taken.bad;
    report_.hook_problems = std::move(taken.problems);
    report_.changed |= taken.records + taken.bad > 0;
    return absl::OkStatus();
  }

  Status Settle() {
    {
      ST_ASSIGN_OR_RETURN(store::WriteTxn txn, store::WriteTxn::Begin(db_));
      ST_RETURN_IF_ERROR(store::SettleAlone(db_));
      ST_RETURN_IF_ERROR(store::SettleHookEvidence(db_));
      ST_RETURN_IF_ERROR(txn.Commit());
    }
    ST_ASSIGN_OR_RETURN(report_.forks_settled,
                        SettleForks(db_, [this](const ForkRead& read) { return Reread(read); }));
    return absl::OkStatus();
  }

  const ingest::Source* SourceOf(std::string_view platform) const {
    for (const ingest::Source* source : world_.sources) {
      if (source->platform() == platform) return source;
    }
    return nullptr;
  }

  // Reads a fork once more without what it copied.
  Status Reread(const ForkRead& read) {
    const ingest::Source* source = SourceOf(read.member.platform);
    if (source == nullptr) return absl::OkStatus();
    const ingest::SourceFile file = source->Describe(read.member.path);
    const auto info = source->Look(file);
    if (!info.ok()) return absl::OkStatus();  // gone: counted once as it is
    const std::string_view forked_from = read.member.forked_from.empty()
                                             ? std::string_view(read.forked_from)
                                             : std::string_view(read.member.forked_from);
    if (file.rows) {
      ST_RETURN_IF_ERROR(RereadRows(read, *source, *info, forked_from));
    } else {
      StatusOr<Join> join = LoadParts(db_, *source, read.member.source, world_.cancel);
      if (NoMemory(join.status())) return join.status();
      if (!join.ok()) return world_.cancel != nullptr ? world_.cancel->Check() : absl::OkStatus();
      for (JoinPart& part : join->parts) {
        part.item.fork = read.member.session_id;
        part.item.forked_from = forked_from;
      }
      HostReport ignored;
      ST_RETURN_IF_ERROR(ReadTogether(*join, read.copied, ignored));
    }
    ST_RETURN_IF_ERROR(batches_.Open());
    ST_RETURN_IF_ERROR(applier_->writer()
                           .UpdateSession({.platform = read.member.platform,
                                           .id = read.member.session_id,
                                           .forked_from = forked_from,
                                           .source = read.member.source})
                           .status());
    return batches_.Close();
  }

  // Now the projects of all sessions are known, and with them their skills.
  // `workspaces`: how many were known when `names` were found.
  Status LookAgain(std::vector<std::string> names, size_t workspaces) {
    ST_ASSIGN_OR_RETURN(const std::vector<std::string> now, store::Workspaces(db_));
    if (now.size() != workspaces || applier_->has_waiting()) {
      ST_ASSIGN_OR_RETURN(CatalogueReport catalogue, UpdateCatalogue(db_, *world_.env, Now()));
      report_.skills_found = catalogue.skills;
      report_.changed |= catalogue.changed;
      names = std::move(catalogue.names);
    }
    if (applier_->has_waiting()) {
      ST_RETURN_IF_ERROR(batches_.Open());
      ST_RETURN_IF_ERROR(applier_->AddWaiting(names));
      ST_RETURN_IF_ERROR(batches_.Close());
    }
    if (options_.repair_only) ST_RETURN_IF_ERROR(Repair());
    const auto go_on = [this] {
      if (options_.progress) options_.progress("signals", done_bytes_, total_bytes_, "");
      return GoOn();
    };
    store::IngestWriter& writer = applier_->writer();
    const StatusOr<int64_t> drawn = options_.repair_only
                                        ? DrawAll(writer, names, go_on)
                                        : DrawForNewSkills(writer, names, began_, go_on);
    if (!drawn.ok()) {
      if (CodeOf(drawn.status()).name != kDeadline.name || !OutOfTime()) return drawn.status();
      report_.complete = false;  // the next run does it
      return absl::OkStatus();
    }
    report_.changed |= *drawn > 0;
    return absl::OkStatus();
  }

  Status Repair() {
    ST_ASSIGN_OR_RETURN(const std::vector<std::string> keys,
                        store::UnresolvedOccurrences(db_, SIZE_MAX));
    if (keys.empty()) return absl::OkStatus();
    ST_RETURN_IF_ERROR(batches_.Open());
    for (const std::string& key : keys) {
      ST_RETURN_IF_ERROR(store::ResolveOccurrence(db_, key));
    }
    report_.repaired = static_cast<int64_t>(keys.size());
    report_.changed = true;
    return batches_.Close();
  }

  Status RereadRows(const ForkRead& read, const ingest::Source& source, const base::FileInfo& info,
                    std::string_view forked_from) {
    WorkItem item;
    item.source = &source;
    item.file = source.Describe(read.member.path);
    item.info = info;
    item.change = Change::kGrown;
    item.only_session = item.fork = read.member.session_id;
    item.forked_from = forked_from;
    ST_ASSIGN_OR_RETURN(item.state, store::LoadSourceState(db_, read.member.source));
    std::vector<ReadTask> tasks;
    tasks.push_back(TaskFor(item));
    tasks.back().copied = read.copied;
    ParallelReader reader(std::move(tasks), 1, world_.cancel);
    HostReport ignored;
    ST_RETURN_IF_ERROR(
        ReadOne(item, 0, ignored, [&](bool) -> StatusOr<ReadChunk> { return reader.Next(0); }));
    return batches_.Close();
  }

  Status Link() {
    ST_ASSIGN_OR_RETURN(store::WriteTxn txn, store::WriteTxn::Begin(db_));
    ST_ASSIGN_OR_RETURN(const store::LinkReport links, store::ResolveLinks(db_, Now()));
    report_.links_resolved = links.sessions;
    return txn.Commit();
  }

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

}  // namespace

StatusOr<SyncReport> Run(store::Db& db, const SyncWorld& world, const SyncOptions& options) {
  ST_ASSIGN_OR_RETURN(const base::LockFile lock, LockSync(db, world.clock->Now(), world.cancel));
  return SyncRun(db, world, options).Execute();
}

StatusOr<SyncReport> Preview(store::Db* db, const SyncWorld& world, const SyncOptions& options) {
  SyncReport report;
  if (options.repair_only) return report;
  for (const ingest::Source* source : world.sources) {
    if (!Wanted(options, source->platform())) continue;
    ST_ASSIGN_OR_RETURN(
        HostPlan plan,
        PlanHost(db, *source, *world.env,
                 {.force = options.force, .since = options.since, .clock = world.clock}));
    if (!options.session.empty()) {
      ST_RETURN_IF_ERROR(KeepSession(db, options.session, plan));
    }
    HostReport& host = report.hosts.emplace_back();
    host.platform = std::string(source->platform());
    host.available = plan.available;
    host.scanned = plan.scanned;
    host.changed = static_cast<int64_t>(plan.items.size());
    host.warnings = plan.problems;
  }
  return report;
}

}  // namespace selftune::sync
