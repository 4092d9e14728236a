// What each handler keeps of an event. A handler takes a normalised event, so
// that it serves every host.
#pragma once

#include <string_view>

#include "hooks/event.h"
#include "hooks/world.h"

namespace selftune::hooks {

struct Handler {
  std::string_view name;  // "prompt-log"
  EventType type;         // the events it hears
  // Brings the event into the form that is kept; false: nothing of interest.
  bool (*keep)(const World& world, HookEvent& event);
};

// A prompt as a person typed it, short ones and repeated ones too. Not our own.
[[nodiscard]] bool KeepPrompt(const World& world, HookEvent& event);

// A call of the skill tool, or SKILL.md read as a file.
[[nodiscard]] bool KeepSkillUse(const World& world, HookEvent& event);

// A command line that made commits: which ones, by the repository's own log.
[[nodiscard]] bool KeepCommits(const World& world, HookEvent& event);

// "/name": whether that is a skill is known where the installed skills are.
[[nodiscard]] bool KeepCommand(const World& world, HookEvent& event);

// A subagent begins.
[[nodiscard]] bool KeepAgent(const World& world, HookEvent& event);

// The end of a turn or a session: where its transcript is and how long by now.
// The file is not read.
[[nodiscard]] bool KeepEnd(const World& world, HookEvent& event);

// Guards answer and keep nothing.
[[nodiscard]] bool KeepNothing(const World& world, HookEvent& event);

// nullptr: no such handler.
[[nodiscard]] const Handler* FindHandler(std::string_view name);
[[nodiscard]] const Handler* FindHandler(const HookEvent& event);

}  // namespace selftune::hooks
