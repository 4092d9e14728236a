// Who may ask: the token of this launch, one-time codes, browser sessions
// (dashboard B1.3). Used on the loop only, except token().
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

  explicit Auth(int port);

  [[nodiscard]] const std::string& token() const { return token_; }

  // A code for one browser.
  [[nodiscard]] std::string MintCode(Clock::time_point now);

  // Too many wrong codes came lately. A good one is taken all the same: nobody
  // can lock the person out by guessing, and 128 bits are not guessed.
  [[nodiscard]] bool Exhausted(Clock::time_point now);
  // The value of Set-Cookie for a good code, which is spent by it; nullopt for
  // a wrong, used or old one.
  [[nodiscard]] std::optional<std::string> Redeem(std::string_view code, Clock::time_point now);

  // By bearer token; or by that or by the cookie.
  [[nodiscard]] bool HasToken(const http::Request& request) const;
  [[nodiscard]] bool SignedIn(const http::Request& request) const;

 private:
  struct Code {
    std::string text;
    Clock::time_point end;
  };

  const std::string cookie_name_;
  const std::string token_;
  std::deque<Code> codes_;
  std::deque<std::string> sessions_;
  std::deque<Clock::time_point> failures_;
};

}  // namespace selftune::dashboard
