#include "sync/catalogue.h"

#include <algorithm>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "base/status_macros.h"
#include "base/strings.h"
#include "hosts/installed_skills.h"
#include "store/ingest_writer.h"
#include "store/skill_catalogue.h"
#include "store/source_ledger.h"
#include "store/write_txn.h"

namespace selftune::sync {
namespace {

using skillfs::InstalledSkill;
using skillfs::SkillPlacement;

// One row to be in the store: a skill as one host sees it.
struct Wanted {
  const InstalledSkill* skill = nullptr;
  const SkillPlacement* placement = nullptr;
};

store::SkillLocationRow RowOf(const Wanted& wanted) {
  const InstalledSkill& skill = *wanted.skill;
  const SkillPlacement& placement = *wanted.placement;
  return {.skill = placement.name,
          .path = placement.path,
          .scope = placement.scope,
          .registry_dir = placement.registry_dir,
          .project_root = placement.project_root,
          .real_path = skill.real_path,
          .dev = skill.dev,
          .inode = skill.inode,
          .content_sha256 = skill.sha256,
          .description = skill.frontmatter.description.has_value()
                             ? std::optional<std::string_view>(*skill.frontmatter.description)
                             : std::nullopt,
          .implicit_allowed = !placement.explicit_only,
          .in_git = skill.in_git()};
}

bool Known(const std::vector<store::KnownLocation>& known, const Wanted& wanted) {
  const std::string key = base::AsciiLower(wanted.placement->name);
  return std::any_of(known.begin(), known.end(), [&](const store::KnownLocation& location) {
    return location.path == wanted.placement->path && location.skill_key == key &&
           location.content_sha256 == wanted.skill->sha256;
  });
}

bool Gone(const std::vector<Wanted>& wanted, const store::KnownLocation& location) {
  return std::none_of(wanted.begin(), wanted.end(), [&](const Wanted& entry) {
    return entry.placement->path == location.path &&
           base::AsciiLower(entry.placement->name) == location.skill_key;
  });
}

}  // namespace

StatusOr<CatalogueReport> UpdateCatalogue(store::Db& db, const base::Environment& env,
                                          UtcMillis now) {
  ST_ASSIGN_OR_RETURN(const std::vector<std::string> workspaces, store::Workspaces(db));
  const skillfs::Discovery found = hosts::FindInstalledSkills(env, workspaces);
  CatalogueReport report;
  report.skills = static_cast<int64_t>(found.skills.size());
  std::vector<Wanted> wanted;
  std::set<std::string> names;
  for (const InstalledSkill& skill : found.skills) {
    for (const SkillPlacement& placement : skill.placements) {
      wanted.push_back({&skill, &placement});
      names.insert(placement.name);
    }
  }
  report.names.assign(names.begin(), names.end());
  for (const skillfs::DiscoveryProblem& problem : found.problems) {
    report.problems.push_back(problem.path + ": " + problem.message);
  }

  ST_ASSIGN_OR_RETURN(const std::vector<store::KnownLocation> known, store::KnownLocations(db));
  std::vector<store::SkillLocationRow> rows;
  for (const Wanted& entry : wanted) {
    if (!Known(known, entry)) rows.push_back(RowOf(entry));
  }
  std::vector<const store::KnownLocation*> gone;
  for (const store::KnownLocation& location : known) {
    if (Gone(wanted, location)) gone.push_back(&location);
  }
  if (rows.empty() && gone.empty()) return report;

  ST_ASSIGN_OR_RETURN(store::WriteTxn txn, store::WriteTxn::Begin(db));
  store::IngestWriter writer(db, now);
  for (const store::SkillLocationRow& row : rows) {
    ST_RETURN_IF_ERROR(writer.UpsertSkillLocation(row));
  }
  for (const store::KnownLocation* location : gone) {
    ST_RETURN_IF_ERROR(store::RemoveLocation(db, *location));
  }
  ST_RETURN_IF_ERROR(txn.Commit());
  report.changed = true;
  return report;
}

}  // namespace selftune::sync
