// Cooperative cancellation: checked between lines, rows and model calls.
#pragma once

#include <atomic>

#include "base/error.h"

namespace selftune::base {

// Thread-safe.
class Cancel {
 public:
  void Request() { requested_.store(true, std::memory_order_relaxed); }
  [[nodiscard]] bool requested() const { return requested_.load(std::memory_order_relaxed); }
  [[nodiscard]] Status Check() const {
    return requested() ? Fail(kCancelledError, "cancelled") : absl::OkStatus();
  }

 private:
  std::atomic<bool> requested_{false};
};

}  // namespace selftune::base
