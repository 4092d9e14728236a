// Whether a skill is the one that the reference brings: its package copies it into the
// folders in which agents look for skills.
#pragma once

#include <string>
#include <string_view>

namespace selftune::upstream {

// By its shape, which all of its versions share: the name, the heading, and the file for
// setting up that it sends an agent to; and its author, or that file in `folder`. A
// person's skill of the same name has not all of them.
[[nodiscard]] bool IsReferenceSkill(std::string_view skill_md, const std::string& folder);

}  // namespace selftune::upstream
