// selftune_start and the job handle.
#include <chrono>
#include <optional>
#include <utility>

#include "base/status_macros.h"
#include "capi/call.h"

namespace selftune::capi {
namespace {

StatusOr<jobs::Job::Listener> ReadCallbacks(const selftune_callbacks_t* given) {
  selftune_callbacks_t callbacks = SELFTUNE_CALLBACKS_INIT;
  if (given == nullptr) return jobs::Job::Listener();
  ST_ASSIGN_OR_RETURN(
      callbacks,
      CopyStruct(*given, callbacks, offsetof(selftune_callbacks_t, event), "starting a job"));
  if (callbacks.event == nullptr) return jobs::Job::Listener();
  return [event = callbacks.event, user = callbacks.user](std::string_view json) {
    event(user, Borrow(json));
  };
}

// For times beyond this "for ever" is meant; adding more would overflow.
constexpr int64_t kLongestWaitMs = int64_t{10} * 365 * 24 * 3600 * 1000;

std::optional<std::chrono::milliseconds> Timeout(int64_t ms) {
  if (ms < 0 || ms > kLongestWaitMs) return std::nullopt;
  return std::chrono::milliseconds(ms);
}

}  // namespace
}  // namespace selftune::capi

extern "C" {

selftune_code_t selftune_start(selftune_engine_t* engine, selftune_str_t request,
                               const selftune_callbacks_t* callbacks, selftune_job_t** job,
                               selftune_error_t** error) {
  using namespace selftune;
  return capi::Call(error, [&]() -> Status {
    if (engine == nullptr || job == nullptr) {
      return Fail(kInvalidRequest, "engine and job must not be NULL");
    }
    ST_RETURN_IF_ERROR(engine->impl->Check());
    ST_ASSIGN_OR_RETURN(auto listener, capi::ReadCallbacks(callbacks));
    auto handle = std::make_unique<selftune_job>();
    handle->engine = engine->impl.get();
    ST_ASSIGN_OR_RETURN(handle->impl,
                        engine->impl->Start(capi::View(request), std::move(listener)));
    *job = handle.release();
    return absl::OkStatus();
  });
}

selftune_code_t selftune_job_wait(selftune_job_t* job, int64_t timeout_ms, selftune_buf_t* reply,
                                  selftune_error_t** error) {
  using namespace selftune;
  return capi::Call(error, [&]() -> Status {
    if (job == nullptr || reply == nullptr) {
      return Fail(kInvalidRequest, "job and reply must not be NULL");
    }
    ST_RETURN_IF_ERROR(job->engine->Check());
    const StatusOr<std::string>* result = job->impl->Wait(capi::Timeout(timeout_ms));
    if (result == nullptr) return Fail(kJobRunning, "the job still runs after {} ms", timeout_ms);
    if (!result->ok()) return result->status();
    return capi::CopyOut(**result, reply);
  });
}

void selftune_job_cancel(selftune_job_t* job) {
  if (job != nullptr) job->impl->cancel().Request();
}

void selftune_job_release(selftune_job_t* job) {
  // In a forked child the thread that ran the job may have left a lock behind.
  if (job == nullptr || job->engine->IsForked()) return;
  job->impl->Silence();
  delete job;
}

}  // extern "C"
