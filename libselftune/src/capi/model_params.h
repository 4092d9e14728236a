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

// Who is asked. INVALID_CONFIG, INVALID_REQUEST. The result refers to `context`.
[[nodiscard]] StatusOr<llm::ChooseOptions> ReadChoice(Context& context,
                                                      const base::JsonValue& params);

// INVALID_REQUEST for what is no tier, effort, model or amount. The result refers to `context`.
[[nodiscard]] StatusOr<ModelParams> ReadModelParams(Context& context,
                                                    const base::JsonValue& params);

// Limits of a day as the configuration has them, 0 = nothing may be spent.
// INVALID_CONFIG for what is no amount: whoever wrote it meant to limit something.
[[nodiscard]] StatusOr<store::Spending> DailyLimits(const config::Config& config);

// {"calls","tokens","usd","usd_source"}; usd null when a backend did not say.
void WriteSpent(base::JsonWriter& out, const llm::CallerTotals& spent);

}  // namespace selftune::capi
