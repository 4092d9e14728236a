// Where a file of settings cannot be understood.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/error.h"

namespace selftune::install {

// What stands at a byte of the text, for people: "'}'", "byte 0x01", "the end of the file".
[[nodiscard]] std::string FoundAt(std::string_view text, size_t at);

// SETTINGS_INVALID: line and column of that byte, from 1, what was expected and what was
// found; the numbers are details too.
[[nodiscard]] Status InvalidSettings(std::string_view path, std::string_view text, size_t at,
                                     std::string_view expected, std::string_view found);

// The line that such a failure names; 0: it names none.
[[nodiscard]] int64_t LineOf(const Status& status);

}  // namespace selftune::install
