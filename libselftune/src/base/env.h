// The process environment, read once at the edge and passed as a value.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>

namespace selftune::base {

class Environment {
 public:
  [[nodiscard]] static Environment FromProcess();

  // Empty values count as unset.
  [[nodiscard]] std::optional<std::string> Get(std::string_view name) const;
  [[nodiscard]] std::string GetOr(std::string_view name, std::string_view fallback) const;
  void Set(std::string name, std::string value);
  [[nodiscard]] const std::map<std::string, std::string, std::less<>>& all() const { return vars_; }

  // $HOME, "" when unset.
  [[nodiscard]] std::string Home() const { return GetOr("HOME", ""); }
  // Our state folder: $SELFTUNE_HOME, else $SELFTUNE_CONFIG_DIR, else $HOME/.selftune.
  [[nodiscard]] std::string StateDir() const;

 private:
  std::map<std::string, std::string, std::less<>> vars_;
};

}  // namespace selftune::base
