// Which requests are heard at all: rules against hostile pages (dashboard B1).
// Pure functions of a request.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "dashboard/http/message.h"

namespace selftune::dashboard {

struct Refusal {
  int status = 403;
  std::string_view code;  // "WRONG_HOST"
  std::string detail;
};

// The Host field names this server: localhost, 127.0.0.1 or [::1] with its
// port. Anything else may be another site's name that points here.
[[nodiscard]] std::optional<Refusal> CheckHost(const http::Request& request, int port);

enum class Target { kApi, kAsset };

// No other site asks: Origin, when sent, is ours, Sec-Fetch-Site is same-origin
// or none. A page may be opened from elsewhere (a link), but nothing of it read.
[[nodiscard]] std::optional<Refusal> CheckSite(const http::Request& request, int port,
                                               Target target);

// What a form, an image or a simple request of another site cannot send.
// `unsafe` methods only.
[[nodiscard]] std::optional<Refusal> CheckUnsafe(const http::Request& request, int port);

// Percent-decodes a path into its segments: "/a/b%20c" is {"a", "b c"}; nullopt
// for broken encodings, control characters, empty, "." and ".." segments, and
// backslashes. "/" is {}.
[[nodiscard]] std::optional<std::vector<std::string>> SplitPath(std::string_view path);

// name=value pairs; nullopt for broken encodings, control characters and a name
// that comes twice.
[[nodiscard]] std::optional<std::vector<http::Header>> SplitQuery(std::string_view query);

}  // namespace selftune::dashboard
