#include <doctest/doctest.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdint>

#include "net/ports.h"

namespace selftune::net {
namespace {

// A socket on a port that the system chooses.
class Socket {
 public:
  explicit Socket(uint32_t address) : fd_(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    const int on = 1;  // as servers do
    REQUIRE(setsockopt(fd_, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) == 0);
    sockaddr_in any = {};
    any.sin_family = AF_INET;
    any.sin_addr.s_addr = htonl(address);
    REQUIRE(bind(fd_, reinterpret_cast<const sockaddr*>(&any), sizeof any) == 0);
    socklen_t size = sizeof any;
    REQUIRE(getsockname(fd_, reinterpret_cast<sockaddr*>(&any), &size) == 0);
    port_ = ntohs(any.sin_port);
  }
  Socket(const Socket&) = delete;
  Socket& operator=(const Socket&) = delete;
  ~Socket() { Close(); }
  void Listen() const { REQUIRE(listen(fd_, 1) == 0); }
  void Close() {
    if (fd_ >= 0) close(fd_);
    fd_ = -1;
  }
  [[nodiscard]] int fd() const { return fd_; }
  [[nodiscard]] int port() const { return port_; }

 private:
  int fd_;
  int port_ = 0;
};

TEST_CASE("a port is taken while somebody listens on it, and nobody is bothered") {
  constexpr uint32_t kAddresses[] = {INADDR_LOOPBACK, INADDR_ANY};
  for (const uint32_t address : kAddresses) {
    CAPTURE(address);
    Socket server(address);
    server.Listen();
    CHECK(PortIsTaken(server.port()));
    CHECK(PortIsTaken(server.port()));
    pollfd connected = {.fd = server.fd(), .events = POLLIN, .revents = 0};
    CHECK(poll(&connected, 1, 0) == 0);
    server.Close();
    CHECK_FALSE(PortIsTaken(server.port()));
  }
}

TEST_CASE("a connection that has ended takes no port") {
  Socket server(INADDR_LOOPBACK);
  server.Listen();
  const Socket client(INADDR_LOOPBACK);
  sockaddr_in to = {};
  to.sin_family = AF_INET;
  to.sin_port = htons(static_cast<uint16_t>(server.port()));
  to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  REQUIRE(connect(client.fd(), reinterpret_cast<const sockaddr*>(&to), sizeof to) == 0);
  const int accepted = accept4(server.fd(), nullptr, nullptr, SOCK_CLOEXEC);
  REQUIRE(accepted >= 0);
  CHECK(PortIsTaken(server.port()));
  close(accepted);  // first, so that TIME_WAIT is on the server's side
  server.Close();
  CHECK_FALSE(PortIsTaken(server.port()));
}

TEST_CASE("a port that is none is not taken") {
  CHECK_FALSE(PortIsTaken(0));  // any free one
}

}  // namespace
}  // namespace selftune::net
