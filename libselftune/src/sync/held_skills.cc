#include "sync/held_skills.h"

#include <string>
#include <utility>
#include <vector>

#include "base/file.h"

namespace selftune::sync {
namespace {

void Hold(const ingest::PendingChange& change, skillfs::Discovery& found) {
  const std::string real = base::RealPath(change.skill_file).value_or(change.skill_file);
  for (skillfs::InstalledSkill& skill : found.skills) {
    if (skill.real_path != real || !skill.held.what.empty()) continue;
    skill.held = {.what = change.what, .command = change.command};
  }
}

}  // namespace

HeldChanges FindHeldChanges(std::span<const ingest::Source* const> sources,
                            const base::Environment& env) {
  HeldChanges out;
  std::vector<std::string> problems;
  for (const ingest::Source* const source : sources) {
    for (ingest::PendingChange& change : source->PendingChanges(env, problems)) {
      out.changes.push_back(std::move(change));
    }
  }
  for (const std::string& problem : problems) {
    out.unknown.push_back(Fail(kFileUnreadable,
                               "whether a host has a change of a skill waiting is not known: {}",
                               problem));
  }
  return out;
}

void HoldSkills(const HeldChanges& held, skillfs::Discovery& found) {
  for (const ingest::PendingChange& change : held.changes) Hold(change, found);
}

std::vector<Status> HoldSkills(std::span<const ingest::Source* const> sources,
                               const base::Environment& env, skillfs::Discovery& found) {
  HeldChanges held = FindHeldChanges(sources, env);
  HoldSkills(held, found);
  return std::move(held.unknown);
}

}  // namespace selftune::sync
