#include "sync/sync.h"

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/lock_file.h"
#include "base/status_macros.h"
#include "hosts/registry.h"
#include "store/bulk_run.h"
#include "store/commit_rows.h"
#include "store/hook_evidence.h"
#include "store/link.h"
#include "store/listing.h"
#include "store/queries/sources.h"
#include "store/resolver.h"
#include "store/source_ledger.h"
#include "store/write_txn.h"
#include "sync/apply.h"
#include "sync/batches.h"
#include "sync/catalogue.h"
#include "sync/commits.h"
#include "sync/forks.h"
#include "sync/git_log.h"
#include "sync/hook_evidence.h"
#include "sync/new_skills.h"
#include "sync/one_session.h"
#include "sync/parallel_reader.h"
#include "sync/plan.h"
#include "sync/sync_lock.h"
#include "sync/sync_run.h"

namespace selftune::sync {
namespace {

using SteadyClock = std::chrono::steady_clock;

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

// Gaps that a history of prompts fills.
Status AddFromHistory(store::Db& db, const SyncWorld& world, SyncReport& report) {
  for (const ingest::Source* source : world.sources) {
    const std::string history = source->PromptHistory(*world.env);
    const auto host = std::ranges::find(report.hosts, source->platform(), &HostReport::platform);
    if (history.empty() || host == report.hosts.end()) continue;
    ST_ASSIGN_OR_RETURN(const store::HistoryOnly known,
                        store::KnownByHistoryAlone(db, source->platform(), history));
    host->history_sessions = known.sessions;
    host->history_prompts = known.prompts;
  }
  return absl::OkStatus();
}

}  // namespace

ReadTask TaskFor(const WorkItem& item) {
  ReadTask task;
  task.source = item.source;
  task.file = item.file;
  task.size = item.info.size;
  task.accept_tail = item.accept_tail;
  if (item.change == Change::kGrown) {
    task.start = {item.state().offset, item.state().line_no};
    task.saved_state = item.state().parser_state;
    const bool whole_head = std::min(item.state().size, item.info.size) >= kHeadBytes;
    if (whole_head) task.head_sha256 = item.state().head_sha256;
  }
  task.only_session = item.only_session;
  return task;
}

bool NoMemory(const Status& status) { return CodeOf(status).name == kOutOfMemory.name; }

StatusOr<SyncReport> SyncRun::Execute() {
  ST_ASSIGN_OR_RETURN(std::vector<HostPlan> plans, PlanAll());
  if (total_bytes_ == 0) ST_RETURN_IF_ERROR(MustKnowSession());
  ST_ASSIGN_OR_RETURN(const std::vector<std::string> workspaces, store::Workspaces(db_));
  ST_ASSIGN_OR_RETURN(CatalogueReport catalogue, UpdateCatalogue(db_, *world_.env, Now()));
  report_.skills_found = catalogue.skills;
  report_.skill_problems = std::move(catalogue.problems);
  report_.changed |= catalogue.changed;
  ST_RETURN_IF_ERROR(BeginNames(db_, catalogue.names, began_));
  if (!options_.repair_only) ST_RETURN_IF_ERROR(Hooks(catalogue.names));
  applier_ = std::make_unique<Applier>(db_, catalogue.names, Now());
  if (options_.force) ST_RETURN_IF_ERROR(MendListings());
  ST_RETURN_IF_ERROR(SyncHosts(std::move(plans)));
  ST_RETURN_IF_ERROR(Settle());
  ST_RETURN_IF_ERROR(LookAgain(std::move(catalogue.names), workspaces.size()));
  ST_RETURN_IF_ERROR(Link());
  ST_RETURN_IF_ERROR(Commits());
  ST_RETURN_IF_ERROR(AddFromHistory(db_, world_, report_));
  if (options_.finish) ST_RETURN_IF_ERROR(options_.finish(report_));
  if (report_.changed) ST_RETURN_IF_ERROR(db_.Checkpoint(/*truncate=*/true));
  if (report_.complete) ST_RETURN_IF_ERROR(MustKnowSession());
  report_.elapsed_ms = MsSince(begin_);
  return std::move(report_);
}

StatusOr<std::vector<HostPlan>> SyncRun::PlanAll() {
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

Status SyncRun::MustKnowSession() const {
  if (options_.session.empty()) return absl::OkStatus();
  std::vector<std::string_view> platforms;
  for (const ingest::Source* source : world_.sources) {
    if (Wanted(options_, source->platform())) platforms.push_back(source->platform());
  }
  return sync::MustKnowSession(db_, platforms, options_.session);
}

// Also asked by work that follows reading.
Status SyncRun::GoOn() const {
  if (world_.cancel != nullptr) ST_RETURN_IF_ERROR(world_.cancel->Check());
  return OutOfTime() ? Fail(kDeadline, "the time for this sync is over") : absl::OkStatus();
}

// What is read from its start finds the listings it shows, and takes them as they are.
Status SyncRun::MendListings() {
  ST_ASSIGN_OR_RETURN(store::WriteTxn txn, store::WriteTxn::Begin(db_));
  ST_ASSIGN_OR_RETURN(const int64_t mended, store::MendListings(db_));
  report_.changed |= mended > 0;
  return txn.Commit();
}

bool SyncRun::OutOfTime() const {
  return options_.time_budget_ms.has_value() && MsSince(begin_) > *options_.time_budget_ms;
}

int64_t SyncRun::BytesOf(const WorkItem& item) {
  const uint64_t start = item.change == Change::kGrown ? item.state().offset : 0;
  return static_cast<int64_t>(item.info.size - std::min(start, item.info.size));
}

// A thread and its buffers cost as much as reading half a megabyte.
int SyncRun::WorkersFor(uint64_t bytes) const {
  constexpr uint64_t kEach = uint64_t{2} << 20;
  return static_cast<int>(
      std::min(static_cast<uint64_t>(std::max(options_.workers, 1)), 1 + bytes / kEach));
}

// Files of a host are read while those of the one before are written.
Status SyncRun::SyncHosts(std::vector<HostPlan> plans) {
  std::vector<const WorkItem*> items;
  ReadTasks tasks;
  for (const HostPlan& plan : plans) {
    for (const WorkItem& item : plan.items) {
      items.push_back(&item);
      tasks.bytes += static_cast<uint64_t>(BytesOf(item));
    }
  }
  tasks.count = items.size();
  tasks.installed = applier_->installed();
  tasks.make = [&items](size_t index) { return TaskFor(*items[index]); };
  const int workers = WorkersFor(tasks.bytes);
  ParallelReader reader(std::move(tasks), workers, world_.cancel);
  size_t first = 0;
  for (HostPlan& plan : plans) {
    const size_t count = plan.items.size();
    ST_RETURN_IF_ERROR(SyncHost(plan, reader, first));
    first += count;
    if (report_.complete) plan = HostPlan();  // thousands of files
  }
  return absl::OkStatus();
}

Status SyncRun::SyncHost(HostPlan& plan, ParallelReader& reader, size_t first) {
  HostReport& host = report_.hosts.emplace_back();
  host.platform = std::string(plan.source->platform());
  host.available = plan.available;
  host.scanned = plan.scanned;
  host.warnings = plan.problems;
  ST_RETURN_IF_ERROR(MarkStates(plan));
  ReadChunk chunk;
  for (size_t i = 0; i < plan.items.size(); ++i) {
    if (OutOfTime()) {
      report_.complete = false;
      break;
    }
    const auto next = [&](bool wait) -> StatusOr<const ReadChunk*> {
      if (!wait || !reader.Ready(first + i, kPatience)) ST_RETURN_IF_ERROR(batches_.Close());
      reader.GiveBack(std::exchange(chunk, {}));
      chunk = reader.Next(first + i);
      return &chunk;
    };
    ST_RETURN_IF_ERROR(ReadOne(plan.items[i], 0, host, next));
    plan.items[i] = WorkItem();  // its last piece was read: no reader asks for it any more
  }
  ST_RETURN_IF_ERROR(batches_.Close());
  return JoinFiles(*plan.source, host);
}

Status SyncRun::MarkStates(const HostPlan& plan) {
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

Status SyncRun::ReadOne(const WorkItem& item, int64_t min_generation, HostReport& host,
                        ReadNextFn next) {
  ApplyState state;
  bool begun = false;
  while (true) {
    ST_ASSIGN_OR_RETURN(const ReadChunk* const next_chunk, next(true));
    const ReadChunk& chunk = *next_chunk;
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
    host.records += chunk.batch.records_used + chunk.batch.records_unknown;
    host.unknown += chunk.batch.records_unknown;
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
Status SyncRun::Hooks(const std::vector<std::string>& installed) {
  ST_ASSIGN_OR_RETURN(store::DrainReport taken,
                      TakeInHooks(db_, world_.env->StateDir(), installed, Now()));
  report_.hook_events = taken.records;
  report_.hook_rejects = taken.bad;
  report_.hook_problems = std::move(taken.problems);
  report_.changed |= taken.records + taken.bad > 0;
  return absl::OkStatus();
}

Status SyncRun::Settle() {
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

// Now the projects of all sessions are known, and with them their skills.
// `workspaces`: how many were known when `names` were found.
Status SyncRun::LookAgain(std::vector<std::string> names, size_t workspaces) {
  ST_ASSIGN_OR_RETURN(const std::vector<std::string> now, store::Workspaces(db_));
  if (now.size() != workspaces || applier_->has_waiting()) {
    ST_ASSIGN_OR_RETURN(CatalogueReport catalogue, UpdateCatalogue(db_, *world_.env, Now()));
    report_.skills_found = catalogue.skills;
    report_.skill_problems = std::move(catalogue.problems);
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

Status SyncRun::Repair() {
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

Status SyncRun::Link() {
  ST_ASSIGN_OR_RETURN(store::WriteTxn txn, store::WriteTxn::Begin(db_));
  ST_ASSIGN_OR_RETURN(const store::LinkReport links, store::ResolveLinks(db_, Now()));
  report_.links_resolved = links.sessions;
  return txn.Commit();
}

// Last, when it is known which sessions are one run.
Status SyncRun::Commits() {
  if (options_.repair_only) {
    ST_ASSIGN_OR_RETURN(store::WriteTxn txn, store::WriteTxn::Begin(db_));
    ST_RETURN_IF_ERROR(store::RetryCommits(db_));
    ST_RETURN_IF_ERROR(txn.Commit());
  }
  const auto more = [this] {
    if (options_.progress) options_.progress("commits", done_bytes_, total_bytes_, "");
    return !OutOfTime();
  };
  ST_ASSIGN_OR_RETURN(CommitReport found,
                      ReconcileCommits(applier_->writer(),
                                       {.env = world_.env, .cancel = world_.cancel, .more = more}));
  report_.commits = {.repositories = found.repositories,
                     .added = found.added,
                     .ambiguous = found.ambiguous,
                     .waiting = found.waiting,
                     .refused = found.refused,
                     .git = !found.git_missing,
                     .warnings = std::move(found.warnings)};
  report_.changed |= found.changed;
  return absl::OkStatus();
}

StatusOr<SyncReport> Run(store::Db& db, const SyncWorld& world, const SyncOptions& options) {
  ST_ASSIGN_OR_RETURN(const base::LockFile lock, LockSync(db, world.clock->Now(), world.cancel));
  const store::BulkRun bulk(db);
  return SyncRun(db, world, options).Execute();
}

StatusOr<SyncReport> Preview(store::Db* db, const SyncWorld& world, const SyncOptions& options) {
  SyncReport report;
  report.commits.git = !FindGit(*world.env).empty();
  if (db != nullptr) {
    ST_ASSIGN_OR_RETURN(const store::CommitsLeft left, store::CountCommitsLeft(*db));
    report.commits.waiting = left.due;
    report.commits.refused = left.refused;
  }
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
  if (db != nullptr) ST_RETURN_IF_ERROR(AddFromHistory(*db, world, report));
  return report;
}

}  // namespace selftune::sync
