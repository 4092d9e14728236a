// Cancels operations that run past their deadline.
#pragma once

#include <chrono>
#include <condition_variable>
#include <map>
#include <memory>
#include <mutex>
#include <thread>

#include "base/cancel.h"

namespace selftune::capi {

// One thread for all deadlines of an engine, started with the first.
// Thread-safe.
class Deadlines {
 public:
  using Time = std::chrono::steady_clock::time_point;

  Deadlines() = default;
  Deadlines(const Deadlines&) = delete;
  Deadlines& operator=(const Deadlines&) = delete;
  ~Deadlines();

  // While it lives, `cancel` is requested when the deadline passes.
  class Guard {
   public:
    Guard(Deadlines& owner, Time deadline, base::Cancel& cancel);
    ~Guard();
    Guard(const Guard&) = delete;
    Guard& operator=(const Guard&) = delete;
    [[nodiscard]] bool passed() const;

   private:
    Deadlines& owner_;
    const Time deadline_;
    std::multimap<Time, base::Cancel*>::iterator place_;
  };

 private:
  void Loop();

  std::mutex mutex_;
  std::condition_variable changed_;
  std::multimap<Time, base::Cancel*> waiting_;
  std::thread thread_;
  bool closing_ = false;
};

}  // namespace selftune::capi
