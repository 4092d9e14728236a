// OpenSSL's fast way in, which needs none of that library's set-up and little of its code (0023).
#define OPENSSL_SUPPRESS_DEPRECATED
#include <openssl/sha.h>

#include <string_view>

#include "base/sha256_state.h"

namespace selftune::base {
namespace {

static_assert(sizeof(SHA256_CTX) <= kSha256StateBytes && alignof(SHA256_CTX) <= kSha256StateAlign);

SHA256_CTX* Of(unsigned char* raw) { return reinterpret_cast<SHA256_CTX*>(raw); }

}  // namespace

void Sha256Init(unsigned char* state) { SHA256_Init(Of(state)); }

void Sha256Update(unsigned char* state, std::string_view bytes) {
  SHA256_Update(Of(state), bytes.data(), bytes.size());
}

void Sha256Final(unsigned char* state, unsigned char* digest) { SHA256_Final(digest, Of(state)); }

}  // namespace selftune::base
