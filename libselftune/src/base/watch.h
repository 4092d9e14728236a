// Waits for files of a folder to change.
#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "base/error.h"

namespace selftune::base {

// One thread waits, any thread may stop it. Linux: inotify; where the system
// tells nothing (works() is false: another system, a folder that is missing)
// waiting only takes time, and the caller looks more often.
//
//   ST_ASSIGN_OR_RETURN(auto watch, FolderWatch::Open(dir, {"selftune.db-wal"}));
//   while (watch->Wait(2s) != FolderWatch::Woken::kStopped) Look();
class FolderWatch {
 public:
  // `names`: files in the folder to hear of; none: of all. Fails when nothing
  // could stop it: no descriptors left.
  [[nodiscard]] static StatusOr<std::unique_ptr<FolderWatch>> Open(std::string folder,
                                                                   std::vector<std::string> names);
  ~FolderWatch();
  FolderWatch(const FolderWatch&) = delete;
  FolderWatch& operator=(const FolderWatch&) = delete;

  enum class Woken { kChanged, kTimeout, kStopped };
  // Until one of the files was written, made or removed since the last call.
  // Returns at once when that has happened already.
  [[nodiscard]] Woken Wait(std::chrono::milliseconds time);
  // The time only, whatever changes.
  [[nodiscard]] Woken Pause(std::chrono::milliseconds time);
  // Ends every Wait and Pause, now and later.
  void Stop();

  // Changes are told. Tries again to watch a folder that was missing.
  [[nodiscard]] bool works();

 private:
  FolderWatch(std::string folder, std::vector<std::string> names);
  // Takes what has been told; true when it was about one of the files.
  bool Drain();
  [[nodiscard]] Woken Poll(std::chrono::milliseconds time, bool changes);

  const std::string folder_;
  const std::vector<std::string> names_;
  int stop_[2] = {-1, -1};  // a pipe
  int notify_ = -1;
  int watch_ = -1;
};

}  // namespace selftune::base
