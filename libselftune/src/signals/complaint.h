// Patterns of complaints: "you should have used X", "don't use X".
#pragma once

#include "signals/findings.h"
#include "signals/phrase.h"

namespace selftune::signals {

// Adds corrections and unwanted uses.
void FindComplaints(const Phrase& phrase, Findings& findings);

}  // namespace selftune::signals
