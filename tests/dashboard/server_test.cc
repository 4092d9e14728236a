// The HTTP server with a feed and a handler of the test's own.
#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <functional>
#include <future>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <utility>
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
      request.keep_place();
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

// The server with a handler of the test's own, on a thread.
class Running {
 public:
  Running(const http::Limits& limits,
          std::function<void(const http::Request&, const http::Server::Respond&)> handle)
      : sockets_(ListenOnLoopback(0)), server_(ServerOptions(limits, std::move(handle))) {
    REQUIRE(sockets_.error.empty());
    loop_ = std::thread([this] { server_.Run(); });
  }
  ~Running() {
    server_.Post([this] { server_.Stop(milliseconds(100)); });
    loop_.join();
    for (const int each : clients_) close(each);
  }
  Running(const Running&) = delete;
  Running& operator=(const Running&) = delete;

  int Client() {
    const int fd = Connect(sockets_.port);
    const timeval patience = {.tv_sec = 20, .tv_usec = 0};
    REQUIRE(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience) == 0);
    clients_.push_back(fd);
    return fd;
  }
  // The loop does nothing else meanwhile, and so long after it.
  template <typename Work>
  void WhileBusy(milliseconds least, const Work& work) {
    std::promise<void> begun;
    std::promise<void> done;
    server_.Post([&begun, least, wait = done.get_future().share()] {
      begun.set_value();
      wait.wait();
      std::this_thread::sleep_for(least);
    });
    begun.get_future().wait();
    work();
    done.set_value();
  }

 private:
  http::Server::Options ServerOptions(
      const http::Limits& limits,
      std::function<void(const http::Request&, const http::Server::Respond&)> handle) {
    http::Server::Options options;
    options.limits = limits;
    options.listeners = sockets_.sockets;
    options.feed = &feed_;
    options.handle = std::move(handle);
    options.refuse = [](int status, std::string_view code, std::string_view) {
      http::Response response;
      response.status = status;
      response.body = code;
      return response;
    };
    return options;
  }

  Endless feed_;
  Listening sockets_;
  http::Server server_;
  std::thread loop_;
  std::vector<int> clients_;
};

void Say(int fd, const std::string& text) {
  REQUIRE(send(fd, text.data(), text.size(), MSG_NOSIGNAL) == static_cast<ssize_t>(text.size()));
}

// The other side has closed, having said nothing.
bool IsClosed(int fd) {
  char byte = 0;
  return recv(fd, &byte, 1, 0) == 0;
}

TEST_SUITE("dashboard/server limits") {
  // The time runs out while a read is done whose turn has not come: nothing is
  // left to cancel, and the reads behind it have to end all the same.
  TEST_CASE("the time of a request runs out, whatever the loop was busy with") {
    http::Limits limits;
    limits.request_time = milliseconds(400);
    Running running(limits, [](const http::Request&, const http::Server::Respond& respond) {
      respond({.body = "answered"});
    });
    const std::string head = "POST / HTTP/1.1\r\nHost: a\r\n";
    for (const std::string& begin : {head + "X: ", head + "Content-Length: 60000\r\n\r\n"}) {
      CAPTURE(begin);
      const int fd = running.Client();
      Say(fd, begin);
      std::this_thread::sleep_for(milliseconds(50));  // the limit is running
      running.WhileBusy(limits.request_time, [&] { Say(fd, std::string(12'000, 'x')); });
      CHECK(Hears(fd, "REQUEST_TIMEOUT"));
    }
  }

  TEST_CASE("in a full house nobody goes whose request is being worked on") {
    http::Limits limits;
    limits.connections = 3;
    std::mutex mutex;
    std::vector<http::Server::Respond> held;
    const auto holds = [&] {
      const std::scoped_lock lock(mutex);
      return held.size();
    };
    Running running(limits,
                    [&](const http::Request& request, const http::Server::Respond& respond) {
                      if (request.path == "/friend") request.keep_place();
                      const std::scoped_lock lock(mutex);
                      held.push_back(respond);
                    });
    const int friendly = running.Client();
    Ask(friendly, "/friend");
    while (holds() < 1) std::this_thread::yield();
    const int stranger = running.Client();
    Ask(stranger, "/stranger");
    while (holds() < 2) std::this_thread::yield();
    // Each newcomer takes the place of the silent one before it.
    int silent = running.Client();
    for (int i = 0; i < 5; ++i) {
      const int next = running.Client();
      CHECK(IsClosed(silent));
      silent = next;
    }
    // Nor when there is nobody else.
    Ask(silent, "/stranger");
    while (holds() < 3) std::this_thread::yield();
    CHECK(Hears(running.Client(), "TOO_MANY_CONNECTIONS"));
    for (const http::Server::Respond& respond : held) respond({.body = "answered"});
    CHECK(Hears(friendly, "answered"));
    CHECK(Hears(stranger, "answered"));
    CHECK(Hears(silent, "answered"));
  }

  TEST_CASE("who has shown that it may ask stays when it is silent again") {
    http::Limits limits;
    limits.connections = 2;
    Running running(limits, [](const http::Request& request, const http::Server::Respond& respond) {
      if (request.path == "/friend") request.keep_place();
      respond({.body = "answered"});
    });
    const int friendly = running.Client();
    Ask(friendly, "/friend");
    CHECK(Hears(friendly, "answered"));
    const int stranger = running.Client();
    Ask(stranger, "/");
    CHECK(Hears(stranger, "answered"));
    (void)running.Client();
    CHECK(IsClosed(stranger));
    Ask(friendly, "/friend");
    CHECK(Hears(friendly, "answered"));
  }
}

}  // namespace
}  // namespace selftune::dashboard
