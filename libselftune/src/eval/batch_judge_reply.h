// Reads the answer to a numbered list of yes/no questions. An answer that is
// missing or unreadable is no NO: counting it as one would let a broken judge
// pass every negative.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include "base/error.h"

namespace selftune::eval {

enum class BatchAnswer : uint8_t { kInvalid, kYes, kNo };

// Answers to questions 1..count from lines like "3. YES". Lines that are no
// answers are passed over. INVALID_REPLY, so nothing of the reply counts, if a
// number occurs twice or is out of range, or one line gives both answers.
[[nodiscard]] StatusOr<std::vector<BatchAnswer>> ParseBatchReply(std::string_view reply,
                                                                 size_t count);

// Reply to one question: starts with YES or NO.
[[nodiscard]] BatchAnswer ParseSingleReply(std::string_view reply);

}  // namespace selftune::eval
