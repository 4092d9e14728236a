// selftune_subscribe: who else wrote the store.
#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "base/file.h"
#include "base/status_macros.h"
#include "base/watch.h"
#include "capi/call.h"
#include "capi/spool_taker.h"
#include "store/db.h"
#include "store/queries/overview.h"

namespace selftune::capi {
namespace {

using ChangedFn = void (*)(void* user, int64_t clock, uint32_t topics);

using std::chrono::milliseconds;
using Woken = base::FolderWatch::Woken;

// The log of the store is written a moment before a commit can be seen: looks
// follow each other at these times, and begin anew while writing goes on.
constexpr milliseconds kLooks[] = {milliseconds(0), milliseconds(1),  milliseconds(2),
                                   milliseconds(4), milliseconds(10), milliseconds(25)};
// The moment is long when the writer waits for a disk or for its turn of the
// CPU in between. Nothing tells its end.
constexpr milliseconds kLaterLooks[] = {milliseconds(50),  milliseconds(100), milliseconds(200),
                                        milliseconds(400), milliseconds(800), milliseconds(1600)};
// Whatever the system tells: a network file system may tell nothing.
constexpr milliseconds kAnyway{5000};
constexpr milliseconds kUntold{250};  // where changes are not told at all

// Looks at the change clock from a thread of its own. SQLite has no
// notification between processes: the folder tells that the log was written,
// and the data version, one word of shared memory, whether that was a commit.
class Watcher {
 public:
  struct Listener {
    uint32_t topics;
    ChangedFn changed;
    void* user;
  };

  static StatusOr<std::unique_ptr<Watcher>> Open(Engine& engine, const Listener& listener) {
    const std::string& store = engine.paths().db;
    ST_ASSIGN_OR_RETURN(auto folder,
                        base::FolderWatch::Open(std::string(base::DirName(store)), FilesOf(store)));
    ST_ASSIGN_OR_RETURN(auto spool, SpoolTaker::Watch(engine));
    return std::unique_ptr<Watcher>(
        new Watcher(engine, listener, std::move(folder), std::move(spool)));
  }

  // The state now is the one that changes are counted from.
  void Begin() {
    existed_ = Look().has_value();
    thread_ = std::thread([this] { Loop(); });
    hooks_.Begin();
  }

  [[nodiscard]] const Engine& engine() const { return engine_; }

  ~Watcher() {
    folder_->Stop();
    if (thread_.joinable()) thread_.join();
    engine_.ReturnDb(Engine::Access::kRead, std::move(db_));
  }

 private:
  Watcher(Engine& engine, const Listener& listener, std::unique_ptr<base::FolderWatch> folder,
          std::unique_ptr<base::FolderWatch> spool)
      : engine_(engine),
        listener_(listener),
        folder_(std::move(folder)),
        hooks_(engine, std::move(spool)) {}

  static std::vector<std::string> FilesOf(const std::string& store) {
    const std::string name(base::BaseName(store));
    return {name, name + "-wal"};
  }

  // Topics that changed since the last look; nullopt when there is no store,
  // or no memory to look at it.
  std::optional<uint32_t> Look() noexcept {
    try {
      return TryLook();
    } catch (...) {
      return Lost();
    }
  }

  std::optional<uint32_t> TryLook() {
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
    for (;;) {
      Woken woken = folder_->Wait(folder_->works() ? kAnyway : kUntold);
      while (woken == Woken::kChanged) woken = LookAround();
      if (woken == Woken::kStopped) return;
      Tell();
    }
  }

  // What ended it. Goes on after a commit was seen: another one may have been
  // announced together with it.
  Woken LookAround() {
    for (const milliseconds pause : kLooks) {
      if (folder_->Pause(pause) == Woken::kStopped) return Woken::kStopped;
      Tell();
    }
    for (const milliseconds time : kLaterLooks) {
      const Woken woken = folder_->Wait(time);
      if (woken != Woken::kTimeout) return woken;
      Tell();
    }
    return Woken::kTimeout;
  }

  void Tell() {
    const std::optional<uint32_t> found = Look();
    const bool appeared = found.has_value() && !existed_;
    existed_ = found.has_value();
    const uint32_t all = appeared ? SELFTUNE_TOPIC_ALL : found.value_or(0);
    const uint32_t meant = all & listener_.topics;
    if (meant != 0) listener_.changed(listener_.user, clock_, meant);
  }

  Engine& engine_;
  const Listener listener_;
  // Of the thread once it runs.
  std::unique_ptr<store::Db> db_;
  std::optional<int64_t> data_version_;
  int64_t clock_ = 0;
  bool existed_ = false;

  const std::unique_ptr<base::FolderWatch> folder_;
  std::thread thread_;
  SpoolTaker hooks_;
};

}  // namespace
}  // namespace selftune::capi

struct selftune_sub {
  std::unique_ptr<selftune::capi::Watcher> watcher;
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
    ST_ASSIGN_OR_RETURN(auto watcher, capi::Watcher::Open(*engine->impl, {topics, changed, user}));
    auto handle = std::make_unique<selftune_sub>(std::move(watcher));
    handle->watcher->Begin();
    *sub = handle.release();
    return absl::OkStatus();
  });
}

void selftune_unsubscribe(selftune_sub_t* sub) {
  if (sub != nullptr && !sub->watcher->engine().IsForked()) delete sub;
}

}  // extern "C"
