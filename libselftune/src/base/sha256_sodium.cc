#include <sodium.h>

#include <string_view>

#include "base/sha256_state.h"

namespace selftune::base {
namespace {

using State = crypto_hash_sha256_state;
static_assert(sizeof(State) <= kSha256StateBytes && alignof(State) <= kSha256StateAlign);

State* Of(unsigned char* raw) { return reinterpret_cast<State*>(raw); }

}  // namespace

void Sha256Init(unsigned char* state) { crypto_hash_sha256_init(Of(state)); }

void Sha256Update(unsigned char* state, std::string_view bytes) {
  crypto_hash_sha256_update(Of(state), reinterpret_cast<const unsigned char*>(bytes.data()),
                            bytes.size());
}

void Sha256Final(unsigned char* state, unsigned char* digest) {
  crypto_hash_sha256_final(Of(state), digest);
}

}  // namespace selftune::base
