// Runs operations on a few threads of the library.
#pragma once

#include <chrono>
#include <condition_variable>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "base/cancel.h"
#include "base/error.h"

namespace selftune::jobs {

// One operation that runs or has run. Shared by whoever waits for it and the
// thread that runs it. Thread-safe.
class Job {
 public:
  using Work = std::function<StatusOr<std::string>(Job& job)>;
  using Listener = std::function<void(std::string_view event_json)>;

  Job(Work work, Listener listener) : work_(std::move(work)), listener_(std::move(listener)) {}

  [[nodiscard]] base::Cancel& cancel() { return cancel_; }

  // Hands an event to the listener, one at a time.
  void Emit(std::string_view event_json);
  // Returns after the last call of the listener.
  void Silence();

  // The result, or nullptr when `timeout` passed first (nullopt: no limit).
  // Lives as long as the job.
  [[nodiscard]] const StatusOr<std::string>* Wait(std::optional<std::chrono::milliseconds> timeout);

 private:
  friend class Runner;
  void Run();
  void Finish(StatusOr<std::string> result);

  Work work_;
  base::Cancel cancel_;
  std::mutex listener_mutex_;  // held while the listener runs
  Listener listener_;
  std::mutex result_mutex_;
  std::condition_variable done_;
  std::optional<StatusOr<std::string>> result_;
};

// A fixed number of threads, started with the first job. Jobs begin in the
// order they came.
class Runner {
 public:
  explicit Runner(size_t threads) : wanted_(threads) { threads_.reserve(threads); }
  Runner(const Runner&) = delete;
  Runner& operator=(const Runner&) = delete;
  // Waits for every job that was started.
  ~Runner();

  // Throws when there is no thread or memory for the job, which then never runs.
  void Start(std::shared_ptr<Job> job);

 private:
  void Loop();

  const size_t wanted_;
  std::mutex mutex_;
  std::condition_variable work_;
  std::deque<std::shared_ptr<Job>> queue_;
  std::vector<std::thread> threads_;
  size_t idle_ = 0;
  bool closing_ = false;
};

}  // namespace selftune::jobs
