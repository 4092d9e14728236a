#include "locked.h"

#include <unistd.h>

#include <atomic>
#include <chrono>
#include <thread>

namespace selftune::python {
namespace {

constexpr auto kCallbackPatience = std::chrono::seconds(2);
constexpr auto kPause = std::chrono::milliseconds(1);

std::atomic<bool> ending = false;
std::atomic<int> entering = 0;   // between the look at `ending` and the lock
std::atomic<int> callbacks = 0;  // blocks of Locked
thread_local bool ends_here = false;

// Counted before the look, so that End() sees who did not see it.
bool MayEnter() {
  ++entering;
  if (!ending || ends_here) return true;
  --entering;
  return false;
}

[[noreturn]] void Sleep() {
  while (true) ::pause();
}

}  // namespace

Released::~Released() {
  if (!MayEnter()) Sleep();
  PyEval_RestoreThread(state_);
  --entering;
}

Locked::Locked() : held_(Py_IsInitialized() != 0 && MayEnter()) {
  if (!held_) return;
  state_ = PyGILState_Ensure();
  ++callbacks;
  --entering;
}

Locked::~Locked() {
  if (!held_) return;
  --callbacks;
  PyGILState_Release(state_);
}

void StayIfEnded() {
  if (!ending || ends_here) return;
  PyEval_SaveThread();
  Sleep();
}

void End() {
  ends_here = true;
  ending = true;
  PyThreadState* state = PyEval_SaveThread();
  const auto until = std::chrono::steady_clock::now() + kCallbackPatience;
  while (entering > 0 || (callbacks > 0 && std::chrono::steady_clock::now() < until)) {
    std::this_thread::sleep_for(kPause);
  }
  PyEval_RestoreThread(state);
}

}  // namespace selftune::python
