#include "capi/engine.h"

#include <pthread.h>

#include <atomic>
#include <chrono>
#include <climits>
#include <utility>

#include "base/file.h"
#include "base/json_writer.h"
#include "base/status_macros.h"
#include "capi/router.h"
#include "hosts/registry.h"
#include "jobs/process_end.h"
#include "store/db.h"
#include "store/spool.h"
#include "sync/hook_evidence.h"

namespace selftune::capi {
namespace {

constexpr size_t kJobThreads = 2;
constexpr size_t kIdleReaders = 4;
constexpr size_t kIdleWriters = 1;
constexpr std::chrono::milliseconds kHookWait{100};

// Goes up in every forked child, so that engines of the parent notice.
std::atomic<uint64_t> fork_generation{0};
std::atomic<int> open_engines{0};
// The parent had engines: SQLite's own locks and its notes on the locks of
// files are of that process, and wrong in this one.
std::atomic<bool> inherited{false};

uint64_t ForkGeneration() {
  static const int registered = pthread_atfork(nullptr, nullptr, [] {
    ++fork_generation;
    if (open_engines > 0) inherited = true;
  });
  (void)registered;
  return fork_generation.load();
}

class CallbackClock : public Clock {
 public:
  explicit CallbackClock(std::function<int64_t()> now_ms) : now_ms_(std::move(now_ms)) {}
  [[nodiscard]] UtcMillis Now() const override { return UtcMillis{now_ms_()}; }

 private:
  std::function<int64_t()> now_ms_;
};

Status MissingStore(const Status& status) {
  return WithSuggestion(status, "read the transcripts of the agents first", "selftune sync");
}

}  // namespace

StatusOr<std::unique_ptr<Engine>> Engine::Open(EngineOptions options) {
  if (inherited) {
    return WithSuggestion(
        Fail(kForked, "opening an engine in a process that was forked while its parent had one"),
        "start the child with exec, or fork before the first engine is opened", "");
  }
  Paths paths;
  paths.home = options.env.Home();
  paths.state_dir = options.env.StateDir();
  if (paths.home.empty() && !options.env.Get("SELFTUNE_HOME").has_value()) {
    return WithSuggestion(
        Fail(kInvalidRequest, "opening an engine: neither HOME nor SELFTUNE_HOME is set"),
        "set HOME", "");
  }
  for (const std::string* path : {&paths.home, &paths.state_dir, &options.db_path}) {
    if (path->size() >= PATH_MAX) {
      return Fail(kInvalidRequest, "opening an engine: {} is longer than a path can be", *path);
    }
    if (path->empty() || path->front() == '/') continue;
    return Fail(kInvalidRequest, "opening an engine: {} is not an absolute path", *path);
  }
  if (options.state_dir_named) paths.chosen_state_dir = paths.state_dir;
  paths.chosen_db = options.db_path;
  paths.db = options.db_path.empty() ? store::StorePath(paths.state_dir) : options.db_path;
  return std::unique_ptr<Engine>(new Engine(std::move(options), std::move(paths)));
}

Engine::Engine(EngineOptions options, Paths paths)
    : options_(std::move(options)),
      paths_(std::move(paths)),
      own_clock_(options_.now_ms ? std::make_unique<CallbackClock>(options_.now_ms) : nullptr),
      clock_(own_clock_ ? own_clock_.get() : &SystemClock()),
      fork_generation_(ForkGeneration()),
      runner_(kJobThreads) {
  // So that giving a connection back needs no memory.
  idle_readers_.reserve(kIdleReaders);
  idle_writers_.reserve(kIdleWriters);
  ++open_engines;
}

Engine::~Engine() { --open_engines; }

bool Engine::IsForked() const { return fork_generation_ != fork_generation.load(); }

Status Engine::Check() const {
  if (!IsForked()) return absl::OkStatus();
  return WithSuggestion(Fail(kForked, "using an engine in a forked process"),
                        "start the child with exec, or fork before the first engine is opened", "");
}

StatusOr<std::string> Engine::Request(std::string_view request_json) {
  base::Cancel cancel;
  const jobs::WorkInProgress work(cancel);
  ST_RETURN_IF_ERROR(work.Check());
  ST_ASSIGN_OR_RETURN(const RequestDoc request, ParseRequest(request_json));
  return RunRequest(*this, request, cancel, {});
}

StatusOr<std::shared_ptr<jobs::Job>> Engine::Start(std::string_view request_json,
                                                   jobs::Job::Listener listener) {
  base::Cancel none;
  const jobs::WorkInProgress parsing(none);
  ST_RETURN_IF_ERROR(parsing.Check());
  ST_ASSIGN_OR_RETURN(RequestDoc request, ParseRequest(request_json));
  auto work = [this, request = std::move(request)](jobs::Job& job) -> StatusOr<std::string> {
    const jobs::WorkInProgress running(job.cancel());
    ST_RETURN_IF_ERROR(running.Check());
    return RunRequest(*this, request, job.cancel(),
                      [&job](std::string_view event) { job.Emit(event); });
  };
  auto job = std::make_shared<jobs::Job>(std::move(work), std::move(listener));
  runner_.Start(job);
  return job;
}

void Engine::SetLlmHandler(LlmHandler handler) {
  auto shared = handler ? std::make_shared<const LlmHandler>(std::move(handler)) : nullptr;
  const std::lock_guard lock(llm_mutex_);
  llm_ = std::move(shared);
}

std::shared_ptr<const LlmHandler> Engine::llm_handler() const {
  const std::lock_guard lock(llm_mutex_);
  return llm_;
}

void Engine::Log(LogLevel level, std::string_view event, std::string_view message) const {
  if (!options_.log) return;
  base::JsonWriter line;
  line.BeginObject()
      .Field("at", clock().Now())
      .Field("event", event)
      .Field("message", message)
      .EndObject();
  options_.log(level, line.view());
}

StatusOr<std::unique_ptr<store::Db>> Engine::OpenDb(Access access,
                                                    const base::Cancel* cancel) const {
  std::vector<store::HostName> hosts;
  for (const hosts::HostRow& row : hosts::Rows()) hosts.push_back({row.platform, row.title});
  store::OpenOptions options;
  options.hosts = hosts;
  options.cancel = cancel;
  if (access == Access::kRead) {
    StatusOr<std::unique_ptr<store::Db>> db = store::Db::Open(paths_.db, options);
    if (!db.ok() && CodeOf(db.status()).name == kStoreMissing.name) {
      return MissingStore(db.status());
    }
    return db;
  }
  if (options_.read_only) {
    return Fail(kStoreReadOnly, "opening {} for writing: this engine is read-only", paths_.db);
  }
  const bool missing = !base::Exists(paths_.db);
  if (missing && options_.no_create) {
    return MissingStore(Fail(kStoreMissing, "opening {}: no such file", paths_.db));
  }
  options.mode =
      options_.no_migrate && !missing ? store::OpenMode::kReadWrite : store::OpenMode::kCreate;
  if (missing) {
    ST_RETURN_IF_ERROR(base::MakeDirs(std::string(base::DirName(paths_.db)), 0700));
  }
  return store::Db::Open(paths_.db, options);
}

StatusOr<std::unique_ptr<store::Db>> Engine::TakeDb(Access access, const base::Cancel* cancel) {
  {
    const std::lock_guard lock(pool_mutex_);
    auto& idle = access == Access::kRead ? idle_readers_ : idle_writers_;
    while (!idle.empty()) {
      std::unique_ptr<store::Db> db = std::move(idle.back());
      idle.pop_back();
      if (db->Replaced()) continue;
      db->SetCancel(cancel);
      return db;
    }
  }
  return OpenDb(access, cancel);
}

void Engine::ReturnDb(Access access, std::unique_ptr<store::Db> db) {
  if (db == nullptr || db->in_transaction()) return;  // left half done: close it
  db->SetCancel(nullptr);
  const std::lock_guard lock(pool_mutex_);
  auto& idle = access == Access::kRead ? idle_readers_ : idle_writers_;
  const size_t keep = access == Access::kRead ? kIdleReaders : kIdleWriters;
  if (idle.size() < keep) idle.push_back(std::move(db));
}

StatusOr<bool> Engine::TakeInHooks(store::Db& reader) {
  if (options_.read_only || reader.schema_version() != store::kSchemaVersion) return false;
  const auto waiting = store::SpoolWaiting(reader, paths_.state_dir);
  if (waiting.ok() && waiting->files == 0) return false;
  // A reader does not wait for a writer at work, which takes them in itself.
  const auto db =
      store::Db::Open(paths_.db, {.mode = store::OpenMode::kReadWrite, .busy_timeout = kHookWait});
  const StatusOr<store::DrainReport> taken =
      db.ok() ? sync::TakeInHooks(**db, paths_.state_dir, clock().Now()) : db.status();
  if (taken.ok()) return taken->records > 0;
  Log(LogLevel::kWarning, "hooks.waiting", Message(taken.status()));
  return taken.status();
}

void Engine::CloseIdle() {
  const std::lock_guard lock(pool_mutex_);
  idle_readers_.clear();
  idle_writers_.clear();
}

}  // namespace selftune::capi
