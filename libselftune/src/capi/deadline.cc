#include "capi/deadline.h"

namespace selftune::capi {

Deadlines::Guard::Guard(Deadlines& owner, Time deadline, base::Cancel& cancel)
    : owner_(owner), deadline_(deadline) {
  {
    const std::lock_guard lock(owner_.mutex_);
    // The thread first: when it cannot start, nothing may stay in the list.
    if (!owner_.thread_.joinable()) owner_.thread_ = std::thread([&owner] { owner.Loop(); });
    place_ = owner_.waiting_.emplace(deadline, &cancel);
  }
  owner_.changed_.notify_one();
}

Deadlines::Guard::~Guard() {
  const std::lock_guard lock(owner_.mutex_);
  owner_.waiting_.erase(place_);
}

bool Deadlines::Guard::passed() const { return std::chrono::steady_clock::now() >= deadline_; }

Deadlines::~Deadlines() {
  {
    const std::lock_guard lock(mutex_);
    closing_ = true;
  }
  changed_.notify_one();
  if (thread_.joinable()) thread_.join();
}

// An entry stays until its guard goes; requesting it again changes nothing.
void Deadlines::Loop() {
  std::unique_lock lock(mutex_);
  while (!closing_) {
    const Time now = std::chrono::steady_clock::now();
    auto it = waiting_.begin();
    for (; it != waiting_.end() && it->first <= now; ++it) it->second->Request();
    if (it == waiting_.end()) {
      changed_.wait(lock);
    } else {
      changed_.wait_until(lock, it->first);
    }
  }
}

}  // namespace selftune::capi
