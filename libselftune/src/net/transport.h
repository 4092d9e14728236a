// One HTTP request and its reply, behind an interface: a build may leave the
// network out, and nothing above this knows how bytes travel.
#pragma once

#include <chrono>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/cancel.h"
#include "base/error.h"

namespace selftune::net {

struct HttpPost {
  std::string url;
  std::vector<std::string> headers;  // "name: value"; may hold a secret, never logged
  std::string body;
  std::chrono::milliseconds timeout{0};  // of the whole exchange, above 0
  // As in the variables https_proxy and no_proxy; "" = none. Not used for
  // addresses of this machine.
  std::string proxy, no_proxy;
  const base::Cancel* cancel = nullptr;
};

struct HttpReply {
  int status = 0;
  std::map<std::string, std::string, std::less<>> headers;  // names in lower case
  std::string body;
};

// Thread-safe.
class Transport {
 public:
  virtual ~Transport() = default;
  // Whatever status comes back is a reply; redirects are not followed, since the
  // secret in the headers would go along. TIMEOUT, CANCELLED,
  // BACKEND_UNAVAILABLE when nobody answers, API_ERROR for a reply that is too
  // large or a certificate that does not hold.
  [[nodiscard]] virtual StatusOr<HttpReply> Post(const HttpPost& post) = 0;
};

// Whether this build has an HTTP client; libcurl itself is looked for on first use.
[[nodiscard]] bool HasClient();

// The one of this process. API_ERROR when this build has no network or the
// system lacks libcurl.
[[nodiscard]] StatusOr<Transport*> SharedTransport();

// Is it an address that a secret may be sent to? https, or plain http on this
// machine, elsewhere only with `allow_insecure`. INVALID_CONFIG.
[[nodiscard]] Status CheckUrl(std::string_view url, bool allow_insecure);
// Plain http to an address that never leaves this machine.
[[nodiscard]] bool IsLoopback(std::string_view url);

}  // namespace selftune::net
