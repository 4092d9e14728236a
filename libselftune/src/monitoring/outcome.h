// Was a session good or bad for a skill? One value per session; silence says
// nothing.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "store/watch_rows.h"

namespace selftune::monitoring {

struct Outcome {
  std::optional<bool> good;  // empty: excluded
  std::string_view source;   // why: missed unwanted wanted_by_label ..., or the exclusion
};

// `expected_description_sha256`: hex of the description that counts; a session
// that was shown another text is excluded. "" = any.
[[nodiscard]] Outcome JudgeSession(const store::SkillSession& session,
                                   std::string_view expected_description_sha256);

}  // namespace selftune::monitoring
