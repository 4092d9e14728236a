// selftune_subscribe: who else wrote the store.
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>
#include <utility>

#include "base/status_macros.h"
#include "capi/call.h"
#include "store/db.h"
#include "store/queries/overview.h"

namespace selftune::capi {
namespace {

using ChangedFn = void (*)(void* user, int64_t clock, uint32_t topics);

constexpr std::chrono::milliseconds kPoll{25};          // a look costs a microsecond
constexpr std::chrono::milliseconds kPollMissing{250};  // while there is no store

// Looks at the change clock from a thread of its own. SQLite has no
// notification between processes; asking for its data version reads one word
// of shared memory.
class Watcher {
 public:
  Watcher(Engine& engine, uint32_t topics, ChangedFn changed, void* user)
      : engine_(engine), topics_(topics), changed_(changed), user_(user) {}

  // The state now is the one that changes are counted from.
  void Begin() {
    existed_ = Look().has_value();
    thread_ = std::thread([this] { Loop(); });
  }

  ~Watcher() {
    {
      const std::lock_guard lock(mutex_);
      stopping_ = true;
    }
    stop_.notify_one();
    if (thread_.joinable()) thread_.join();
    engine_.ReturnDb(Engine::Access::kRead, std::move(db_));
  }

 private:
  // Topics that changed since the last look; nullopt when there is no store.
  std::optional<uint32_t> Look() {
    if (db_ == nullptr) {
      StatusOr<std::unique_ptr<store::Db>> db = engine_.TakeDb(Engine::Access::kRead);
      if (!db.ok()) return std::nullopt;
      db_ = *std::move(db);
      data_version_.reset();
    }
    const StatusOr<int64_t> version = db_->DataVersion();
    if (!version.ok()) return Lost();
    if (data_version_ == *version) return 0;
    const StatusOr<store::ChangeClock> clock = store::ReadChangeClock(*db_);
    if (!clock.ok()) return Lost();
    data_version_ = *version;
    const int64_t before = std::exchange(clock_, clock->version);
    if (clock_ == before) return 0;  // a checkpoint, or the file was opened
    return clock_ == before + 1 ? clock->topics : SELFTUNE_TOPIC_ALL;
  }

  std::optional<uint32_t> Lost() {
    db_.reset();
    return std::nullopt;
  }

  void Loop() {
    std::unique_lock lock(mutex_);
    while (!stop_.wait_for(lock, db_ == nullptr ? kPollMissing : kPoll,
                           [this] { return stopping_; })) {
      lock.unlock();
      const std::optional<uint32_t> found = Look();
      const bool appeared = found.has_value() && !existed_;
      existed_ = found.has_value();
      const uint32_t topics = (appeared ? SELFTUNE_TOPIC_ALL : found.value_or(0)) & topics_;
      if (topics != 0) changed_(user_, clock_, topics);
      lock.lock();
    }
  }

  Engine& engine_;
  const uint32_t topics_;
  const ChangedFn changed_;
  void* const user_;
  // Of the thread once it runs.
  std::unique_ptr<store::Db> db_;
  std::optional<int64_t> data_version_;
  int64_t clock_ = 0;
  bool existed_ = false;

  std::mutex mutex_;
  std::condition_variable stop_;
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace
}  // namespace selftune::capi

struct selftune_sub {
  selftune::capi::Watcher watcher;
};

extern "C" {

selftune_code_t selftune_subscribe(selftune_engine_t* engine, uint32_t topics,
                                   void (*changed)(void* user, int64_t clock, uint32_t topics),
                                   void* user, selftune_sub_t** sub, selftune_error_t** error) {
  using namespace selftune;
  return capi::Call(error, [&]() -> Status {
    if (engine == nullptr || changed == nullptr || sub == nullptr || topics == 0) {
      return Fail(kInvalidRequest, "engine, topics, changed and sub must be given");
    }
    ST_RETURN_IF_ERROR(engine->impl->Check());
    auto handle =
        std::unique_ptr<selftune_sub>(new selftune_sub{{*engine->impl, topics, changed, user}});
    handle->watcher.Begin();
    *sub = handle.release();
    return absl::OkStatus();
  });
}

void selftune_unsubscribe(selftune_sub_t* sub) { delete sub; }

}  // extern "C"
