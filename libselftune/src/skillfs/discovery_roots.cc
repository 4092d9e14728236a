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
  void Add(ResolvedRoot root) {
    if (root.path.empty()) return;
    // An absent root is the normal case; one that cannot be looked at stays,
    // and the walk reports it.
    auto real = base::RealPath(root.path);
    if (!real.ok() && CodeOf(real.status()).name == kFileNotFound.name) return;
    if (!seen_.insert(real.ok() ? *std::move(real) : root.path).second) return;
    root.order = roots_.size();
    roots_.push_back(std::move(root));
  }
  std::vector<ResolvedRoot> Take() && { return std::move(roots_); }

 private:
  base::StringSet seen_;
  std::vector<ResolvedRoot> roots_;
};

void AddProject(const HostSkillRules& host, const std::string& project_dir, Collector& out) {
  const std::string dir = base::NormalizePath("/", project_dir);
  const std::string work_tree = FindWorkTree(dir);
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

std::string FindWorkTree(std::string_view dir) {
  std::string folder(dir);
  while (!folder.empty()) {
    if (base::Exists(base::JoinPath(folder, ".git"))) return folder;
    const std::string parent(base::DirName(folder));
    if (parent == folder) break;
    folder = parent;
  }
  return "";
}

std::vector<ResolvedRoot> ResolveRoots(const HostSkillRules& host,
                                       const DiscoveryRequest& request) {
  Collector out;
  int last = 0;
  for (const SkillRoot& root : host.roots) {
    last = std::max(last, root.precedence);
    if (IsProject(root.base)) continue;
    out.Add({GlobalPath(root, host, request), root.scope, "", "", root.precedence, root.nested});
  }
  for (const std::string& dir : request.project_dirs) AddProject(host, dir, out);
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
