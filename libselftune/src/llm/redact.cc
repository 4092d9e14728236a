#include "llm/redact.h"

#include <algorithm>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/strings.h"
#include "llm/fence.h"

namespace selftune::llm {
namespace {

bool IsAlnum(char c) {
  const char lower = base::ToLower(c);
  return (lower >= 'a' && lower <= 'z') || (c >= '0' && c <= '9');
}

bool IsTokenChar(char c) { return IsAlnum(c) || c == '_' || c == '-'; }

// A token starts where a word does: "task-..." holds no "sk-" key.
bool StartsToken(std::string_view text, size_t at) { return at == 0 || !IsTokenChar(text[at - 1]); }

// End of the run of token characters from `at`.
size_t RunEnd(std::string_view text, size_t at) {
  while (at < text.size() && IsTokenChar(text[at])) ++at;
  return at;
}

// A prefixed token with at least `least` characters behind its prefix.
std::optional<size_t> Prefixed(std::string_view text, size_t at, std::string_view prefix,
                               size_t least) {
  if (!text.substr(at).starts_with(prefix)) return std::nullopt;
  const size_t end = RunEnd(text, at + prefix.size());
  return end - at - prefix.size() >= least ? std::optional(end) : std::nullopt;
}

std::optional<size_t> GithubToken(std::string_view text, size_t at) {
  if (const auto end = Prefixed(text, at, "github_pat_", 0)) return end;
  if (at + 4 > text.size() || text[at] != 'g' || text[at + 1] != 'h' || text[at + 3] != '_' ||
      std::string_view("pousr").find(text[at + 2]) == std::string_view::npos) {
    return std::nullopt;
  }
  const size_t end = RunEnd(text, at + 4);
  return end - at - 4 >= 30 ? std::optional(end) : std::nullopt;
}

std::optional<size_t> AwsKey(std::string_view text, size_t at) {
  if (!text.substr(at).starts_with("AKIA") || at + 20 > text.size()) return std::nullopt;
  const std::string_view rest = text.substr(at + 4, 16);
  const bool fits = std::all_of(rest.begin(), rest.end(), [](char c) {
    return (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
  });
  return fits ? std::optional(RunEnd(text, at + 20)) : std::nullopt;
}

std::optional<size_t> SlackToken(std::string_view text, size_t at) {
  const bool fits = at + 5 <= text.size() && text.substr(at, 3) == "xox" && text[at + 4] == '-' &&
                    std::string_view("abprs").find(text[at + 3]) != std::string_view::npos;
  return fits ? std::optional(RunEnd(text, at + 5)) : std::nullopt;
}

// header.payload.signature, the header being base64 of a JSON object.
std::optional<size_t> WebToken(std::string_view text, size_t at) {
  constexpr size_t kLeastHeader = 8;
  constexpr size_t kLeastPart = 4;
  if (!text.substr(at).starts_with("eyJ")) return std::nullopt;
  size_t end = RunEnd(text, at);
  if (end - at < kLeastHeader) return std::nullopt;
  for (int part = 0; part < 2; ++part) {
    if (end == text.size() || text[end] != '.') return std::nullopt;
    const size_t begin = end + 1;
    end = RunEnd(text, begin);
    if (end - begin < kLeastPart) return std::nullopt;
  }
  return end;
}

// From "-----BEGIN ... PRIVATE KEY-----" to its end line, or to the end.
std::optional<size_t> PrivateKey(std::string_view text, size_t at) {
  constexpr std::string_view kBegin = "-----BEGIN ";
  constexpr std::string_view kName = "PRIVATE KEY";
  constexpr size_t kLongestHeader = 60;
  if (!text.substr(at).starts_with(kBegin)) return std::nullopt;
  const std::string_view rest = text.substr(at + kBegin.size(), kLongestHeader);
  const std::string_view header = rest.substr(0, rest.find('\n'));
  if (header.find(kName) == std::string_view::npos) return std::nullopt;
  const size_t tail = text.find("-----END ", at);
  if (tail == std::string_view::npos) return text.size();
  const size_t close = text.find("-----", tail + 9);
  return close == std::string_view::npos ? text.size() : close + 5;
}

struct Rule {
  std::string_view kind;
  std::optional<size_t> (*match)(std::string_view text, size_t at);
};

constexpr Rule kRules[] = {
    {"api_key", [](std::string_view text, size_t at) { return Prefixed(text, at, "sk-", 20); }},
    {"github_token", GithubToken},
    {"aws_key", AwsKey},
    {"slack_token", SlackToken},
    {"web_token", WebToken},
};

bool IsEmailChar(char c) {
  return IsAlnum(c) || c == '.' || c == '_' || c == '%' || c == '+' || c == '-';
}

// The address around the '@' at `at`, if it is one.
std::optional<SecretSpan> EmailAt(std::string_view text, size_t at, size_t not_before) {
  size_t begin = at;
  while (begin > not_before && IsEmailChar(text[begin - 1])) --begin;
  size_t end = at + 1;
  size_t last_dot = 0;
  while (end < text.size() && (IsAlnum(text[end]) || text[end] == '.' || text[end] == '-')) {
    if (text[end] == '.') last_dot = end;
    ++end;
  }
  while (end > at + 1 && !IsAlnum(text[end - 1])) --end;
  if (last_dot >= end) last_dot = text.substr(0, end).rfind('.');
  if (begin == at || last_dot == std::string_view::npos || last_dot <= at + 1 ||
      end - last_dot < 3) {
    return std::nullopt;
  }
  return SecretSpan{begin, end, "email"};
}

std::vector<SecretSpan> FindEmails(std::string_view text) {
  std::vector<SecretSpan> out;
  size_t from = 0;
  for (size_t at = text.find('@'); at != std::string_view::npos; at = text.find('@', at + 1)) {
    if (const auto span = EmailAt(text, at, from)) {
      out.push_back(*span);
      from = span->end;
      at = span->end - 1;
    }
  }
  return out;
}

std::string Replace(std::string_view text, const std::vector<SecretSpan>& spans, bool secrets) {
  std::string out;
  out.reserve(text.size());
  size_t from = 0;
  for (const SecretSpan& span : spans) {
    out.append(text.substr(from, span.begin - from));
    out.append(secrets ? "[secret:" : "[").append(span.kind).append("]");
    from = span.end;
  }
  out.append(text.substr(from));
  return out;
}

// The home directory as a whole path prefix becomes "~".
std::string HideHome(std::string_view text, std::string_view home) {
  while (home.size() > 1 && home.back() == '/') home.remove_suffix(1);
  if (home.size() < 2) return std::string(text);
  std::string out;
  size_t from = 0;
  for (size_t at = text.find(home); at != std::string_view::npos; at = text.find(home, at + 1)) {
    const size_t end = at + home.size();
    const bool whole_end = end == text.size() || !(IsTokenChar(text[end]) || text[end] == '.');
    const bool whole_begin = at == 0 || !(IsTokenChar(text[at - 1]) || text[at - 1] == '.');
    if (at < from || !whole_begin || !whole_end) continue;
    out.append(text.substr(from, at - from)).append("~");
    from = end;
  }
  return out.append(text.substr(from));
}

bool IsAscii(std::string_view text) {
  return std::all_of(text.begin(), text.end(),
                     [](char c) { return static_cast<unsigned char>(c) < 0x80; });
}

// As the bytes are.
std::string RedactBytes(std::string_view text, const RedactOptions& options) {
  std::string out = Replace(text, FindSecrets(text), /*secrets=*/true);
  if (options.emails) out = Replace(out, FindEmails(out), /*secrets=*/false);
  return options.home.empty() ? out : HideHome(out, options.home);
}

}  // namespace

std::vector<SecretSpan> FindSecrets(std::string_view text) {
  std::vector<SecretSpan> out;
  size_t i = 0;
  while (i < text.size()) {
    std::optional<size_t> end;
    std::string_view kind;
    if (text[i] == '-') {
      end = PrivateKey(text, i);
      kind = "private_key";
    } else if (IsAlnum(text[i]) && StartsToken(text, i)) {
      for (const Rule& rule : kRules) {
        end = rule.match(text, i);
        kind = rule.kind;
        if (end) break;
      }
    }
    if (!end) {
      ++i;
      continue;
    }
    out.push_back({i, *end, kind});
    i = *end;
  }
  return out;
}

bool HasSecret(std::string_view text) {
  if (!FindSecrets(text).empty()) return true;
  // Characters that nobody sees do not make another text of it.
  return !IsAscii(text) && !FindSecrets(NormalizeUntrusted(text)).empty();
}

std::string Redact(std::string_view text, const RedactOptions& options) {
  std::string out = RedactBytes(text, options);
  if (IsAscii(out)) return out;
  // Who reads it, a prompt among them, gets it without what nobody sees.
  const std::string seen = NormalizeUntrusted(out);
  std::string again = RedactBytes(seen, options);
  return again == seen ? out : again;
}

}  // namespace selftune::llm
