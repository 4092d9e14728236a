#include "cli/mcp/calls.h"

#include <utility>

namespace selftune::cli::mcp {
namespace {

// A client that asks for more at once waits a little; one long run leaves room
// for questions beside it.
constexpr int kThreads = 4;

}  // namespace

Calls::Calls(Answered answered) : answered_(std::move(answered)) {
  for (int i = 0; i < kThreads; ++i) threads_.emplace_back([this] { Loop(); });
}

Calls::~Calls() {
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    ending_ = true;
    for (const auto& [id, pending] : pending_) pending->call.Cancel();
  }
  changed_.notify_all();
  for (std::thread& thread : threads_) thread.join();
}

bool Calls::Start(const std::string& id, Work work) {
  const std::lock_guard<std::mutex> lock(mutex_);
  auto pending = std::make_shared<Pending>();
  pending->id = id;
  pending->work = std::move(work);
  if (!pending_.emplace(id, pending).second) return false;
  queue_.push_back(std::move(pending));
  changed_.notify_all();
  return true;
}

void Calls::Cancel(const std::string& id) {
  const std::lock_guard<std::mutex> lock(mutex_);
  const auto it = pending_.find(id);
  if (it != pending_.end()) it->second->call.Cancel();
}

void Calls::Settle(std::chrono::milliseconds patience) {
  std::unique_lock<std::mutex> lock(mutex_);
  changed_.wait_for(lock, patience, [this] { return pending_.empty(); });
}

void Calls::Loop() {
  std::unique_lock<std::mutex> lock(mutex_);
  for (;;) {
    changed_.wait(lock, [this] { return ending_ || !queue_.empty(); });
    if (queue_.empty()) return;
    const std::shared_ptr<Pending> pending = std::move(queue_.front());
    queue_.pop_front();
    if (!pending->call.cancelled()) {
      lock.unlock();
      std::string line = pending->work(pending->call);
      // Before it is no longer known: whoever waits for all has all answers.
      if (!pending->call.cancelled()) answered_(std::move(line));
      lock.lock();
    }
    pending_.erase(pending->id);
    changed_.notify_all();
  }
}

}  // namespace selftune::cli::mcp
