// What of the boundary the hook library shares: buffers, error objects and
// structs of callers with another version of the header.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "selftune/types.h"

// Texts end in NUL and live as long as the error.
struct selftune_error {
  selftune_code_t code;
  const char* name;
  const char* message;
  const char* json;
};

namespace selftune::capi {

// Throws std::bad_alloc.
[[nodiscard]] selftune_error_t* NewError(selftune_code_t code, std::string_view name,
                                         std::string_view message, std::string json);

// OUT_OF_MEMORY, and the error object if the caller wants one: it is kept ready,
// so that telling needs no memory.
[[nodiscard]] selftune_code_t ReportNoMemory(selftune_error_t** error) noexcept;

// Copies `text` into memory of the library; false when there is none left.
[[nodiscard]] bool FillBuffer(std::string_view text, selftune_buf_t* out);

enum class StructFit {
  kGood,
  kBadSize,  // less than `least` bytes, or not whole words of it
  kTooNew,   // something behind the `known` bytes is set: it asks for what we cannot do
};

// Whether a struct that begins with its size may be read.
[[nodiscard]] StructFit FitOf(const void* given, size_t least, size_t known);
[[nodiscard]] uint32_t SizeOf(const void* given);

[[nodiscard]] inline std::string_view View(selftune_str_t text) {
  return text.data == nullptr ? std::string_view() : std::string_view(text.data, text.size);
}

}  // namespace selftune::capi
