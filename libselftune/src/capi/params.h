// Parameters of a request against what operations.toml says about them.
#pragma once

#include <string_view>
#include <vector>

#include "base/error.h"
#include "base/json_value.h"
#include "capi/op_spec.h"

namespace selftune::capi {

class Engine;

// The parameters an operation gets (see capi/ops.h): every declared key is
// there, values checked, times and paths made absolute. INVALID_REQUEST
// otherwise; the message names the key.
[[nodiscard]] StatusOr<base::JsonValue> CheckParams(const OpSpec& op, const base::JsonValue& given,
                                                    const Engine& engine);

// INVALID_REQUEST for a name that is not one of `known`; the suggestion says
// what was probably meant. `what` as in "operation".
[[nodiscard]] Status UnknownName(std::string_view what, std::string_view name,
                                 const std::vector<std::string_view>& known);

}  // namespace selftune::capi
