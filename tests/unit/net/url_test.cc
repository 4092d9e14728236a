#include <doctest/doctest.h>

#include "net/transport.h"

namespace selftune::net {
namespace {

TEST_CASE("a secret goes over https, or to this machine") {
  struct Row {
    const char* url;
    bool plain_allowed, fine, here;
  };
  const Row rows[] = {
      {"https://api.anthropic.com", false, true, false},
      {"https://models.example:8443/base", false, true, false},
      {"http://127.0.0.1:8080/v1", false, true, true},
      {"http://127.255.0.1", false, true, true},
      {"http://localhost:11434/v1", false, true, true},
      {"http://[::1]:8080", false, true, true},
      {"http://models.example", false, false, false},
      {"http://models.example", true, true, false},
      // What only looks like this machine.
      {"http://127.0.0.1.models.example", false, false, false},
      {"http://127.models.example.com", false, false, false},
      {"http://localhost.models.example", false, false, false},
      {"http://127.0.0.1@models.example", false, false, false},
      {"http://127.0.0.1:80\\@models.example", false, false, false},
      {"http://[::1].models.example", false, false, false},
      {"http://[::1]x", false, false, false},
      // What is no address.
      {"", true, false, false},
      {"models.example", true, false, false},
      {"https://", true, false, false},
      {"https:///path", true, false, false},
      {"file:///etc/passwd", true, false, false},
      {"https://user:key@models.example", true, false, false},
      {"https://models.example/\nx: y", true, false, false},
      {"https://models.example/a b", true, false, false},
      {"HTTPS://models.example", true, false, false},
  };
  for (const Row& row : rows) {
    CAPTURE(row.url);
    const Status status = CheckUrl(row.url, row.plain_allowed);
    CHECK(status.ok() == row.fine);
    if (!row.fine) CHECK(CodeOf(status).name == kInvalidConfig.name);
    CHECK(IsLoopback(row.url) == row.here);
  }
}

}  // namespace
}  // namespace selftune::net
