// Sessions whose records lie in several files are read as if those were one, and
// forks once more without what they copied.
#include <cstdint>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/status_macros.h"
#include "store/session_parts.h"
#include "store/source_ledger.h"
#include "sync/sync_run.h"

namespace selftune::sync {
namespace {

constexpr int kJoinRounds = 4;

}  // namespace

// Reads the files that were set aside together with those they belong to;
// which may show that others belong to them as well.
Status SyncRun::JoinFiles(const ingest::Source& source, HostReport& host) {
  for (int round = 0; round < kJoinRounds; ++round) {
    const std::vector<store::SourceId> ids = applier_->TakeSetAside();
    if (ids.empty()) break;
    ST_RETURN_IF_ERROR(JoinFiles(source, ids, host));
  }
  static_cast<void>(applier_->TakeSetAside());  // the next run finds them changed
  return absl::OkStatus();
}

Status SyncRun::JoinFiles(const ingest::Source& source, const std::vector<store::SourceId>& ids,
                          HostReport& host) {
  std::set<int64_t> done;
  for (const store::SourceId id : ids) {
    if (done.contains(id.value)) continue;
    StatusOr<Join> join = LoadParts(db_, source, id, world_.cancel);
    if (join.ok()) {
      for (const JoinPart& part : join->parts) done.insert(part.item.state().id.value);
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
Status SyncRun::KeepAside(store::SourceId id, const Status& why) {
  ST_ASSIGN_OR_RETURN(const store::SourceState state, store::LoadSourceState(db_, id));
  ST_RETURN_IF_ERROR(batches_.Open());
  store::IngestWriter& writer = applier_->writer();
  ST_RETURN_IF_ERROR(state.offset == 0 ? writer.SetSourceState(id, "quarantined", Message(why))
                                       : writer.SetUnreadable(id, Message(why)));
  return batches_.Close();
}

// As if the parts were one file: each reader goes on with the state of the one
// before, and knows the records of all before.
Status SyncRun::ReadTogether(const Join& join, const std::shared_ptr<const ingest::KeySet>& copied,
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
        applier_->writer().SweepSource(part.item.state().id, join.generation, !join.kept.empty()));
  }
  return batches_.Close();
}

Status SyncRun::MarkParts(const Join& join) {
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
    ST_RETURN_IF_ERROR(store::ReleaseSource(db_, part.item.state().id));
    ST_RETURN_IF_ERROR(store::ForgetSeen(db_, part.item.state().id));
  }
  return batches_.Close();
}

StatusOr<bool> SyncRun::ReadPart(const JoinPart& part, int64_t generation, Chain& chain,
                                 HostReport& host) {
  ReadTask task = TaskFor(part.item);
  task.start = part.start;
  task.saved_state = chain.reader_state;
  if (!chain.known.empty()) task.copied = std::make_shared<const ingest::KeySet>(chain.known);
  ParallelReader reader(task, world_.cancel);
  HostReport one;
  ReadChunk chunk;
  ST_RETURN_IF_ERROR(ReadOne(part.item, generation, one, [&](bool) -> StatusOr<const ReadChunk*> {
    chunk = reader.Next(0);
    chain.reader_state = chunk.reader_state;
    for (const ingest::SessionFacts& facts : chunk.batch.sessions) {
      chain.known.insert(facts.record_keys.begin(), facts.record_keys.end());
    }
    return &chunk;
  }));
  host.bad_lines += one.bad_lines;
  host.bytes_read += one.bytes_read;
  for (std::string& warning : one.warnings) host.warnings.push_back(std::move(warning));
  return one.changed > 0;
}

const ingest::Source* SyncRun::SourceOf(std::string_view platform) const {
  for (const ingest::Source* source : world_.sources) {
    if (source->platform() == platform) return source;
  }
  return nullptr;
}

// Reads a fork once more without what it copied.
Status SyncRun::Reread(const ForkRead& read) {
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

Status SyncRun::RereadRows(const ForkRead& read, const ingest::Source& source,
                           const base::FileInfo& info, std::string_view forked_from) {
  WorkItem item;
  item.source = &source;
  item.file = source.Describe(read.member.path);
  item.info = info;
  item.change = Change::kGrown;
  item.only_session = item.fork = read.member.session_id;
  item.forked_from = forked_from;
  ST_ASSIGN_OR_RETURN(store::SourceState state, store::LoadSourceState(db_, read.member.source));
  item.known = std::make_shared<const store::SourceState>(std::move(state));
  ReadTask task = TaskFor(item);
  task.copied = read.copied;
  ParallelReader reader(task, world_.cancel);
  HostReport ignored;
  ReadChunk chunk;
  ST_RETURN_IF_ERROR(ReadOne(item, 0, ignored, [&](bool) -> StatusOr<const ReadChunk*> {
    chunk = reader.Next(0);
    return &chunk;
  }));
  return batches_.Close();
}

}  // namespace selftune::sync
