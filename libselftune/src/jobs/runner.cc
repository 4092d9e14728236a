#include "jobs/runner.h"

#include <utility>

#include "base/thrown.h"

namespace selftune::jobs {

void Job::Emit(std::string_view event_json) {
  const std::lock_guard lock(listener_mutex_);
  if (listener_) listener_(event_json);
}

void Job::Silence() {
  const std::lock_guard lock(listener_mutex_);
  listener_ = nullptr;
}

const StatusOr<std::string>* Job::Wait(std::optional<std::chrono::milliseconds> timeout) {
  std::unique_lock lock(result_mutex_);
  const auto finished = [this] { return result_.has_value(); };
  if (!timeout.has_value()) {
    done_.wait(lock, finished);
  } else if (!done_.wait_for(lock, *timeout, finished)) {
    return nullptr;
  }
  return &*result_;
}

void Job::Finish(StatusOr<std::string> result) {
  {
    const std::lock_guard lock(result_mutex_);
    result_ = std::move(result);
  }
  done_.notify_all();
}

// Exceptions of dependencies must not end the thread, and with it the process.
void Job::Run() {
  try {
    const Status status = cancel_.Check();
    Finish(status.ok() ? work_(*this) : StatusOr<std::string>(status));
  } catch (...) {
    Finish(base::Thrown());
  }
}

Runner::~Runner() {
  {
    const std::lock_guard lock(mutex_);
    closing_ = true;
  }
  work_.notify_all();
  for (std::thread& thread : threads_) thread.join();
}

void Runner::Start(std::shared_ptr<Job> job) {
  {
    const std::lock_guard lock(mutex_);
    // The thread first: a job whose start failed must not run.
    if (idle_ < queue_.size() + 1 && threads_.size() < wanted_) {
      threads_.emplace_back([this] { Loop(); });
    }
    queue_.push_back(std::move(job));
  }
  work_.notify_one();
}

void Runner::Loop() {
  std::unique_lock lock(mutex_);
  for (;;) {
    ++idle_;
    work_.wait(lock, [this] { return closing_ || !queue_.empty(); });
    --idle_;
    if (queue_.empty()) return;  // closing, and nothing left to run
    const std::shared_ptr<Job> job = std::move(queue_.front());
    queue_.pop_front();
    lock.unlock();
    job->Run();
    lock.lock();
  }
}

}  // namespace selftune::jobs
