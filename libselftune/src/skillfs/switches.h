// Whether settings leave a skill on: everywhere, and otherwise in single projects.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "skillfs/skill_root.h"

namespace selftune::skillfs {

// What counts for one session, and the file that says so; a view, "" = no file does.
struct SwitchVerdict {
  SwitchState state = SwitchState::kOn;
  std::string_view settings = {};
};

// Nothing said is on. A project may switch off what is on everywhere, and on what is off.
struct Switches {
  std::string disabled_by;  // settings that switch it off everywhere, "" = none do
  std::string unknown_by;   // or may do so: they are not understood
  // Where it is otherwise; of those that hold for a session the nearest counts.
  std::vector<ProjectSwitch> in_projects;

  [[nodiscard]] bool empty() const {
    return disabled_by.empty() && unknown_by.empty() && in_projects.empty();
  }
  // Views of this.
  [[nodiscard]] SwitchVerdict Everywhere() const;
  // For a session in `dir`; where nobody knows where it was, "", what holds for all of them.
  [[nodiscard]] SwitchVerdict In(std::string_view dir) const;
  // A project that switches on what is not on elsewhere: the one that counts for a session in
  // `dir` if one does, else the first; null: none does.
  [[nodiscard]] const ProjectSwitch* OnAgain(std::string_view dir = {}) const;

 private:
  [[nodiscard]] const ProjectSwitch* NearestTo(std::string_view dir) const;
};

// What roots say (ResolvedRoot, NamedRoot): what one switches off everywhere no project
// switches on again.
template <typename Root>
[[nodiscard]] Switches SwitchesOf(const Root& root) {
  Switches out;
  out.disabled_by = root.disabled_by;
  if (!out.disabled_by.empty()) return out;
  out.unknown_by = root.unknown_by;
  out.in_projects = root.disabled_in;
  for (const ProjectSwitch& one : root.unknown_in) {
    out.in_projects.push_back(one);
    out.in_projects.back().state = SwitchState::kUnknown;
  }
  return out;
}

// On where both are, else as the worse of them. n log n of their projects.
[[nodiscard]] Switches Both(Switches a, Switches b);

}  // namespace selftune::skillfs
