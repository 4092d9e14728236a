// OpenClaw's skill workshop: changes of skills that it proposes and a person decides about.
#pragma once

#include <string>
#include <vector>

#include "base/env.h"
#include "ingest/source.h"

namespace selftune::hosts::openclaw {

// Its proposals that are undecided, in order of their ids. The workshop's tables are in
// `state/openclaw.sqlite`, beside others that are not looked at; nothing is changed there.
// What cannot be understood is told in `problems`; a store without the tables has no proposals.
[[nodiscard]] std::vector<ingest::PendingChange> PendingProposals(
    const base::Environment& env, std::vector<std::string>& problems);

}  // namespace selftune::hosts::openclaw
