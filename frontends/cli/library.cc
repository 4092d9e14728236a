#include "cli/library.h"

#include <selftune/selftune.h>
#include <stdlib.h>

#include <chrono>
#include <cstdio>
#include <memory>
#include <mutex>

#include "cli/json.h"
#include "cli/signals.h"

namespace selftune::cli {
namespace {

selftune_str_t Borrow(std::string_view text) { return {text.data(), text.size()}; }

void PrintLog(void*, int32_t, selftune_str_t line) {
  std::fwrite(line.data, 1, line.size, stderr);
  std::fputc('\n', stderr);
}

void PassEvent(void* user, selftune_str_t event) {
  (*static_cast<const ProgressFn*>(user))({event.data, event.size});
}

std::string TakeError(selftune_error_t* error) {
  std::string json = selftune_error_json(error);
  selftune_error_free(error);
  return json;
}

struct EngineCloser {
  void operator()(selftune_engine_t* engine) const { selftune_close(engine); }
};
struct JobReleaser {
  void operator()(selftune_job_t* job) const { selftune_job_release(job); }
};
using EnginePtr = std::unique_ptr<selftune_engine_t, EngineCloser>;
using JobPtr = std::unique_ptr<selftune_job_t, JobReleaser>;

// A path of the command line, seen from the library, is absolute.
std::string Absolute(const std::string& path) {
  if (path.empty() || path[0] == '/') return path;
  char here[4096];
  if (getcwd(here, sizeof here) == nullptr) return path;
  return std::string(here) + "/" + path;
}

// "" or the error object.
std::string OpenEngine(const LibraryOptions& options, EnginePtr& engine) {
  const std::string home = Absolute(options.home);
  const std::string db = Absolute(options.db);
  selftune_options_t open = SELFTUNE_OPTIONS_INIT;
  open.config_dir = Borrow(home);
  open.db_path = Borrow(db);
  if (options.verbose) open.log = PrintLog;
  open.flags = SELFTUNE_OWN_PROCESS;
  if (options.look_only) open.flags |= SELFTUNE_READ_ONLY | SELFTUNE_NO_CREATE;
  selftune_engine_t* raw = nullptr;
  selftune_error_t* error = nullptr;
  if (selftune_open(&open, &raw, &error) != SELFTUNE_OK) return TakeError(error);
  engine.reset(raw);
  return "";
}

// "" or the error object. `progress` must live as long as the job.
std::string StartJob(selftune_engine_t* engine, std::string_view request_json,
                     const ProgressFn& progress, JobPtr& job) {
  selftune_callbacks_t callbacks = SELFTUNE_CALLBACKS_INIT;
  if (progress) {
    callbacks.event = PassEvent;
    callbacks.user = const_cast<ProgressFn*>(&progress);
  }
  selftune_job_t* raw = nullptr;
  selftune_error_t* error = nullptr;
  if (selftune_start(engine, Borrow(request_json), &callbacks, &raw, &error) != SELFTUNE_OK) {
    return TakeError(error);
  }
  job.reset(raw);
  return "";
}

Answer AnswerOf(selftune_job_t* job) {
  using std::chrono::milliseconds, std::chrono::steady_clock;
  constexpr milliseconds kLook{50};  // how late a signal may be noticed
  Answer answer;
  bool cancelled = false;
  for (bool ended = false; !ended;) {
    // No error is asked for at each look: writing one would cost more than the look. A job
    // that has ended answers at once, also one whose own deadline has passed.
    const auto start = steady_clock::now();
    selftune_buf_t reply = SELFTUNE_BUF_INIT;
    selftune_error_t* error = nullptr;
    selftune_code_t code = selftune_job_wait(job, kLook.count(), &reply, nullptr);
    if (code != SELFTUNE_OK && steady_clock::now() - start < kLook) {
      code = selftune_job_wait(job, 0, &reply, &error);
    }
    if (code == SELFTUNE_OK) {
      answer.envelope.assign(reply.data, reply.size);
      selftune_buf_free(&reply);
      ended = true;
    } else if (error != nullptr) {
      ended = std::string_view(selftune_error_name(error)) != "JOB_RUNNING";
      std::string json = TakeError(error);
      if (ended) answer.error = std::move(json);
    }
    if (!ended && CaughtSignal() != 0 && !cancelled) {
      selftune_job_cancel(job);
      cancelled = true;
    }
  }
  answer.signal = cancelled ? CaughtSignal() : 0;
  return answer;
}

}  // namespace

Answer Ask(const LibraryOptions& options, std::string_view request_json,
           const ProgressFn& progress) {
  EnginePtr engine;
  std::string failure = OpenEngine(options, engine);
  if (!failure.empty()) return {.envelope = {}, .error = std::move(failure)};
  const SignalScope signals;
  JobPtr job;
  failure = StartJob(engine.get(), request_json, progress, job);
  if (!failure.empty()) return {.envelope = {}, .error = std::move(failure)};
  return AnswerOf(job.get());
}

struct Session::State {
  EnginePtr engine;
};

struct Session::Call::State {
  std::mutex mutex;
  selftune_job_t* job = nullptr;  // while it runs
  bool cancelled = false;
};

Session::Session() : state_(std::make_unique<State>()) {}
Session::~Session() = default;

std::string Session::Open(const LibraryOptions& options) {
  return OpenEngine(options, state_->engine);
}

Answer Session::Run(std::string_view request_json, const ProgressFn& progress, Call* call) {
  JobPtr job;
  std::string failure = StartJob(state_->engine.get(), request_json, progress, job);
  if (!failure.empty()) return {.envelope = {}, .error = std::move(failure)};
  if (call != nullptr) {
    const std::lock_guard<std::mutex> lock(call->state_->mutex);
    call->state_->job = job.get();
    if (call->state_->cancelled) selftune_job_cancel(job.get());
  }
  Answer answer;
  selftune_buf_t reply = SELFTUNE_BUF_INIT;
  selftune_error_t* error = nullptr;
  if (selftune_job_wait(job.get(), -1, &reply, &error) == SELFTUNE_OK) {
    answer.envelope.assign(reply.data, reply.size);
    selftune_buf_free(&reply);
  } else {
    answer.error = TakeError(error);
  }
  if (call != nullptr) {
    const std::lock_guard<std::mutex> lock(call->state_->mutex);
    call->state_->job = nullptr;
  }
  return answer;
}

Session::Call::Call() : state_(std::make_unique<State>()) {}
Session::Call::~Call() = default;

void Session::Call::Cancel() {
  const std::lock_guard<std::mutex> lock(state_->mutex);
  state_->cancelled = true;
  selftune_job_cancel(state_->job);
}

bool Session::Call::cancelled() const {
  const std::lock_guard<std::mutex> lock(state_->mutex);
  return state_->cancelled;
}

std::string RequestText(std::string_view op, std::string_view params_json, std::string_view command,
                        std::optional<int64_t> deadline_ms) {
  JsonObject client;
  client.AddText("name", "cli").AddText("version", LibraryVersion()).AddText("command", command);
  JsonObject request;
  request.AddText("op", op).AddRaw("params", params_json).AddRaw("client", client.Take());
  if (deadline_ms.has_value()) request.AddInt("deadline_ms", *deadline_ms);
  return request.Take();
}

std::string_view LibraryVersion() { return selftune_version(); }

}  // namespace selftune::cli
