// What an operation gets besides its parameters, and where it puts what the
// reply says besides its data.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/cancel.h"
#include "base/env.h"
#include "base/error.h"
#include "base/time.h"
#include "config/config.h"

namespace selftune::store {
class Db;
}

namespace selftune::capi {

class Engine;

// Where this engine keeps and finds things. Absolute, fixed at open.
struct Paths {
  std::string home;       // the person's home folder
  std::string state_dir;  // our state folder, usually <home>/.selftune
  std::string db;         // the store
  // The two, where whoever opened the engine named them; "" = as usual.
  std::string chosen_state_dir;
  std::string chosen_db;
};

// The embedding program's own model, instead of an agent CLI. Takes and
// returns JSON (architecture.md 7.2); may be called from any library thread.
using LlmHandler = std::function<StatusOr<std::string>(std::string_view request_json)>;

// What to do after this reply.
struct NextStep {
  std::vector<std::string> argv;  // {"selftune", "sync"}
  std::string reason;
  bool blocking = false;  // nothing else makes sense before it
};

// One per running request; lives as long as the operation. Only the thread
// that runs the operation may use it, except cancel() and Progress().
class Context {
 public:
  struct Request {
    std::string op;
    bool dry_run = false;
    // Hears Progress(); empty unless the operation runs as a job.
    std::function<void(std::string_view event_json)> on_event;
  };

  Context(Engine& engine, Request request, const base::Cancel& cancel);
  ~Context();
  Context(const Context&) = delete;
  Context& operator=(const Context&) = delete;

  // --- The world -----------------------------------------------------------
  [[nodiscard]] const base::Environment& env() const;
  // The same with the folders of hosts that config.json names: for whatever
  // looks at a host's files. INVALID_CONFIG rather than the wrong folder.
  [[nodiscard]] StatusOr<const base::Environment*> hosts_env();
  [[nodiscard]] const Clock& clock() const;
  [[nodiscard]] UtcMillis now() const { return clock().Now(); }
  [[nodiscard]] const Paths& paths() const;
  // Read anew for each request. INVALID_CONFIG when the file cannot be used.
  [[nodiscard]] StatusOr<const config::Config*> config();
  [[nodiscard]] const base::Cancel& cancel() const { return cancel_; }
  [[nodiscard]] bool no_network() const;  // of the engine
  // The embedding program's model; nullptr when it set none.
  [[nodiscard]] const LlmHandler* llm_handler() const { return llm_.get(); }

  // Connections for the life of this context, opened on first use; both may be
  // held. Read: STORE_MISSING when there is no store yet (next: selftune sync).
  // Write: the store is created and migrated, unless the engine is read-only
  // (STORE_READ_ONLY); refused in a dry run.
  [[nodiscard]] StatusOr<store::Db*> ReadDb();
  // To read with, whichever of the two is open: another one costs as much as a start.
  [[nodiscard]] StatusOr<store::Db*> AnyDb();
  // The same; nullptr where there is no store, or a file that nobody has filled yet.
  [[nodiscard]] StatusOr<store::Db*> DbIfThere();
  [[nodiscard]] StatusOr<store::Db*> WriteDb();
  // Moves what hooks left into the store. Returns false when that could not be done now.
  [[nodiscard]] StatusOr<bool> TakeInHooks();
  // The file exists; false before the first sync.
  [[nodiscard]] bool HasStore() const;
  // STORE_READ_ONLY when this engine must not write; for operations that write
  // without WriteDb.
  [[nodiscard]] Status CheckWritable() const;
  // Closes the connections of this context and those the engine keeps, for
  // operations that replace the file.
  void CloseConnections();

  // --- The request ---------------------------------------------------------
  [[nodiscard]] const std::string& op() const { return request_.op; }
  // True: describe the plan, write nothing.
  [[nodiscard]] bool dry_run() const { return request_.dry_run; }

  // --- The reply, besides its data ----------------------------------------
  // Something outside memory is different now (`changed` of the envelope).
  void SetChanged() { changed_ = true; }
  // Code in capitals ("STALE_EVIDENCE"), message for a person, and the command
  // that helps; empty = there is none.
  void Warn(std::string_view code, std::string message, std::vector<std::string> next = {});
  void SetNext(NextStep next) { next_.insert(next_.begin(), std::move(next)); }
  // Another step a caller may take instead.
  void AddAlternative(NextStep next) { next_.push_back(std::move(next)); }
  // The operation ran and its answer is "bad" (exit 3), blocked (2) or
  // undecided (6): the data is delivered, with ok:false and this error.
  //   context.SetVerdict(Fail(kRegressionFound, "{} fires less often", skill));
  void SetVerdict(Status verdict) { verdict_ = std::move(verdict); }
  // Reports progress to whoever listens: stage ("sync"), done of total
  // (0 = unknown), text. Thread-safe; cheap when nobody listens.
  void Progress(std::string_view stage, int64_t done, int64_t total, std::string_view message);

  struct Warning {
    std::string code;
    std::string message;
    std::vector<std::string> next;
  };
  [[nodiscard]] bool changed() const { return changed_; }
  // What hooks left was taken into the store, whatever the operation.
  [[nodiscard]] bool heard() const { return heard_; }
  // What hooks are to know of has changed, and nothing a person sees.
  void SetHooksDiffer() { hooks_differ_ = true; }
  [[nodiscard]] bool hooks_differ() const { return hooks_differ_; }
  // The store was open for writing.
  [[nodiscard]] bool wrote() const { return write_ != nullptr; }
  [[nodiscard]] const std::vector<Warning>& warnings() const { return warnings_; }
  [[nodiscard]] const std::vector<NextStep>& next() const { return next_; }
  [[nodiscard]] const Status& verdict() const { return verdict_; }

 private:
  bool Hear(store::Db& reader);

  Engine& engine_;
  Request request_;
  const base::Cancel& cancel_;
  std::optional<config::Config> config_;
  std::optional<base::Environment> hosts_env_;  // when config.json names a folder
  std::shared_ptr<const LlmHandler> llm_;       // shared: the engine may replace its own
  std::unique_ptr<store::Db> read_;
  std::unique_ptr<store::Db> write_;
  bool changed_ = false;
  bool heard_ = false;
  bool hooks_differ_ = false;
  std::vector<Warning> warnings_;
  std::vector<NextStep> next_;  // the first is the step, the rest alternatives
  Status verdict_;
};

}  // namespace selftune::capi
