// Takes in what hooks write while somebody listens to the store.
#pragma once

#include <thread>

#include "base/watch.h"
#include "capi/engine.h"

namespace selftune::capi {

// A thread of its own, because taking in may wait for another writer. The
// listener hears of the commit like of any other.
class SpoolTaker {
 public:
  explicit SpoolTaker(Engine& engine);
  ~SpoolTaker();
  SpoolTaker(const SpoolTaker&) = delete;
  SpoolTaker& operator=(const SpoolTaker&) = delete;

  // Does nothing where the engine must not write.
  void Begin();

 private:
  void Loop();
  void TakeIn();

  Engine& engine_;
  base::FolderWatch folder_;
  std::thread thread_;
};

}  // namespace selftune::capi
