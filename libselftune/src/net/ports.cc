#include "net/ports.h"

#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>

namespace selftune::net {
namespace {

// The system is asked by taking the port for an instant: /proc/net/tcp takes as long as the
// table of all connections is large, milliseconds on many a machine. Without listen() nobody
// can connect; SO_REUSEADDR overlooks connections that have ended, not one who listens.
template <typename Address>
bool CannotBind(int family, const Address& address) {
  const int socket_fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (socket_fd < 0) return false;
  const int on = 1;
  setsockopt(socket_fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  if (family == AF_INET6) setsockopt(socket_fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on);
  const bool taken =
      bind(socket_fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 &&
      errno == EADDRINUSE;
  close(socket_fd);
  return taken;
}

}  // namespace

bool PortIsTaken(int port) {
  sockaddr_in v4 = {};
  v4.sin_family = AF_INET;
  v4.sin_port = htons(static_cast<uint16_t>(port));
  v4.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  sockaddr_in6 v6 = {};
  v6.sin6_family = AF_INET6;
  v6.sin6_port = v4.sin_port;
  v6.sin6_addr = in6addr_loopback;
  return CannotBind(AF_INET, v4) || CannotBind(AF_INET6, v6);
}

}  // namespace selftune::net
