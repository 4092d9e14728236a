#include "hooks/head_log.h"

#include <algorithm>
#include <optional>
#include <string>
#include <string_view>

namespace selftune::hooks {

bool IsSha(std::string_view text) {
  return (text.size() == 40 || text.size() == 64) &&
         text.find_first_not_of("0123456789abcdef") == text.npos;
}

std::string Cut(std::string_view text, size_t most) {
  if (text.size() <= most) return std::string(text);
  while (most > 0 && (static_cast<unsigned char>(text[most]) & 0xc0) == 0x80) --most;
  return std::string(text.substr(0, most));
}

std::optional<std::string> TitleOf(std::string_view message) {
  const size_t colon = message.find(": ");
  if (colon == message.npos) return std::nullopt;
  const std::string_view what = message.substr(0, colon);
  std::string_view title = message.substr(colon + 2);
  const std::string_view verb = what.substr(0, what.find(' '));
  const bool merge = verb == "merge" || verb == "pull";
  if (merge && title.starts_with("Fast-forward")) return std::nullopt;
  if (verb == "rebase" || (verb == "pull" && what.find("--rebase") != what.npos)) {
    // A pick makes somebody's commit anew; who wrote it is not known here.
    for (const std::string_view step : {"(start)", "(finish)", "(abort)", "(pick)"}) {
      if (what.ends_with(step)) return std::nullopt;
    }
  } else if (merge) {
    title = what;
  } else if (verb != "commit" && verb != "cherry-pick" && verb != "revert" && verb != "am") {
    return std::nullopt;
  }
  return Cut(title, kMaxTitle);
}

std::optional<std::string> LeftBranch(std::string_view message) {
  constexpr std::string_view kMark = "checkout: moving from ";
  if (!message.starts_with(kMark)) return std::nullopt;
  const std::string_view rest = message.substr(kMark.size());
  const std::string_view name = rest.substr(0, rest.find(' '));
  return IsSha(name) || name.size() > kMaxName ? std::string() : std::string(name);
}

std::string WithoutUser(std::string_view url) {
  const size_t scheme = url.find("://");
  if (scheme == url.npos) return std::string(url);
  const size_t begin = scheme + 3;
  const size_t slash = std::min(url.find('/', begin), url.size());
  const size_t at = url.substr(0, slash).rfind('@');
  if (at == url.npos || at < begin) return std::string(url);
  return std::string(url.substr(0, begin)) + std::string(url.substr(at + 1));
}

}  // namespace selftune::hooks
