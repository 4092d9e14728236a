// An engine: paths, environment, clock, connections, jobs and listeners that
// belong to one state folder. The C handle selftune_engine wraps one.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "base/env.h"
#include "base/error.h"
#include "base/time.h"
#include "capi/context.h"
#include "capi/deadline.h"
#include "jobs/runner.h"

namespace selftune::capi {

enum class LogLevel { kError = 1, kWarning = 2, kInfo = 3, kDebug = 4 };

struct EngineOptions {
  bool read_only = false;
  bool no_create = false;
  bool no_migrate = false;
  bool no_network = false;
  base::Environment env;         // home and state folder already put in
  std::string db_path;           // "" = in the state folder
  bool state_dir_named = false;  // by the caller, not by its environment
  std::function<void(LogLevel level, std::string_view json_line)> log;
  std::function<int64_t()> now_ms;  // empty = the system's clock
};

// Thread-safe. Unusable in a forked child: Check() fails there with FORKED.
class Engine {
 public:
  [[nodiscard]] static StatusOr<std::unique_ptr<Engine>> Open(EngineOptions options);
  ~Engine();
  Engine(const Engine&) = delete;
  Engine& operator=(const Engine&) = delete;

  // Runs one request to its end; the envelope.
  [[nodiscard]] StatusOr<std::string> Request(std::string_view request_json);
  // The same on a thread of the engine. Fails at once when the request is not
  // well formed.
  [[nodiscard]] StatusOr<std::shared_ptr<jobs::Job>> Start(std::string_view request_json,
                                                           jobs::Job::Listener listener);

  // True in a child process of the one that opened the engine: only the thread
  // that forked went on there, and locks may be held by the others.
  [[nodiscard]] bool IsForked() const;
  // FORKED in such a process.
  [[nodiscard]] Status Check() const;

  void SetLlmHandler(LlmHandler handler);  // an empty one takes it away
  [[nodiscard]] std::shared_ptr<const LlmHandler> llm_handler() const;

  [[nodiscard]] const EngineOptions& options() const { return options_; }
  [[nodiscard]] const Paths& paths() const { return paths_; }
  [[nodiscard]] const Clock& clock() const { return *clock_; }
  [[nodiscard]] Deadlines& deadlines() { return deadlines_; }
  void Log(LogLevel level, std::string_view event, std::string_view message) const;

  // Connections to the store; returned ones are kept for the next request. Until
  // then `cancel` ends their waits for other writers.
  enum class Access { kRead, kWrite };
  [[nodiscard]] StatusOr<std::unique_ptr<store::Db>> TakeDb(Access access,
                                                            const base::Cancel* cancel = nullptr);
  void ReturnDb(Access access, std::unique_ptr<store::Db> db);
  // Moves what hooks left in the spool into the store, when something waits and
  // this engine may write. What cannot be moved now stays there; `reader` is
  // only asked what was moved before. Returns whether anything was; a failure, of which
  // a part may have been moved, is logged.
  StatusOr<bool> TakeInHooks(store::Db& reader);
  // Closes those that nobody uses now.
  void CloseIdle();

 private:
  Engine(EngineOptions options, Paths paths);

  [[nodiscard]] StatusOr<std::unique_ptr<store::Db>> OpenDb(Access access,
                                                            const base::Cancel* cancel) const;

  const EngineOptions options_;
  const Paths paths_;
  const std::unique_ptr<const Clock> own_clock_;
  const Clock* const clock_;
  const uint64_t fork_generation_;

  mutable std::mutex llm_mutex_;
  std::shared_ptr<const LlmHandler> llm_;

  std::mutex pool_mutex_;
  std::vector<std::unique_ptr<store::Db>> idle_readers_;
  std::vector<std::unique_ptr<store::Db>> idle_writers_;

  Deadlines deadlines_;
  // Last member: its destructor waits for jobs, which use all of the above.
  jobs::Runner runner_;
};

}  // namespace selftune::capi
