// The boundary: what every exported function does around its body.
#pragma once

#include <cstdint>
#include <exception>
#include <memory>
#include <new>
#include <string>
#include <string_view>
#include <utility>

#include "base/error.h"
#include "capi/engine.h"
#include "capi/handles.h"
#include "jobs/runner.h"
#include "selftune/selftune.h"

struct selftune_engine {
  std::unique_ptr<selftune::capi::Engine> impl;
};

struct selftune_job {
  selftune::capi::Engine* engine;
  std::shared_ptr<selftune::jobs::Job> impl;
};

namespace selftune::capi {

// Code of a failure, and the error object if the caller wants one.
[[nodiscard]] selftune_code_t Report(const Status& status, selftune_error_t** error) noexcept;

// Copies `text` into memory of the library. OUT_OF_MEMORY.
[[nodiscard]] Status CopyOut(std::string_view text, selftune_buf_t* out);

[[nodiscard]] inline selftune_str_t Borrow(std::string_view text) {
  return {text.data(), text.size()};
}

// Resets *error, runs `body` (returns Status), turns a failure into a code and
// an error object, and stops exceptions, which the library itself never throws.
template <typename Body>
selftune_code_t Call(selftune_error_t** error, Body&& body) noexcept {
  if (error != nullptr) *error = nullptr;
  try {
    const Status status = body();
    return status.ok() ? SELFTUNE_OK : Report(status, error);
  } catch (const std::bad_alloc&) {
    return Report(Fail(kOutOfMemory, "out of memory"), error);
  } catch (const std::exception& e) {
    return Report(Fail(kInternal, "unexpected exception: {}", e.what()), error);
  } catch (...) {
    return Report(Fail(kInternal, "unexpected exception"), error);
  }
}

}  // namespace selftune::capi
