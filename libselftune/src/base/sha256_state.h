// SHA-256 step by step, of the library that the build found (meson.build): sha256_openssl.cc or
// sha256_sodium.cc. For crypto.h, which says it in C++.
#pragma once

#include <cstddef>
#include <string_view>

namespace selftune::base {

// Raw memory for the state of either; may be copied while it is in use.
inline constexpr size_t kSha256StateBytes = 128;
inline constexpr size_t kSha256StateAlign = 16;

void Sha256Init(unsigned char* state);
void Sha256Update(unsigned char* state, std::string_view bytes);
void Sha256Final(unsigned char* state, unsigned char* digest);  // 32 bytes; ends the state

}  // namespace selftune::base
