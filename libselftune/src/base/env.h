// The process environment, read once at the edge and passed as a value, with the
// folders that the person's configuration adds to it.
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
  // Our state folder: $SELFTUNE_HOME, else $HOME/.selftune.
  [[nodiscard]] std::string StateDir() const;

  // Where a host keeps its files, "codex": "/data/codex", when the person said
  // so in config.json. No variable of the process does.
  [[nodiscard]] std::optional<std::string> HostHome(std::string_view platform) const;
  void SetHostHome(std::string platform, std::string folder);

 private:
  std::map<std::string, std::string, std::less<>> vars_;
  std::map<std::string, std::string, std::less<>> host_homes_;
};

}  // namespace selftune::base
