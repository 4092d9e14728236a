#include "skillfs/switches.h"

#include <algorithm>
#include <set>
#include <unordered_map>
#include <utility>

#include "base/file.h"

namespace selftune::skillfs {
namespace {

SwitchVerdict Worse(const SwitchVerdict& a, const SwitchVerdict& b) {
  return b.state > a.state ? b : a;
}

bool IsNearer(const ProjectSwitch& a, const ProjectSwitch& b) {
  const size_t deep = a.project_root.size(), other = b.project_root.size();
  return deep != other ? deep > other : !a.below && b.below;
}

// The same answers for many folders; a view of what it was made from.
class ByFolder {
 public:
  explicit ByFolder(const Switches& all) : all_(all) {
    for (const ProjectSwitch& one : all.in_projects) {
      (one.below ? below_ : here_).try_emplace(one.project_root, &one);
    }
  }
  // For sessions in `dir`, or those in the folders below it.
  [[nodiscard]] SwitchVerdict In(std::string_view dir, bool below) const {
    if (!below) {
      if (const auto found = here_.find(dir); found != here_.end()) return Said(*found->second);
    }
    return From(dir, dir);
  }
  // What would count there without that one.
  [[nodiscard]] SwitchVerdict Around(const ProjectSwitch& one) const {
    const std::string_view dir = one.project_root;
    if (!one.below) return From(dir, dir);
    return dir.size() <= 1 ? all_.Everywhere() : From(base::DirName(dir), dir);
  }

 private:
  static SwitchVerdict Said(const ProjectSwitch& one) { return {one.state, one.settings}; }
  [[nodiscard]] SwitchVerdict From(std::string_view folder, std::string_view dir) const {
    while (!folder.empty()) {
      const auto found = below_.find(folder);
      if (found != below_.end() && found->second->HoldsIn(dir)) return Said(*found->second);
      if (folder.size() == 1) break;
      folder = base::DirName(folder);
    }
    return all_.Everywhere();
  }

  const Switches& all_;
  std::unordered_map<std::string_view, const ProjectSwitch*> here_, below_;
};

// Leaves out what is so anyhow.
void Prune(Switches& all) {
  const ByFolder folders(all);
  std::vector<bool> needed;
  for (const ProjectSwitch& one : all.in_projects) {
    needed.push_back(folders.Around(one).state != one.state);
  }
  size_t kept = 0;
  for (size_t i = 0; i < needed.size(); ++i) {
    if (!needed[i]) continue;
    if (kept != i) all.in_projects[kept] = std::move(all.in_projects[i]);
    ++kept;
  }
  all.in_projects.resize(kept);
}

}  // namespace

SwitchVerdict Switches::Everywhere() const {
  if (!disabled_by.empty()) return {SwitchState::kOff, disabled_by};
  if (!unknown_by.empty()) return {SwitchState::kUnknown, unknown_by};
  return {};
}

SwitchVerdict Switches::In(std::string_view dir) const {
  if (dir.empty()) {
    const bool for_all = disabled_by.empty() || OnAgain() == nullptr;
    return for_all ? Everywhere() : SwitchVerdict();
  }
  const ProjectSwitch* const nearest = NearestTo(dir);
  return nearest == nullptr ? Everywhere() : SwitchVerdict{nearest->state, nearest->settings};
}

const ProjectSwitch* Switches::NearestTo(std::string_view dir) const {
  const ProjectSwitch* nearest = nullptr;
  for (const ProjectSwitch& one : in_projects) {
    if (!one.HoldsIn(dir)) continue;
    if (nearest == nullptr || IsNearer(one, *nearest)) nearest = &one;
  }
  return nearest;
}

const ProjectSwitch* Switches::OnAgain(std::string_view dir) const {
  if (Everywhere().state == SwitchState::kOn) return nullptr;
  const ProjectSwitch* const here = dir.empty() ? nullptr : NearestTo(dir);
  if (here != nullptr && here->state == SwitchState::kOn) return here;
  const auto found = std::ranges::find(in_projects, SwitchState::kOn, &ProjectSwitch::state);
  return found == in_projects.end() ? nullptr : &*found;
}

Switches Both(Switches a, Switches b) {
  if (a.empty()) return b;
  if (b.empty()) return a;
  Switches out;
  const SwitchVerdict everywhere = Worse(a.Everywhere(), b.Everywhere());
  if (everywhere.state == SwitchState::kOff) out.disabled_by = everywhere.settings;
  if (everywhere.state == SwitchState::kUnknown) out.unknown_by = everywhere.settings;
  const ByFolder in_a(a), in_b(b);
  std::set<std::pair<std::string_view, bool>> known;  // views of both
  const auto add = [&](ProjectSwitch one) {
    const SwitchVerdict verdict =
        Worse(in_a.In(one.project_root, one.below), in_b.In(one.project_root, one.below));
    one.state = verdict.state;
    one.settings = verdict.settings;
    one.not_in.clear();
    out.in_projects.push_back(std::move(one));
  };
  for (const Switches* const from : {&a, &b}) {
    for (const ProjectSwitch& one : from->in_projects) {
      if (known.insert({one.project_root, one.below}).second) add(one);
      // These have a word of their own, so that none has to be left out.
      for (const std::string& folder : one.not_in) {
        if (known.insert({folder, true}).second) add({folder, ""});
      }
    }
  }
  Prune(out);
  return out;
}

}  // namespace selftune::skillfs
