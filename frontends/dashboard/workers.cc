#include "dashboard/workers.h"

#include <algorithm>
#include <utility>

namespace selftune::dashboard {

Workers::Workers(size_t threads) : most_dear_(std::max<size_t>(1, threads / 2)) {
  threads_.reserve(threads);
  for (size_t i = 0; i < threads; ++i) threads_.emplace_back([this] { Loop(); });
}

Workers::~Workers() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
    waiting_.clear();
    dear_.clear();
  }
  changed_.notify_all();
  for (std::thread& thread : threads_) thread.join();
}

void Workers::Add(std::function<void()> work, Cost cost) {
  {
    const std::lock_guard lock(mutex_);
    if (stopping_) return;
    (cost == Cost::kDear ? dear_ : waiting_).push_back(std::move(work));
  }
  changed_.notify_one();
}

void Workers::Loop() {
  std::unique_lock lock(mutex_);
  const auto dear_may = [this] { return !dear_.empty() && dear_running_ < most_dear_; };
  for (;;) {
    changed_.wait(lock, [&] { return stopping_ || !waiting_.empty() || dear_may(); });
    if (stopping_) return;
    const bool dear = waiting_.empty();
    std::deque<std::function<void()>>& queue = dear ? dear_ : waiting_;
    std::function<void()> work = std::move(queue.front());
    queue.pop_front();
    dear_running_ += dear ? 1 : 0;
    lock.unlock();
    work();
    work = nullptr;
    lock.lock();
    dear_running_ -= dear ? 1 : 0;
  }
}

}  // namespace selftune::dashboard
