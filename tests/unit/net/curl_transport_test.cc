// Against a server in this process: what goes out, what comes back, what ends it.
#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <chrono>
#include <functional>
#include <string>
#include <thread>
#include <utility>

#include <doctest/doctest.h>

#include "net/transport.h"

namespace selftune::net {
namespace {

using std::chrono::milliseconds;

// Takes one connection, reads a request whole, answers with `reply` and closes.
class OneReply {
 public:
  explicit OneReply(std::string reply, std::function<void()> before_reply = {})
      : reply_(std::move(reply)), before_(std::move(before_reply)) {
    listener_ = socket(AF_INET, SOCK_STREAM, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    auto* const raw = reinterpret_cast<sockaddr*>(&address);
    REQUIRE(bind(listener_, raw, size) == 0);
    REQUIRE(listen(listener_, 1) == 0);
    REQUIRE(getsockname(listener_, raw, &size) == 0);
    port_ = ntohs(address.sin_port);
    thread_ = std::thread([this] { Serve(); });
  }
  ~OneReply() { Join(); }
  OneReply(const OneReply&) = delete;
  OneReply& operator=(const OneReply&) = delete;

  [[nodiscard]] std::string Url(const std::string& path = "/v1/messages") const {
    return "http://127.0.0.1:" + std::to_string(port_) + path;
  }
  // What was asked; after the exchange.
  const std::string& request() {
    Join();
    return request_;
  }

 private:
  void Join() {
    if (!thread_.joinable()) return;
    thread_.join();
    close(listener_);
  }
  [[nodiscard]] bool IsWhole() const {
    const size_t end = request_.find("\r\n\r\n");
    if (end == std::string::npos) return false;
    const size_t at = request_.find("Content-Length: ");
    const size_t length = at == std::string::npos ? 0 : std::stoul(request_.substr(at + 16));
    return request_.size() >= end + 4 + length;
  }
  void Serve() {
    const int connection = accept(listener_, nullptr, nullptr);
    if (connection < 0) return;
    char bytes[4096];
    while (!IsWhole()) {
      const ssize_t got = recv(connection, bytes, sizeof bytes, 0);
      if (got <= 0) break;
      request_.append(bytes, static_cast<size_t>(got));
    }
    if (before_) before_();
    size_t sent = 0;
    while (sent < reply_.size()) {
      const ssize_t more =
          send(connection, reply_.data() + sent, reply_.size() - sent, MSG_NOSIGNAL);
      if (more <= 0) break;
      sent += static_cast<size_t>(more);
    }
    close(connection);
  }

  std::string reply_;
  std::function<void()> before_;
  std::string request_;
  int listener_ = -1, port_ = 0;
  std::thread thread_;
};

HttpPost To(const std::string& url) {
  HttpPost post;
  post.url = url;
  post.headers = {"content-type: application/json", "x-api-key: secret", "expect:"};
  post.body = R"({"model":"m"})";
  post.timeout = milliseconds(20'000);
  return post;
}

StatusOr<HttpReply> Send(const HttpPost& post) {
  const auto transport = SharedTransport();
  REQUIRE(transport.ok());
  return (*transport)->Post(post);
}

TEST_CASE("a reply comes back with its status, headers in lower case and body") {
  OneReply server("HTTP/1.1 529 Overloaded\r\nRetry-After: 3\r\nContent-Length: 4\r\n\r\nbusy");
  const auto reply = Send(To(server.Url()));
  REQUIRE(reply.ok());
  CHECK(reply->status == 529);
  CHECK(reply->headers.at("retry-after") == "3");
  CHECK(reply->body == "busy");
  const std::string& asked = server.request();
  CHECK(asked.starts_with("POST /v1/messages HTTP/1.1\r\n"));
  CHECK(asked.find("\r\nx-api-key: secret\r\n") != std::string::npos);
  CHECK(asked.find("Expect") == std::string::npos);
  CHECK(asked.ends_with("\r\n\r\n{\"model\":\"m\"}"));
}

TEST_CASE("a redirect is a reply: the secret goes nowhere else") {
  OneReply other("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nno");
  OneReply server("HTTP/1.1 307 Away\r\nLocation: " + other.Url() +
                  "\r\nContent-Length: 0\r\n\r\n");
  const auto reply = Send(To(server.Url()));
  REQUIRE(reply.ok());
  CHECK(reply->status == 307);
  CHECK(Send(To(other.Url())).ok());  // ends its thread; it was not asked before
}

TEST_CASE("a proxy is not used for this machine") {
  OneReply server("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi");
  HttpPost post = To(server.Url());
  post.proxy = "http://127.0.0.1:1";
  CHECK(Send(post).ok());
}

TEST_CASE("a reply above 8 MiB is refused") {
  const std::string body(9 << 20, 'x');
  OneReply server("HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" +
                  body);
  const auto reply = Send(To(server.Url()));
  REQUIRE(!reply.ok());
  CHECK(CodeOf(reply.status()).name == kApiFailed.name);
  CHECK(Message(reply.status()).find("8 MiB") != std::string_view::npos);
}

TEST_CASE("a reply that breaks off is no reply") {
  OneReply server("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf");
  const auto reply = Send(To(server.Url()));
  REQUIRE(!reply.ok());
  CHECK(CodeOf(reply.status()).name == kBackendUnavailable.name);
}

TEST_CASE("nobody there is worth another try") {
  const auto reply = Send(To("http://127.0.0.1:1/v1/messages"));
  REQUIRE(!reply.ok());
  CHECK(CodeOf(reply.status()).name == kBackendUnavailable.name);
}

TEST_CASE("a server that says nothing is left after the time") {
  base::Cancel answered;
  OneReply server("", [&] {
    while (!answered.requested()) std::this_thread::sleep_for(milliseconds(5));
  });
  HttpPost post = To(server.Url());
  post.timeout = milliseconds(200);
  const auto reply = Send(post);
  answered.Request();
  REQUIRE(!reply.ok());
  CHECK(CodeOf(reply.status()).name == kTimeout.name);
}

TEST_CASE("a request can be cancelled while it waits") {
  base::Cancel cancel, done;
  OneReply server("", [&] {
    cancel.Request();
    while (!done.requested()) std::this_thread::sleep_for(milliseconds(5));
  });
  HttpPost post = To(server.Url());
  post.cancel = &cancel;
  const auto reply = Send(post);
  done.Request();
  REQUIRE(!reply.ok());
  CHECK(CodeOf(reply.status()).name == kCancelledError.name);
}

}  // namespace
}  // namespace selftune::net
