#include "skillfs/named_twice.h"

#include <algorithm>
#include <string_view>
#include <utility>
#include <vector>

namespace selftune::skillfs {
namespace {

bool IsOffIn(const ResolvedRoot& root, std::string_view project) {
  return !root.disabled_by.empty() ||
         std::ranges::any_of(root.disabled_in, [&](const ProjectSwitch& off) {
           return IsBelow(project, off.project_root);
         });
}

// Those of projects where the other root is off as well.
std::vector<ProjectSwitch> OffInBoth(const ResolvedRoot& a, const ResolvedRoot& b) {
  std::vector<ProjectSwitch> out;
  const auto add = [&](const ResolvedRoot& root, const ResolvedRoot& other) {
    for (const ProjectSwitch& off : root.disabled_in) {
      const bool known = std::ranges::any_of(
          out, [&](const ProjectSwitch& one) { return one.project_root == off.project_root; });
      if (!known && IsOffIn(other, off.project_root)) out.push_back(off);
    }
  };
  add(a, b);
  add(b, a);
  return out;
}

bool IsLookedAfter(const ResolvedRoot& root) {
  return !root.plugin.empty() || root.scope == "system" || root.scope == "admin";
}

// Of roots for the same sessions.
void Join(const ResolvedRoot& again, ResolvedRoot& known) {
  if (!IsLookedAfter(known) && IsLookedAfter(again)) {
    known.plugin = again.plugin;
    known.scope = again.scope;
  }
  known.precedence = std::min(known.precedence, again.precedence);
  known.disabled_in = OffInBoth(known, again);
  if (again.disabled_by.empty()) known.disabled_by.clear();
}

bool IsOn(const ResolvedRoot& root) { return root.disabled_by.empty(); }

// Leaves of the projects what cannot be said of the one that all sessions see.
void TakeOver(std::vector<ResolvedRoot>& projects, ResolvedRoot& everywhere) {
  for (const ResolvedRoot& project : projects) {
    if (!IsOn(project)) continue;
    std::erase_if(everywhere.disabled_in, [&](const ProjectSwitch& off) {
      return IsBelow(off.project_root, project.project_root);
    });
  }
  for (const ResolvedRoot& project : projects) {
    if (IsOn(project) || IsOffIn(everywhere, project.project_root)) continue;
    everywhere.disabled_in.push_back({project.project_root, project.disabled_by});
  }
  std::erase_if(projects, [&](const ResolvedRoot& project) {
    return !IsOn(project) || !IsOffIn(everywhere, project.project_root);
  });
}

}  // namespace

std::vector<ResolvedRoot> NamedTogether(const std::vector<ResolvedRoot>& named) {
  std::vector<ResolvedRoot> out;
  for (const ResolvedRoot& root : named) {
    const auto known = std::ranges::find(out, root.project_root, &ResolvedRoot::project_root);
    if (known == out.end()) {
      out.push_back(root);
    } else {
      Join(root, *known);
    }
  }
  const auto own = std::ranges::find(out, "", &ResolvedRoot::project_root);
  if (own == out.end() || out.size() == 1) return out;
  ResolvedRoot everywhere = std::move(*own);
  out.erase(own);
  TakeOver(out, everywhere);
  out.push_back(std::move(everywhere));
  return out;
}

}  // namespace selftune::skillfs
