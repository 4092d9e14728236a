// The parameters every operation that calls a model shares.
#pragma once

#include "base/error.h"
#include "base/json_value.h"
#include "base/json_writer.h"
#include "capi/context.h"
#include "config/config.h"
#include "llm/caller.h"
#include "llm/choose.h"

namespace selftune::capi {

struct ModelParams {
  llm::ChooseOptions choose;
  llm::ModelUse use;
  bool plan = false;
};

// INVALID_REQUEST for what is no tier, effort, model or amount. The result refers to `context`.
[[nodiscard]] StatusOr<ModelParams> ReadModelParams(Context& context,
                                                    const base::JsonValue& params);

// Limits of a day as the configuration has them; warns of what is no amount.
[[nodiscard]] store::Spending DailyLimits(Context& context, const config::Config& config);

// {"calls","tokens","usd","usd_source"}; usd null when a backend did not say.
void WriteSpent(base::JsonWriter& out, const llm::CallerTotals& spent);

}  // namespace selftune::capi
