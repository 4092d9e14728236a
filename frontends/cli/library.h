// The library as this command uses it: one engine, one operation at a time.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace selftune::cli {

struct LibraryOptions {
  std::string home;  // state folder, "" = the default
  std::string db;    // the store, "" = the default
  bool verbose = false;
  bool look_only = false;  // write nothing, also no store
  std::optional<int64_t> deadline_ms;
};

// What came back: an envelope, or the error object of a call that failed
// (code, message, suggestion, next, retryable, exit_code, details).
struct Answer {
  std::string envelope;
  std::string error;
  // SIGINT or SIGTERM ended it.
  int signal = 0;
};

using ProgressFn = std::function<void(std::string_view event_json)>;

// Opens an engine and runs one request, whose text is
// {"op":...,"params":...}. On SIGINT and SIGTERM the operation is asked to
// stop; a second signal ends the process.
[[nodiscard]] Answer Ask(const LibraryOptions& options, std::string_view request_json,
                         const ProgressFn& progress);

// An engine for many operations at once; any thread may call.
class Session {
 public:
  // One operation that another thread may stop.
  class Call;

  Session();
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;
  ~Session();

  // "" or the error object of an engine that cannot be opened.
  [[nodiscard]] std::string Open(const LibraryOptions& options);
  // Runs to the end. `progress` is heard from another thread, not after this
  // returns. `call` may be null.
  [[nodiscard]] Answer Run(std::string_view request_json, const ProgressFn& progress, Call* call);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

class Session::Call {
 public:
  Call();
  Call(const Call&) = delete;
  Call& operator=(const Call&) = delete;
  ~Call();
  // The operation stops at the next safe point, or does not begin.
  void Cancel();
  [[nodiscard]] bool cancelled() const;

 private:
  friend class Session;
  struct State;
  std::unique_ptr<State> state_;
};

// {"op","params","client","deadline_ms"?} of a command.
[[nodiscard]] std::string RequestText(std::string_view op, std::string_view params_json,
                                      std::string_view command, std::optional<int64_t> deadline_ms);

[[nodiscard]] std::string_view LibraryVersion();

}  // namespace selftune::cli
