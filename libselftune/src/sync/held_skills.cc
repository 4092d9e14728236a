#include "sync/held_skills.h"

#include <string>
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

std::vector<Status> HoldSkills(std::span<const ingest::Source* const> sources,
                               const base::Environment& env, skillfs::Discovery& found) {
  std::vector<std::string> problems;
  for (const ingest::Source* const source : sources) {
    for (const ingest::PendingChange& change : source->PendingChanges(env, problems)) {
      Hold(change, found);
    }
  }
  std::vector<Status> out;
  for (const std::string& problem : problems) {
    out.push_back(Fail(kFileUnreadable,
                       "whether a host has a change of a skill waiting is not known: {}", problem));
  }
  return out;
}

}  // namespace selftune::sync
