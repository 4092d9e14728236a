#include "skillfs/discovery_roots.h"

#include <algorithm>
#include <tuple>
#include <utility>

#include "base/file.h"

namespace selftune::skillfs {
namespace {

bool IsProject(SkillRoot::Base base) {
  return base == SkillRoot::Base::kProjectUp || base == SkillRoot::Base::kProjectOnly;
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
      break;
  }
  return "";
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

// Collects roots, each real folder once.
class Collector {
 public:
  explicit Collector(DiskCache& disk) : disk_(disk) {}

  void Add(ResolvedRoot root) {
    if (root.path.empty() || !paths_.insert(root.path).second) return;
    const std::string& real = disk_.RealFolder(root.path);
    if (real.empty() || !real_paths_.insert(real).second) return;
    root.order = roots_.size();
    roots_.push_back(std::move(root));
  }
  std::vector<ResolvedRoot> Take() && { return std::move(roots_); }

 private:
  DiskCache& disk_;
  base::StringSet paths_;
  base::StringSet real_paths_;
  std::vector<ResolvedRoot> roots_;
};

void AddProject(const HostSkillRules& host, const std::string& project_dir, DiskCache& disk,
                Collector& out) {
  const std::string dir = base::NormalizePath("/", project_dir);
  const std::string work_tree = disk.WorkTree(dir);
  const std::string project_root = work_tree.empty() ? dir : work_tree;
  for (const SkillRoot& root : host.roots) {
    if (!IsProject(root.base)) continue;
    const bool up = root.base == SkillRoot::Base::kProjectUp;
    for (const std::string& folder : Upwards(up ? dir : project_root, project_root)) {
      out.Add({base::JoinPath(folder, root.path), root.scope, project_root, "", root.precedence,
               root.nested});
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

std::string DiskCache::WorkTree(const std::string& dir) {
  std::vector<std::string> below;
  std::string found;
  for (std::string folder = dir; !folder.empty();) {
    if (const auto it = work_trees_.find(folder); it != work_trees_.end()) {
      found = it->second;
      break;
    }
    below.push_back(folder);
    if (base::Exists(base::JoinPath(folder, ".git"))) {
      found = folder;
      break;
    }
    std::string parent(base::DirName(folder));
    if (parent == folder) break;
    folder = std::move(parent);
  }
  for (std::string& folder : below) work_trees_.emplace(std::move(folder), found);
  return found;
}

const SkillWalk& DiskCache::Walk(const std::string& root, const WalkOptions& options) {
  const std::string key =
      std::string(options.nested ? "n" : "-") + (options.skill_ends_search ? "e" : "-") + root;
  const auto [it, is_new] = walks_.try_emplace(key);
  if (is_new) it->second = WalkSkills(root, options);
  return it->second;
}

std::vector<ResolvedRoot> ResolveRoots(const HostSkillRules& host, const DiscoveryRequest& request,
                                       DiskCache& disk) {
  Collector out(disk);
  int last = 0;
  for (const SkillRoot& root : host.roots) {
    last = std::max(last, root.precedence);
    if (IsProject(root.base)) continue;
    out.Add({GlobalPath(root, host, request), root.scope, "", "", root.precedence, root.nested});
  }
  for (const std::string& dir : request.project_dirs) AddProject(host, dir, disk, out);
  for (const PluginRoot& plugin : host.plugins) {
    out.Add({plugin.path, plugin.project_root.empty() ? "global" : "project", plugin.project_root,
             plugin.plugin, last + 1, false});
  }
  std::vector<ResolvedRoot> roots = std::move(out).Take();
  std::ranges::sort(roots, [](const ResolvedRoot& a, const ResolvedRoot& b) {
    return std::tie(a.precedence, a.order) < std::tie(b.precedence, b.order);
  });
  return roots;
}

}  // namespace selftune::skillfs
