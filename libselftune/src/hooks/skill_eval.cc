// The handler of tool calls that may load a skill. Which of several loads in a
// turn counts is decided where all of them are known: when the spool is taken in.
#include <string_view>

#include "base/utf8.h"
#include "hooks/handlers.h"

namespace selftune::hooks {
namespace {

// ".../<name>/SKILL.md" with a name.
bool IsSkillFile(std::string_view path) {
  constexpr std::string_view kFile = "/SKILL.md";
  if (!path.ends_with(kFile)) return false;
  path.remove_suffix(kFile.size());
  const std::string_view name = path.substr(path.rfind('/') + 1);
  return !base::IsBlank(name) && name != "." && name != "..";
}

}  // namespace

bool KeepSkillUse(const World&, HookEvent& event) {
  switch (event.tool) {
    case ToolKind::kSkill:
      if (event.skill.starts_with('/')) event.skill.erase(0, 1);
      return !event.skill.empty();
    case ToolKind::kRead:
      return !event.tool_failed && IsSkillFile(event.path);
    case ToolKind::kWrite:
    case ToolKind::kShell:
    case ToolKind::kOther:
      break;
  }
  return false;
}

bool KeepCommand(const World&, HookEvent& event) {
  if (event.skill.starts_with('/')) event.skill.erase(0, 1);
  return !event.skill.empty();
}

}  // namespace selftune::hooks
