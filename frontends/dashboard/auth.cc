#include "dashboard/auth.h"

#include <sodium.h>

#include <algorithm>
#include <vector>

#include "dashboard/proof.h"

namespace selftune::dashboard {
namespace {

constexpr size_t kSecretBytes = 32;
constexpr size_t kCodeBytes = 16;
constexpr size_t kCodes = 8;      // open at once
constexpr size_t kSessions = 64;  // the oldest one ends
constexpr size_t kFailures = 10;  // a minute
constexpr std::chrono::seconds kFailureTime{60};

constexpr int64_t kProofSeconds = 60;
constexpr size_t kProofs = 4096;  // remembered; only who has the token can fill it

// Whether `text` begins with the word, in whatever case, and a blank; takes both off.
bool TakeScheme(std::string_view* text, std::string_view scheme) {
  if (text->size() <= scheme.size() || (*text)[scheme.size()] != ' ') return false;
  const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; };
  for (size_t i = 0; i < scheme.size(); ++i) {
    if (lower((*text)[i]) != lower(scheme[i])) return false;
  }
  text->remove_prefix(scheme.size() + 1);
  while (text->starts_with(' ')) text->remove_prefix(1);
  return true;
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

Auth::Auth() : token_(RandomHex(kSecretBytes)) {}

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
    if (!SameSecret(each->text, code)) continue;
    const bool in_time = now < each->end;
    codes_.erase(each);
    if (!in_time) break;
    if (sessions_.size() == kSessions) sessions_.pop_front();
    sessions_.push_back(RandomHex(kSecretBytes));
    return sessions_.back();
  }
  failures_.push_back(now);
  if (failures_.size() > kFailures + 1) failures_.pop_front();
  return std::nullopt;
}

bool Auth::TakeProof(const http::Request& request, std::string_view text, std::string* nonce) {
  const std::optional<Proof> proof = ParseProof(text);
  if (!proof.has_value()) return false;
  const std::string target =
      request.query.empty() ? request.path : request.path + "?" + request.query;
  const ProvenRequest proven{request.method, target, request.address, request.body};
  if (!ProofHolds(token_, proven, *proof)) return false;
  const int64_t now = ProofClock();
  while (!used_.empty() && used_.front().stamp + 2 * kProofSeconds < now) used_.pop_front();
  const bool repeated = std::any_of(used_.begin(), used_.end(),
                                    [&](const Used& each) { return each.nonce == proof->nonce; });
  if (repeated || used_.size() >= kProofs || proof->stamp > now + kProofSeconds ||
      proof->stamp + kProofSeconds < now) {
    return false;
  }
  used_.push_back({proof->nonce, now});
  *nonce = proof->nonce;
  return true;
}

Auth::Shown Auth::Look(const http::Request& request) {
  Shown out;
  if (request.Has("authorization")) {
    std::string_view given = request.Get("authorization");
    if (TakeScheme(&given, "Bearer")) {
      out.token = SameSecret(given, token_);
    } else if (TakeScheme(&given, kProofScheme)) {
      out.token = TakeProof(request, given, &out.nonce);
    }
    out.session = out.token;
    return out;
  }
  const std::string_view key = request.Get("x-selftune-key");
  for (const std::string& session : sessions_) {
    out.session = SameSecret(session, key) || out.session;
  }
  return out;
}

}  // namespace selftune::dashboard
