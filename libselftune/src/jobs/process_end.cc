#include "jobs/process_end.h"

#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <mutex>
#include <thread>

#include "base/json_value.h"

namespace selftune::jobs {

// Never destroyed: it is what the end of the process goes by.
struct WorkList {
  static WorkList& Get() {
    static auto* const list = new WorkList;
    return *list;
  }

  // What is registered last runs first: the JSON library makes its objects when it
  // is first used, so that must have been before.
  WorkList() {
    (void)base::JsonValue::Parse("null");
    std::atexit([] { Get().End(); });
  }

  void Add(WorkInProgress& work) {
    const std::lock_guard lock(mutex);
    work.refused_ = ending && !ends_here;
    if (work.refused_) return;
    if (first != nullptr) first->previous_ = &work;
    work.next_ = first;
    first = &work;
    ++count;
    ++of_this_thread;
  }

  void Remove(WorkInProgress& work) {
    if (work.refused_) return;
    const std::lock_guard lock(mutex);
    (work.previous_ != nullptr ? work.previous_->next_ : first) = work.next_;
    if (work.next_ != nullptr) work.next_->previous_ = work.previous_;
    --count;
    --of_this_thread;
  }

  // Work of this very thread, which called exit(), does not go on.
  bool Ended() {
    const std::lock_guard lock(mutex);
    return count <= of_this_thread;
  }

  void End() {
    if (::getpid() != process) return;  // a forked child, which has no such threads
    ends_here = true;
    {
      const std::lock_guard lock(mutex);
      ending = true;
      for (WorkInProgress* work = first; work != nullptr; work = work->next_) {
        work->cancel_.Request();
      }
    }
    const auto until = std::chrono::steady_clock::now() + kEndPatience;
    while (!Ended() && std::chrono::steady_clock::now() < until) {
      std::this_thread::sleep_for(kPause);
    }
  }

  // A callback of the caller may wait for what the end of the process destroyed.
  static constexpr auto kEndPatience = std::chrono::seconds(2);
  static constexpr auto kPause = std::chrono::milliseconds(1);

  const pid_t process = ::getpid();
  std::mutex mutex;
  WorkInProgress* first = nullptr;
  int count = 0;
  bool ending = false;
  static thread_local int of_this_thread;
  static thread_local bool ends_here;
};

thread_local int WorkList::of_this_thread = 0;
thread_local bool WorkList::ends_here = false;

WorkInProgress::WorkInProgress(base::Cancel& cancel) : cancel_(cancel) {
  WorkList::Get().Add(*this);
}

WorkInProgress::~WorkInProgress() { WorkList::Get().Remove(*this); }

Status WorkInProgress::Check() const {
  return refused_ ? Fail(kCancelledError, "the process ends") : absl::OkStatus();
}

}  // namespace selftune::jobs
