// Where selftune keeps its state; one rule for the library and the hook program.
#pragma once

#include <string>
#include <string_view>

namespace selftune::base {

// $SELFTUNE_HOME, else $SELFTUNE_CONFIG_DIR, else $HOME/.selftune; "" when all
// are empty.
[[nodiscard]] inline std::string StateDirFrom(std::string_view selftune_home,
                                              std::string_view config_dir, std::string_view home) {
  if (!selftune_home.empty()) return std::string(selftune_home);
  if (!config_dir.empty()) return std::string(config_dir);
  if (home.empty()) return "";
  std::string dir(home);
  if (!dir.ends_with('/')) dir.push_back('/');
  return dir.append(".selftune");
}

}  // namespace selftune::base
