// The run that the end of a session starts: it must not be noticed by the agent, by
// whoever sits at the machine, or by the battery.
#pragma once

#include <string>
#include <string_view>

namespace selftune::hooks {

struct BackgroundRun {
  std::string program;    // absolute
  std::string state_dir;  // where it works, and keeps its log
  bool review = false;    // what it finds waits for a person
};

inline constexpr long kMaxRunLog = 1L << 20;  // bytes; one that is as long is put aside
inline constexpr int kRunLogs = 5;            // with those put aside

// `<state>/logs/reactive.log`; those put aside end with .1 (the youngest) to .4.
[[nodiscard]] std::string RunLogPath(std::string_view state_dir);

// On its battery alone, and that is nearly empty. `supplies`: as /sys/class/power_supply;
// false where nothing is told.
[[nodiscard]] bool BatteryIsLow(const char* supplies);

// Starts it as nobody's child, of low priority, with nothing open but its log. `env`:
// entries "K=V", ended by nullptr, that replace variables of this process; may be
// nullptr. What cannot be started does not run: nobody is here to be told.
void StartInBackground(const BackgroundRun& run, const char* const* env);

}  // namespace selftune::hooks
