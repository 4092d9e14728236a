// The only file that includes Boost (docs/decisions/0014-boost-beast.md).
#include "dashboard/http/server.h"

#include <algorithm>
#include <boost/asio/dispatch.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/core/basic_stream.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/empty_body.hpp>
#include <boost/beast/http/message.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/span_body.hpp>
#include <boost/beast/http/string_body.hpp>
#include <boost/beast/http/write.hpp>
#include <csignal>
#include <optional>
#include <unordered_map>
#include <unordered_set>
#include <utility>

#include "dashboard/http/head_check.h"

namespace selftune::dashboard::http {
namespace {

namespace net = boost::asio;
namespace beast = boost::beast;
namespace bhttp = boost::beast::http;
using Tcp = net::ip::tcp;
using boost::system::error_code;
using Stream = beast::basic_stream<Tcp, net::io_context::executor_type>;
using Acceptor = net::basic_socket_acceptor<Tcp, net::io_context::executor_type>;
using Socket = net::basic_stream_socket<Tcp, net::io_context::executor_type>;
using std::chrono::milliseconds;

// Connections beyond the limit that are told so; more are closed unheard.
constexpr size_t kTurnedAway = 16;
// What a client may say on a stream, where nothing is expected of it.
constexpr size_t kStreamChatter = 4096;
// How much of a refused request is still read, so that closing the connection
// does not destroy the answer on its way.
constexpr size_t kDrained = 256 * 1024;
constexpr milliseconds kDrainTime{500};
constexpr size_t kReadAhead = 4096;
constexpr std::string_view kTooSlow = "the request did not come in time";
constexpr milliseconds kLookAgain{10};  // while the last responses go out

bool IsLoopback(const Tcp::endpoint& peer) {
  const auto address = peer.address();
  return address.is_loopback() ||
         (address.is_v6() && address.to_v6().is_v4_mapped() &&
          net::ip::make_address_v4(net::ip::v4_mapped, address.to_v6()).is_loopback());
}

std::string Lower(beast::string_view text) {
  std::string out(text.data(), text.size());
  for (char& c : out) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return out;
}

Request ToRequest(bhttp::request<bhttp::string_body>&& from) {
  Request to;
  to.method.assign(from.method_string().data(), from.method_string().size());
  const beast::string_view target = from.target();
  const size_t mark = target.find('?');
  to.path.assign(target.data(), mark == beast::string_view::npos ? target.size() : mark);
  if (mark != beast::string_view::npos)
    to.query.assign(target.data() + mark + 1, target.size() - mark - 1);
  for (const auto& field : from) {
    to.headers.emplace_back(Lower(field.name_string()),
                            std::string(field.value().data(), field.value().size()));
  }
  to.body = std::move(from.body());
  return to;
}

}  // namespace

struct Server::Impl {
  explicit Impl(Options from) : options(std::move(from)), signals(loop, SIGINT, SIGTERM) {}

  class Connection;

  // The order matters: connections live in the handlers of the loop and take
  // themselves off the list when the loop goes.
  Options options;
  std::unordered_set<Connection*> open;
  size_t turned_away = 0;
  size_t streams = 0;
  uint64_t requests = 0;
  bool stopping = false;
  net::io_context loop{1};
  net::signal_set signals;
  std::vector<Acceptor> acceptors;
  // Whose request is being worked on, by its number: other threads hold the
  // number only.
  std::unordered_map<uint64_t, std::shared_ptr<Connection>> waiting;

  void Finish(uint64_t request, bool head_only, Response response);
  void Accept(size_t which);
  void Welcome(Socket socket);
  void AwaitSignal();
  void EndWhenIdle();
};

// One client. Its operations follow each other; on a stream reading and
// writing overlap, both on the loop.
class Server::Impl::Connection : public std::enable_shared_from_this<Connection> {
 public:
  Connection(Impl& server, Socket socket, bool turned_away)
      : server_(server), stream_(std::move(socket)), turned_away_(turned_away) {
    if (turned_away_) {
      ++server_.turned_away;
    } else {
      server_.open.insert(this);
    }
  }
  ~Connection() {
    if (streaming_) --server_.streams;
    if (turned_away_) {
      --server_.turned_away;
    } else {
      server_.open.erase(this);
    }
  }
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  void Begin() {
    if (turned_away_) {
      Refuse(503, "TOO_MANY_CONNECTIONS", "too many connections");
    } else {
      AwaitRequest(server_.options.limits.first_byte_time);
    }
  }

  [[nodiscard]] bool streaming() const { return streaming_; }
  [[nodiscard]] bool answering() const { return answering_ || (streaming_ && writing_); }
  void Pump();
  void SendExtra(const Feed::Frame& frame) {
    if (!streaming_ || writing_) return;
    frames_ = {frame};
    WriteFrames();
  }
  void Close() {
    error_code ignored;
    (void)stream_.socket().shutdown(Socket::shutdown_both, ignored);
    stream_.close();
  }
  void Send(bool head_only, Response response) {
    response_ = std::move(response);
    if (response_.stream && !head_only) {
      BeginStream();
    } else {
      Write(head_only);
    }
  }
  // No new request; what is being answered may end.
  void Retire() {
    last_ = true;
    if (!answering_ && !(streaming_ && writing_)) Close();
  }

 private:
  void AwaitRequest(milliseconds time);
  void BeginRequest();
  void ReadHead();
  void ReadBody();
  void Dispatch();
  void Answer(Response response);
  void Write(bool head_only);
  void AfterWrite();
  void Refuse(int status, std::string_view code, std::string_view detail);
  void Drain();
  void ReadOn(size_t most);
  void BeginStream();
  void WriteFrames();
  void ListenForEnd();

  Impl& server_;
  Stream stream_;
  const bool turned_away_;
  beast::flat_buffer buffer_;
  std::optional<bhttp::request_parser<bhttp::string_body>> parser_;
  Response response_;
  std::optional<bhttp::response<bhttp::span_body<const char>>> message_;
  std::optional<bhttp::response_serializer<bhttp::span_body<const char>>> serializer_;
  bool answering_ = false;
  bool last_ = false;
  bool drain_ = false;
  // Of a stream.
  bool streaming_ = false;
  bool writing_ = false;
  uint64_t cursor_ = 0;
  size_t chatter_ = 0;
  std::vector<Feed::Frame> frames_;
};

void Server::Impl::Connection::AwaitRequest(milliseconds time) {
  if (buffer_.size() > 0) {  // pipelined
    BeginRequest();
    return;
  }
  buffer_.shrink_to_fit();
  stream_.expires_after(time);
  stream_.async_read_some(buffer_.prepare(2048),
                          [self = shared_from_this()](error_code error, size_t bytes) {
                            if (error) return;
                            self->buffer_.commit(bytes);
                            self->BeginRequest();
                          });
}

void Server::Impl::Connection::BeginRequest() {
  const Limits& limits = server_.options.limits;
  buffer_.max_size(limits.target_bytes + limits.header_bytes + limits.body_bytes + kReadAhead);
  answering_ = true;
  stream_.expires_after(limits.request_time);
  ReadHead();
}

// Reads until the head is whole, or larger than any that is accepted.
void Server::Impl::Connection::ReadHead() {
  const Limits& limits = server_.options.limits;
  const std::string_view seen(static_cast<const char*>(buffer_.data().data()), buffer_.size());
  const size_t end = seen.find("\r\n\r\n");
  const bool whole = end != std::string_view::npos;
  if (!whole && seen.size() <= limits.target_bytes + limits.header_bytes) {
    stream_.async_read_some(buffer_.prepare(kReadAhead),
                            [self = shared_from_this()](error_code error, size_t bytes) {
                              if (error == beast::error::timeout) {
                                self->Refuse(408, "REQUEST_TIMEOUT", kTooSlow);
                              } else if (!error) {
                                self->buffer_.commit(bytes);
                                self->ReadHead();
                              }
                            });
    return;
  }
  const std::optional<HeadProblem> problem =
      whole ? CheckHead(seen.substr(0, end + 4), limits) : HeadTooLong(seen, limits);
  if (problem.has_value()) {
    Refuse(problem->status, problem->code, problem->detail);
  } else {
    ReadBody();
  }
}

void Server::Impl::Connection::ReadBody() {
  const Limits& limits = server_.options.limits;
  parser_.emplace();
  parser_->header_limit(static_cast<uint32_t>(limits.target_bytes + limits.header_bytes + 64));
  parser_->body_limit(limits.body_bytes);
  bhttp::async_read(
      stream_, buffer_, *parser_, [self = shared_from_this()](error_code error, size_t) {
        if (error == beast::error::timeout) {
          self->Refuse(408, "REQUEST_TIMEOUT", kTooSlow);
        } else if (error == bhttp::error::body_limit) {
          self->Refuse(413, "BODY_TOO_LARGE", "the body is too large");
        } else if (error &&
                   error.category() == bhttp::make_error_code(bhttp::error::bad_value).category() &&
                   error != bhttp::error::end_of_stream && error != bhttp::error::partial_message) {
          self->Refuse(400, "BAD_REQUEST", error.message());
        } else if (!error) {
          self->Dispatch();
        }
      });
}

void Server::Impl::Connection::Dispatch() {
  ++server_.requests;
  if (!parser_->get().keep_alive() || server_.stopping) last_ = true;
  Request request = ToRequest(parser_->release());
  parser_.reset();
  stream_.expires_never();  // the work has a deadline of its own
  const bool head_only = request.method == "HEAD";
  const uint64_t number = server_.requests;
  server_.waiting.emplace(number, shared_from_this());
  Impl* const server = &server_;
  server_.options.handle(std::move(request), [server, number, head_only](Response response) {
    net::dispatch(server->loop,
                  [server, number, head_only, response = std::move(response)]() mutable {
                    server->Finish(number, head_only, std::move(response));
                  });
  });
}

void Server::Impl::Connection::Refuse(int status, std::string_view code, std::string_view detail) {
  answering_ = true;
  last_ = true;
  drain_ = true;
  response_ = server_.options.refuse(status, code, detail);
  Write(/*head_only=*/false);
}

void Server::Impl::Connection::Write(bool head_only) {
  if (response_.close || server_.stopping) last_ = true;
  const std::string_view body = response_.fixed_body.data() != nullptr
                                    ? response_.fixed_body
                                    : std::string_view(response_.body);
  message_.emplace(static_cast<bhttp::status>(response_.status), 11);
  for (const Header& header : response_.headers) message_->insert(header.first, header.second);
  if (response_.status != 204 && response_.status != 304) {
    message_->content_length(body.size());
    if (!head_only) message_->body() = beast::span<const char>(body.data(), body.size());
  }
  message_->keep_alive(!last_);
  serializer_.emplace(*message_);
  stream_.expires_after(server_.options.limits.write_time);
  const auto done = [self = shared_from_this()](error_code error, size_t) {
    if (error) return;
    self->AfterWrite();
  };
  if (head_only) {
    bhttp::async_write_header(stream_, *serializer_, done);
  } else {
    bhttp::async_write(stream_, *serializer_, done);
  }
}

void Server::Impl::Connection::AfterWrite() {
  serializer_.reset();
  message_.reset();
  response_ = {};
  answering_ = false;
  if (!last_) {
    AwaitRequest(server_.options.limits.idle_time);
  } else if (drain_) {
    Drain();
  } else {
    Close();
  }
}

// Says that nothing more comes, then reads what the client still sends.
void Server::Impl::Connection::Drain() {
  error_code ignored;
  (void)stream_.socket().shutdown(Socket::shutdown_send, ignored);
  stream_.expires_after(kDrainTime);
  ReadOn(kDrained);
}

void Server::Impl::Connection::ReadOn(size_t most) {
  buffer_.clear();
  stream_.async_read_some(buffer_.prepare(kReadAhead),
                          [self = shared_from_this(), most](error_code error, size_t bytes) {
                            if (error || bytes >= most) {
                              self->Close();
                            } else {
                              self->ReadOn(most - bytes);
                            }
                          });
}

void Server::Impl::Connection::BeginStream() {
  if (server_.stopping) {
    Close();
    return;
  }
  streaming_ = true;
  answering_ = false;
  last_ = false;  // a stream goes on whatever was said about the connection
  ++server_.streams;
  cursor_ = response_.cursor;
  buffer_ = {};
  std::string head = "HTTP/1.1 200 OK\r\n";
  for (const Header& header : response_.headers)
    head += header.first + ": " + header.second + "\r\n";
  head += "Connection: close\r\n\r\n";
  frames_ = {std::make_shared<const std::string>(head + response_.body)};
  response_ = {};
  stream_.expires_never();
  ListenForEnd();
  WriteFrames();
}

void Server::Impl::Connection::Pump() {
  if (!streaming_ || writing_) return;
  frames_ = server_.options.feed->Take(&cursor_);
  if (!frames_.empty()) WriteFrames();
}

void Server::Impl::Connection::WriteFrames() {
  writing_ = true;
  std::vector<net::const_buffer> buffers;
  buffers.reserve(frames_.size());
  for (const Feed::Frame& frame : frames_) buffers.emplace_back(frame->data(), frame->size());
  stream_.expires_after(server_.options.limits.write_time);
  net::async_write(stream_, buffers, [self = shared_from_this()](error_code error, size_t) {
    self->writing_ = false;
    self->frames_.clear();
    if (error) {
      self->Close();
      return;
    }
    self->Pump();
    if (self->last_ && !self->writing_) self->Close();
  });
}

void Server::Impl::Connection::ListenForEnd() {
  stream_.async_read_some(buffer_.prepare(64),
                          [self = shared_from_this()](error_code error, size_t bytes) {
                            self->chatter_ += bytes;
                            if (error || self->chatter_ > kStreamChatter) {
                              self->Close();
                              return;
                            }
                            self->ListenForEnd();
                          });
}

void Server::Impl::Finish(uint64_t request, bool head_only, Response response) {
  const auto at = waiting.find(request);
  if (at == waiting.end()) return;  // answered already
  const std::shared_ptr<Connection> connection = std::move(at->second);
  waiting.erase(at);
  connection->Send(head_only, std::move(response));
}

void Server::Impl::Accept(size_t which) {
  acceptors[which].async_accept([this, which](error_code error, Socket socket) {
    if (error == net::error::operation_aborted || stopping) return;
    if (!error) Welcome(std::move(socket));
    if (!error || error == net::error::connection_aborted) {
      Accept(which);
      return;
    }
    // No descriptors left, most likely: wait for some to come back.
    auto timer = std::make_shared<net::steady_timer>(loop, milliseconds(100));
    timer->async_wait([this, which, timer](error_code) {
      if (!stopping) Accept(which);
    });
  });
}

void Server::Impl::Welcome(Socket socket) {
  error_code error;
  const Tcp::endpoint peer = socket.remote_endpoint(error);
  if (error || !IsLoopback(peer)) return;
  (void)socket.set_option(Tcp::no_delay(true), error);
  const bool full = open.size() >= options.limits.connections;
  if (full && turned_away >= kTurnedAway) return;
  std::make_shared<Connection>(*this, std::move(socket), full)->Begin();
}

void Server::Impl::AwaitSignal() {
  signals.async_wait([this](error_code error, int) {
    if (error) return;
    options.on_signal();
    AwaitSignal();
  });
}

void Server::Impl::EndWhenIdle() {
  const bool busy = std::any_of(open.begin(), open.end(),
                                [](const Connection* each) { return each->answering(); });
  if (!busy) {
    loop.stop();
    return;
  }
  auto timer = std::make_shared<net::steady_timer>(loop, kLookAgain);
  timer->async_wait([this, timer](error_code) { EndWhenIdle(); });
}

Server::Server(Options options) : impl_(std::make_unique<Impl>(std::move(options))) {}

Server::~Server() = default;

void Server::Run() {
  for (const int descriptor : impl_->options.listeners) {
    sockaddr_storage address = {};
    socklen_t size = sizeof address;
    getsockname(descriptor, reinterpret_cast<sockaddr*>(&address), &size);
    impl_->acceptors.emplace_back(
        impl_->loop, address.ss_family == AF_INET6 ? Tcp::v6() : Tcp::v4(), descriptor);
  }
  for (size_t i = 0; i < impl_->acceptors.size(); ++i) impl_->Accept(i);
  impl_->AwaitSignal();
  impl_->loop.run();
}

void Server::Post(std::function<void()> work) { net::post(impl_->loop, std::move(work)); }

void Server::After(milliseconds delay, std::function<void()> work) {
  auto timer = std::make_shared<net::steady_timer>(impl_->loop, delay);
  timer->async_wait([timer, work = std::move(work)](error_code error) {
    if (!error) work();
  });
}

void Server::WakeStreams() {
  for (Impl::Connection* connection : impl_->open) connection->Pump();
}

void Server::SendToStreams(std::string extra) {
  const auto frame = std::make_shared<const std::string>(std::move(extra));
  for (Impl::Connection* connection : impl_->open) connection->SendExtra(frame);
}

void Server::Stop(milliseconds grace) {
  if (std::exchange(impl_->stopping, true)) return;
  error_code ignored;
  for (auto& acceptor : impl_->acceptors) (void)acceptor.close(ignored);
  const std::vector<Impl::Connection*> all(impl_->open.begin(), impl_->open.end());
  for (Impl::Connection* connection : all) connection->Retire();
  After(grace, [this] { impl_->loop.stop(); });
  impl_->EndWhenIdle();
}

size_t Server::connections() const { return impl_->open.size(); }
size_t Server::streams() const { return impl_->streams; }
uint64_t Server::requests() const { return impl_->requests; }

}  // namespace selftune::dashboard::http
