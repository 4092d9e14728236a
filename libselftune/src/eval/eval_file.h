// Labelled queries that a person wrote into a file: a JSON array of objects with
// `query` and `should_trigger`.
#pragma once

#include <string>
#include <vector>

#include "base/error.h"
#include "store/eval_rows.h"

namespace selftune::eval {

// As evidence for BuildEvalSet; further keys are ignored. FILE_NOT_FOUND,
// FILE_UNREADABLE, FILE_TOO_LARGE; INVALID_REQUEST says which entry is none.
[[nodiscard]] StatusOr<std::vector<store::PromptEvidence>> ReadEvalFile(const std::string& path);

}  // namespace selftune::eval
