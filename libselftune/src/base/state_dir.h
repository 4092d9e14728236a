// Where selftune keeps its state; one rule for the library and the hook program.
#pragma once

#include <string>
#include <string_view>

namespace selftune::base {

// $SELFTUNE_HOME, else $HOME/.selftune; "" when both are empty. No other
// variable has a say (docs/decisions/0016).
[[nodiscard]] inline std::string StateDirFrom(std::string_view selftune_home,
                                              std::string_view home) {
  if (!selftune_home.empty()) return std::string(selftune_home);
  if (home.empty()) return "";
  std::string dir(home);
  if (!dir.ends_with('/')) dir.push_back('/');
  return dir.append(".selftune");
}

}  // namespace selftune::base
