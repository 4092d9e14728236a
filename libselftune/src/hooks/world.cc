#include "hooks/world.h"

#include <string>
#include <string_view>

#include "base/ci.h"
#include "base/state_dir.h"

namespace selftune::hooks {

World LookAround(std::string_view (*get)(const void* user, const char* name), const void* user,
                 UtcMillis now) {
  World world;
  world.now = now;
  const std::string_view internal = get(user, "SELFTUNE_INTERNAL");
  world.internal = !internal.empty() && internal != "0";
  world.guard_off = get(user, "SELFTUNE_GUARD") == "off";
  world.ci = base::IsCi([&](const char* name) { return get(user, name); });
  std::string dir = base::StateDirFrom(get(user, "SELFTUNE_HOME"), get(user, "HOME"));
  if (dir.starts_with('/')) world.state_dir = std::move(dir);
  world.home = get(user, "HOME");
  world.path = get(user, "PATH");
  world.agent_named = !get(user, "SELFTUNE_AGENT").empty();
  world.mode_named = !get(user, "SELFTUNE_LLM_MODE").empty();
  return world;
}

}  // namespace selftune::hooks
