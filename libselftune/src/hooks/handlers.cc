#include "hooks/handlers.h"

#include <algorithm>
#include <string_view>

namespace selftune::hooks {
namespace {

constexpr Handler kHandlers[] = {
    {"prompt-log", EventType::kPromptSubmit, KeepPrompt},
    {"guard", EventType::kPreToolUse, KeepNothing},
    {"skill-eval", EventType::kPostToolUse, KeepSkillUse},
    {"session-stop", EventType::kTurnEnd, KeepEnd},
    {"session-end", EventType::kSessionEnd, KeepEnd},
};

}  // namespace

bool KeepNothing(HookEvent&) { return false; }

const Handler* FindHandler(std::string_view name) {
  const auto* found = std::ranges::find(kHandlers, name, &Handler::name);
  return found != std::end(kHandlers) ? found : nullptr;
}

const Handler* FindHandler(EventType type) {
  const auto* found = std::ranges::find(kHandlers, type, &Handler::type);
  return found != std::end(kHandlers) ? found : nullptr;
}

}  // namespace selftune::hooks
