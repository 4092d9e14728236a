// Takes in what hooks write while somebody listens to the store.
#pragma once

#include <memory>
#include <thread>

#include "base/watch.h"
#include "capi/engine.h"

namespace selftune::capi {

// A thread of its own, because taking in may wait for another writer. The
// listener hears of the commit like of any other.
class SpoolTaker {
 public:
  SpoolTaker(Engine& engine, std::unique_ptr<base::FolderWatch> spool);
  ~SpoolTaker();
  SpoolTaker(const SpoolTaker&) = delete;
  SpoolTaker& operator=(const SpoolTaker&) = delete;

  // Of the spool, for the constructor.
  [[nodiscard]] static StatusOr<std::unique_ptr<base::FolderWatch>> Watch(const Engine& engine);

  // Does nothing where the engine must not write.
  void Begin();

 private:
  void Loop();
  void Try(void (SpoolTaker::*step)()) noexcept;
  void MakeFolder();
  void TakeIn();

  Engine& engine_;
  const std::unique_ptr<base::FolderWatch> spool_;
  std::thread thread_;
};

}  // namespace selftune::capi
