#include "dashboard/library.h"

#include <utility>

#include "cli/json.h"

namespace selftune::dashboard {
namespace {

// No page waits longer; a route that takes this long is a bug.
constexpr int64_t kDeadlineMs = 5000;

selftune_str_t Borrow(std::string_view text) { return {text.data(), text.size()}; }

std::string TakeError(selftune_error_t* error) {
  std::string json = selftune_error_json(error);
  selftune_error_free(error);
  return json;
}

}  // namespace

std::unique_ptr<Library> Library::Open(const Options& options, std::string* error) {
  selftune_options_t open = SELFTUNE_OPTIONS_INIT;
  open.flags =
      SELFTUNE_OWN_PROCESS | SELFTUNE_NO_CREATE | (options.read_only ? SELFTUNE_READ_ONLY : 0);
  open.config_dir = Borrow(options.home);
  open.db_path = Borrow(options.db);
  selftune_engine_t* engine = nullptr;
  selftune_error_t* failure = nullptr;
  if (selftune_open(&open, &engine, &failure) != SELFTUNE_OK) {
    *error = TakeError(failure);
    return nullptr;
  }
  return std::unique_ptr<Library>(new Library(engine));
}

Library::~Library() {
  Unsubscribe();
  selftune_close(engine_);
}

LibraryReply Library::Ask(std::string_view op, std::string_view params_json) const {
  const std::string client =
      cli::JsonObject().AddText("name", "dashboard").AddText("version", version()).Take();
  const std::string request = cli::JsonObject()
                                  .AddText("op", op)
                                  .AddRaw("params", params_json)
                                  .AddRaw("client", client)
                                  .AddInt("deadline_ms", kDeadlineMs)
                                  .Take();
  selftune_buf_t reply = SELFTUNE_BUF_INIT;
  selftune_error_t* failure = nullptr;
  LibraryReply out;
  // A job, because a request cannot be cancelled.
  selftune_job_t* job = nullptr;
  out.kind = selftune_start(engine_, Borrow(request), nullptr, &job, &failure);
  if (out.kind == SELFTUNE_OK) {
    Hold(job);
    out.kind = selftune_job_wait(job, -1, &reply, &failure);
    LetGo(job);
  }
  if (out.kind != SELFTUNE_OK) {
    out.json = TakeError(failure);
    return out;
  }
  out.json.assign(reply.data, reply.size);
  selftune_buf_free(&reply);
  return out;
}

void Library::Hold(selftune_job_t* job) const {
  const std::lock_guard lock(mutex_);
  jobs_.insert(job);
  if (cancelled_) selftune_job_cancel(job);
}

void Library::LetGo(selftune_job_t* job) const {
  {
    const std::lock_guard lock(mutex_);
    jobs_.erase(job);
  }
  selftune_job_release(job);
}

void Library::CancelAll() {
  const std::lock_guard lock(mutex_);
  cancelled_ = true;
  for (selftune_job_t* const job : jobs_) selftune_job_cancel(job);
}

std::string Library::Subscribe(Changed changed) {
  changed_ = std::move(changed);
  selftune_error_t* failure = nullptr;
  const auto pass = [](void* user, int64_t clock, uint32_t topics) {
    (*static_cast<const Changed*>(user))(clock, topics);
  };
  if (selftune_subscribe(engine_, SELFTUNE_TOPIC_ALL, pass, &changed_, &subscription_, &failure) !=
      SELFTUNE_OK) {
    return TakeError(failure);
  }
  return "";
}

void Library::Unsubscribe() { selftune_unsubscribe(std::exchange(subscription_, nullptr)); }

}  // namespace selftune::dashboard
