// How a program of the same user and the server show each other that they know
// the token of the launch, without sending it: whoever listens on the port
// instead of the server learns nothing that opens it, and convinces nobody.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace selftune::dashboard {

inline constexpr std::string_view kProofScheme = "Selftune-Proof";
inline constexpr std::string_view kReplyProof = "X-Selftune-Proof";

// What a request's proof holds for: one request, to one address, now.
struct ProvenRequest {
  std::string_view method;
  std::string_view target;   // with its query
  std::string_view address;  // "127.0.0.1:3141", where the connection ends
  std::string_view body;
};

// "stamp.nonce.mac", the value behind the scheme.
struct Proof {
  int64_t stamp = 0;  // seconds of the machine's monotonic clock
  std::string nonce;
  std::string mac;

  [[nodiscard]] std::string Text() const;
};

// Of a new nonce, at this moment.
[[nodiscard]] Proof ProveRequest(std::string_view token, const ProvenRequest& request);
[[nodiscard]] std::optional<Proof> ParseProof(std::string_view text);
// Whether the mac is right; says nothing about age and repetition.
[[nodiscard]] bool ProofHolds(std::string_view token, const ProvenRequest& request,
                              const Proof& proof);
[[nodiscard]] int64_t ProofClock();

// What the server says in return.
[[nodiscard]] std::string ProveReply(std::string_view token, std::string_view nonce, int status,
                                     std::string_view body);

// In constant time.
[[nodiscard]] bool SameSecret(std::string_view a, std::string_view b);

}  // namespace selftune::dashboard
