// As much of TOML as is needed to know what a config.toml says. Ours, and why:
// docs/decisions/0020.
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include <absl/functional/function_ref.h>

namespace selftune::hosts::codex {

// A value that is neither table nor array, under the keys that lead to it, however they
// are written: by headers, with dots, in braces. Or that a table begins, by its header or
// its brace; one of a list begins anew, whether the list is written with headers or as
// `key = [{...}, {...}]`. Or that an array begins in brackets, or an item of one that is no table.
struct TomlValue {
  // The parts of its key: of `a.b` two, of `"a.b"` one. Valid during the call.
  std::span<const std::string> path;
  std::string text;  // of a text what it says, else as it stands: "false"
  bool is_text = false;
  bool is_table = false;
  bool is_list = false;  // an array in brackets
  bool in_list = false;  // an item; of an array of arrays the inner one, without what is in it
  // What people call it.
  [[nodiscard]] std::string_view Kind() const {
    if (is_table) return in_list ? "a list of tables" : "a table";
    if (is_list) return "a list";
    return is_text ? std::string_view("a text") : text;
  }
  [[nodiscard]] bool Is(std::string_view word) const {
    return !is_text && !is_table && !is_list && !in_list && text == word;
  }
};

// Where the text is no TOML.
struct TomlMistake {
  size_t at = 0;                   // byte of the text
  std::string_view expected = {};  // for people
};

// In their order. What is in items of arrays is left out, but for tables; and what follows a
// mistake, as which counts what lies more than 64 brackets deep. After a value that
// is none reading goes on. Time and memory grow with the text alone. Returns the first mistake; a
// text without one may still be refused by the host, for a key that is there twice.
std::optional<TomlMistake> ReadToml(std::string_view text,
                                    absl::FunctionRef<void(const TomlValue&)> use);

}  // namespace selftune::hosts::codex
