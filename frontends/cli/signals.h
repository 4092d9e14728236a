// SIGINT, SIGTERM and SIGHUP, while something runs that ends well on them.
#pragma once

#include <signal.h>

#include <cstdint>

namespace selftune::cli {

// Signals are ours only while one of these lives; they may be nested. A second signal ends
// the process at once.
class SignalScope {
 public:
  SignalScope();
  ~SignalScope();
  SignalScope(const SignalScope&) = delete;
  SignalScope& operator=(const SignalScope&) = delete;

 private:
  struct sigaction old_int_ = {};
  struct sigaction old_term_ = {};
  struct sigaction old_hup_ = {};
};

// The signal that came in a scope; 0 = none.
[[nodiscard]] int CaughtSignal();

// Waits, and no longer than until a signal comes, or whoever reads stdout goes away.
enum class Woken { kByTime, kBySignal, kByReader };
[[nodiscard]] Woken WaitFor(int64_t ms);

}  // namespace selftune::cli
