#include "skillfs/discovery.h"

#include <unistd.h>

#include <algorithm>
#include <map>
#include <optional>
#include <tuple>
#include <utility>

#include "base/crypto.h"
#include "base/file.h"
#include "base/status_macros.h"
#include "base/strings.h"
#include "base/utf8.h"
#include "skillfs/discovery_roots.h"
#include "skillfs/named_twice.h"
#include "skillfs/packages.h"
#include "skillfs/shadows.h"

namespace selftune::skillfs {
namespace {

constexpr uint64_t kMaxSkillBytes = 4U << 20;
constexpr uint64_t kMaxPolicyBytes = 256U << 10;

// Collects the skills of all hosts; a real file is read once.
class Finder {
 public:
  explicit Finder(const DiscoveryRequest& request)
      : request_(request), disk_(request.work_trees), packages_(request.hosts, disk_) {}

  Discovery Find() {
    hosts_left_ = request_.hosts.size();
    for (const HostSkillRules& host : request_.hosts) {
      for (const DiscoveryProblem& one : host.problems) Tell(one);
      AddHost(host);
      --hosts_left_;
    }
    // Texts that only lie where a host takes single files for skills.
    std::erase_if(out_.skills, [](const auto& skill) { return skill.placements.empty(); });
    for (InstalledSkill& skill : out_.skills) Finish(skill);
    out_.cost.steps += MarkShadowed(request_.hosts, out_.skills);
    out_.cost.folders = disk_.effort();
    std::ranges::sort(out_.skills, [](const InstalledSkill& a, const InstalledSkill& b) {
      return std::tie(a.name, a.real_path) < std::tie(b.name, b.real_path);
    });
    return std::move(out_);
  }

 private:
  // A skill as a host finds it in a real folder, by whatever paths.
  struct Found {
    size_t skill = 0;
    bool explicit_only = false;
    bool single = false;
  };

  // A file by one path, and the roots that it is in.
  struct Sight {
    std::string path;
    Found found;
    const ResolvedRoot* root = nullptr;
    std::vector<const ResolvedRoot*> more = {};
  };

  struct Placed {
    const ResolvedRoot* root = nullptr;
    const Sight* sight = nullptr;
  };

  static bool IsBefore(const Placed& a, const Placed& b) {
    return std::tie(a.root->precedence, a.root->order) <
           std::tie(b.root->precedence, b.root->order);
  }

  void AddHost(const HostSkillRules& host) {
    const std::vector<ResolvedRoot> roots = ResolveRoots(host, request_, disk_);
    const std::vector<Sight> sights = Look(host, roots);
    // Files of one folder lie in the same roots.
    std::map<std::vector<const ResolvedRoot*>, std::vector<ResolvedRoot>> together;
    std::vector<Placed> placed;
    placed.reserve(sights.size());
    for (const Sight& sight : sights) {
      if (sight.more.empty()) {
        placed.push_back({sight.root, &sight});
        continue;
      }
      std::vector<const ResolvedRoot*> all = sight.more;
      all.insert(all.begin(), sight.root);
      const auto [it, is_new] = together.try_emplace(std::move(all));
      if (is_new) it->second = NamedTogether(it->first);
      for (const ResolvedRoot& root : it->second) placed.push_back({&root, &sight});
    }
    // Most are in the order of the roots already.
    if (!std::ranges::is_sorted(placed, IsBefore)) std::ranges::stable_sort(placed, IsBefore);
    MakeRoom(placed);
    SkillRules rules(host.rules, host.session_roots);
    for (const Placed& one : placed) Place(host, rules, *one.root, *one.sight);
    for (const std::string& settings : rules.TooMany()) Tell(TooManyPatterns(settings));
  }

  // Placements are large: a skill that a host sees in several places gets room for them at
  // once, and for those of the hosts that are left, who often share the folders.
  void MakeRoom(const std::vector<Placed>& placed) {
    std::vector<size_t> more(out_.skills.size());
    for (const Placed& one : placed) ++more[one.sight->found.skill];
    for (size_t i = 0; i < more.size(); ++i) {
      std::vector<SkillPlacement>& all = out_.skills[i].placements;
      if (more[i] < 2 || all.size() + more[i] <= all.capacity()) continue;
      all.reserve(all.size() + more[i] * hosts_left_);
    }
  }

  // On whose account a folder is read.
  static const std::string& PartOf(const ResolvedRoot& root) {
    return root.project_root.empty() ? root.package : root.project_root;
  }

  // All files of a host, in the order of its roots. A real folder is gone through once,
  // however many roots it is.
  std::vector<Sight> Look(const HostSkillRules& host, const std::vector<ResolvedRoot>& roots) {
    std::vector<Sight> out;
    base::StringMap<size_t> by_path;
    const bool may_meet = LieInOneAnother(roots);
    size_t most = 0;
    for (const ResolvedRoot& root : roots) {
      most += disk_.Walk(root.real, root.walk, PartOf(root)).files.size();
    }
    out.reserve(most);
    std::map<const SkillWalk*, std::vector<std::optional<Found>>> known;
    for (const ResolvedRoot& root : roots) {
      const SkillWalk& walk = disk_.Walk(root.real, root.walk, PartOf(root));
      const auto [it, is_new] = known.try_emplace(&walk);
      if (is_new) it->second = FoundIn(host, walk);
      for (size_t i = 0; i < walk.files.size(); ++i) {
        if (!it->second[i].has_value()) continue;
        ++out_.cost.steps;
        std::string path = Below(root, walk.files[i].path);
        if (may_meet) {
          const auto [at, is_new_path] = by_path.try_emplace(path, out.size());
          if (!is_new_path) {
            out[at->second].more.push_back(&root);
            continue;
          }
        }
        Sight& sight = out.emplace_back();
        sight.path = std::move(path);
        sight.found = *it->second[i];
        sight.root = &root;
      }
    }
    return out;
  }

  // Only then a file is in two of them under one path.
  static bool LieInOneAnother(const std::vector<ResolvedRoot>& roots) {
    std::vector<std::string> folders;
    for (const ResolvedRoot& root : roots)
      folders.push_back(root.path.ends_with('/') ? root.path : root.path + '/');
    std::ranges::sort(folders);
    // What begins with a folder comes right behind it, or behind more such.
    for (size_t i = 1; i < folders.size(); ++i) {
      if (folders[i].starts_with(folders[i - 1])) return true;
    }
    return false;
  }

  // The path of a file of the real folder, below the root's.
  static std::string Below(const ResolvedRoot& root, std::string_view file) {
    file.remove_prefix(root.real.size());
    if (file.starts_with('/')) file.remove_prefix(1);
    return base::JoinPath(root.path, file);
  }

  // Each file of a walk; nothing: it could not be read, or is no skill.
  std::vector<std::optional<Found>> FoundIn(const HostSkillRules& host, const SkillWalk& walk) {
    for (const WalkProblem& problem : walk.problems) {
      Problem(host, problem.path, problem.code, problem.message);
    }
    std::vector<std::optional<Found>> out;
    for (const FoundSkillFile& file : walk.files) {
      const auto index = SkillAt(file);
      if (index.ok()) {
        const InstalledSkill& skill = out_.skills[*index];
        auto& found = out.emplace_back();
        if (file.single && !IsSkill(skill.frontmatter)) continue;
        found = Found{*index, IsExplicitOnly(host, skill, file.path), file.single};
        continue;
      }
      out.emplace_back();
      Problem(host, file.path, std::string(CodeOf(index.status()).name),
              std::string(Message(index.status())));
    }
    return out;
  }

  // A text that is not called SKILL.md: its frontmatter tells.
  static bool IsSkill(const Frontmatter& frontmatter) {
    return frontmatter.errors.empty() && !base::IsBlank(frontmatter.description.value_or(""));
  }

  void Place(const HostSkillRules& host, SkillRules& rules, const ResolvedRoot& root,
             const Sight& sight) {
    InstalledSkill& skill = out_.skills[sight.found.skill];
    SkillPlacement& placement = skill.placements.emplace_back();
    placement.path = sight.path;
    placement.platform = host.platform;
    placement.scope = root.scope;
    placement.level = root.level;
    placement.registry_dir = root.path;
    placement.project_root = root.project_root;
    placement.precedence = root.precedence;
    placement.explicit_only = sight.found.explicit_only;
    const bool is_folders = base::BaseName(skill.real_path) == "SKILL.md";  // linked to as another
    skill.single_file = skill.single_file || (sight.found.single && !is_folders);
    placement.name = base::BaseName(base::DirName(sight.path));
    if (!host.name_is_folder && !skill.frontmatter.name.value_or("").empty()) {
      placement.name = *skill.frontmatter.name;
    }
    placement.prefixed = !root.prefix.empty();
    if (placement.prefixed) placement.name = root.prefix + ":" + placement.name;
    if (const NamedRoot* const package = packages_around_[sight.found.skill]) {
      placement.plugin = package->plugin;
      if (package->scope == "system") placement.scope = package->scope;
    }
    placement.switches = Both(rules.Of(skill.real_path, placement), SwitchesOf(root));
    ++out_.cost.steps;
  }

  // Index of the skill whose file it is, in a walk from a real folder.
  StatusOr<size_t> SkillAt(const FoundSkillFile& file) {
    if (const auto it = by_path_.find(file.path); it != by_path_.end()) return it->second;
    ST_ASSIGN_OR_RETURN(const size_t index, SkillOfRealFile(file));
    by_path_.emplace(file.path, index);
    return index;
  }

  StatusOr<size_t> SkillOfRealFile(const FoundSkillFile& found) {
    const std::string& path = found.path;
    ++out_.cost.resolved;
    // What opens with no link on the way has this path for its real one.
    bool is_real = !found.linked;
    StatusOr<base::OpenedFile> maybe = is_real ? base::OpenRegular(path) : base::OpenAny(path);
    if (is_real && !maybe.ok()) {
      is_real = false;
      maybe = base::OpenAny(path);
    }
    ST_ASSIGN_OR_RETURN(const base::OpenedFile opened, std::move(maybe));
    // Another path to a file that was read: through a link, or a hard link.
    const auto [file, is_new] =
        by_file_.try_emplace({opened.info.dev, opened.info.inode}, out_.skills.size());
    if (!is_new) return file->second;
    StatusOr<InstalledSkill> skill = ReadSkill(opened, path, is_real);
    if (!skill.ok()) {
      by_file_.erase(file);
      return skill.status();
    }
    by_path_.emplace(skill->real_path, file->second);
    packages_around_.push_back(packages_.Around(skill->real_path));
    out_.skills.push_back(*std::move(skill));
    return file->second;
  }

  StatusOr<InstalledSkill> ReadSkill(const base::OpenedFile& opened, const std::string& path,
                                     bool is_real) {
    InstalledSkill skill;
    skill.real_path = path;
    if (!is_real) {
      ST_ASSIGN_OR_RETURN(skill.real_path, base::RealPathOf(opened, path));
    }
    ST_ASSIGN_OR_RETURN(const std::string bytes,
                        base::ReadOpened(opened, kMaxSkillBytes, skill.real_path));
    ++out_.cost.opened;
    const base::FileInfo& info = opened.info;
    skill.stamp = {.dev = info.dev,
                   .inode = info.inode,
                   .size = info.size,
                   .mtime_ns = info.mtime_ns,
                   .ctime_ns = info.ctime_ns};
    skill.links = info.links;
    skill.sha256 = Digest(skill.stamp, bytes);
    skill.frontmatter = ParseFrontmatter(bytes);
    if (!request_.ownership) return skill;
    const std::string folder(base::DirName(skill.real_path));
    skill.work_tree = disk_.WorkTree(folder);
    skill.read_only =
        access(skill.real_path.c_str(), W_OK) != 0 || access(folder.c_str(), W_OK) != 0;
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
    ++out_.cost.opened;
    if (bytes.ok()) return YamlFlag(*bytes, host.policy_implicit_key) == std::optional(false);
    if (CodeOf(bytes.status()).name != kFileNotFound.name) {
      Problem(host, policy, std::string(CodeOf(bytes.status()).name),
              std::string(Message(bytes.status())));
    }
    return false;
  }

  static void Finish(InstalledSkill& skill) {
    skill.name = skill.placements.front().name;
    skill.explicit_only = std::ranges::all_of(skill.placements, &SkillPlacement::explicit_only);
  }

  static DiscoveryProblem TooManyPatterns(const std::string& settings) {
    return {.path = settings,
            .code = "TOO_MANY_ENTRIES",
            .message = "reading " + settings + ": its patterns are too many for the skills there " +
                       "are; of some it is not known whether they are switched off"};
  }

  // Hosts share folders; each problem is told once.
  void Tell(DiscoveryProblem problem) {
    // Of settings each mistake.
    const bool mistake = problem.code == kSettingsInvalid.name;
    const std::string what = mistake ? problem.message : "";
    if (!told_.insert(problem.code + " " + problem.path + " " + what).second) return;
    out_.problems.push_back(std::move(problem));
  }
  void Problem(const HostSkillRules& host, std::string path, std::string code,
               std::string message) {
    if (!host.tells) return;
    Tell({.path = std::move(path), .code = std::move(code), .message = std::move(message)});
  }

  const DiscoveryRequest& request_;
  DiskCache disk_;
  Packages packages_;
  Discovery out_;
  std::vector<const NamedRoot*> packages_around_;  // of each skill, null = none
  size_t hosts_left_ = 0;                          // with the current one
  base::StringMap<size_t> by_path_;                // real paths, and those seen through links
  std::map<std::pair<uint64_t, uint64_t>, size_t> by_file_;
  base::StringSet told_;
};

}  // namespace

Discovery DiscoverSkills(const DiscoveryRequest& request) { return Finder(request).Find(); }

}  // namespace selftune::skillfs
