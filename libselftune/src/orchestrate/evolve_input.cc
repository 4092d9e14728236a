#include "orchestrate/evolve_input.h"

#include <algorithm>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/status_macros.h"
#include "base/strings.h"
#include "base/text_similarity.h"
#include "eval/eval_file.h"
#include "eval/eval_set.h"
#include "store/eval_rows.h"
#include "store/evolution_log.h"

namespace selftune::orchestrate {
namespace {

constexpr size_t kNeighbours = 3;
constexpr size_t kNeighbourQueries = 5;

// The skills whose descriptions are most like this one's.
std::vector<const skillfs::InstalledSkill*> Similar(const skillfs::Discovery& skills,
                                                    const SkillTarget& target) {
  const auto own = base::WordTokens(target.description);
  std::vector<std::pair<double, const skillfs::InstalledSkill*>> ranked;
  for (const skillfs::InstalledSkill& skill : skills.skills) {
    if (base::EqualsIgnoreCase(skill.name, target.skill)) continue;
    if (!skill.frontmatter.description.has_value()) continue;
    const auto other = base::WordTokens(*skill.frontmatter.description);
    ranked.emplace_back(base::TokenJaccard(own, other), &skill);
  }
  std::stable_sort(ranked.begin(), ranked.end(),
                   [](const auto& a, const auto& b) { return a.first > b.first; });
  std::vector<const skillfs::InstalledSkill*> out;
  for (size_t i = 0; i < ranked.size() && i < kNeighbours; ++i) out.push_back(ranked[i].second);
  return out;
}

StatusOr<std::vector<evolution::Neighbour>> NeighboursOf(store::Db& db,
                                                         const skillfs::Discovery& skills,
                                                         const SkillTarget& target) {
  std::vector<evolution::Neighbour> out;
  for (const skillfs::InstalledSkill* skill : Similar(skills, target)) {
    evolution::Neighbour& neighbour = out.emplace_back();
    neighbour.skill = skill->name;
    neighbour.description = *skill->frontmatter.description;
    ST_ASSIGN_OR_RETURN(const eval::EvalSet set, eval::LoadEvalSet(db, skill->name, {}));
    for (const eval::EvalEntry& entry : set.entries) {
      if (!entry.should_trigger || !stats::IsHeldOut(entry.split)) continue;
      if (neighbour.should_queries.size() == kNeighbourQueries) break;
      neighbour.should_queries.push_back(entry.query);
    }
  }
  return out;
}

StatusOr<eval::EvalSet> EvalSetOf(const ImproveWorld& world, const ImproveOptions& options,
                                  const SkillTarget& target) {
  if (options.eval_set.empty()) return eval::LoadEvalSet(*world.db, target.skill, {});
  ST_ASSIGN_OR_RETURN(const std::vector<store::PromptEvidence> evidence,
                      eval::ReadEvalFile(options.eval_set));
  ST_ASSIGN_OR_RETURN(const std::vector<store::EvalEntryRow> known,
                      store::ReadEvalEntries(*world.db, target.skill));
  return eval::BuildEvalSet(target.skill, evidence, known, {.source = std::string(store::kOfFile)});
}

}  // namespace

StatusOr<evolution::EvolveInput> InputOf(const ImproveWorld& world, const ImproveOptions& options,
                                         const SkillTarget& target) {
  evolution::EvolveInput input;
  input.skill = target.skill;
  input.current = target.description;
  input.from_frontmatter = target.from_frontmatter;
  input.body_excerpt = target.body_excerpt;
  ST_ASSIGN_OR_RETURN(input.set, EvalSetOf(world, options, target));
  for (const skillfs::InstalledSkill& skill : world.skills->skills) {
    if (!base::EqualsIgnoreCase(skill.name, target.skill)) {
      input.other_skills.push_back(skill.name);
    }
  }
  ST_ASSIGN_OR_RETURN(input.neighbours, NeighboursOf(*world.db, *world.skills, target));
  ST_ASSIGN_OR_RETURN(input.rejected, store::RejectedTexts(*world.db, target.skill));
  ST_ASSIGN_OR_RETURN(input.looks, store::EntriesOfLooks(*world.db, target.skill));
  input.rounds = options.rounds;
  input.seed = options.models.seed;
  input.tier = options.models.tier;
  input.model = options.models.model;
  input.effort = options.models.effort;
  if (world.progress) {
    input.progress = [&world, skill = target.skill](std::string_view stage, int done, int total) {
      world.progress(stage, done, total, skill);
    };
  }
  return input;
}

}  // namespace selftune::orchestrate
