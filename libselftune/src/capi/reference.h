// The TypeScript selftune on this machine: its records are taken over, and what of it
// still runs is told.
#pragma once

#include <string_view>

#include "base/error.h"
#include "base/json_value.h"
#include "capi/context.h"
#include "capi/install_steps.h"

namespace selftune::capi {

// init's step `import`: whether its store was taken over, or would be.
bool TakeOverRecords(Context& context, const base::JsonValue& params, Steps& steps);

// A warning REFERENCE_STILL_RUNS for its hooks and one for its timers, each with the
// command that ends them. `kind`: only those; "" = both.
void WarnOfReference(Context& context, std::string_view kind = "");

}  // namespace selftune::capi
