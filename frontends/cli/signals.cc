#include "cli/signals.h"

#include <poll.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>

#include "cli/terminal.h"

namespace selftune::cli {
namespace {

// Any thread may be the one that is interrupted.
std::atomic<int> caught_signal = 0;
static_assert(std::atomic<int>::is_always_lock_free);

void OnSignal(int number) {
  if (caught_signal != 0) _exit(128 + number);  // asked twice: do not wait
  caught_signal = number;
}

}  // namespace

SignalScope::SignalScope() {
  struct sigaction action = {};
  action.sa_handler = OnSignal;
  sigemptyset(&action.sa_mask);
  sigaction(SIGINT, &action, &old_int_);
  sigaction(SIGTERM, &action, &old_term_);
  sigaction(SIGHUP, &action, &old_hup_);
  // Under nohup a closed terminal is no reason to stop.
  if (old_hup_.sa_handler == SIG_IGN) sigaction(SIGHUP, &old_hup_, nullptr);
}

SignalScope::~SignalScope() {
  sigaction(SIGINT, &old_int_, nullptr);
  sigaction(SIGTERM, &old_term_, nullptr);
  sigaction(SIGHUP, &old_hup_, nullptr);
}

int CaughtSignal() { return caught_signal; }

Woken WaitFor(int64_t ms) {
  // One that comes between the look and the wait is not missed: it is held back till then.
  sigset_t held, before;
  sigemptyset(&held);
  for (const int number : {SIGINT, SIGTERM, SIGHUP}) sigaddset(&held, number);
  pthread_sigmask(SIG_BLOCK, &held, &before);
  const int64_t end = MonotonicMs() + ms;
  Woken woken = Woken::kByTime;
  for (;;) {
    if (caught_signal != 0) {
      woken = Woken::kBySignal;
      break;
    }
    const int64_t left = std::max<int64_t>(0, end - MonotonicMs());
    // Nothing is asked for: that the other end is gone is told all the same.
    struct pollfd out = {STDOUT_FILENO, 0, 0};
    const struct timespec time = {left / 1000, (left % 1000) * 1'000'000};
    const int ready = ppoll(&out, 1, &time, &before);
    if (ready > 0) {
      woken = Woken::kByReader;
      break;
    }
    if (ready == 0) break;
  }
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  return woken;
}

}  // namespace selftune::cli
