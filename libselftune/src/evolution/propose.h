// Asks a model for a better description, from what went wrong on training
// queries. The held-out queries never come near this.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "llm/caller.h"

namespace selftune::evolution {

// One training query and how the present text did on it.
struct Observed {
  std::string id;
  std::string query;
  bool should_trigger = true;
  bool passed = false;
  std::string invocation_type;
};

struct ProposalRequest {
  std::string skill;
  std::string current;                    // the text to improve
  std::string body_excerpt;               // beginning of the skill's own instructions
  std::vector<Observed> examples;         // failing and passing ones
  std::vector<std::string> other_skills;  // names only
  std::vector<std::string> rejected;      // texts that were refused before
  std::vector<std::string> violations;    // what was wrong with the last attempt
  int round = 0;
  llm::Tier tier = llm::Tier::kStrong;
  std::string model, effort;
};

struct DescriptionProposal {
  std::string description;
  std::string rationale;
  double confidence = 0;                    // never decides anything
  std::vector<std::string> expected_gains;  // ids of examples
};

// INVALID_REPLY when the answer is not the JSON that was asked for, twice.
// INJECTION_SUSPECTED when it repeats a user's text or the fence.
[[nodiscard]] StatusOr<DescriptionProposal> Propose(llm::Caller& caller,
                                                    const ProposalRequest& request);

// The longest run of characters of `text` that also stands in one of the
// queries, in code points.
[[nodiscard]] size_t LongestCopiedRun(std::string_view text, const std::vector<Observed>& queries);

}  // namespace selftune::evolution
