// The boundary: what every exported function does around its body.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <string_view>
#include <type_traits>

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

// Code of a failure, and the error object if the caller wants one. When there
// is no memory for the words, the failure becomes OUT_OF_MEMORY.
[[nodiscard]] selftune_code_t Report(const Status& status, selftune_error_t** error) noexcept;
// Of what a dependency threw; call only while handling it.
[[nodiscard]] selftune_code_t ReportThrown(selftune_error_t** error) noexcept;

// FitOf() as a Status; `what` was being done.
[[nodiscard]] Status CheckStruct(const void* given, size_t least, size_t known,
                                 std::string_view what);

// The struct of a caller whose header may be older or newer than ours. What an
// older one does not have stays as in `defaults`.
template <typename T>
StatusOr<T> CopyStruct(const T& given, const T& defaults, size_t least, std::string_view what) {
  static_assert(offsetof(T, struct_size) == 0 && std::is_trivially_copyable_v<T>);
  const Status status = CheckStruct(&given, least, sizeof(T), what);
  if (!status.ok()) return status;
  T out = defaults;
  std::memcpy(&out, &given, std::min<size_t>(given.struct_size, sizeof(T)));
  return out;
}

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
  } catch (...) {
    return ReportThrown(error);
  }
}

}  // namespace selftune::capi
