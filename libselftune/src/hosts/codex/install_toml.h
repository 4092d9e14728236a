// As much of TOML as is needed to know what a config.toml says. Ours, and why:
// docs/decisions/0020.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include <absl/functional/function_ref.h>

namespace selftune::hosts::codex {

// A value that is neither table nor array, under the keys that lead to it, however they
// are written: by headers, with dots, in braces.
struct TomlValue {
  std::span<const std::string> path;  // valid during the call
  std::string text;                   // of a text what it says, else as it stands: "false"
  bool is_text = false;
  [[nodiscard]] bool Is(std::string_view word) const { return !is_text && text == word; }
};

// In their order. What is in arrays is left out, and what follows a mistake, as which
// counts what lies more than 64 brackets deep. Time and memory grow with the text alone.
void ReadToml(std::string_view text, absl::FunctionRef<void(const TomlValue&)> use);

}  // namespace selftune::hosts::codex
