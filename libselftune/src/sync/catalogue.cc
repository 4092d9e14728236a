#include "sync/catalogue.h"

#include <algorithm>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "base/file.h"
#include "base/status_macros.h"
#include "base/strings.h"
#include "hosts/installed_skills.h"
#include "hosts/unsure_settings.h"
#include "store/ingest_writer.h"
#include "store/skill_catalogue.h"
#include "store/source_ledger.h"
#include "store/write_txn.h"

namespace selftune::sync {
namespace {

using skillfs::FileStamp;
using skillfs::InstalledSkill;
using skillfs::SkillPlacement;
using store::KnownLocation;

// A file touched less than this before it was read may change again without
// another stamp.
constexpr int64_t kYoungMs = 2000;

using LocationKey = std::pair<std::string_view, std::string>;  // path, lower-case name

using Hosts = std::set<std::string_view>;

// What the store is to know of a skill at one path. Hosts and projects that share a folder
// share the row: the model may load the skill when it may in one of those that are here, and
// where none is, in one of them all.
struct Wanted {
  const InstalledSkill* skill = nullptr;
  const SkillPlacement* placement = nullptr;  // the first that all see, else the first
  std::string_view project_root;              // of all who see it; "" = seen everywhere
  bool read_here = false;
  bool allowed_here = false, allowed_anywhere = false;

  [[nodiscard]] bool implicit_allowed() const {
    return read_here ? allowed_here : allowed_anywhere;
  }
};

// The folder around both; "" = the root of all.
std::string_view Around(std::string_view a, std::string_view b) {
  while (!skillfs::IsBelow(b, a)) {
    const std::string_view parent = base::DirName(a);
    if (parent.size() <= 1) return "";
    a = parent;
  }
  return a;
}

// One who sees the skill at that path more.
void AddSight(const InstalledSkill& skill, const SkillPlacement& placement, Wanted& wanted) {
  if (wanted.placement == nullptr) {
    wanted.skill = &skill;
    wanted.placement = &placement;
    wanted.project_root = placement.project_root;
    return;
  }
  if (placement.project_root.empty() && !wanted.placement->project_root.empty()) {
    wanted.placement = &placement;
  }
  wanted.project_root = placement.project_root.empty() || wanted.project_root.empty()
                            ? std::string_view()
                            : Around(wanted.project_root, placement.project_root);
}

// The agents that were ever set up here.
StatusOr<Hosts> HostsHere(store::Db& db, const base::Environment& env) {
  ST_ASSIGN_OR_RETURN(const std::vector<std::string> known, store::HostsWithSessions(db));
  Hosts out;
  for (const hosts::HostRow& row : hosts::Rows()) {
    if (hosts::IsHere(row, env, known)) out.insert(row.platform);
  }
  return out;
}

std::map<LocationKey, Wanted> WantedRows(const skillfs::Discovery& found, const Hosts& here) {
  std::map<LocationKey, Wanted> out;
  // Most hosts call what lies at a path the same.
  std::unordered_map<std::string_view, Wanted*> last;
  last.reserve(found.skills.size());
  for (const InstalledSkill& skill : found.skills) {
    for (const SkillPlacement& placement : skill.placements) {
      const bool is_here = here.contains(placement.platform);
      // A document, where no agent takes it for a skill.
      if (!is_here && base::BaseName(placement.path) != "SKILL.md") continue;
      Wanted*& known = last[placement.path];
      if (known == nullptr || known->placement->name != placement.name) {
        known = &out[{placement.path, base::AsciiLower(placement.name)}];
      }
      Wanted& wanted = *known;
      AddSight(skill, placement, wanted);
      wanted.read_here = wanted.read_here || is_here;
      wanted.allowed_here = wanted.allowed_here || (is_here && !placement.explicit_only);
      wanted.allowed_anywhere = wanted.allowed_anywhere || !placement.explicit_only;
    }
  }
  return out;
}

store::SkillLocationRow RowOf(const Wanted& wanted) {
  const InstalledSkill& skill = *wanted.skill;
  const SkillPlacement& placement = *wanted.placement;
  return {.skill = placement.name,
          .path = placement.path,
          .scope = placement.scope,
          .registry_dir = placement.registry_dir,
          .project_root = wanted.project_root,
          .real_path = skill.real_path,
          .dev = skill.stamp.dev,
          .inode = skill.stamp.inode,
          .content_sha256 = skill.sha256,
          .description = skill.frontmatter.description,
          .implicit_allowed = wanted.implicit_allowed(),
          .in_git = skill.in_git(),
          .size = skill.stamp.size,
          .mtime_ns = skill.stamp.mtime_ns,
          .ctime_ns = skill.stamp.ctime_ns};
}

// The description is the content's.
bool SameFacts(const KnownLocation& known, const store::SkillLocationRow& row) {
  return known.content_sha256 == row.content_sha256 && known.scope == row.scope &&
         known.registry_dir == row.registry_dir && known.project_root == row.project_root &&
         known.real_path == row.real_path && known.dev == static_cast<int64_t>(row.dev) &&
         known.inode == static_cast<int64_t>(row.inode) &&
         known.implicit_allowed == row.implicit_allowed && known.in_git == row.in_git;
}

bool SameStamp(const KnownLocation& known, const store::SkillLocationRow& row) {
  return known.size == static_cast<int64_t>(row.size) && known.mtime_ns == row.mtime_ns &&
         known.ctime_ns == row.ctime_ns;
}

// What differs between the store and the disk.
struct Difference {
  std::vector<store::SkillLocationRow> rows;
  std::vector<const KnownLocation*> gone;
  bool facts = false;  // not only stamps of touched files
  size_t kept = 0;     // not seen, and perhaps not gone
};

// Whether a file had changed so shortly before `at` that another change may have
// left it with the same times.
bool IsYoung(const KnownLocation& location, UtcMillis at) {
  return std::max(location.mtime_ns, location.ctime_ns) / 1'000'000 + kYoungMs > at.value;
}

// What the hosts that are here name may stand in files that nobody understands. Nobody is told
// what is wrong with files and folders of the others: no agent reads them.
hosts::UnsureSettings UnsureOf(const Hosts& here, const base::Environment& env,
                               skillfs::DiscoveryRequest& request) {
  hosts::UnsureSettings out(env);
  for (skillfs::HostSkillRules& host : request.hosts) {
    if (here.contains(host.platform)) {
      out.Add(host.platform, host.config_dir, host.problems);
    } else {
      host.problems.clear();
      host.tells = env.HostHome(host.platform).has_value();  // or somebody configured it
    }
  }
  return out;
}

Difference Compare(const std::vector<KnownLocation>& known, std::map<LocationKey, Wanted> wanted,
                   const hosts::UnsureSettings& unsure, UtcMillis now) {
  Difference out;
  std::set<std::string_view> paths;
  for (const auto& [key, entry] : wanted) paths.insert(key.first);
  for (const KnownLocation& location : known) {
    const auto it = wanted.find({location.path, location.skill_key});
    if (it == wanted.end()) {
      if (unsure.MayName(location.registry_dir, location.project_root) != nullptr &&
          !paths.contains(location.path) && base::Exists(location.path)) {
        ++out.kept;
        continue;
      }
      out.gone.push_back(&location);
      continue;
    }
    const store::SkillLocationRow row = RowOf(it->second);
    const bool facts = !SameFacts(location, row);
    // One that was young at the last look is read at each until that is written down.
    const bool settled = IsYoung(location, location.last) && !IsYoung(location, now);
    if (facts || settled || !SameStamp(location, row)) out.rows.push_back(row);
    out.facts = out.facts || facts;
    wanted.erase(it);
  }
  for (const auto& [key, entry] : wanted) out.rows.push_back(RowOf(entry));
  out.facts = out.facts || !out.gone.empty() || !wanted.empty();
  return out;
}

skillfs::KnownDigests DigestsOf(const std::vector<KnownLocation>& known) {
  skillfs::KnownDigests out;
  for (const KnownLocation& location : known) {
    if (IsYoung(location, location.last)) continue;
    out.try_emplace({.dev = static_cast<uint64_t>(location.dev),
                     .inode = static_cast<uint64_t>(location.inode),
                     .size = static_cast<uint64_t>(location.size),
                     .mtime_ns = location.mtime_ns,
                     .ctime_ns = location.ctime_ns},
                    location.content_sha256);
  }
  return out;
}

Status Write(store::Db& db, const Difference& difference, UtcMillis now) {
  ST_ASSIGN_OR_RETURN(store::WriteTxn txn, store::WriteTxn::Begin(db));
  store::IngestWriter writer(db, now);
  for (const store::SkillLocationRow& row : difference.rows) {
    ST_RETURN_IF_ERROR(writer.UpsertSkillLocation(row));
  }
  for (const KnownLocation* location : difference.gone) {
    ST_RETURN_IF_ERROR(store::RemoveLocation(db, *location));
  }
  return txn.Commit();
}

}  // namespace

StatusOr<CatalogueReport> UpdateCatalogue(store::Db& db, const base::Environment& env,
                                          UtcMillis now) {
  ST_ASSIGN_OR_RETURN(const std::vector<std::string> workspaces, store::Workspaces(db));
  ST_ASSIGN_OR_RETURN(const std::vector<KnownLocation> known, store::KnownLocations(db));
  const skillfs::KnownDigests digests = DigestsOf(known);
  skillfs::DiscoveryRequest request = hosts::DiscoveryFor(env, workspaces);
  request.known = &digests;
  ST_ASSIGN_OR_RETURN(const Hosts here, HostsHere(db, env));
  const hosts::UnsureSettings unsure = UnsureOf(here, env, request);
  skillfs::Discovery found = skillfs::DiscoverSkills(request);

  CatalogueReport report;
  report.skills = static_cast<int64_t>(found.skills.size());
  std::map<LocationKey, Wanted> wanted = WantedRows(found, here);
  std::set<std::string> names;
  for (const auto& [key, entry] : wanted) names.insert(entry.placement->name);
  report.names.assign(names.begin(), names.end());

  const Difference difference = Compare(known, std::move(wanted), unsure, now);
  report.changed = difference.facts;
  if (!difference.rows.empty() || !difference.gone.empty()) {
    ST_RETURN_IF_ERROR(Write(db, difference, now));
  }
  if (difference.kept > 0) {
    ST_ASSIGN_OR_RETURN(report.names, store::InstalledNames(db));
  }
  report.problems = std::move(found.problems);
  return report;
}

}  // namespace selftune::sync
