#include "dashboard/loopback.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <cstdlib>
#include <cstring>
#include <utility>

#include "dashboard/proof.h"

namespace selftune::dashboard {
namespace {

using std::chrono::steady_clock;

constexpr int kBacklog = 128;
constexpr int kTries = 16;          // to find a port that is free on both addresses
constexpr int kFirstInherited = 3;  // SD_LISTEN_FDS_START
constexpr size_t kLargestAnswer = 1 << 20;

class Descriptor {
 public:
  explicit Descriptor(int value) : value_(value) {}
  Descriptor(Descriptor&& other) noexcept : value_(std::exchange(other.value_, -1)) {}
  Descriptor& operator=(Descriptor&&) = delete;
  ~Descriptor() {
    if (value_ >= 0) close(value_);
  }
  [[nodiscard]] int get() const { return value_; }
  [[nodiscard]] int Release() { return std::exchange(value_, -1); }

 private:
  int value_;
};

sockaddr_in V4(int port) {
  sockaddr_in address = {};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<uint16_t>(port));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return address;
}

sockaddr_in6 V6(int port) {
  sockaddr_in6 address = {};
  address.sin6_family = AF_INET6;
  address.sin6_port = htons(static_cast<uint16_t>(port));
  address.sin6_addr = in6addr_loopback;
  return address;
}

// A listening socket, or -1 with errno.
template <typename Address>
int Listen(const Address& address, int family) {
  Descriptor socket_fd(socket(family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (socket_fd.get() < 0) return -1;
  const int on = 1;
  setsockopt(socket_fd.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  if (family == AF_INET6) setsockopt(socket_fd.get(), IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on);
  if (bind(socket_fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 ||
      listen(socket_fd.get(), kBacklog) != 0) {
    const int error = errno;
    close(socket_fd.Release());
    errno = error;
    return -1;
  }
  return socket_fd.Release();
}

// The port of a bound socket; 0 unless its address is 127.0.0.1 or ::1. *v4 says
// which. No other address of 127/8: links and programs go to that one.
int LoopbackPort(int socket_fd, bool* v4 = nullptr) {
  sockaddr_storage address = {};
  socklen_t size = sizeof address;
  if (getsockname(socket_fd, reinterpret_cast<sockaddr*>(&address), &size) != 0) return 0;
  if (v4 != nullptr) *v4 = address.ss_family == AF_INET;
  if (address.ss_family == AF_INET) {
    const auto& inet = reinterpret_cast<const sockaddr_in&>(address);
    return ntohl(inet.sin_addr.s_addr) == INADDR_LOOPBACK ? ntohs(inet.sin_port) : 0;
  }
  if (address.ss_family != AF_INET6) return 0;
  const auto& v6 = reinterpret_cast<const sockaddr_in6&>(address);
  return IN6_IS_ADDR_LOOPBACK(&v6.sin6_addr) ? ntohs(v6.sin6_port) : 0;
}

bool NoIpv6(int error) { return error == EADDRNOTAVAIL || error == EAFNOSUPPORT; }

Listening TryPort(int port) {
  Listening out;
  Descriptor v4(Listen(V4(port), AF_INET));
  if (v4.get() < 0) {
    out.taken = errno == EADDRINUSE;
    out.error = "listening on 127.0.0.1:" + std::to_string(port) + ": " + std::strerror(errno);
    return out;
  }
  out.port = LoopbackPort(v4.get());
  Descriptor v6(Listen(V6(out.port), AF_INET6));
  if (v6.get() < 0 && !NoIpv6(errno)) {
    out.taken = errno == EADDRINUSE;
    out.error = "listening on [::1]:" + std::to_string(out.port) + ": " + std::strerror(errno);
    return out;
  }
  out.sockets.push_back(v4.Release());
  if (v6.get() >= 0) out.sockets.push_back(v6.Release());
  return out;
}

bool WaitFor(int socket_fd, short what, steady_clock::time_point end) {
  for (;;) {
    const auto left =
        std::chrono::duration_cast<std::chrono::milliseconds>(end - steady_clock::now()).count();
    if (left <= 0) return false;
    pollfd wait = {.fd = socket_fd, .events = what, .revents = 0};
    const int ready = poll(&wait, 1, static_cast<int>(left));
    if (ready > 0) return true;
    if (ready == 0 || errno != EINTR) return false;
  }
}

bool SendAll(int socket_fd, std::string_view bytes, steady_clock::time_point end) {
  while (!bytes.empty()) {
    const ssize_t sent = send(socket_fd, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent > 0) {
      bytes.remove_prefix(static_cast<size_t>(sent));
    } else if (sent < 0 && errno != EAGAIN && errno != EINTR) {
      return false;
    } else if (!WaitFor(socket_fd, POLLOUT, end)) {
      return false;
    }
  }
  return true;
}

std::optional<std::string> ReadToEnd(int socket_fd, steady_clock::time_point end) {
  std::string out;
  char chunk[4096];
  while (out.size() < kLargestAnswer) {
    const ssize_t got = recv(socket_fd, chunk, sizeof chunk, 0);
    if (got == 0) return out;
    if (got > 0) {
      out.append(chunk, static_cast<size_t>(got));
    } else if (errno != EAGAIN && errno != EINTR) {
      return std::nullopt;
    } else if (!WaitFor(socket_fd, POLLIN, end)) {
      return std::nullopt;
    }
  }
  return std::nullopt;
}

// Nobody but the server can have written it: it answers the nonce of this very
// request with the token.
std::optional<Answer> ParseAnswer(std::string_view text, std::string_view token,
                                  std::string_view nonce) {
  constexpr std::string_view kVersion = "HTTP/1.1 ";
  const size_t head_end = text.find("\r\n\r\n");
  if (!text.starts_with(kVersion) || head_end == std::string_view::npos) return std::nullopt;
  Answer answer;
  const char* const from = text.data() + kVersion.size();
  if (std::from_chars(from, from + 3, answer.status).ec != std::errc()) return std::nullopt;
  answer.body = text.substr(head_end + 4);
  const std::string_view head = text.substr(0, head_end + 2);
  const std::string field = "\r\n" + std::string(kReplyProof) + ": ";
  const size_t at = head.find(field);
  if (at == std::string_view::npos) return std::nullopt;
  const size_t begin = at + field.size();
  const std::string_view proof = head.substr(begin, head.find("\r\n", begin) - begin);
  if (!SameSecret(proof, ProveReply(token, nonce, answer.status, answer.body))) return std::nullopt;
  return answer;
}

}  // namespace

Listening ListenOnLoopback(int port) {
  Listening out = TryPort(port);
  for (int i = 1; port == 0 && !out.error.empty() && i < kTries; ++i) out = TryPort(0);
  return out;
}

std::optional<Listening> InheritedSockets() {
  const char* const for_pid = std::getenv("LISTEN_PID");
  const char* const count_text = std::getenv("LISTEN_FDS");
  if (for_pid == nullptr || count_text == nullptr || std::atol(for_pid) != getpid()) {
    return std::nullopt;
  }
  Listening out;
  const long count = std::atol(count_text);
  if (count <= 0) return std::nullopt;
  bool any_v4 = false;
  for (int fd = kFirstInherited; fd < kFirstInherited + count; ++fd) {
    int listening = 0;
    socklen_t size = sizeof listening;
    const bool listens =
        getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listening, &size) == 0 && listening != 0;
    bool v4 = false;
    const int port = listens ? LoopbackPort(fd, &v4) : 0;
    any_v4 = any_v4 || v4;
    if (port == 0 || (out.port != 0 && port != out.port)) {
      out.error = "socket " + std::to_string(fd) +
                  " of the service manager does not listen on one port of 127.0.0.1 and ::1";
      return out;
    }
    fcntl(fd, F_SETFD, FD_CLOEXEC);
    fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
    out.port = port;
    out.sockets.push_back(fd);
  }
  if (!any_v4) {
    // Somebody else could take that address, and would get the links.
    out.error = "none of the sockets of the service manager listens on 127.0.0.1";
  }
  return out;
}

std::optional<Answer> AskDashboard(int port, std::string_view method, std::string_view path,
                                   std::string_view token, std::string_view body,
                                   std::chrono::milliseconds time) {
  const auto end = steady_clock::now() + time;
  Descriptor socket_fd(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (socket_fd.get() < 0) return std::nullopt;
  const sockaddr_in address = V4(port);
  if (connect(socket_fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 &&
      (errno != EINPROGRESS || !WaitFor(socket_fd.get(), POLLOUT, end))) {
    return std::nullopt;
  }
  const std::string origin = "127.0.0.1:" + std::to_string(port);
  const Proof proof = ProveRequest(token, {method, path, origin, body});
  std::string request = std::string(method) + " " + std::string(path) +
                        " HTTP/1.1\r\nHost: " + origin +
                        "\r\nAuthorization: " + std::string(kProofScheme) + " " + proof.Text() +
                        "\r\nConnection: close\r\n";
  if (method != "GET") {
    request += "Origin: http://" + origin + "\r\nX-Selftune: 1\r\nContent-Type: application/json" +
               "\r\nContent-Length: " + std::to_string(body.size()) + "\r\n";
  }
  request += "\r\n" + std::string(body);
  if (!SendAll(socket_fd.get(), request, end)) return std::nullopt;
  const std::optional<std::string> text = ReadToEnd(socket_fd.get(), end);
  return text.has_value() ? ParseAnswer(*text, token, proof.nonce) : std::nullopt;
}

}  // namespace selftune::dashboard
