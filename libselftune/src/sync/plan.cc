#include "sync/plan.h"

#include <algorithm>
#include <chrono>
#include <compare>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "base/crypto.h"
#include "base/status_macros.h"
#include "ingest/prompt_history.h"

namespace selftune::sync {
namespace {

constexpr int64_t kQuietMs = 24 * 3'600'000;
// File systems tell time in ticks of up to so many milliseconds; some know whole seconds only.
constexpr int64_t kTickMs = 12;
constexpr int64_t kCoarseMs = 1000;
constexpr int64_t kNsPerSecond = 1'000'000'000;
constexpr int kMostWaits = 4;  // of a tick, in one plan
// Times beyond that are no work of a write that goes on: the clock was put back.
constexpr int64_t kAheadMs = 1000;
constexpr char kBeside = '+';  // in a stamp, between what the file and what another one says

// Whether a file had changed so shortly before it was looked at that a later change
// may have left it with the same time: such a one is looked into once more.
bool IsRacy(int64_t mtime_ns, int64_t looked_ms, int64_t tick = kTickMs) {
  const int64_t age = looked_ms - mtime_ns / 1'000'000;
  return age < tick && age > -kAheadMs;
}
bool IsCoarselyRacy(int64_t mtime_ns, int64_t looked_ms) {
  return mtime_ns % kNsPerSecond == 0 && IsRacy(mtime_ns, looked_ms, kCoarseMs);
}

StatusOr<std::string> HashAt(const std::string& path, uint64_t offset, size_t want) {
  ST_ASSIGN_OR_RETURN(const base::FileHandle file, base::OpenRead(path));
  std::string bytes(want, '\0');
  ST_ASSIGN_OR_RETURN(const size_t got, base::ReadAt(file.fd(), offset, bytes.data(), want, path));
  bytes.resize(got);
  return base::Sha256Bytes(bytes);
}

// TailHash of what a compressed file holds.
StatusOr<std::string> TailOf(ingest::ByteStream& bytes, uint64_t offset) {
  std::string tail(static_cast<size_t>(std::min(offset, kHeadBytes)), '\0');
  size_t filled = 0;
  while (filled < tail.size()) {
    ST_ASSIGN_OR_RETURN(const size_t got, bytes.ReadAt(offset - tail.size() + filled,
                                                       tail.data() + filled, tail.size() - filled));
    if (got == 0) break;
    filled += got;
  }
  tail.resize(filled);
  return base::Sha256Bytes(tail);
}

struct FileId {
  uint64_t dev = 0, inode = 0;
  friend auto operator<=>(const FileId&, const FileId&) = default;
};

class Planner {
 public:
  Planner(store::Db* db, const ingest::Source& source, const PlanOptions& options)
      : db_(db), options_(options), now_(options.clock->Now()) {
    plan_.source = &source;
  }

  StatusOr<HostPlan> Run(const base::Environment& env) {
    plan_.available = plan_.source->Available(env);
    if (db_ != nullptr) {
      ST_ASSIGN_OR_RETURN(ledger_, store::LoadLedger(*db_, plan_.source->platform()));
    }
    std::vector<ingest::SourceFile> files;
    if (plan_.available) files = plan_.source->Discover(env, plan_.problems);
    std::sort(files.begin(), files.end(),
              [](const auto& a, const auto& b) { return a.path < b.path; });
    plan_.scanned = static_cast<int64_t>(files.size());
    FindGone(files);
    size_t known = 0;
    for (ingest::SourceFile& file : files) {
      while (known < ledger_.size() && ledger_[known].path < file.path) ++known;
      const bool listed = known < ledger_.size() && ledger_[known].path == file.path;
      ST_RETURN_IF_ERROR(Look(std::move(file), listed ? &ledger_[known] : nullptr));
    }
    // A history of prompts counts for what no transcript tells.
    std::stable_partition(plan_.items.begin(), plan_.items.end(), [](const WorkItem& item) {
      return item.file.kind != ingest::kPromptHistory;
    });
    for (const store::LedgerEntry* entry : gone_) {
      if (entry != nullptr && !entry->missing) plan_.missing.push_back(entry->id);
    }
    return std::move(plan_);
  }

 private:
  // Ledger rows whose path is not on disk: gone, or moved to another path.
  void FindGone(const std::vector<ingest::SourceFile>& files) {
    size_t at = 0;
    for (const store::LedgerEntry& entry : ledger_) {
      while (at < files.size() && files[at].path < entry.path) ++at;
      if (at < files.size() && files[at].path == entry.path) continue;
      if (!entry.missing && CannotTell(entry)) continue;
      gone_by_file_.emplace(FileId{entry.dev, entry.inode}, gone_.size());
      gone_.push_back(&entry);
    }
  }

  // A file that was not found: is it gone, or in a folder that cannot be read?
  bool CannotTell(const store::LedgerEntry& entry) {
    const auto info = plan_.source->Look(plan_.source->Describe(entry.path));
    Status why = info.status();
    if (why.ok()) why = base::ListDir(std::string(base::DirName(entry.path))).status();
    if (why.ok() || CodeOf(why).name == kFileNotFound.name) return false;
    NoteOutOfReach(entry, why);
    return true;
  }

  void NoteOutOfReach(const store::LedgerEntry& entry, const Status& why) {
    if (!entry.has_error) plan_.out_of_reach.push_back({entry.id, std::string(Message(why))});
  }

  Status Look(ingest::SourceFile file, const store::LedgerEntry* entry) {
    looked_ = options_.clock->Now();
    auto info = plan_.source->Look(file);
    if (!info.ok()) {  // it went away between listing and looking
      plan_.problems.emplace_back(Message(info.status()));
      if (entry != nullptr) NoteOutOfReach(*entry, info.status());
      return absl::OkStatus();
    }
    if (options_.since.has_value() && info->mtime_ns / 1'000'000 < options_.since->value) {
      return absl::OkStatus();
    }
    if (entry == nullptr) {
      AwaitTick(file, *info);
      return LookNew(std::move(file), *info);
    }
    if (entry->missing || entry->quarantined) plan_.back.push_back(entry->id);
    if (options_.force || !Unchanged(file, *entry, *info)) {
      AwaitTick(file, *info);
      return AddKnown(std::move(file), *info, *entry);
    }
    const bool coarse = IsCoarselyRacy(entry->mtime_ns, entry->last_read_ms);
    if (!coarse && !IsRacy(entry->mtime_ns, entry->last_read_ms)) return absl::OkStatus();
    return LookInto(std::move(file), *info, *entry, coarse);
  }

  Status LookNew(ingest::SourceFile file, const base::FileInfo& info) {
    const auto it = gone_by_file_.find(FileId{info.dev, info.inode});
    if (it != gone_by_file_.end() && gone_[it->second] != nullptr) {
      ST_ASSIGN_OR_RETURN(store::SourceState state,
                          store::LoadSourceState(*db_, gone_[it->second]->id));
      // The number of a removed file is soon given to another one, which may begin
      // alike: copies of a session do.
      if (SameHead(file, state) &&
          (file.replaced_whole || (info.size >= state.offset && SameTail(file, info, state)))) {
        const bool was_away = gone_[it->second]->missing;
        gone_[it->second] = nullptr;
        Add(std::move(file), info, std::move(state), was_away).moved = true;
        return absl::OkStatus();
      }
    }
    Add(std::move(file), info, {}).change = Change::kNew;
    return absl::OkStatus();
  }

  [[nodiscard]] bool Quiet(const base::FileInfo& info) const {
    return now_.value - info.mtime_ns / 1'000'000 > kQuietMs;
  }

  [[nodiscard]] bool Unchanged(const ingest::SourceFile& file, const store::LedgerEntry& entry,
                               const base::FileInfo& info) const {
    if (entry.size != info.size || entry.mtime_ns != info.mtime_ns || entry.dev != info.dev ||
        entry.inode != info.inode || entry.parser_version != plan_.source->parser_version() ||
        HasOtherStamp(entry.stamp, file, info) || SaysMore(entry.stamp, file)) {
      return false;
    }
    // An unfinished last line is given up waiting for after a day, once.
    const int64_t quiet_since = info.mtime_ns / 1'000'000 + kQuietMs;
    return entry.pending_bytes == 0 || now_.value <= quiet_since ||
           entry.last_read_ms > quiet_since;
  }

  // Once its tick is over, whatever is written into a file that is about to be read shows
  // in its time. One that is written all the time is looked into at the next sync.
  void AwaitTick(const ingest::SourceFile& file, base::FileInfo& info) {
    if (file.rows || !IsRacy(info.mtime_ns, looked_.value) || waits_ == kMostWaits) return;
    ++waits_;
    std::this_thread::sleep_for(std::chrono::milliseconds(kTickMs));
    const UtcMillis now = options_.clock->Now();
    const auto again = plan_.source->Look(file);
    if (!again.ok()) return;  // reading it will say what is wrong
    info = *again;
    looked_ = now;
  }

  // A file that looks as it did and may be another one all the same. `coarse`: for as long
  // as a second it could be written without a trace.
  Status LookInto(ingest::SourceFile file, const base::FileInfo& info,
                  const store::LedgerEntry& entry, bool coarse) {
    ST_ASSIGN_OR_RETURN(store::SourceState state, store::LoadSourceState(*db_, entry.id));
    const bool lines = !file.rows && !file.replaced_whole;
    // Only what is read to its end has these; the rest is looked at anyway.
    if (lines && !coarse && GoesOn(file, info, state) &&
        state.offset + state.pending_bytes == info.size) {
      return absl::OkStatus();
    }
    WorkItem& item = Add(std::move(file), info, std::move(state));
    // Its beginning and its size say nothing about a document.
    if (item.file.replaced_whole || (coarse && !item.file.rows)) item.change = Change::kReplaced;
    return absl::OkStatus();
  }

  // A file of the ledger that is not as the ledger says.
  Status AddKnown(ingest::SourceFile file, const base::FileInfo& info,
                  const store::LedgerEntry& entry) {
    ST_ASSIGN_OR_RETURN(store::SourceState state, store::LoadSourceState(*db_, entry.id));
    Add(std::move(file), info, std::move(state), entry.missing);
    return absl::OkStatus();
  }

  // One that was away is read from its start: meanwhile another file may have told its
  // session, as a compressed form of it does, and what it gave itself is gone.
  WorkItem& Add(ingest::SourceFile file, const base::FileInfo& info, store::SourceState state,
                bool was_away = false) {
    WorkItem& item = plan_.items.emplace_back();
    item.source = plan_.source;
    item.info = info;
    item.looked = looked_;
    item.change = !was_away && GoesOn(file, info, state) ? Change::kGrown : Change::kReplaced;
    item.accept_tail = Quiet(info);
    // Nobody goes on with what the reader knew of a file that is read from its start.
    if (item.change == Change::kReplaced) state.parser_state = {};
    if (state.id) item.known = std::make_shared<const store::SourceState>(std::move(state));
    item.file = std::move(file);
    return item;
  }

  // Can the file be read on from where the last read ended?
  bool GoesOn(const ingest::SourceFile& file, const base::FileInfo& info,
              const store::SourceState& state) {
    if (options_.force || !state.id || state.dev != info.dev || state.inode != info.inode ||
        state.parser != ingest::ParserOf(*plan_.source, file) ||
        state.parser_version != plan_.source->parser_version()) {
      return false;
    }
    // The reader of rows finds out itself what changed.
    if (file.rows) return !file.replaced_whole && !state.parser_state.empty();
    // A read that never got anywhere.
    if (!file.replaced_whole && state.offset == 0 && state.generation > 1) return false;
    // An offset counts what was read, which in a compressed file is not its size.
    if (file.replaced_whole ? info.size != state.size || info.mtime_ns != state.mtime_ns
                            : info.size < state.offset) {
      return false;
    }
    if (WrittenOver(file, info, state) || SaysMore(state.stamp, file)) return false;
    return SameHead(file, state) && (file.replaced_whole || SameTail(file, info, state));
  }

  static bool HasOtherStamp(std::string_view known, const ingest::SourceFile& file,
                            const base::FileInfo& info) {
    return !known.empty() && OfFile(known) != OfFile(StampOf(file, info));
  }

  // The file beside it tells of the session what it did not when this one was read. While
  // it is away, or is being written, it tells nothing, and what was known stays.
  static bool SaysMore(std::string_view known, const ingest::SourceFile& file) {
    return !known.empty() && !OfBeside(known).starts_with(file.beside);
  }

  static std::string_view OfFile(std::string_view stamp) {
    return stamp.substr(0, stamp.find(kBeside));
  }
  static std::string_view OfBeside(std::string_view stamp) {
    const size_t at = stamp.find(kBeside);
    return at == std::string_view::npos ? std::string_view() : stamp.substr(at + 1);
  }

  // Nothing was added to a file that was read to its end, but something was done to it:
  // perhaps its middle is another one. A new name is no such thing.
  static bool WrittenOver(const ingest::SourceFile& file, const base::FileInfo& info,
                          const store::SourceState& state) {
    if (info.size != state.size || state.mtime_ns == 0 || state.path != file.path) return false;
    return info.mtime_ns != state.mtime_ns || HasOtherStamp(state.stamp, file, info);
  }

  // A file that was cut off and has grown again may begin as it did before.
  bool SameTail(const ingest::SourceFile& file, const base::FileInfo& info,
                const store::SourceState& state) {
    if (state.tail_sha256.empty()) return true;  // nothing was read of it
    const auto same = BeginsWith(*plan_.source, file, info.size, state);
    if (same.ok()) return *same;
    plan_.problems.emplace_back(Message(same.status()));
    return false;
  }

  bool SameHead(const ingest::SourceFile& file, const store::SourceState& state) {
    if (file.rows) return true;  // the first bytes of a store say nothing about its rows
    const auto head = HeadHash(file.path, std::min(state.size, kHeadBytes));
    if (head.ok()) return *head == state.head_sha256;
    plan_.problems.emplace_back(Message(head.status()));
    return false;  // reading it will say what is wrong
  }

  store::Db* db_;
  const PlanOptions& options_;
  const UtcMillis now_;
  UtcMillis looked_;  // at the file in question
  int waits_ = 0;
  HostPlan plan_;
  std::vector<store::LedgerEntry> ledger_;
  std::vector<const store::LedgerEntry*> gone_;  // null: found again under another path
  std::map<FileId, size_t> gone_by_file_;
};

}  // namespace

const store::SourceState& WorkItem::state() const {
  static const auto* const kNone = new store::SourceState();
  return known != nullptr ? *known : *kNone;
}

StatusOr<HostPlan> PlanHost(store::Db* db, const ingest::Source& source,
                            const base::Environment& env, const PlanOptions& options) {
  return Planner(db, source, options).Run(env);
}

std::string StampOf(const ingest::SourceFile& file, const base::FileInfo& info) {
  if (file.rows) return {};
  std::string stamp = std::to_string(info.ctime_ns);
  if (!file.beside.empty()) stamp.append(1, kBeside).append(file.beside);
  return stamp;
}

StatusOr<bool> BeginsWith(const ingest::Source& source, const ingest::SourceFile& file,
                          uint64_t size, const store::SourceState& other) {
  if (other.tail_sha256.empty() || (!file.replaced_whole && size < other.offset)) return false;
  std::string tail;
  if (file.replaced_whole) {
    ST_ASSIGN_OR_RETURN(const auto bytes, source.OpenBytes(file, size));
    ST_ASSIGN_OR_RETURN(tail, TailOf(*bytes, other.offset));
  } else {
    ST_ASSIGN_OR_RETURN(tail, TailHash(file.path, other.offset));
  }
  return tail == other.tail_sha256;
}

StatusOr<std::string> TailHash(const std::string& path, uint64_t offset) {
  const uint64_t want = std::min(offset, kHeadBytes);
  return HashAt(path, offset - want, static_cast<size_t>(want));
}

StatusOr<std::string> HeadHash(const std::string& path, uint64_t size) {
  return HashAt(path, 0, static_cast<size_t>(std::min(size, kHeadBytes)));
}

}  // namespace selftune::sync
