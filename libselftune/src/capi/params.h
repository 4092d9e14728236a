// Parameters of a request against what operations.toml says about them.
#pragma once

#include <initializer_list>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "base/json_value.h"
#include "capi/op_spec.h"

namespace selftune::capi {

class Context;
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

// Parameters that only the reference obeyed: a script keeps working, and hears
// why (warning NO_EFFECT) for each one that is given.
void WarnOfIgnored(Context& context, const base::JsonValue& params,
                   std::initializer_list<std::string_view> names, std::string_view why);

}  // namespace selftune::capi
