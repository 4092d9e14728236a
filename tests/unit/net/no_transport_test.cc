#include <doctest/doctest.h>

#include "net/transport.h"

namespace selftune::net {
namespace {

TEST_CASE("a build without the HTTP client says so") {
  const auto transport = SharedTransport();
  REQUIRE(!transport.ok());
  CHECK(CodeOf(transport.status()).name == kApiFailed.name);
  CHECK(Message(transport.status()).find("no HTTP client") != std::string_view::npos);
}

}  // namespace
}  // namespace selftune::net
