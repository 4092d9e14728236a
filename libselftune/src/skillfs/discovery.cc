#include "skillfs/discovery.h"

#include <unistd.h>

#include <algorithm>
#include <map>
#include <tuple>
#include <utility>

#include "base/crypto.h"
#include "base/file.h"
#include "base/status_macros.h"
#include "base/strings.h"
#include "skillfs/discovery_roots.h"
#include "skillfs/named_twice.h"

namespace selftune::skillfs {
namespace {

constexpr uint64_t kMaxSkillBytes = 4U << 20;
constexpr uint64_t kMaxPolicyBytes = 256U << 10;

// `*` of the pattern stands for any text, also none.
bool Matches(std::string_view pattern, std::string_view text) {
  size_t p = 0, t = 0;
  // Behind the last `*`, and where its text ends so far.
  size_t after = std::string_view::npos, end = 0;
  while (t < text.size()) {
    if (p < pattern.size() && pattern[p] == '*') {
      after = ++p;
      end = t;
    } else if (p < pattern.size() &&
               base::EqualsIgnoreCase(pattern.substr(p, 1), text.substr(t, 1))) {
      ++p, ++t;
    } else if (after != std::string_view::npos) {
      p = after;
      t = ++end;
    } else {
      return false;
    }
  }
  while (p < pattern.size() && pattern[p] == '*') ++p;
  return p == pattern.size();
}

bool Names(const SkillRule& rule, std::string_view real_path, const SkillPlacement& placement) {
  if (rule.path.empty()) return Matches(rule.name, placement.name);
  for (const std::string_view file : {real_path, std::string_view(placement.path)}) {
    if (file == rule.path || base::DirName(file) == rule.path) return true;
  }
  return false;
}

}  // namespace

// The last rule counts; those of a project in there alone.
void ApplyRules(const std::vector<SkillRule>& rules, std::string_view real_path,
                SkillPlacement& placement) {
  const SkillRule* everywhere = nullptr;
  std::map<std::string_view, const SkillRule*> in_project;
  for (const SkillRule& rule : rules) {
    if (!Names(rule, real_path, placement)) continue;
    (rule.project_root.empty() ? everywhere : in_project[rule.project_root]) = &rule;
  }
  if (everywhere != nullptr && everywhere->off) placement.disabled_by = everywhere->settings;
  for (const auto& [root, rule] : in_project) {
    if (!rule->off) continue;
    // All sessions that see a project's skill are in there, or nearly all.
    const bool holds =
        rule->below ? IsBelow(placement.project_root, root) : placement.project_root == root;
    if (!placement.project_root.empty() && holds) {
      if (placement.disabled_by.empty()) placement.disabled_by = rule->settings;
    } else if (placement.project_root.empty() || IsBelow(root, placement.project_root)) {
      placement.disabled_in.push_back({std::string(root), rule->settings, rule->below});
    }
  }
}

namespace {

// Called `plugin:skill`: no other skill has that name.
bool IsPrefixed(const SkillPlacement& placement) {
  return !placement.plugin.empty() && placement.name.starts_with(placement.plugin + ":");
}

// Collects the skills of all hosts; a real file is read once.
class Finder {
 public:
  explicit Finder(const DiscoveryRequest& request) : request_(request), disk_(request.work_trees) {}

  Discovery Find() {
    for (const HostSkillRules& host : request_.hosts) {
      for (const DiscoveryProblem& one : host.problems) Tell(one);
      AddHost(host);
    }
    for (InstalledSkill& skill : out_.skills) Finish(skill);
    for (const HostSkillRules& host : request_.hosts) {
      if (host.equal_names_shadow) MarkShadowed(host.platform);
    }
    std::ranges::sort(out_.skills, [](const InstalledSkill& a, const InstalledSkill& b) {
      return std::tie(a.name, a.real_path) < std::tie(b.name, b.real_path);
    });
    return std::move(out_);
  }

 private:
  // A file by one path, and the roots that it is in.
  struct Sight {
    FoundSkillFile file;
    std::vector<ResolvedRoot> roots;
  };

  void AddHost(const HostSkillRules& host) {
    const std::vector<Sight> sights = Look(host);
    std::vector<std::pair<ResolvedRoot, const FoundSkillFile*>> placed;
    for (const Sight& sight : sights) {
      for (ResolvedRoot& root : NamedTogether(sight.roots)) {
        placed.emplace_back(std::move(root), &sight.file);
      }
    }
    std::ranges::stable_sort(placed, [](const auto& a, const auto& b) {
      return std::tie(a.first.precedence, a.first.order) <
             std::tie(b.first.precedence, b.first.order);
    });
    for (const auto& [root, file] : placed) AddFile(host, root, *file);
  }

  // All files of a host, in the order of its roots.
  std::vector<Sight> Look(const HostSkillRules& host) {
    std::vector<Sight> out;
    base::StringMap<size_t> by_path;
    for (const ResolvedRoot& root : ResolveRoots(host, request_, disk_)) {
      const SkillWalk& walk = disk_.Walk(root.path, root.walk);
      for (const WalkProblem& problem : walk.problems) {
        Problem(problem.path, problem.code, problem.message);
      }
      for (const FoundSkillFile& file : walk.files) {
        const auto [it, is_new] = by_path.try_emplace(file.path, out.size());
        if (is_new) out.push_back({file, {}});
        out[it->second].roots.push_back(root);
      }
    }
    return out;
  }

  void AddFile(const HostSkillRules& host, const ResolvedRoot& root, const FoundSkillFile& file) {
    const auto index = SkillAt(file.path);
    if (!index.ok()) {
      Problem(file.path, std::string(CodeOf(index.status()).name),
              std::string(Message(index.status())));
      return;
    }
    InstalledSkill& skill = out_.skills[*index];
    SkillPlacement placement;
    placement.path = file.path;
    placement.platform = host.platform;
    placement.scope = root.scope;
    placement.registry_dir = root.path;
    placement.project_root = root.project_root;
    placement.plugin = root.plugin;
    placement.precedence = root.precedence;
    placement.explicit_only = IsExplicitOnly(host, skill, file.path);
    placement.name = file.folder;
    if (!host.name_is_folder && !skill.frontmatter.name.value_or("").empty()) {
      placement.name = *skill.frontmatter.name;
    }
    if (root.prefixed) placement.name = root.plugin + ":" + placement.name;
    ApplyRules(host.rules, skill.real_path, placement);
    if (placement.disabled_by.empty()) placement.disabled_by = root.disabled_by;
    placement.disabled_in.insert(placement.disabled_in.end(), root.disabled_in.begin(),
                                 root.disabled_in.end());
    skill.placements.push_back(std::move(placement));
  }

  // Index of the skill whose real file `path` is.
  StatusOr<size_t> SkillAt(const std::string& path) {
    if (const auto it = by_path_.find(path); it != by_path_.end()) return it->second;
    ST_ASSIGN_OR_RETURN(const size_t index, SkillOfRealFile(path));
    by_path_.emplace(path, index);
    return index;
  }

  StatusOr<size_t> SkillOfRealFile(const std::string& path) {
    ST_ASSIGN_OR_RETURN(const std::string real_path, base::RealPath(path));
    if (const auto it = by_path_.find(real_path); it != by_path_.end()) return it->second;
    ST_ASSIGN_OR_RETURN(InstalledSkill skill, ReadSkill(real_path));
    // A hard link is the same file under another path.
    const auto [file, is_new] =
        by_file_.try_emplace({skill.stamp.dev, skill.stamp.inode}, out_.skills.size());
    if (is_new) out_.skills.push_back(std::move(skill));
    by_path_.emplace(real_path, file->second);
    return file->second;
  }

  StatusOr<InstalledSkill> ReadSkill(const std::string& real_path) {
    InstalledSkill skill;
    ST_ASSIGN_OR_RETURN(const base::FileInfo info, base::Stat(real_path));
    ST_ASSIGN_OR_RETURN(const std::string bytes, base::ReadFile(real_path, kMaxSkillBytes));
    skill.real_path = real_path;
    skill.stamp = {.dev = info.dev,
                   .inode = info.inode,
                   .size = info.size,
                   .mtime_ns = info.mtime_ns,
                   .ctime_ns = info.ctime_ns};
    skill.links = info.links;
    skill.sha256 = Digest(skill.stamp, bytes);
    skill.frontmatter = ParseFrontmatter(bytes);
    const std::string folder(base::DirName(real_path));
    skill.work_tree = disk_.WorkTree(folder);
    skill.read_only = access(real_path.c_str(), W_OK) != 0 || access(folder.c_str(), W_OK) != 0;
    return skill;
  }

  std::string Digest(const FileStamp& stamp, std::string_view bytes) const {
    if (!request_.digests) return {};
    if (request_.known != nullptr) {
      if (const auto it = request_.known->find(stamp); it != request_.known->end()) {
        return it->second;
      }
    }
    return base::Sha256Bytes(bytes);
  }

  bool IsExplicitOnly(const HostSkillRules& host, const InstalledSkill& skill,
                      const std::string& path) {
    if (!host.explicit_only_key.empty() && skill.frontmatter.IsTrue(host.explicit_only_key)) {
      return true;
    }
    if (host.policy_file.empty()) return false;
    const std::string policy = base::JoinPath(base::DirName(path), host.policy_file);
    const auto bytes = base::ReadFile(policy, kMaxPolicyBytes);
    if (bytes.ok()) return YamlFlag(*bytes, host.policy_implicit_key) == std::optional(false);
    if (CodeOf(bytes.status()).name != kFileNotFound.name) {
      Problem(policy, std::string(CodeOf(bytes.status()).name),
              std::string(Message(bytes.status())));
    }
    return false;
  }

  static void Finish(InstalledSkill& skill) {
    skill.name = skill.placements.front().name;
    skill.explicit_only = std::ranges::all_of(skill.placements, &SkillPlacement::explicit_only);
  }

  // A name is hidden by the same name of higher precedence wherever both can
  // be seen: one for the whole machine, or one of the same project.
  void MarkShadowed(std::string_view platform) {
    base::StringMap<std::vector<std::pair<size_t, SkillPlacement*>>> by_name;
    for (size_t i = 0; i < out_.skills.size(); ++i) {
      for (SkillPlacement& placement : out_.skills[i].placements) {
        if (placement.platform != platform || IsPrefixed(placement)) continue;
        by_name[placement.name].emplace_back(i, &placement);
      }
    }
    for (auto& [name, placements] : by_name) {
      for (const auto& [skill, loser] : placements) {
        const SkillPlacement* best = nullptr;
        for (const auto& [other, winner] : placements) {
          const bool visible =
              winner->project_root.empty() || winner->project_root == loser->project_root;
          if (other == skill || !visible || winner->precedence >= loser->precedence) continue;
          if (best == nullptr ||
              std::tie(winner->precedence, winner->path) < std::tie(best->precedence, best->path)) {
            best = winner;
          }
        }
        if (best != nullptr) loser->shadowed_by = best->path;
      }
    }
  }

  // Hosts share folders; each problem is told once.
  void Tell(DiscoveryProblem problem) {
    if (!told_.insert(problem.code + " " + problem.path).second) return;
    out_.problems.push_back(std::move(problem));
  }
  void Problem(std::string path, std::string code, std::string message) {
    Tell({.path = std::move(path), .code = std::move(code), .message = std::move(message)});
  }

  const DiscoveryRequest& request_;
  DiskCache disk_;
  Discovery out_;
  base::StringMap<size_t> by_path_;  // real paths, and those seen through links
  std::map<std::pair<uint64_t, uint64_t>, size_t> by_file_;
  base::StringSet told_;
};

}  // namespace

Discovery DiscoverSkills(const DiscoveryRequest& request) { return Finder(request).Find(); }

}  // namespace selftune::skillfs
