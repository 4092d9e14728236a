#include "base/env.h"

#include <unistd.h>

#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "base/state_dir.h"

namespace selftune::base {

Environment Environment::FromProcess() {
  Environment env;
  for (char** entry = environ; entry != nullptr && *entry != nullptr; ++entry) {
    const std::string_view text = *entry;
    const size_t equals = text.find('=');
    if (equals == std::string_view::npos) continue;
    env.Set(std::string(text.substr(0, equals)), std::string(text.substr(equals + 1)));
  }
  return env;
}

std::optional<std::string> Environment::Get(std::string_view name) const {
  const auto it = vars_.find(name);
  if (it == vars_.end() || it->second.empty()) return std::nullopt;
  return it->second;
}

std::string Environment::GetOr(std::string_view name, std::string_view fallback) const {
  return Get(name).value_or(std::string(fallback));
}

void Environment::Set(std::string name, std::string value) {
  vars_.insert_or_assign(std::move(name), std::move(value));
}

std::string Environment::StateDir() const {
  const std::string dir = StateDirFrom(GetOr("SELFTUNE_HOME", ""), Home());
  return dir.empty() ? ".selftune" : dir;
}

std::optional<std::string> Environment::HostHome(std::string_view platform) const {
  const auto it = host_homes_.find(platform);
  if (it == host_homes_.end()) return std::nullopt;
  return it->second;
}

void Environment::SetHostHome(std::string platform, std::string folder) {
  host_homes_.insert_or_assign(std::move(platform), std::move(folder));
}

}  // namespace selftune::base
