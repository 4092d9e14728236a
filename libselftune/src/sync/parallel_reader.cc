#include "sync/parallel_reader.h"

#include <algorithm>
#include <chrono>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/free_memory.h"
#include "base/status_macros.h"
#include "base/thrown.h"
#include "signals/improvement.h"
#include "sync/plan.h"

namespace selftune::sync {
namespace {

constexpr uint64_t kMuch = uint64_t{8} << 20;  // of bytes to read: less leaves little behind
constexpr size_t kRowBytes = 256;

size_t WeightOf(const ingest::Batch& batch) {
  size_t out = batch.row_count() * kRowBytes;
  for (const ingest::SessionFacts& session : batch.sessions) {
    for (const ingest::PromptFact& prompt : session.prompts) {
      out += prompt.text.size() + prompt.raw_text.size() + prompt.command_args.size();
    }
    for (const ingest::SkillFact& skill : session.skills) out += skill.args.size();
    for (const ingest::ExposureFact& exposure : session.exposures) {
      if (exposure.listing == nullptr) continue;
      for (const ingest::ListingEntry& entry : exposure.listing->entries) {
        out += kRowBytes + entry.description.size();
      }
    }
  }
  return out;
}

}  // namespace

ParallelReader::ParallelReader(ReadTasks tasks, int workers, const base::Cancel* cancel)
    : tasks_(std::move(tasks)), cancel_(cancel), queues_(tasks_.count), failures_(tasks_.count) {
  const auto count = std::min<size_t>(static_cast<size_t>(std::max(workers, 1)), tasks_.count);
  threads_.reserve(count);
  used_.resize(count);
  try {
    while (threads_.size() < count) {
      threads_.emplace_back([this, number = threads_.size()] { Work(number); });
    }
  } catch (...) {
    if (threads_.empty()) throw;  // fewer than wanted will do
  }
}

ParallelReader::ParallelReader(const ReadTask& task, const base::Cancel* cancel)
    : ParallelReader({.count = 1,
                      .bytes = task.size - std::min(task.size, task.start.offset),
                      .make = [task](size_t) { return task; }},
                     1, cancel) {}

ParallelReader::~ParallelReader() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  room_.notify_all();
  for (std::thread& thread : threads_) thread.join();
  if (tasks_.bytes > kMuch) base::GiveBackFreeMemory();
}

ReadChunk ParallelReader::Next(size_t index) {
  std::unique_lock lock(mutex_);
  Begin(index);
  arrived_.wait(lock, [&] { return HasChunk(index); });
  ReadChunk chunk;
  if (queues_[index].empty()) {
    chunk.status = failures_[index];
    chunk.last = true;
    return chunk;
  }
  chunk = std::move(queues_[index].front());
  queues_[index].erase(queues_[index].begin());
  const bool was_full = waiting_ >= kMostWaiting;
  waiting_ -= chunk.weight;
  if (chunk.last) queues_[index] = {};
  const bool has_room = was_full && waiting_ < kMostWaiting;
  if (has_room || queues_[index].size() == kQueued / 2) room_.notify_all();
  return chunk;
}

bool ParallelReader::Ready(size_t index, std::chrono::milliseconds patience) {
  std::unique_lock lock(mutex_);
  Begin(index);
  return arrived_.wait_for(lock, patience, [&] { return HasChunk(index); });
}

void ParallelReader::GiveBack(ReadChunk chunk) {
  const std::lock_guard lock(mutex_);
  if (!chunk.status.ok()) return;  // made here, it holds nothing
  used_[chunk.worker].push_back(std::move(chunk));
}

void ParallelReader::Begin(size_t index) {
  current_ = index;
  // Woken for several files at a time: waking costs more than a small file.
  const bool full = waiting_ >= kMostWaiting;  // but not for this one
  if (next_task_ <= index + kAhead / 2 || awaiting_turn_ > 0 || full) room_.notify_all();
}

// False when it does not come any more.
bool ParallelReader::AwaitTurn(size_t index) {
  std::unique_lock lock(mutex_);
  ++awaiting_turn_;
  room_.wait(lock, [&] { return stopping_ || index <= current_ + kRowsAhead; });
  --awaiting_turn_;
  return !stopping_;
}

bool ParallelReader::HasChunk(size_t index) const {
  return !queues_[index].empty() || !failures_[index].ok();
}

void ParallelReader::Work(size_t number) {
  Worker worker{.number = number, .buffer = {}};
  while (true) {
    size_t index = 0;
    {
      std::unique_lock lock(mutex_);
      room_.wait(lock, [&] {
        return stopping_ || next_task_ == tasks_.count || next_task_ <= current_ ||
               (next_task_ < current_ + kAhead && waiting_ < kMostWaiting);
      });
      if (stopping_ || next_task_ == tasks_.count) return;
      index = next_task_++;
    }
    Read(index, worker);
  }
}

// Nothing may leave this thread but through the queues.
void ParallelReader::Read(size_t index, Worker& worker) noexcept {
  Status status;
  try {
    const ReadTask task = tasks_.make(index);
    if (task.file.rows) {
      worker.buffer.reset();  // what lines needed is not held beside what rows need
      if (!AwaitTurn(index)) return;
      status = ReadRows(index, task, worker);
    } else {
      if (!worker.buffer.has_value()) worker.buffer.emplace();
      status = Pump(index, task, worker);
    }
  } catch (...) {
    status = base::Thrown();
  }
  if (status.ok()) return;
  {
    const std::lock_guard lock(mutex_);
    failures_[index] = std::move(status);
  }
  arrived_.notify_one();
}

Status ParallelReader::Pump(size_t index, const ReadTask& task, Worker& worker) {
  ST_ASSIGN_OR_RETURN(
      const std::unique_ptr<ingest::LineReader> reader,
      task.source->Open(
          {.file = &task.file, .saved_state = task.saved_state, .copied = task.copied.get()}));
  ST_ASSIGN_OR_RETURN(const std::unique_ptr<ingest::ByteStream> bytes,
                      task.source->OpenBytes(task.file, task.size));
  // Before the first record: of a file that is rewritten meanwhile the next look
  // finds another beginning than this.
  std::string head = task.head_sha256;
  if (head.empty()) {
    ST_ASSIGN_OR_RETURN(head, HeadHash(task.file.path, task.size));
  }
  ingest::PumpOptions options;
  options.start = task.start;
  options.accept_tail = task.accept_tail;
  options.cancel = cancel_;
  ReadChunk held;  // sent with the next flush, so that the last one can be marked
  bool holding = false;
  ST_ASSIGN_OR_RETURN(
      ingest::Pumped pumped,
      ingest::PumpLines(*bytes, options, *reader, *worker.buffer,
                        [&](ingest::Batch batch, const ingest::Cursor& cursor) -> Status {
                          if (holding && !Push(index, std::exchange(held, ReadChunk()), worker)) {
                            return Fail(kCancelledError, "reading {}: stopped", task.file.path);
                          }
                          holding = true;
                          held.batch = std::move(batch);
                          held.cursor = cursor;
                          held.reader_state = reader->SaveState();
                          return absl::OkStatus();
                        }));
  held.head_sha256 = std::move(head);
  if (!task.file.replaced_whole) {
    ST_ASSIGN_OR_RETURN(held.tail_sha256, TailHash(task.file.path, held.cursor.offset));
  }
  held.pending_bytes = pumped.pending;
  held.damage = std::move(pumped.damage);
  held.last = true;
  static_cast<void>(Push(index, std::move(held), worker));
  return absl::OkStatus();
}

Status ParallelReader::ReadRows(size_t index, const ReadTask& task, const Worker& worker) {
  ST_ASSIGN_OR_RETURN(const std::unique_ptr<ingest::StoreReader> reader,
                      task.source->OpenStore({.file = &task.file,
                                              .saved_state = task.saved_state,
                                              .only_session = task.only_session,
                                              .copied = task.copied.get(),
                                              .cancel = cancel_}));
  ReadChunk held;  // sent with the next flush, so that the last one can be marked
  bool holding = false;
  std::string problem;
  ST_RETURN_IF_ERROR(reader->Read([&](ingest::Batch batch) -> Status {
    if (holding && !Push(index, std::exchange(held, ReadChunk()), worker)) {
      return Fail(kCancelledError, "reading {}: stopped", task.file.path);
    }
    holding = true;
    if (!batch.problem.empty()) problem = batch.problem;
    held.batch = std::move(batch);
    held.reader_state = reader->SaveState();
    return absl::OkStatus();
  }));
  held.damage = std::move(problem);
  held.reader_state = reader->SaveState();
  held.cursor.offset = task.size;
  held.last = true;
  static_cast<void>(Push(index, std::move(held), worker));
  return absl::OkStatus();
}

// What need not be done one after the other, which writing is.
void ParallelReader::Prepare(ReadChunk& chunk) const {
  chunk.weight = WeightOf(chunk.batch);
  for (ingest::SessionFacts& session : chunk.batch.sessions) {
    for (ingest::PromptFact& prompt : session.prompts) {
      prompt.text_sha256 = base::Sha256(prompt.text);
      if (tasks_.installed == nullptr || prompt.kind != PromptKind::kUser) continue;
      prompt.says_nothing = signals::DetectSignals(prompt.text, *tasks_.installed).empty();
    }
  }
}

bool ParallelReader::Push(size_t index, ReadChunk chunk, const Worker& worker) {
  Prepare(chunk);
  chunk.worker = worker.number;
  std::vector<ReadChunk> used;  // freed without the lock
  std::unique_lock lock(mutex_);
  room_.wait(lock, [&] {
    const bool has_room = waiting_ < kMostWaiting || index == current_;
    return stopping_ || (queues_[index].size() < kQueued && has_room);
  });
  if (stopping_) return false;
  waiting_ += chunk.weight;
  used.swap(used_[worker.number]);
  queues_[index].push_back(std::move(chunk));
  if (index == current_) arrived_.notify_one();
  lock.unlock();
  return true;
}

}  // namespace selftune::sync
