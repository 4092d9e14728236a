#include "hosts/common/root_list.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

namespace selftune::hosts {
namespace {

// Equal for roots of which the same is said.
std::string KeyOf(const skillfs::NamedRoot& root) {
  std::string out;
  for (const std::string_view part :
       {std::string_view(root.path), std::string_view(root.project_root),
        std::string_view(root.plugin), std::string_view(root.plugin_dir), root.scope,
        std::string_view(root.disabled_by), std::string_view(root.unknown_by)}) {
    out.append(part).push_back('\0');
  }
  for (const auto* const list : {&root.disabled_in, &root.unknown_in}) {
    for (const skillfs::ProjectSwitch& one : *list) {
      out.append(one.project_root).push_back('\0');
      out.append(one.settings).push_back('\0');
    }
    out.push_back('\0');
  }
  out += fmt::format("{} {} {} {}", root.depth, root.root_too, root.prefixed,
                     static_cast<int>(root.single_files));
  return out;
}

}  // namespace

Effort& RootList::EffortFor(const std::string& project_root, const std::string& settings) {
  Part& part = parts_[project_root];
  if (part.settings.empty()) part.settings = settings;
  return part.effort;
}

void RootList::Add(skillfs::NamedRoot root) {
  Effort& effort = parts_[root.project_root].effort;
  if (effort.used_up()) return;
  const auto [it, is_new] = known_.try_emplace(KeyOf(root), roots_.size());
  // To find that something is known costs little, but not nothing.
  effort.Spend(is_new ? Effort::kFolder : Effort::kFolder / 10);
  if (is_new) {
    roots_.push_back(std::move(root));
  } else {
    int& rank = roots_[it->second].precedence;
    rank = std::min(rank, root.precedence);
  }
}

std::vector<skillfs::NamedRoot> RootList::Take(
    std::vector<skillfs::DiscoveryProblem>& problems) && {
  for (const auto& [project_root, part] : parts_) {
    if (!part.effort.used_up()) continue;
    problems.push_back(
        {.path = part.settings,
         .code = "TOO_MANY_ENTRIES",
         .message = fmt::format("reading {}: its entries, and what they name, are too many "
                                "together; some are left out",
                                part.settings)});
  }
  return std::move(roots_);
}

}  // namespace selftune::hosts
