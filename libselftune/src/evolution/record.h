// Writes what an evolution did into the audit: every candidate with its fate,
// the answers of the held-out test, the look that was spent.
#pragma once

#include <string>
#include <string_view>

#include "base/error.h"
#include "base/time.h"
#include "evolution/engine.h"
#include "store/db.h"

namespace selftune::evolution {

struct RecordContext {
  std::string run_id;
  std::string location;     // path of SKILL.md
  std::string file_sha256;  // raw, of the file the proposal was made from
  std::string agent;        // who judged
};

struct Recorded {
  std::string best_proposal_id;  // "" = no candidate went into the test
};

// One transaction: proposals end as rejected or superseded, the tested one as
// validated (promoted or canary) or rejected.
[[nodiscard]] StatusOr<Recorded> Record(store::Db& db, const EvolveInput& input,
                                        const EvolveResult& result, const RecordContext& context,
                                        UtcMillis now);

}  // namespace selftune::evolution
