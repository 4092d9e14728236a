// The one way to fail. A Status carries an ErrorCode: a stable name, a kind,
// an exit code and whether a retry can help (error_codes.h lists them all).
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include <absl/status/status.h>
#include <absl/status/statusor.h>
#include <fmt/format.h>

#include "base/error_codes.h"

namespace selftune {

using Status = absl::Status;
template <typename T>
using StatusOr = absl::StatusOr<T>;

// Builds a failed Status that carries `code`. Message style: what was being
// done, on what, what was found; lower case, no full stop.
[[nodiscard]] Status MakeError(const ErrorCode& code, const std::string& message);

template <typename... Args>
[[nodiscard]] Status Fail(const ErrorCode& code, fmt::format_string<Args...> format,
                          Args&&... args) {
  return MakeError(code, fmt::format(format, std::forward<Args>(args)...));
}

// `status` with what a caller should do next: a sentence and a runnable
// command line (empty = none). Kept as payloads; the outermost call wins.
[[nodiscard]] Status WithSuggestion(Status status, std::string_view suggestion,
                                    std::string_view next_command);

// `status` with a JSON object of facts for `error.details`.
[[nodiscard]] Status WithDetails(Status status, std::string_view details_json);

// The code of a failed status; kInternal for statuses of foreign origin.
[[nodiscard]] const ErrorCode& CodeOf(const Status& status);

// Points into `status`.
[[nodiscard]] std::string_view Message(const Status& status);
[[nodiscard]] std::string Suggestion(const Status& status);   // "" = none
[[nodiscard]] std::string NextCommand(const Status& status);  // "" = none
[[nodiscard]] std::string DetailsJson(const Status& status);  // "" = none

}  // namespace selftune
