// The envelope every reply comes in (cli.md 10.2).
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "base/strings.h"
#include "capi/context.h"
#include "capi/router.h"

namespace selftune::capi {

// The envelope of an operation that ran; ok:false when it set a verdict.
[[nodiscard]] std::string SuccessEnvelope(const RequestDoc& request, const Context& context,
                                          std::string_view data_json);

// {"code","message","suggestion","retryable","exit_code","details"}. An error
// that names no step of its own gets that of its code (next_step.h).
[[nodiscard]] std::string ErrorObject(const Status& status);
// The same with "next":{"command","argv"}; text of selftune_error_json.
[[nodiscard]] std::string ErrorObjectWithNext(const Status& status);

using base::JoinCommand;

}  // namespace selftune::capi
