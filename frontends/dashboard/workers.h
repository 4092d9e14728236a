// Threads that ask the library, so that the loop never waits.
#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

namespace selftune::dashboard {

class Workers {
 public:
  enum class Cost { kUsual, kDear };

  explicit Workers(size_t threads);
  ~Workers();  // what has begun ends, what waits is dropped
  Workers(const Workers&) = delete;
  Workers& operator=(const Workers&) = delete;

  // Dear work never takes more than half of the threads.
  void Add(std::function<void()> work, Cost cost = Cost::kUsual);

 private:
  void Loop();

  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<std::function<void()>> waiting_;
  std::deque<std::function<void()>> dear_;
  size_t dear_running_ = 0;
  const size_t most_dear_;
  bool stopping_ = false;
  std::vector<std::thread> threads_;
};

}  // namespace selftune::dashboard
