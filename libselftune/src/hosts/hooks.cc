#include "hooks/hosts.h"

#include <algorithm>
#include <span>
#include <string_view>

#include "hosts/hook_rows.h"

namespace selftune::hooks {

std::span<const Host> Hosts() {
  // Copied once, so that each row lives in its host's folder.
  static const Host hosts[] = {hosts::kClaudeCodeHooks, hosts::kClineHooks,  hosts::kCodexHooks,
                               hosts::kCopilotHooks,    hosts::kGeminiHooks, hosts::kOpenCodeHooks,
                               hosts::kQwenHooks};
  return hosts;
}

const Host* FindHost(std::string_view name) {
  const auto same = [](std::string_view platform, std::string_view spelled) {
    return std::ranges::equal(platform, spelled,
                              [](char a, char b) { return a == (b == '-' ? '_' : b); });
  };
  for (const Host& host : Hosts()) {
    if (host.command == name || same(host.platform, name)) return &host;
  }
  return nullptr;
}

}  // namespace selftune::hooks
