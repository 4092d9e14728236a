#include "skillfs/discovery_roots.h"

#include <algorithm>
#include <tuple>
#include <utility>

#include "base/file.h"

namespace selftune::skillfs {
namespace {

bool IsProject(SkillRoot::Base base) {
  return base == SkillRoot::Base::kProjectUp || base == SkillRoot::Base::kProjectOnly ||
         base == SkillRoot::Base::kProjectHere;
}

std::string GlobalPath(const SkillRoot& root, const HostSkillRules& host,
                       const DiscoveryRequest& request) {
  switch (root.base) {
    case SkillRoot::Base::kHome:
      return request.home.empty() ? "" : base::JoinPath(request.home, root.path);
    case SkillRoot::Base::kConfigDir:
      return host.config_dir.empty() ? "" : base::JoinPath(host.config_dir, root.path);
    case SkillRoot::Base::kAbsolute:
      return request.absolute_root + std::string(root.path);
    case SkillRoot::Base::kProjectUp:
    case SkillRoot::Base::kProjectOnly:
    case SkillRoot::Base::kProjectHere:
      break;
  }
  return "";
}

// Whether all sessions see that folder.
bool IsGlobal(const HostSkillRules& host, const DiscoveryRequest& request, std::string_view path) {
  return std::ranges::any_of(host.roots, [&](const SkillRoot& root) {
    return !IsProject(root.base) && GlobalPath(root, host, request) == path;
  });
}

// `dir` and its parents up to `top`, nearest first.
std::vector<std::string> Upwards(std::string dir, std::string_view top) {
  std::vector<std::string> out;
  while (true) {
    out.push_back(dir);
    const std::string_view parent = base::DirName(dir);
    if (dir == top || parent.empty() || parent == dir) return out;
    dir = std::string(parent);
  }
}

// Collects roots, each real folder under one path.
class Collector {
 public:
  explicit Collector(DiskCache& disk) : disk_(disk) {}

  void Add(ResolvedRoot root) {
    if (root.path.empty()) return;
    const std::string& real = disk_.RealFolder(root.path);
    if (real.empty()) return;
    paths_.try_emplace({real, root.project_root}, root.path);
    // Lists may name a folder a thousand times, and other lists as often.
    const auto [known, is_new] = known_.try_emplace(KeyOf(real, root), roots_.size());
    if (!is_new) {
      int& precedence = roots_[known->second].precedence;
      precedence = std::min(precedence, root.precedence);
      return;
    }
    root.order = roots_.size();
    root.real = real;
    roots_.push_back(std::move(root));
  }

  std::vector<ResolvedRoot> Take() && {
    for (ResolvedRoot& root : roots_) {
      const auto everywhere = paths_.find({root.real, ""});
      root.path = everywhere != paths_.end() ? everywhere->second
                                             : paths_.find({root.real, root.project_root})->second;
    }
    return std::move(roots_);
  }

 private:
  // Equal for roots that say the same of the same folder.
  static std::string KeyOf(const std::string& real, const ResolvedRoot& root) {
    std::string out;
    const auto add = [&out](std::string_view part) { out.append(part).push_back('\0'); };
    for (const std::string_view part :
         {std::string_view(real), std::string_view(root.project_root), root.scope, root.level,
          std::string_view(root.package), std::string_view(root.prefix),
          std::string_view(root.disabled_by), std::string_view(root.unknown_by)}) {
      add(part);
    }
    for (const auto* const list : {&root.disabled_in, &root.unknown_in}) {
      for (const ProjectSwitch& one : *list) {
        add(one.project_root);
        add(one.settings);
      }
      add("");
    }
    add(std::to_string(root.walk.depth));
    add(std::to_string(static_cast<int>(root.walk.single_files)));
    for (const bool flag :
         {root.walk.skill_ends_search, root.walk.root_too, root.walk.ignore_files}) {
      out.push_back(flag ? '1' : '0');
    }
    return out;
  }

  DiskCache& disk_;
  std::map<std::string, size_t> known_;
  // The path of a real folder for all sessions (""), and for those of a project.
  std::map<std::pair<std::string, std::string>, std::string> paths_;
  std::vector<ResolvedRoot> roots_;
};

ResolvedRoot Resolved(const HostSkillRules& host, const SkillRoot& root, std::string path,
                      std::string project_root) {
  ResolvedRoot out;
  out.path = std::move(path);
  out.scope = root.scope;
  if (IsProject(root.base)) out.level = kLevelProject;
  out.project_root = std::move(project_root);
  out.precedence = root.precedence;
  out.walk = {.depth = root.nested ? kAnyDepth : 1,
              .skill_ends_search = host.skill_ends_search,
              .root_too = root.root_too,
              .single_files = root.single_files,
              .ignore_files = host.ignore_files};
  return out;
}

ResolvedRoot Resolved(const HostSkillRules& host, const NamedRoot& root, int last) {
  ResolvedRoot out;
  out.path = root.path;
  out.scope = root.scope;
  // What is not the package's (packages.h) is as if the person had put it there.
  if (!root.plugin.empty()) out.scope = root.project_root.empty() ? "global" : "project";
  out.project_root = root.project_root;
  if (!root.plugin.empty()) out.package = root.plugin_dir;
  if (root.prefixed) out.prefix = root.plugin;
  if (root.prefixed) out.level = kLevelExtension;
  out.precedence = root.prefixed ? last : root.precedence;
  out.walk = {.depth = root.depth,
              .skill_ends_search = host.skill_ends_search,
              .root_too = root.root_too,
              .single_files = root.single_files,
              .ignore_files = host.ignore_files && root.depth > 0};
  out.disabled_by = root.disabled_by;
  out.disabled_in = root.disabled_in;
  out.unknown_by = root.unknown_by;
  out.unknown_in = root.unknown_in;
  return out;
}

// Where a session in no repository looks for a folder of the row, nearest first.
std::vector<std::string> OutsideUp(Outside outside, const std::string& dir,
                                   const std::string& home) {
  if (outside == Outside::kHere) return {dir};
  const bool to_home = outside != Outside::kTop && !home.empty() && IsBelow(dir, home);
  std::vector<std::string> out = Upwards(dir, to_home ? home : "/");
  if (to_home && outside == Outside::kBelowHome) out.pop_back();
  return out;
}

void AddProject(const HostSkillRules& host, const DiscoveryRequest& request,
                const std::string& project_dir, DiskCache& disk, Collector& out) {
  const std::string dir = base::NormalizePath("/", project_dir);
  const std::string work_tree = disk.WorkTree(dir);
  // In a folder that is gone nobody starts a session.
  if (work_tree.empty() && disk.RealFolder(dir).empty()) return;
  const std::string project_root = work_tree.empty() ? dir : work_tree;
  for (const SkillRoot& root : host.roots) {
    if (!IsProject(root.base)) continue;
    const std::string& first = root.base == SkillRoot::Base::kProjectOnly ? project_root : dir;
    const std::string& top = root.base == SkillRoot::Base::kProjectHere ? dir : project_root;
    const bool outside = work_tree.empty() && root.base == SkillRoot::Base::kProjectUp;
    const std::vector<std::string> folders =
        outside ? OutsideUp(root.outside, dir, request.home) : Upwards(first, top);
    for (const std::string& folder : folders) {
      std::string path = base::JoinPath(folder, root.path);
      // Above a session what all see is nothing of its own.
      if (folder != dir && outside && IsGlobal(host, request, path)) continue;
      out.Add(Resolved(host, root, std::move(path), project_root));
    }
  }
}

}  // namespace

const std::string& DiskCache::RealFolder(const std::string& path) {
  const auto [it, is_new] = folders_.try_emplace(path);
  if (!is_new) return it->second;
  // Most are absent: one call says so, while resolving costs one a component.
  const auto info = base::Stat(path);
  if (!info.ok() && CodeOf(info.status()).name == kFileNotFound.name) return it->second;
  auto real = base::RealPath(path);
  it->second = real.ok() ? *std::move(real) : path;
  return it->second;
}

const SkillWalk& DiskCache::Walk(const std::string& real, WalkOptions options,
                                 const std::string& part) {
  const std::string key = std::to_string(options.depth) + (options.skill_ends_search ? "e" : "-") +
                          (options.root_too ? "r" : "-") + (options.ignore_files ? "i" : "-") +
                          std::to_string(static_cast<int>(options.single_files)) + real;
  // What is seen of a folder when the part is used up; others see all of it.
  const std::string cut_key = part + "\n" + key;
  for (const std::string& one : {key, cut_key}) {
    if (const auto it = walks_.find(one); it != walks_.end()) return it->second;
  }
  size_t& spent = efforts_[part];
  options.most = most_ - std::min(spent, most_);
  // Of the folders that come after, one problem tells.
  if (options.most == 0) {
    const auto [it, is_new] = walks_.try_emplace(part + "\n");
    if (is_new) it->second = WalkSkills(real, options);
    return it->second;
  }
  SkillWalk walk = WalkSkills(real, options);
  spent += walk.effort;
  effort_ += walk.effort;
  return walks_.try_emplace(walk.cut ? cut_key : key, std::move(walk)).first->second;
}

std::vector<ResolvedRoot> ResolveRoots(const HostSkillRules& host, const DiscoveryRequest& request,
                                       DiskCache& disk) {
  Collector out(disk);
  int last = 0;
  for (const SkillRoot& root : host.roots) {
    last = std::max(last, root.precedence);
    if (IsProject(root.base)) continue;
    out.Add(Resolved(host, root, GlobalPath(root, host, request), ""));
  }
  for (const std::string& dir : request.project_dirs) AddProject(host, request, dir, disk, out);
  for (const NamedRoot& root : host.named_roots) out.Add(Resolved(host, root, last + 1));
  std::vector<ResolvedRoot> roots = std::move(out).Take();
  std::ranges::sort(roots, [](const ResolvedRoot& a, const ResolvedRoot& b) {
    return std::tie(a.precedence, a.order) < std::tie(b.precedence, b.order);
  });
  return roots;
}

}  // namespace selftune::skillfs
