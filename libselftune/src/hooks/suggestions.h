// What an agent is suggested with a prompt: one thing in a session, at most one a day,
// each once (config/suggestion_rules.h).
//
// Most of it the library knows, and leaves in the notes:
//
//   "hints": {"regression:dep-1": "skill pdf does worse ...; see selftune watch --skill pdf"},
//   "corrections": true
//
// What a person says of a skill the hook hears itself (pending.h).
#pragma once

#include <string>
#include <string_view>

#include "config/suggestion_rules.h"
#include "hooks/event.h"
#include "hooks/host.h"
#include "hooks/world.h"

namespace selftune::hooks {

// Only what is a name is said to an agent: no other text of somebody else's comes in.
// Of a file in the folder of what was said: a day, and which rule spoke on it.
[[nodiscard]] bool IsDayName(std::string_view name);
[[nodiscard]] std::string TextOf(const config::SuggestionRule& rule, std::string_view skill);

// May the hook say itself what it hears of skills?
[[nodiscard]] bool SuggestsCorrections(std::string_view notes_json);

// `missed`: the skill that should have been used, as the prompt has it; "" = of none.
[[nodiscard]] Response Suggest(const World& world, const HookEvent& event, std::string_view missed);

}  // namespace selftune::hooks
