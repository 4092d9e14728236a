#include "dashboard/auth.h"

#include <sodium.h>

#include <vector>

namespace selftune::dashboard {
namespace {

constexpr size_t kSecretBytes = 32;
constexpr size_t kCodeBytes = 16;
constexpr size_t kCodes = 8;      // open at once
constexpr size_t kSessions = 64;  // the oldest one ends
constexpr size_t kFailures = 10;  // a minute
constexpr std::chrono::seconds kFailureTime{60};

bool Same(std::string_view a, std::string_view b) {
  return a.size() == b.size() && sodium_memcmp(a.data(), b.data(), a.size()) == 0;
}

// Value of a cookie, "" when there is none.
std::string_view CookieValue(std::string_view header, std::string_view name) {
  while (!header.empty()) {
    const size_t end = std::min(header.find(';'), header.size());
    std::string_view pair = header.substr(0, end);
    header.remove_prefix(std::min(end + 1, header.size()));
    while (!pair.empty() && pair.front() == ' ') pair.remove_prefix(1);
    if (pair.size() > name.size() && pair.starts_with(name) && pair[name.size()] == '=') {
      return pair.substr(name.size() + 1);
    }
  }
  return {};
}

}  // namespace

std::string RandomHex(size_t bytes) {
  std::vector<unsigned char> raw(bytes);
  randombytes_buf(raw.data(), raw.size());
  std::string out(2 * bytes + 1, '\0');
  sodium_bin2hex(out.data(), out.size(), raw.data(), raw.size());
  out.pop_back();
  return out;
}

Auth::Auth(int port)
    : cookie_name_("selftune_" + std::to_string(port)), token_(RandomHex(kSecretBytes)) {}

std::string Auth::MintCode(Clock::time_point now) {
  if (codes_.size() == kCodes) codes_.pop_front();
  codes_.push_back({RandomHex(kCodeBytes), now + kCodeLife});
  return codes_.back().text;
}

bool Auth::Exhausted(Clock::time_point now) {
  while (!failures_.empty() && failures_.front() + kFailureTime < now) failures_.pop_front();
  return failures_.size() > kFailures;
}

std::optional<std::string> Auth::Redeem(std::string_view code, Clock::time_point now) {
  for (auto each = codes_.begin(); each != codes_.end(); ++each) {
    if (!Same(each->text, code)) continue;
    const bool in_time = now < each->end;
    codes_.erase(each);
    if (!in_time) break;
    if (sessions_.size() == kSessions) sessions_.pop_front();
    sessions_.push_back(RandomHex(kSecretBytes));
    return cookie_name_ + "=" + sessions_.back() + "; HttpOnly; SameSite=Strict; Path=/";
  }
  failures_.push_back(now);
  if (failures_.size() > kFailures + 1) failures_.pop_front();
  return std::nullopt;
}

bool Auth::HasToken(const http::Request& request) const {
  constexpr std::string_view kBearer = "Bearer ";
  const std::string_view given = request.Get("authorization");
  return given.starts_with(kBearer) && Same(given.substr(kBearer.size()), token_);
}

bool Auth::SignedIn(const http::Request& request) const {
  if (request.Has("authorization")) return HasToken(request);
  const std::string_view cookie = CookieValue(request.Get("cookie"), cookie_name_);
  bool found = false;
  for (const std::string& session : sessions_) found = Same(session, cookie) || found;
  return found;
}

}  // namespace selftune::dashboard
