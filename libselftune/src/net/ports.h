// Which ports of this machine are taken. From any thread.
#pragma once

namespace selftune::net {

// Whether a program of this machine listens on a TCP port of 127.0.0.1 or ::1, so that
// nobody else can. Nothing is sent to it. An address that the machine does not have, and a
// port that the system keeps from this user, say nothing.
[[nodiscard]] bool PortIsTaken(int port);

}  // namespace selftune::net
