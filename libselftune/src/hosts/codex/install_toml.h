// As much of TOML as is needed to know what a config.toml says.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace selftune::hosts::codex {

// A value that is neither table nor array, under the keys that lead to it, however they
// are written: by headers, with dots, in braces.
struct TomlValue {
  std::vector<std::string> path;
  std::string text;  // of a text what it says, else as it stands: "false"
  bool is_text = false;
  [[nodiscard]] bool Is(std::string_view word) const { return !is_text && text == word; }
};

// In their order. What is in arrays is left out, and what follows a mistake.
[[nodiscard]] std::vector<TomlValue> ReadToml(std::string_view text);

}  // namespace selftune::hosts::codex
