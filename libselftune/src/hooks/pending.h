// Is there anything for a run to do? The library says whether signals were pending when it
// last looked, and which skills there are; people say more meanwhile. A mark says so, until
// the library has taken in what they said and says itself what is pending (capi/hook_notes):
// a run that did not come to that, or was killed, is started again.
#pragma once

#include <string>
#include <string_view>

#include "hooks/event.h"
#include "hooks/host.h"
#include "hooks/world.h"

namespace selftune::hooks {

inline constexpr size_t kMaxNames = size_t{1} << 20;  // bytes

// `<state>/hooks/skills`: names of installed skills, one a line.
[[nodiscard]] std::string NamesPath(std::string_view state_dir);

// The mark, and where the library puts it while it reads: what is said meanwhile makes
// another one.
[[nodiscard]] std::string MarkPath(std::string_view state_dir);
[[nodiscard]] std::string SeenMarkPath(std::string_view state_dir);

struct Heard {
  // Something about an installed skill that a run would work on. Asked only where runs may
  // begin by themselves; true when it cannot be told, or when something is remembered already.
  bool pending = false;
  // The installed skill that should have been used. Asked only where that may be suggested;
  // "" when it cannot be told.
  std::string missed;
};
// What the prompt says.
[[nodiscard]] Heard Listen(const World& world, const HookEvent& event);
// Somebody said something. After its event is in the spool: whoever takes this back reads
// that afterwards.
void RememberPending(const World& world);
// False: nothing is pending. A host without hooks for prompts says nothing about it.
[[nodiscard]] bool MayBePending(const World& world, const Host* host, std::string_view notes_json);

}  // namespace selftune::hooks
