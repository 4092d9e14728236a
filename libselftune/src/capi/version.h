// Version and features of the library.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

namespace selftune::capi {

inline constexpr std::string_view kVersion = "0.1.0";

// Of the source tree at build time, "-dirty" behind it when files were changed
// since; "" when it was not a clone.
[[nodiscard]] std::string_view SourceCommit();
// 0x00MMmmpp, from the public header.
[[nodiscard]] uint32_t AbiVersion();
// Names for selftune_has(), sorted.
[[nodiscard]] std::span<const std::string_view> Features();

}  // namespace selftune::capi
