// SHA-256, random bytes and ids.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/sha256_state.h"
#include "base/time.h"

namespace selftune::base {

using Sha256Digest = std::array<unsigned char, 32>;

[[nodiscard]] Sha256Digest Sha256(std::string_view bytes);
[[nodiscard]] std::string Sha256Hex(std::string_view bytes);  // 64 lower-case hex characters
// 32 raw bytes in a string, the form the store keeps.
[[nodiscard]] std::string Sha256Bytes(std::string_view bytes);

// Incremental SHA-256 of bytes as they come.
class Sha256Stream {
 public:
  Sha256Stream();
  void Add(std::string_view bytes);
  [[nodiscard]] std::string Bytes() const;  // 32 raw bytes of what was added so far

 private:
  alignas(kSha256StateAlign) unsigned char state_[kSha256StateBytes];
};

// Incremental SHA-256 of fields separated by 0x1f:
//   FieldHash("p1").Add(platform).Add(session).Key16()
class FieldHash {
 public:
  explicit FieldHash(std::string_view domain);
  FieldHash& Add(std::string_view field);
  // More of the field that was added last.
  FieldHash& More(std::string_view rest);
  [[nodiscard]] std::string Key16() const;  // first 16 bytes
  [[nodiscard]] uint64_t Key8() const;      // first 8 bytes, big endian

 private:
  alignas(kSha256StateAlign) unsigned char state_[kSha256StateBytes];
};

void RandomBytes(void* out, size_t size);
[[nodiscard]] bool ConstantTimeEqual(std::string_view a, std::string_view b);

// 64-bit generator with a recorded seed (splitmix64); deterministic.
class Rng {
 public:
  explicit Rng(uint64_t seed) : state_(seed) {}
  [[nodiscard]] uint64_t Next();
  // Uniform in [0, bound); bound > 0.
  [[nodiscard]] uint64_t Below(uint64_t bound);

 private:
  uint64_t state_;
};

// 26-character Crockford base32 ULID: sortable by time, unique without a clock.
[[nodiscard]] std::string MakeUlid(UtcMillis now);
// Random (version 4): "f81d4fae-7dec-41d0-a765-00a0c91e6bf6".
[[nodiscard]] std::string MakeUuid();

}  // namespace selftune::base
