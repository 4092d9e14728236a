// The handler of prompts. What a prompt says about skills (signals) is found
// where the installed skills are known: when the spool is taken in.
#include <string_view>

#include "hooks/handlers.h"

namespace selftune::hooks {

bool KeepPrompt(const World&, HookEvent& event) {
  const std::string_view text = event.prompt;
  if (text.find_first_not_of(" \t\n\v\f\r") == std::string_view::npos) return false;
  return !text.starts_with(kInternalPrompt);
}

}  // namespace selftune::hooks
