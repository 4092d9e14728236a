// The little a hook needs of its surroundings.
#pragma once

#include <string>
#include <string_view>

#include "base/time.h"
#include "hooks/background_run.h"

namespace selftune::hooks {

struct World {
  std::string state_dir;     // "" = unknown: nothing can be kept
  std::string home;          // the person's, "" = unknown
  bool internal = false;     // an agent that selftune itself started
  bool guard_off = false;    // SELFTUNE_GUARD=off
  bool ci = false;           // a job of a CI service
  std::string path;          // where programs are looked for, as in PATH
  bool agent_named = false;  // SELFTUNE_AGENT: who answers runs that begin here
  bool mode_named = false;   // SELFTUNE_LLM_MODE: whether that is an agent or a server
  UtcMillis now;
  const char* power_supplies = "/sys/class/power_supply";
  // Starts a run that outlives the hook; nullptr: nothing may be started.
  void (*start)(const BackgroundRun& run, const void* user) = nullptr;
  const void* start_user = nullptr;
};

// `get` returns a variable's value, "" when it is unset.
[[nodiscard]] World LookAround(std::string_view (*get)(const void* user, const char* name),
                               const void* user, UtcMillis now);

}  // namespace selftune::hooks
