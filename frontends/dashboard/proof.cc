#include "dashboard/proof.h"

#include <sodium.h>

#include <charconv>
#include <chrono>
#include <initializer_list>
#include <vector>

#include "dashboard/auth.h"

namespace selftune::dashboard {
namespace {

constexpr size_t kNonceBytes = 16;

// HMAC-SHA-256 over the parts, each behind its length, as hex.
std::string Mac(std::string_view token, std::initializer_list<std::string_view> parts) {
  crypto_auth_hmacsha256_state state;
  crypto_auth_hmacsha256_init(&state, reinterpret_cast<const unsigned char*>(token.data()),
                              token.size());
  for (const std::string_view part : parts) {
    const std::string length = std::to_string(part.size()) + ":";
    for (const std::string_view bytes : {std::string_view(length), part}) {
      crypto_auth_hmacsha256_update(&state, reinterpret_cast<const unsigned char*>(bytes.data()),
                                    bytes.size());
    }
  }
  unsigned char raw[crypto_auth_hmacsha256_BYTES];
  crypto_auth_hmacsha256_final(&state, raw);
  std::string out(2 * sizeof raw + 1, '\0');
  sodium_bin2hex(out.data(), out.size(), raw, sizeof raw);
  out.pop_back();
  return out;
}

std::string RequestMac(std::string_view token, const ProvenRequest& request, int64_t stamp,
                       std::string_view nonce) {
  return Mac(token, {"request", request.method, request.target, request.address,
                     std::to_string(stamp), nonce, request.body});
}

}  // namespace

bool SameSecret(std::string_view a, std::string_view b) {
  return a.size() == b.size() && sodium_memcmp(a.data(), b.data(), a.size()) == 0;
}

int64_t ProofClock() {
  return std::chrono::duration_cast<std::chrono::seconds>(
             std::chrono::steady_clock::now().time_since_epoch())
      .count();
}

std::string Proof::Text() const { return std::to_string(stamp) + "." + nonce + "." + mac; }

Proof ProveRequest(std::string_view token, const ProvenRequest& request) {
  Proof out{.stamp = ProofClock(), .nonce = RandomHex(kNonceBytes), .mac = ""};
  out.mac = RequestMac(token, request, out.stamp, out.nonce);
  return out;
}

std::optional<Proof> ParseProof(std::string_view text) {
  const size_t first = text.find('.');
  const size_t second = first == std::string_view::npos ? first : text.find('.', first + 1);
  if (second == std::string_view::npos) return std::nullopt;
  Proof out{.stamp = 0,
            .nonce = std::string(text.substr(first + 1, second - first - 1)),
            .mac = std::string(text.substr(second + 1))};
  const std::string_view stamp = text.substr(0, first);
  const auto [end, error] = std::from_chars(stamp.data(), stamp.data() + stamp.size(), out.stamp);
  if (error != std::errc() || end != stamp.data() + stamp.size() ||
      out.nonce.size() != 2 * kNonceBytes) {
    return std::nullopt;
  }
  return out;
}

bool ProofHolds(std::string_view token, const ProvenRequest& request, const Proof& proof) {
  return SameSecret(RequestMac(token, request, proof.stamp, proof.nonce), proof.mac);
}

std::string ProveReply(std::string_view token, std::string_view nonce, int status,
                       std::string_view body) {
  return Mac(token, {"reply", nonce, std::to_string(status), body});
}

}  // namespace selftune::dashboard
