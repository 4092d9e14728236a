#include <algorithm>
#include <string_view>

#include "base/strings.h"
#include "net/transport.h"

namespace selftune::net {
namespace {

constexpr std::string_view kSecure = "https://";
constexpr std::string_view kPlain = "http://";

// Host and port; "" for what two readers of an address could take differently
// (a name before "@", a backslash, control characters).
std::string_view AuthorityOf(std::string_view url) {
  url.remove_prefix(url.starts_with(kSecure) ? kSecure.size() : kPlain.size());
  const std::string_view authority = url.substr(0, url.find_first_of("/?#"));
  const bool plain = std::all_of(authority.begin(), authority.end(), [](char c) {
    const char low = base::ToLower(c);
    return (low >= 'a' && low <= 'z') || (c >= '0' && c <= '9') ||
           std::string_view(".-_:[]").find(c) != std::string_view::npos;
  });
  return plain ? authority : std::string_view();
}

bool IsLoopbackV4(std::string_view host) {
  const auto parts = base::Split(host, '.');
  return parts.size() == 4 && parts.front() == "127" &&
         std::all_of(parts.begin(), parts.end(), [](std::string_view part) {
           return !part.empty() && part.size() <= 3 &&
                  std::all_of(part.begin(), part.end(),
                              [](char c) { return c >= '0' && c <= '9'; });
         });
}

}  // namespace

bool IsLoopback(std::string_view url) {
  if (!url.starts_with(kPlain)) return false;
  const std::string_view authority = AuthorityOf(url);
  if (authority == "[::1]" || authority.starts_with("[::1]:")) return true;
  const std::string_view host = authority.substr(0, authority.find(':'));
  return host == "localhost" || IsLoopbackV4(host);
}

Status CheckUrl(std::string_view url, bool allow_insecure) {
  const bool plain = url.starts_with(kPlain);
  if (!plain && !url.starts_with(kSecure)) {
    return Fail(kInvalidConfig, "the address of the model has to begin with https://");
  }
  const bool printable =
      std::all_of(url.begin(), url.end(), [](char c) { return c > 0x20 && c < 0x7f; });
  if (!printable || AuthorityOf(url).empty()) {
    return Fail(kInvalidConfig, "the address of the model is no host and path");
  }
  if (plain && !allow_insecure && !IsLoopback(url)) {
    return WithSuggestion(
        Fail(kInvalidConfig, "http:// would send the key of the model in the open"),
        "use https://, or set api.allow_insecure where the network is yours", "");
  }
  return absl::OkStatus();
}

}  // namespace selftune::net
