#include "skillfs/named_twice.h"

#include <algorithm>
#include <set>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "base/file.h"

namespace selftune::skillfs {
namespace {

// Folders, asked for by what lies in them.
class Folders {
 public:
  void Add(std::string_view folder) { folders_.insert(folder); }
  // As IsBelow of one of them.
  [[nodiscard]] bool Hold(std::string_view path) const {
    for (std::string_view folder = path; !folder.empty();) {
      if (folders_.contains(folder)) return true;
      const std::string_view parent = base::DirName(folder);
      if (parent.size() <= 1) return folders_.contains("/");
      folder = parent;
    }
    return false;
  }

 private:
  std::set<std::string_view> folders_;
};

// Where a root is off; a view of it.
class OffIn {
 public:
  explicit OffIn(const ResolvedRoot& root) : everywhere_(!root.disabled_by.empty()) {
    for (const ProjectSwitch& off : root.disabled_in) folders_.Add(off.project_root);
  }
  void Add(std::string_view project) { folders_.Add(project); }
  [[nodiscard]] bool Holds(std::string_view project) const {
    return everywhere_ || folders_.Hold(project);
  }

 private:
  bool everywhere_;
  Folders folders_;
};

// Those of projects where the other root is off as well.
std::vector<ProjectSwitch> OffInBoth(const ResolvedRoot& a, const ResolvedRoot& b) {
  std::vector<ProjectSwitch> out;
  std::set<std::string_view> known;  // views of the two
  const auto add = [&](const ResolvedRoot& root, const ResolvedRoot& other) {
    if (root.disabled_in.empty()) return;
    const OffIn off_in(other);
    for (const ProjectSwitch& off : root.disabled_in) {
      if (!off_in.Holds(off.project_root) || !known.insert(off.project_root).second) continue;
      out.push_back(off);
    }
  };
  add(a, b);
  add(b, a);
  return out;
}

bool IsOn(const ResolvedRoot& root) { return root.disabled_by.empty(); }

// Outside the projects that it names.
bool IsKnownOn(const ResolvedRoot& root) { return IsOn(root) && root.unknown_by.empty(); }

// Of projects that one of them names: where neither is known to be on, and one may be.
std::vector<ProjectSwitch> UnknownInOne(const ResolvedRoot& a, const ResolvedRoot& b) {
  std::vector<ProjectSwitch> out;
  std::set<std::string> known;
  const auto add = [&](const ResolvedRoot& root, const ResolvedRoot& other) {
    if (!IsOn(root)) return;
    Folders off, unknown;
    for (const ProjectSwitch& in : other.disabled_in) off.Add(in.project_root);
    for (const ProjectSwitch& in : other.unknown_in) unknown.Add(in.project_root);
    const auto push = [&](ProjectSwitch in) {
      if (known.insert(in.project_root).second) out.push_back(std::move(in));
    };
    for (const ProjectSwitch& in : root.unknown_in) {
      if (!IsKnownOn(other) || off.Hold(in.project_root) || unknown.Hold(in.project_root)) push(in);
    }
    if (!IsOn(other)) return;
    for (ProjectSwitch in : root.disabled_in) {
      if (!other.unknown_by.empty()) {
        in.settings = other.unknown_by;
        push(std::move(in));
      } else if (unknown.Hold(in.project_root)) {
        const auto around = [&](const auto& one) {
          return IsBelow(in.project_root, one.project_root);
        };
        in.settings = std::ranges::find_if(other.unknown_in, around)->settings;
        push(std::move(in));
      }
    }
  };
  add(a, b);
  add(b, a);
  return out;
}

bool IsProtected(const ResolvedRoot& root) {
  return root.scope == "system" || root.scope == "admin";
}

// Of roots for the same sessions.
void Join(const ResolvedRoot& again, ResolvedRoot& known) {
  if (!IsProtected(known) && IsProtected(again)) known.scope = again.scope;
  known.precedence = std::min(known.precedence, again.precedence);
  // On where one of them is, else not known where one of them is not.
  std::vector<ProjectSwitch> unknown_in = UnknownInOne(known, again);
  known.disabled_in = OffInBoth(known, again);
  known.unknown_in = std::move(unknown_in);
  if (IsKnownOn(known) || IsKnownOn(again)) {
    known.unknown_by.clear();
  } else if (known.unknown_by.empty()) {
    known.unknown_by = again.unknown_by;
  }
  if (IsOn(again)) known.disabled_by.clear();
}

// Leaves of the projects what cannot be said of the one that all sessions see.
void TakeOver(std::vector<ResolvedRoot>& projects, ResolvedRoot& everywhere) {
  Folders on;
  for (const ResolvedRoot& project : projects) {
    if (IsOn(project)) on.Add(project.project_root);
  }
  std::erase_if(everywhere.disabled_in,
                [&](const ProjectSwitch& off) { return on.Hold(off.project_root); });
  std::vector<ProjectSwitch> more;
  OffIn off_in(everywhere);
  for (const ResolvedRoot& project : projects) {
    if (IsOn(project) || off_in.Holds(project.project_root)) continue;
    more.push_back({project.project_root, project.disabled_by});
    off_in.Add(project.project_root);
  }
  std::vector<ResolvedRoot> kept;  // moved from where nothing is viewed: those that are on
  for (ResolvedRoot& project : projects) {
    if (IsOn(project) && off_in.Holds(project.project_root)) kept.push_back(std::move(project));
  }
  projects = std::move(kept);
  everywhere.disabled_in.insert(everywhere.disabled_in.end(), more.begin(), more.end());
}

}  // namespace

std::vector<ResolvedRoot> NamedTogether(std::span<const ResolvedRoot* const> named) {
  std::vector<ResolvedRoot> out;
  std::unordered_map<std::string_view, size_t> by_project;  // views of `named`
  for (const ResolvedRoot* const root : named) {
    const auto [it, is_new] = by_project.try_emplace(root->project_root, out.size());
    if (is_new) {
      out.push_back(*root);
    } else {
      Join(*root, out[it->second]);
    }
  }
  const auto own = by_project.find("");
  if (own == by_project.end() || out.size() == 1) return out;
  const auto at = out.begin() + static_cast<std::ptrdiff_t>(own->second);
  ResolvedRoot everywhere = std::move(*at);
  out.erase(at);
  TakeOver(out, everywhere);
  out.push_back(std::move(everywhere));
  return out;
}

}  // namespace selftune::skillfs
