// The HTTP server with a feed and a handler of the test's own.
#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include <doctest/doctest.h>

#include "dashboard/http/server.h"
#include "dashboard/loopback.h"

namespace selftune::dashboard {
namespace {

using std::chrono::milliseconds;

constexpr size_t kFrame = 1 << 20;

// As many large frames as are taken.
class Endless : public http::Feed {
 public:
  std::vector<Frame> Take(uint64_t* cursor) override {
    if (*cursor >= available) return {};
    ++*cursor;
    ++taken;
    return {std::make_shared<const std::string>(kFrame, 'x')};
  }
  uint64_t available = 0;  // on the loop
  std::atomic<int> taken = 0;
};

int Connect(int port) {
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address = {};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<uint16_t>(port));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  REQUIRE(connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0);
  return fd;
}

void Ask(int fd, const std::string& path) {
  const std::string request = "GET " + path + " HTTP/1.1\r\nHost: a\r\n\r\n";
  REQUIRE(send(fd, request.data(), request.size(), MSG_NOSIGNAL) ==
          static_cast<ssize_t>(request.size()));
}

bool Hears(int fd, std::string_view text) {
  std::string said;
  char chunk[4096];
  ssize_t got = 0;
  while (said.find(text) == std::string::npos && (got = recv(fd, chunk, sizeof chunk, 0)) > 0) {
    said.append(chunk, static_cast<size_t>(got));
  }
  return said.find(text) != std::string::npos;
}

TEST_SUITE("dashboard/server") {
  TEST_CASE("a stream that is not read takes no more than its socket, and is ended") {
    Listening sockets = ListenOnLoopback(0);
    REQUIRE(sockets.error.empty());
    Endless feed;
    http::Server::Options options;
    options.limits.write_time = milliseconds(1500);
    options.listeners = sockets.sockets;
    options.feed = &feed;
    options.handle = [](const http::Request& request, const http::Server::Respond& respond) {
      http::Response response;
      response.stream = request.path == "/stream";
      response.known = true;
      response.body = "hello";
      respond(std::move(response));
    };
    options.refuse = [](int status, std::string_view, std::string_view) {
      http::Response response;
      response.status = status;
      return response;
    };
    http::Server server(std::move(options));
    std::thread loop([&] { server.Run(); });

    const int stuck = Connect(sockets.port);
    Ask(stuck, "/stream");
    REQUIRE(Hears(stuck, "hello"));
    constexpr int kMany = 400;
    std::atomic<int> woken = 0;
    for (int i = 0; i < kMany; ++i) {
      server.Post([&] {
        ++feed.available;
        server.WakeStreams();
        ++woken;
      });
    }
    // Another client is answered all the while.
    const int other = Connect(sockets.port);
    Ask(other, "/");
    CHECK(Hears(other, "hello"));
    while (woken < kMany) std::this_thread::yield();
    // What the socket holds, and what is on its way: not what there is.
    CHECK(feed.taken < kMany / 4);
    std::atomic<size_t> streams = 1;
    while (streams > 0) {
      server.Post([&] { streams = server.streams(); });
      std::this_thread::sleep_for(milliseconds(20));
    }
    CHECK(feed.taken < kMany / 4);
    Ask(other, "/");
    CHECK(Hears(other, "hello"));
    server.Post([&] { server.Stop(milliseconds(100)); });
    loop.join();
    close(stuck);
    close(other);
  }
}

}  // namespace
}  // namespace selftune::dashboard
