// What the store keeps of a run: figures of all of it, and a row for each skill it looked at.
#pragma once

#include <string>
#include <vector>

#include "base/json_writer.h"
#include "orchestrate/run.h"
#include "store/job_rows.h"

namespace selftune::orchestrate {

// Members of an object: what became of the skills. For the store and for replies.
void WriteCounts(const RunReport& report, base::JsonWriter& out);

// A JSON object of counts.
[[nodiscard]] std::string MetricsOf(const RunReport& report);

// Skills it worked on or passed over, then deployments it watched.
[[nodiscard]] std::vector<store::JobAction> ActionsOf(const RunReport& report);

}  // namespace selftune::orchestrate
