// What an evolution is given: the text, its labelled queries, its neighbours.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "eval/eval_set.h"
#include "llm/backend.h"

namespace selftune::evolution {

// Another installed skill that a longer description could silence.
struct Neighbour {
  std::string skill, description;
  std::vector<std::string> should_queries;  // held out, at most 5
};

struct EvolveInput {
  std::string skill;
  std::string current;  // description as the hosts show it
  bool from_frontmatter = true;
  std::string body_excerpt;
  eval::EvalSet set;
  std::vector<std::string> other_skills;  // names of all other installed skills
  std::vector<Neighbour> neighbours;      // the three most similar
  std::vector<std::string> rejected;      // texts never to be proposed again
  // Ids of the held-out entries each earlier look saw, oldest look first.
  std::vector<std::vector<std::string>> looks;
  int rounds = 5;
  uint64_t seed = 42;
  llm::Tier tier = llm::Tier::kStrong;  // of proposals
  std::string model, effort;            // of proposals, "" = by tier
  std::function<void(std::string_view stage, int done, int total)> progress;
};

}  // namespace selftune::evolution
