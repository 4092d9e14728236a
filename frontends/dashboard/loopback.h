// Sockets on this machine only: listening ones, and one request to another
// dashboard process.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace selftune::dashboard {

struct Listening {
  std::vector<int> sockets;  // 127.0.0.1 and, where there is IPv6, ::1
  int port = 0;
  bool taken = false;  // somebody else listens there
  std::string error;   // "" = fine
};

// `port` 0: any that is free on both addresses.
[[nodiscard]] Listening ListenOnLoopback(int port);

// Sockets handed over by a service manager (LISTEN_PID, LISTEN_FDS); nullopt
// when there are none. An error when one of them is not a listening TCP socket
// of 127.0.0.1 or ::1, or none is of 127.0.0.1.
[[nodiscard]] std::optional<Listening> InheritedSockets();

struct Answer {
  int status = 0;
  std::string body;
};

// One request to 127.0.0.1:port, with a proof that this program knows the token;
// the token itself is not sent, for a stranger may listen there. nullopt when
// nobody who knows it answers in time. `body` "" sends none.
[[nodiscard]] std::optional<Answer> AskDashboard(int port, std::string_view method,
                                                 std::string_view path, std::string_view token,
                                                 std::string_view body,
                                                 std::chrono::milliseconds time);

}  // namespace selftune::dashboard
