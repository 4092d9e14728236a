// Which hooks the person approved, as Codex writes it into config.toml:
//
//   [hooks.state."/home/dev/.codex/hooks.json:user_prompt_submit:0:0"]
//   trusted_hash = "sha256:..."
//
// A hook is known by its file, event and place. What the hash covers is the
// host's own: an entry for our place counts as approved.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace selftune::hosts::codex {

// "UserPromptSubmit" is "user_prompt_submit" there.
[[nodiscard]] std::string TrustKey(std::string_view hooks_file, std::string_view event,
                                   size_t group, size_t handler);

// Keys of all entries in a config.toml.
[[nodiscard]] std::vector<std::string> TrustedKeys(std::string_view toml);

// The text without the entries of these keys, every other byte kept.
[[nodiscard]] std::string WithoutTrust(std::string_view toml, const std::vector<std::string>& keys);

}  // namespace selftune::hosts::codex
