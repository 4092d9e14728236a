#include "hooks/handlers.h"

#include <algorithm>
#include <string_view>

namespace selftune::hooks {
namespace {

constexpr Handler kHandlers[] = {
    {"prompt-log", EventType::kPromptSubmit, KeepPrompt},
    {"guard", EventType::kPreToolUse, KeepNothing},
    {"skill-eval", EventType::kPostToolUse, KeepSkillUse},
    {"commit-track", EventType::kPostToolUse, KeepCommits},
    {"skill-command", EventType::kSkillCommand, KeepCommand},
    {"session-stop", EventType::kTurnEnd, KeepEnd},
    {"subagent-start", EventType::kAgentStart, KeepAgent},
    {"subagent-stop", EventType::kAgentEnd, KeepEnd},
    {"session-end", EventType::kSessionEnd, KeepEnd},
};

}  // namespace

bool KeepNothing(const World&, HookEvent&) { return false; }

bool KeepAgent(const World&, HookEvent& event) { return !event.agent_id.empty(); }

const Handler* FindHandler(std::string_view name) {
  const auto* found = std::ranges::find(kHandlers, name, &Handler::name);
  return found != std::end(kHandlers) ? found : nullptr;
}

const Handler* FindHandler(const HookEvent& event) {
  if (event.type == EventType::kPostToolUse && event.tool == ToolKind::kShell) {
    return FindHandler("commit-track");
  }
  const auto* found = std::ranges::find(kHandlers, event.type, &Handler::type);
  return found != std::end(kHandlers) ? found : nullptr;
}

}  // namespace selftune::hooks
