// Which hooks the person approved, as Codex writes it into config.toml:
//
//   [hooks.state."/home/dev/.codex/hooks.json:user_prompt_submit:0:0"]
//   trusted_hash = "sha256:..."
//
// A hook is known by its file, event and place, and the hash is of what it was when
// it was approved (0.134 to 0.171 write the same one).
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "base/json_value.h"

namespace selftune::hosts::codex {

// "UserPromptSubmit" is "user_prompt_submit" there.
[[nodiscard]] std::string TrustKey(std::string_view hooks_file, std::string_view event,
                                   size_t group, size_t handler);

// What the host takes for the hook: event, matcher, command, timeout and so on, as
// JSON with sorted keys. "" when it cannot be said for sure. `group`: of hooks.json.
[[nodiscard]] std::string TrustHash(std::string_view event, const base::JsonValue& group,
                                    size_t handler);

struct Trust {
  std::string key;
  std::string hash;  // "" = never approved
  bool enabled = true;
};

// What a config.toml says of hooks.
struct HookConfig {
  std::string off;  // the feature that is false, so that none runs: "hooks"; "" = none is
  std::vector<Trust> trusts;
  [[nodiscard]] const Trust* Find(std::string_view key) const;
};
[[nodiscard]] HookConfig ReadHookConfig(std::string_view toml);

// The text without the entries of these keys, every other byte kept.
[[nodiscard]] std::string WithoutTrust(std::string_view toml, const std::vector<std::string>& keys);

}  // namespace selftune::hosts::codex
