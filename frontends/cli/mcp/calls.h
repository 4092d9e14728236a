// Requests that run in threads of their own, each under its id.
#pragma once

#include <chrono>
#include <condition_variable>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "cli/library.h"

namespace selftune::cli::mcp {

class Calls {
 public:
  // Returns the line that answers.
  using Work = std::function<std::string(Session::Call& call)>;
  using Answered = std::function<void(std::string line)>;

  // `answered` is called from the threads; not for a call that was cancelled.
  explicit Calls(Answered answered);
  // Everything that still runs is cancelled and waited for.
  ~Calls();
  Calls(const Calls&) = delete;
  Calls& operator=(const Calls&) = delete;

  // False if a call of this id runs already.
  [[nodiscard]] bool Start(const std::string& id, Work work);
  // Nothing if there is none.
  void Cancel(const std::string& id);
  // Waits until all have answered, no longer than `patience`.
  void Settle(std::chrono::milliseconds patience);

 private:
  struct Pending {
    std::string id;
    Work work;
    Session::Call call;
  };
  void Loop();

  Answered answered_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<std::shared_ptr<Pending>> queue_;
  std::map<std::string, std::shared_ptr<Pending>> pending_;  // queued and running
  bool ending_ = false;
  std::vector<std::thread> threads_;
};

}  // namespace selftune::cli::mcp
