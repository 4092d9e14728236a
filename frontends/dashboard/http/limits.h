// What a client may ask of the server (dashboard B1.8).
#pragma once

#include <chrono>
#include <cstddef>

namespace selftune::dashboard::http {

struct Limits {
  size_t body_bytes = 64 * 1024;
  size_t header_bytes = 16 * 1024;  // all fields together
  size_t target_bytes = 4 * 1024;
  size_t header_fields = 100;
  size_t connections = 64;
  size_t streams = 16;  // of the connections
  // A request has to be complete this long after its first byte.
  std::chrono::milliseconds request_time{10'000};
  // A connection that has said nothing yet, and one between two requests.
  std::chrono::milliseconds first_byte_time{10'000};
  std::chrono::milliseconds idle_time{60'000};
  // A client has to take a response, or the next events, in this time.
  std::chrono::milliseconds write_time{30'000};
};

}  // namespace selftune::dashboard::http
