#include "dashboard/http/head_check.h"

#include <algorithm>
#include <array>
#include <vector>

namespace selftune::dashboard::http {
namespace {

constexpr std::string_view kEnd = "\r\n";

// Fields that must not come twice: each decides how a request is understood.
constexpr std::array<std::string_view, 13> kSingle = {
    "host",          "content-length", "transfer-encoding", "authorization", "cookie",
    "origin",        "content-type",   "sec-fetch-site",    "x-selftune",    "sec-fetch-mode",
    "last-event-id", "if-none-match",  "x-selftune-key",
};

HeadProblem Bad(std::string detail) { return {400, "BAD_REQUEST", std::move(detail)}; }

bool IsTokenChar(char c) {
  constexpr std::string_view kMarks = "!#$%&'*+-.^_`|~";
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
         kMarks.find(c) != std::string_view::npos;
}

bool IsToken(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), IsTokenChar);
}

bool IsVisible(char c) { return c > 0x20 && c < 0x7f; }

bool IsFieldChar(char c) {
  const auto byte = static_cast<unsigned char>(c);
  return c == '\t' || (byte >= 0x20 && byte != 0x7f);
}

std::string Lower(std::string_view text) {
  std::string out(text);
  for (char& c : out) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return out;
}

std::string_view Trim(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

std::optional<HeadProblem> CheckRequestLine(std::string_view line, const Limits& limits) {
  const size_t first = line.find(' ');
  const size_t last = line.rfind(' ');
  if (first == std::string_view::npos || first == last) return Bad("no request line");
  const std::string_view method = line.substr(0, first);
  const std::string_view target = line.substr(first + 1, last - first - 1);
  const std::string_view version = line.substr(last + 1);
  if (!IsToken(method) || method.size() > 16) return Bad("the method is no word");
  if (target.size() > limits.target_bytes) {
    return HeadProblem{414, "TARGET_TOO_LONG", "the address is too long"};
  }
  if (!std::all_of(target.begin(), target.end(), IsVisible)) {
    return Bad("the address holds bytes that have to be encoded");
  }
  if (target.empty() || target.front() != '/' || target.find('#') != std::string_view::npos) {
    return Bad("the address must be a path of this server");
  }
  if (version == "HTTP/1.1") return std::nullopt;
  if (version.starts_with("HTTP/")) {
    return HeadProblem{505, "HTTP_VERSION", "only HTTP/1.1 is spoken here"};
  }
  return Bad("no HTTP version");
}

struct Seen {
  std::array<int, kSingle.size()> counts{};
  std::string_view length;

  [[nodiscard]] int Of(std::string_view name) const {
    const auto* const at = std::find(kSingle.begin(), kSingle.end(), name);
    return counts[static_cast<size_t>(at - kSingle.begin())];
  }
};

std::optional<HeadProblem> CheckField(std::string_view line, Seen& seen) {
  if (line.front() == ' ' || line.front() == '\t') return Bad("a folded header field");
  const size_t colon = line.find(':');
  if (colon == std::string_view::npos || !IsToken(line.substr(0, colon))) {
    return Bad("a header field without a proper name");
  }
  const std::string name = Lower(line.substr(0, colon));
  const std::string_view value = Trim(line.substr(colon + 1));
  if (!std::all_of(value.begin(), value.end(), IsFieldChar)) {
    return Bad("a control character in a header field");
  }
  if (name == "upgrade") {
    return HeadProblem{400, "UPGRADE_REFUSED", "this server speaks HTTP/1.1 and nothing else"};
  }
  if (name == "expect") return HeadProblem{417, "EXPECTATION_FAILED", "send the body at once"};
  if (name == "content-length") seen.length = value;
  const auto* const at = std::find(kSingle.begin(), kSingle.end(), name);
  if (at != kSingle.end() && ++seen.counts[static_cast<size_t>(at - kSingle.begin())] > 1) {
    return Bad("header field " + name + " came twice");
  }
  return std::nullopt;
}

std::optional<HeadProblem> CheckMeaning(const Seen& seen, const Limits& limits) {
  if (seen.Of("host") == 0) return Bad("no Host");
  if (seen.Of("transfer-encoding") > 0) {
    if (seen.Of("content-length") > 0) return Bad("a length and a transfer coding");
    return HeadProblem{411, "LENGTH_REQUIRED", "send Content-Length, no transfer coding"};
  }
  if (seen.Of("content-length") == 0) return std::nullopt;
  const std::string_view length = seen.length;
  const bool digits = !length.empty() && std::all_of(length.begin(), length.end(),
                                                     [](char c) { return c >= '0' && c <= '9'; });
  if (!digits) return Bad("Content-Length is no plain number");
  size_t bytes = 0;
  for (const char c : length) {
    bytes = std::min<size_t>(bytes, limits.body_bytes + 1) * 10 + static_cast<size_t>(c - '0');
  }
  if (bytes > limits.body_bytes) {
    return HeadProblem{413, "BODY_TOO_LARGE", "the body is too large"};
  }
  return std::nullopt;
}

}  // namespace

std::optional<HeadProblem> CheckHead(std::string_view head, const Limits& limits) {
  const size_t line_end = head.find(kEnd);
  if (!head.ends_with("\r\n\r\n") || line_end == std::string_view::npos) {
    return Bad("the header does not end");
  }
  if (auto problem = CheckRequestLine(head.substr(0, line_end), limits)) return problem;
  std::string_view rest = head.substr(line_end + 2);
  if (rest.size() > limits.header_bytes) return HeadTooLong(head, limits);
  Seen seen;
  size_t fields = 0;
  while (rest != kEnd) {
    const size_t end = rest.find(kEnd);
    const std::string_view line = rest.substr(0, end);
    rest.remove_prefix(end + 2);
    if (line.empty()) return Bad("bytes behind the end of the header");
    if (++fields > limits.header_fields) return HeadTooLong(head, limits);
    if (line.find_first_of(std::string_view("\r\n\0", 3)) != std::string_view::npos) {
      return Bad("a stray line end or NUL in the header");
    }
    if (auto problem = CheckField(line, seen)) return problem;
  }
  return CheckMeaning(seen, limits);
}

HeadProblem HeadTooLong(std::string_view bytes, const Limits& limits) {
  const size_t line_end = bytes.find(kEnd);
  if (line_end == std::string_view::npos || line_end > limits.target_bytes + 32) {
    return {414, "TARGET_TOO_LONG", "the address is too long"};
  }
  return {431, "HEADER_TOO_LARGE", "the header is too large"};
}

}  // namespace selftune::dashboard::http
