// Jobs of the machine's scheduler and what table `install` says of them.
#pragma once

#include <string>
#include <vector>

#include "base/error.h"
#include "base/json_value.h"
#include "capi/context.h"
#include "install/installer.h"
#include "schedule/installer.h"

namespace selftune::capi {

[[nodiscard]] schedule::Machine MachineOf(const Context& context);

// `every_hours` of the parameters, else of the settings (schedule.every_hours), else 6.
[[nodiscard]] StatusOr<int> EveryHoursOf(Context& context, const base::JsonValue& params);

// Setup and a row for each of its places.
[[nodiscard]] StatusOr<schedule::SetupReport> SetUpJobs(Context& context,
                                                        const schedule::SetupOptions& options);

// Takes out what the record or the rows know of, and their rows; returns the places.
// Nothing is asked of any scheduler when nothing is known.
[[nodiscard]] StatusOr<std::vector<std::string>> RemoveJobs(Context& context,
                                                            install::World& world);

// Keeps their logs from growing for ever; warns of one that cannot be.
void BoundJobLogs(Context& context);

// The rows of jobs are gone with them.
[[nodiscard]] Status ForgetJobs(store::Db& db);

}  // namespace selftune::capi
