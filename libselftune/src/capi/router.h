// From a request text to an envelope.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "base/cancel.h"
#include "base/error.h"
#include "base/json_value.h"
#include "capi/op_spec.h"

namespace selftune::capi {

class Engine;

// A request whose outer form is right: an operation that exists.
struct RequestDoc {
  const OpSpec* op = nullptr;
  base::JsonValue params;
  std::string command;  // of the envelope: what the client calls it, else the op
  std::optional<int64_t> deadline_ms;
};

// INVALID_REQUEST or UNKNOWN_OPERATION, with what was probably meant.
[[nodiscard]] StatusOr<RequestDoc> ParseRequest(std::string_view json);

// Checks the parameters, runs the operation, wraps its data.
[[nodiscard]] StatusOr<std::string> RunRequest(Engine& engine, const RequestDoc& request,
                                               base::Cancel& cancel,
                                               std::function<void(std::string_view)> on_event);

// nullptr if there is none.
[[nodiscard]] const OpSpec* FindOp(std::string_view name);

}  // namespace selftune::capi
