#include "orchestrate/skill_target.h"

#include <algorithm>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/crypto.h"
#include "base/file.h"
#include "base/json_writer.h"
#include "base/status_macros.h"
#include "base/strings.h"
#include "base/utf8.h"
#include "skillfs/description_edit.h"
#include "skillfs/replicas.h"

namespace selftune::orchestrate {
namespace {

using skillfs::InstalledSkill;
using skillfs::Replica;
using skillfs::ReplicaState;

constexpr uint64_t kMaxSkillBytes = 8 << 20;
constexpr size_t kExcerpt = 2000;

bool Named(const InstalledSkill& skill, std::string_view name) {
  return std::any_of(skill.placements.begin(), skill.placements.end(), [&](const auto& placement) {
    return base::EqualsIgnoreCase(placement.name, name);
  });
}

bool At(const InstalledSkill& skill, std::string_view path) {
  return skill.real_path == path ||
         std::any_of(skill.placements.begin(), skill.placements.end(),
                     [&](const auto& placement) { return placement.path == path; });
}

// A SKILL.md in a folder of that name which could not be read: it is there.
Status Unreadable(const skillfs::Discovery& discovery, std::string_view name) {
  for (const skillfs::DiscoveryProblem& problem : discovery.problems) {
    const bool is_it = base::EqualsIgnoreCase(base::BaseName(problem.path), name) ||
                       base::EqualsIgnoreCase(base::BaseName(base::DirName(problem.path)), name);
    if (!is_it || problem.code != kFileUnreadable.name) continue;
    return WithSuggestion(Fail(kFileUnreadable, "reading {}: {}", problem.path, problem.message),
                          "let yourself read it, then see whether the skill is listed",
                          "selftune skills list");
  }
  return absl::OkStatus();
}

Status NotFound(const skillfs::Discovery& discovery, std::string_view name) {
  ST_RETURN_IF_ERROR(Unreadable(discovery, name));
  std::string near;
  size_t best = base::MostEdits(name) + 1;
  for (const InstalledSkill& skill : discovery.skills) {
    const size_t distance =
        base::EditDistance(base::AsciiLower(skill.name), base::AsciiLower(name));
    if (distance < best) {
      best = distance;
      near = skill.name;
    }
  }
  return WithSuggestion(
      Fail(kSkillNotFound, "looking for skill {}: no SKILL.md of that name", name),
      near.empty() ? "see which skills are installed" : "did you mean " + near + "?",
      "selftune skills list");
}

Status Ambiguous(std::string_view name, const std::vector<const InstalledSkill*>& found) {
  base::JsonWriter details;
  details.BeginObject().Key("paths").BeginArray();
  for (const InstalledSkill* skill : found) details.String(skill->real_path);
  details.EndArray().EndObject();
  return WithDetails(
      WithSuggestion(
          Fail(kAmbiguousSkill, "skill {}: {} different texts have this name", name, found.size()),
          "name the one that is meant with --skill-path", "selftune skills list"),
      details.view());
}

// The file that decides the text: the one that was named, or the only text.
StatusOr<const InstalledSkill*> Choose(const skillfs::Discovery& discovery, std::string_view name,
                                       std::string_view path) {
  std::vector<const InstalledSkill*> found;
  for (const InstalledSkill& skill : discovery.skills) {
    if (!Named(skill, name)) continue;
    if (!path.empty() && !At(skill, path)) continue;
    found.push_back(&skill);
  }
  if (found.empty()) return NotFound(discovery, name);
  // A file that nobody writes is meant only where there is no other.
  if (!std::ranges::all_of(found, &InstalledSkill::single_file)) {
    std::erase_if(found, [](const InstalledSkill* skill) { return skill->single_file; });
  }
  const auto& first = found.front()->frontmatter.description;
  const bool same = std::all_of(found.begin(), found.end(), [&](const InstalledSkill* skill) {
    return skill->frontmatter.description == first;
  });
  if (!same) return Ambiguous(name, found);
  return found.front();
}

Status AddFile(const Replica& replica, SkillTarget& target) {
  const InstalledSkill& skill = *replica.skill;
  ST_ASSIGN_OR_RETURN(std::string bytes, base::ReadFile(skill.real_path, kMaxSkillBytes));
  target.files.push_back({.path = skill.real_path,
                          .platform = std::string(skill.placements.front().platform),
                          .sha256 = base::Sha256Hex(bytes),
                          .bytes = std::move(bytes)});
  return absl::OkStatus();
}

}  // namespace

StatusOr<SkillTarget> FindTarget(const skillfs::Discovery& discovery, std::string_view skill,
                                 std::string_view skill_path) {
  ST_ASSIGN_OR_RETURN(const InstalledSkill* const chosen, Choose(discovery, skill, skill_path));
  if (!chosen->frontmatter.errors.empty()) {
    return WithSuggestion(Fail(kInvalidFrontmatter, "reading {}: {}", chosen->real_path,
                               chosen->frontmatter.errors.front()),
                          "repair the frontmatter first",
                          base::JoinCommand({"selftune", "skills", "parse", chosen->real_path}));
  }
  SkillTarget target;
  target.skill = chosen->placements.front().name;
  target.path = chosen->placements.front().path;
  target.description = chosen->frontmatter.description.value_or("");
  target.from_frontmatter = chosen->frontmatter.description.has_value();
  target.in_git = chosen->in_git();
  target.explicit_only = chosen->explicit_only;
  target.off = chosen->frontmatter.Field("metadata.selftune") == "off";
  const InstalledSkill* held = nullptr;
  for (const Replica& replica :
       skillfs::FindReplicas(discovery, target.skill, target.description)) {
    if (replica.state == ReplicaState::kDeploys) {
      ST_RETURN_IF_ERROR(AddFile(replica, target));
    } else if (replica.state == ReplicaState::kDiverged) {
      target.diverged.push_back(replica.skill->real_path);
    } else if (replica.state == ReplicaState::kHeld) {
      held = replica.skill;
    } else if (replica.skill == chosen) {
      target.managed_reason = replica.reason;
      if (replica.state != ReplicaState::kUnreadable) target.managed_code = Name(replica.state);
    }
  }
  if (held != nullptr && target.managed_reason.empty()) {
    target.managed_reason = held->held.what + " for " + held->real_path;
    target.managed_code = kHeldByHost;
    target.managed_command = held->held.command;
  }
  if (target.files.empty() && target.managed_reason.empty()) {
    target.managed_reason = "no copy of it may be written";
  }
  ST_ASSIGN_OR_RETURN(const std::string bytes, base::ReadFile(chosen->real_path, kMaxSkillBytes));
  const size_t body = std::min(chosen->frontmatter.body_offset, bytes.size());
  target.body_excerpt =
      base::ToValidUtf8(base::FirstCodePoints(std::string_view(bytes).substr(body), kExcerpt));
  return target;
}

StatusOr<std::string> SkillAt(const skillfs::Discovery& discovery, std::string_view path) {
  for (const InstalledSkill& skill : discovery.skills) {
    if (At(skill, path)) return skill.placements.front().name;
  }
  return WithSuggestion(
      Fail(kSkillNotFound, "looking for a skill at {}: none is installed there", path),
      "see which skills are installed", "selftune skills list");
}

StatusOr<std::string> WithDescription(const TargetFile& file, std::string_view description) {
  ST_ASSIGN_OR_RETURN(skillfs::EditResult edit,
                      skillfs::ReplaceDescription(file.bytes, description,
                                                  base::BaseName(base::DirName(file.path))));
  return std::move(edit.bytes);
}

}  // namespace selftune::orchestrate
