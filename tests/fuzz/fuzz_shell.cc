// Any text can be read as shell, and the quick test never hides a skill use.
#include "hosts/common/shell_skills.h"
#include "input.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace selftune;
  const std::string_view line = fuzz::AsText(data, size);
  const hosts::ShellPlace place{"/home/dev/project", "/home/dev"};
  const hosts::ShellSkills found = hosts::FindShellSkills(line, place);
  if (!hosts::MayTouchSkill(line)) {
    fuzz::Require(found.uses.empty() && found.changed.empty(), "the quick test is complete");
  }
  return 0;
}
