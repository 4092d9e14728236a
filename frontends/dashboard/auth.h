// Who may ask: the token of this launch, one-time codes, browser sessions
// (dashboard B1.3). Used on the loop only, except token().
//
// A session is a key that the page keeps in its origin's storage and sends as a
// header. There is no cookie: browsers send cookies to every port of a host.
#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <string_view>

#include "dashboard/http/message.h"

namespace selftune::dashboard {

// `bytes` random bytes as hex.
[[nodiscard]] std::string RandomHex(size_t bytes);

class Auth {
 public:
  using Clock = std::chrono::steady_clock;
  static constexpr std::chrono::seconds kCodeLife{60};

  Auth();

  [[nodiscard]] const std::string& token() const { return token_; }

  // A code for one browser.
  [[nodiscard]] std::string MintCode(Clock::time_point now);

  // Too many wrong codes came lately. A good one is taken all the same: nobody
  // can lock the person out by guessing, and 128 bits are not guessed.
  [[nodiscard]] bool Exhausted(Clock::time_point now);
  // The key of a new session for a good code, which is spent by it; nullopt for
  // a wrong, used or old one.
  [[nodiscard]] std::optional<std::string> Redeem(std::string_view code, Clock::time_point now);

  // What a request shows of itself. `nonce`: of a proof, whose reply is proven too.
  struct Shown {
    bool token = false;    // it has the token, or proved that it knows it
    bool session = false;  // that, or the key of a session
    std::string nonce;
  };
  // A proof counts once.
  [[nodiscard]] Shown Look(const http::Request& request);

 private:
  struct Code {
    std::string text;
    Clock::time_point end;
  };
  struct Used {
    std::string nonce;
    int64_t stamp;
  };
  [[nodiscard]] bool TakeProof(const http::Request& request, std::string_view text,
                               std::string* nonce);

  const std::string token_;
  std::deque<Code> codes_;
  std::deque<std::string> sessions_;
  std::deque<Clock::time_point> failures_;
  std::deque<Used> used_;  // proofs of the last minute
};

}  // namespace selftune::dashboard
