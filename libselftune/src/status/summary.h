// Is anything wrong, and what should be done: the first things a person sees.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/time.h"
#include "status/skill_states.h"

namespace selftune::status {

enum class Severity { kCritical, kWarning, kInfo };
[[nodiscard]] std::string_view Word(Severity severity);  // "critical"

// Something about one skill that a person should look at, and the one thing to
// do about it.
struct Attention {
  store::SkillId skill_id;
  std::string skill;
  std::string_view kind;  // regressed critical drifting warning proposal
  Severity severity = Severity::kInfo;
  std::string reason;
  std::vector<std::string> argv;  // the command
  std::optional<UtcMillis> at;
};

// Worst first, then in the order of `skills`. A skill comes at most once for how
// it does and once for proposals that wait.
[[nodiscard]] std::vector<Attention> FindAttention(std::span<const SkillState> skills);

// How many there are: the one definition of these numbers.
struct SkillCounts {
  int64_t total = 0;      // installed or with evidence
  int64_t installed = 0;  // on this machine
  int64_t used = 0;       // in the window
  int64_t uses = 0;       // in the window
  int64_t judged = 0;     // somebody said of a session whether it was right
  int64_t attention = 0;  // critical or warning
};
[[nodiscard]] SkillCounts CountSkills(std::span<const SkillState> skills);

struct Verdict {
  std::string_view level;  // ok attention critical unknown empty
  std::string text;        // one sentence
  std::string hint;        // how more becomes known, "" = nothing to say
};
struct VerdictInput {
  std::span<const Attention> attention;
  int64_t sessions = 0;       // in the store
  SkillCounts skills;         // of 30 days
  int64_t failed_checks = 0;  // of the doctor
  bool stale = false;         // the evidence is older than a day
};
[[nodiscard]] Verdict Judge(const VerdictInput& input);

}  // namespace selftune::status
