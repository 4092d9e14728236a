// Work that goes on while the process ends.
#pragma once

#include "base/cancel.h"

namespace selftune::jobs {

// Held by a thread while it runs an operation. exit() destroys the static objects
// of this library and of those it uses, whoever still uses them: before that, the
// end of the process cancels all work in progress and waits for it, at most
// two seconds. Work that begins later is refused. Not for work that starts
// before main().
class WorkInProgress {
 public:
  // Remembers `cancel`, which must outlive this.
  explicit WorkInProgress(base::Cancel& cancel);
  ~WorkInProgress();
  WorkInProgress(const WorkInProgress&) = delete;
  WorkInProgress& operator=(const WorkInProgress&) = delete;

  // CANCELLED when the process ends and this thread is not the one that ends it.
  [[nodiscard]] Status Check() const;

 private:
  friend struct WorkList;

  base::Cancel& cancel_;
  bool refused_ = false;
  WorkInProgress* next_ = nullptr;
  WorkInProgress* previous_ = nullptr;
};

}  // namespace selftune::jobs
