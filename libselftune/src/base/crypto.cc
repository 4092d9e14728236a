#include "base/crypto.h"

#include <sodium.h>

#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

#include "base/sha256_state.h"

namespace selftune::base {
namespace {

Sha256Digest Digest(const unsigned char* state) {
  alignas(kSha256StateAlign) unsigned char copy[kSha256StateBytes];
  std::memcpy(copy, state, sizeof(copy));
  Sha256Digest out;
  Sha256Final(copy, out.data());
  return out;
}

}  // namespace

Sha256Digest Sha256(std::string_view bytes) {
  alignas(kSha256StateAlign) unsigned char state[kSha256StateBytes];
  Sha256Init(state);
  Sha256Update(state, bytes);
  Sha256Digest out;
  Sha256Final(state, out.data());
  return out;
}

std::string Sha256Bytes(std::string_view bytes) {
  const Sha256Digest digest = Sha256(bytes);
  return {reinterpret_cast<const char*>(digest.data()), digest.size()};
}

std::string Sha256Hex(std::string_view bytes) {
  static constexpr char kDigits[] = "0123456789abcdef";
  std::string out;
  out.reserve(64);
  for (const unsigned char byte : Sha256(bytes)) {
    out.push_back(kDigits[byte >> 4]);
    out.push_back(kDigits[byte & 15]);
  }
  return out;
}

Sha256Stream::Sha256Stream() { Sha256Init(state_); }

void Sha256Stream::Add(std::string_view bytes) { Sha256Update(state_, bytes); }

std::string Sha256Stream::Bytes() const {
  const Sha256Digest digest = Digest(state_);
  return {reinterpret_cast<const char*>(digest.data()), digest.size()};
}

FieldHash::FieldHash(std::string_view domain) {
  Sha256Init(state_);
  Sha256Update(state_, domain);
}

FieldHash& FieldHash::Add(std::string_view field) {
  Sha256Update(state_, "\x1f");
  Sha256Update(state_, field);
  return *this;
}

FieldHash& FieldHash::More(std::string_view rest) {
  Sha256Update(state_, rest);
  return *this;
}

std::string FieldHash::Key16() const {
  const Sha256Digest digest = Digest(state_);
  return {reinterpret_cast<const char*>(digest.data()), 16};
}

uint64_t FieldHash::Key8() const {
  const Sha256Digest digest = Digest(state_);
  uint64_t key = 0;
  for (int i = 0; i < 8; ++i) key = key << 8 | digest[i];
  return key;
}

void RandomBytes(void* out, size_t size) {
  // Idempotent and thread-safe; without it the first call is not.
  static const int ready = sodium_init();
  static_cast<void>(ready);
  randombytes_buf(out, size);
}

bool ConstantTimeEqual(std::string_view a, std::string_view b) {
  return a.size() == b.size() && sodium_memcmp(a.data(), b.data(), a.size()) == 0;
}

uint64_t Rng::Next() {
  uint64_t z = (state_ += 0x9e3779b97f4a7c15U);
  z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9U;
  z = (z ^ z >> 27) * 0x94d049bb133111ebU;
  return z ^ z >> 31;
}

uint64_t Rng::Below(uint64_t bound) {
  // Rejects the uneven rest of the range, so every value is equally likely.
  const uint64_t limit = UINT64_MAX - UINT64_MAX % bound;
  uint64_t value = Next();
  while (value >= limit) value = Next();
  return value % bound;
}

std::string MakeUlid(UtcMillis now) {
  static constexpr char kAlphabet[] = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
  std::string out(26, '0');
  auto time = static_cast<uint64_t>(now.value);
  for (size_t i = 10; i-- > 0;) {
    out[i] = kAlphabet[time & 31];
    time >>= 5;
  }
  unsigned char random[16];
  RandomBytes(random, sizeof(random));
  for (size_t i = 0; i < 16; ++i) out[10 + i] = kAlphabet[random[i] & 31];
  return out;
}

std::string MakeUuid() {
  std::array<unsigned char, 16> bytes{};
  RandomBytes(bytes.data(), bytes.size());
  bytes[6] = static_cast<unsigned char>((bytes[6] & 0x0f) | 0x40);
  bytes[8] = static_cast<unsigned char>((bytes[8] & 0x3f) | 0x80);
  std::string out;
  for (size_t i = 0; i < bytes.size(); ++i) {
    if (i == 4 || i == 6 || i == 8 || i == 10) out.push_back('-');
    out.push_back("0123456789abcdef"[bytes[i] >> 4]);
    out.push_back("0123456789abcdef"[bytes[i] & 15]);
  }
  return out;
}

}  // namespace selftune::base
