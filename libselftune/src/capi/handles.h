// What of the boundary the hook library shares: buffers and error objects.
#pragma once

#include <string>
#include <string_view>

#include "selftune/types.h"

struct selftune_error {
  selftune_code_t code;
  std::string name;
  std::string message;
  std::string json;
};

namespace selftune::capi {

// Copies `text` into memory of the library; false when there is none left.
[[nodiscard]] bool FillBuffer(std::string_view text, selftune_buf_t* out);

[[nodiscard]] inline std::string_view View(selftune_str_t text) {
  return text.data == nullptr ? std::string_view() : std::string_view(text.data, text.size);
}

}  // namespace selftune::capi
