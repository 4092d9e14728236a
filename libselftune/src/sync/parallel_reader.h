// Reads several files at once and gives their batches back in the order of the
// list, so that what is stored does not depend on which thread was faster.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "base/cancel.h"
#include "base/error.h"
#include "ingest/line_pump.h"
#include "ingest/source.h"

namespace selftune::sync {

struct ReadTask {
  const ingest::Source* source = nullptr;
  ingest::SourceFile file;
  uint64_t size = 0;  // read no further
  ingest::Cursor start;
  std::string saved_state;  // "" = from the start
  bool accept_tail = false;
  // HeadHash of the beginning that `start` follows, "" = not known. Of a file that is
  // rewritten before it is read, the next plan finds another beginning than this.
  std::string head_sha256;
  std::string only_session;                      // of rows: nothing else is read
  std::shared_ptr<const ingest::KeySet> copied;  // may be null
};

// A stretch of one file. The last chunk of a file has `last`; a failure to
// read ends the file with its status.
struct ReadChunk {
  Status status;
  ingest::Batch batch;
  ingest::Cursor cursor;
  std::string reader_state;
  // In the last chunk only:
  std::string head_sha256;
  std::string tail_sha256;     // "" for a file that is replaced as a whole
  uint64_t pending_bytes = 0;  // behind the last complete line
  std::string damage;          // why the source breaks off, "" = it is whole
  bool last = false;
  size_t worker = 0;  // that made it
  size_t weight = 0;  // about the bytes of its facts
};

// Tasks are made when they are read: there may be thousands.
struct ReadTasks {
  size_t count = 0;
  uint64_t bytes = 0;                          // about as many are read
  std::function<ReadTask(size_t index)> make;  // on any thread
  // Names of the skills of all hosts; null: what prompts say is not looked at.
  std::shared_ptr<const std::vector<std::string>> installed;
};

// At most `kQueued` chunks of a file and `kAhead` files wait at a time, and beside
// those of the current file no more than about `kMostWaiting` bytes, so memory stays
// bounded when writing is slower than reading; what is quick to read and slow to write
// is made up for by what comes after it. Rows of somebody else's store are not read
// before it is the next but one at most: while they are, it is open.
class ParallelReader {
 public:
  ParallelReader(ReadTasks tasks, int workers, const base::Cancel* cancel);
  // Of one file.
  ParallelReader(const ReadTask& task, const base::Cancel* cancel);
  // Stops the workers; chunks not fetched are dropped.
  ~ParallelReader();
  ParallelReader(const ParallelReader&) = delete;
  ParallelReader& operator=(const ParallelReader&) = delete;

  // Next chunk of task `index`. Tasks must be drained in order.
  [[nodiscard]] ReadChunk Next(size_t index);
  // True when Next() need not wait, perhaps after a moment.
  [[nodiscard]] bool Ready(size_t index, std::chrono::milliseconds patience);
  // A chunk that is not needed any more: its memory is freed by the thread that
  // took it, which nobody else has to wait for then.
  void GiveBack(ReadChunk chunk);

 private:
  static constexpr size_t kQueued = 4;
  static constexpr size_t kAhead = 64;
  static constexpr size_t kRowsAhead = 1;
  static constexpr size_t kMostWaiting = 4 << 20;

  struct Worker {
    size_t number;
    std::optional<ingest::PumpBuffer> buffer;
  };

  void Work(size_t number);
  void Read(size_t index, Worker& worker) noexcept;
  void Begin(size_t index);  // with mutex_ held
  [[nodiscard]] bool AwaitTurn(size_t index);
  [[nodiscard]] bool HasChunk(size_t index) const;  // with mutex_ held
  [[nodiscard]] Status Pump(size_t index, const ReadTask& task, Worker& worker);
  [[nodiscard]] Status ReadRows(size_t index, const ReadTask& task, const Worker& worker);
  void Prepare(ReadChunk& chunk) const;
  [[nodiscard]] bool Push(size_t index, ReadChunk chunk, const Worker& worker);

  const ReadTasks tasks_;
  const base::Cancel* cancel_;
  std::mutex mutex_;
  std::condition_variable arrived_;             // what Next() and Ready() wait for
  std::condition_variable room_;                // what workers wait for
  std::vector<std::vector<ReadChunk>> queues_;  // short ones; an empty one takes no memory
  std::vector<std::vector<ReadChunk>> used_;    // given back, by worker
  std::vector<Status> failures_;                // why the rest of a file does not come
  size_t next_task_ = 0;                        // to be read
  size_t waiting_ = 0;                          // bytes, in all queues
  int awaiting_turn_ = 0;                       // workers
  size_t current_ = 0;                          // being fetched
  bool stopping_ = false;
  std::vector<std::thread> threads_;
};

}  // namespace selftune::sync
