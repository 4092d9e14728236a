// A setting of a host's JSON file by which none of its hooks runs.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "install/json_text.h"
#include "install/target.h"

namespace selftune::install {

struct OffSwitch {
  std::vector<std::string_view> keys;  // where it stands, from the top: {"hooksConfig", "enabled"}
  bool off = true;                     // the value by which no hook runs
};

// Nothing when the setting is not there, or is anything else.
[[nodiscard]] std::optional<Hindrance> FindOffSwitch(std::string_view text, JsonDialect dialect,
                                                     const std::string& path,
                                                     const OffSwitch& off_switch);

// Those that are set in `text`, the settings file of `target`.
[[nodiscard]] std::vector<Hindrance> OffSwitches(const Target& target, const Place& place,
                                                 std::string_view text,
                                                 const std::vector<OffSwitch>& switches);

}  // namespace selftune::install
