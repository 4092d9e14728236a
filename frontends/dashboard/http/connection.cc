#include "dashboard/http/connection.h"

#include <optional>
#include <string>
#include <utility>

#include "dashboard/http/head_check.h"

namespace selftune::dashboard::http {
namespace {

using std::chrono::milliseconds;

// What a client may say on a stream, where nothing is expected of it.
constexpr size_t kStreamChatter = 4096;
// How much of a refused request is still read, so that closing the connection
// does not destroy the answer on its way.
constexpr size_t kDrained = 256 * 1024;
constexpr milliseconds kDrainTime{500};
constexpr size_t kReadAhead = 4096;
constexpr milliseconds kCancelAgain{20};
constexpr std::string_view kTooSlow = "the request did not come in time";

std::string Lower(beast::string_view text) {
  std::string out(text.data(), text.size());
  for (char& c : out) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return out;
}

// "127.0.0.1:3141", "[::1]:3141"
std::string AddressOf(const Socket& socket) {
  error_code error;
  const Tcp::endpoint local = socket.local_endpoint(error);
  if (error) return "";
  const std::string host = local.address().to_string();
  return (local.address().is_v6() ? "[" + host + "]" : host) + ":" + std::to_string(local.port());
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

void Finish(ServerState& server, uint64_t request, bool head_only, Response response) {
  const auto at = server.waiting.find(request);
  if (at == server.waiting.end()) return;  // answered already
  const std::shared_ptr<Connection> connection = std::move(at->second);
  server.waiting.erase(at);
  connection->Send(head_only, std::move(response));
}

}  // namespace

Connection::Connection(ServerState& server, Socket socket, bool turned_away)
    : server_(server),
      stream_(std::move(socket)),
      late_(server.loop.get_executor()),
      turned_away_(turned_away),
      arrival_(++server.arrivals) {
  if (turned_away_) {
    ++server_.turned_away;
  } else {
    server_.open.insert(this);
  }
}

Connection::~Connection() {
  if (streaming_) --server_.streams;
  if (turned_away_) {
    --server_.turned_away;
  } else {
    server_.open.erase(this);
  }
}

void Connection::Begin() {
  if (turned_away_) {
    Refuse(503, "TOO_MANY_CONNECTIONS", "too many connections");
  } else {
    AwaitRequest(server_.options.limits.first_byte_time);
  }
}

void Connection::Close() {
  error_code ignored;
  (void)stream_.socket().shutdown(Socket::shutdown_both, ignored);
  stream_.close();
}

void Connection::GiveWay() {
  server_.open.erase(this);
  last_ = true;
  Close();
}

void Connection::Retire() {
  last_ = true;
  if (!answering()) Close();
}

void Connection::AwaitRequest(milliseconds time) {
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

void Connection::BeginRequest() {
  const Limits& limits = server_.options.limits;
  buffer_.max_size(limits.target_bytes + limits.header_bytes + limits.body_bytes + kReadAhead);
  answering_ = true;
  LimitReading(limits.request_time);
  ReadHead();
}

// The stream's own time limit closes the socket; this one leaves it open, so
// that the client can be told.
void Connection::LimitReading(milliseconds time) {
  reading_ = true;
  stream_.expires_never();
  AwaitLimit(time);
}

// A read that is done already, but whose turn has not come, cannot be cancelled:
// the ones behind it are.
void Connection::AwaitLimit(milliseconds time) {
  late_.expires_after(time);
  late_.async_wait([weak = weak_from_this()](error_code error) {
    const std::shared_ptr<Connection> self = weak.lock();
    if (error || self == nullptr || !self->reading_) return;
    if (self->late_.expiry() > std::chrono::steady_clock::now()) return;  // of the next request
    self->too_late_ = true;
    self->stream_.cancel();
    self->AwaitLimit(kCancelAgain);
  });
}

void Connection::OnReadError(error_code error) {
  if (error == net::error::operation_aborted && too_late_) {
    Refuse(408, "REQUEST_TIMEOUT", kTooSlow);
  } else if (error == bhttp::error::body_limit) {
    Refuse(413, "BODY_TOO_LARGE", "the body is too large");
  } else if (error.category() == bhttp::make_error_code(bhttp::error::bad_value).category() &&
             error != bhttp::error::end_of_stream && error != bhttp::error::partial_message) {
    Refuse(400, "BAD_REQUEST", error.message());
  }
}

// Reads until the head is whole, or larger than any that is accepted.
void Connection::ReadHead() {
  const Limits& limits = server_.options.limits;
  const std::string_view seen(static_cast<const char*>(buffer_.data().data()), buffer_.size());
  const size_t end = seen.find("\r\n\r\n");
  const bool whole = end != std::string_view::npos;
  if (!whole && seen.size() <= limits.target_bytes + limits.header_bytes) {
    stream_.async_read_some(buffer_.prepare(kReadAhead),
                            [self = shared_from_this()](error_code error, size_t bytes) {
                              if (error) {
                                self->OnReadError(error);
                                return;
                              }
                              if (self->too_late_) {
                                self->Refuse(408, "REQUEST_TIMEOUT", kTooSlow);
                                return;
                              }
                              self->buffer_.commit(bytes);
                              self->ReadHead();
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

void Connection::ReadBody() {
  const Limits& limits = server_.options.limits;
  parser_.emplace();
  parser_->header_limit(static_cast<uint32_t>(limits.target_bytes + limits.header_bytes + 64));
  parser_->body_limit(limits.body_bytes);
  bhttp::async_read(stream_, buffer_, *parser_,
                    [self = shared_from_this()](error_code error, size_t) {
                      if (error) {
                        self->OnReadError(error);
                      } else if (self->too_late_) {
                        self->Refuse(408, "REQUEST_TIMEOUT", kTooSlow);
                      } else {
                        self->Dispatch();
                      }
                    });
}

void Connection::Dispatch() {
  ++server_.requests;
  EndReading();
  if (!parser_->get().keep_alive() || server_.stopping) last_ = true;
  Request request = ToRequest(parser_->release());
  request.address = AddressOf(stream_.socket());
  request.keep_place = [weak = weak_from_this()] {
    if (const std::shared_ptr<Connection> self = weak.lock()) self->known_ = true;
  };
  working_ = true;
  parser_.reset();
  stream_.expires_never();  // the work has a deadline of its own
  const bool head_only = request.method == "HEAD";
  const uint64_t number = server_.requests;
  server_.waiting.emplace(number, shared_from_this());
  ServerState* const server = &server_;
  server_.options.handle(std::move(request), [server, number, head_only](Response response) {
    net::dispatch(server->loop,
                  [server, number, head_only, response = std::move(response)]() mutable {
                    Finish(*server, number, head_only, std::move(response));
                  });
  });
}

void Connection::Send(bool head_only, Response response) {
  working_ = false;
  response_ = std::move(response);
  if (response_.stream && !head_only) {
    BeginStream();
  } else {
    Write(head_only);
  }
}

void Connection::EndReading() {
  reading_ = false;
  too_late_ = false;
  late_.cancel();
}

void Connection::Refuse(int status, std::string_view code, std::string_view detail) {
  EndReading();
  answering_ = true;
  last_ = true;
  drain_ = true;
  response_ = server_.options.refuse(status, code, detail);
  Write(/*head_only=*/false);
}

void Connection::Write(bool head_only) {
  if (response_.close || server_.stopping) last_ = true;
  const std::string_view body = response_.fixed_body.data() != nullptr
                                    ? response_.fixed_body
                                    : std::string_view(response_.body);
  message_.emplace(static_cast<bhttp::status>(response_.status), 11);
  for (const Header& header : response_.headers) message_->insert(header.first, header.second);
  if (response_.status != 204 && response_.status != 304 && !response_.stream) {
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

void Connection::AfterWrite() {
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
void Connection::Drain() {
  error_code ignored;
  (void)stream_.socket().shutdown(Socket::shutdown_send, ignored);
  stream_.expires_after(kDrainTime);
  ReadOn(kDrained);
}

void Connection::ReadOn(size_t most) {
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

void Connection::BeginStream() {
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

void Connection::Pump() {
  if (!streaming_ || writing_) return;
  frames_ = server_.options.feed->Take(&cursor_);
  if (!frames_.empty()) WriteFrames();
}

void Connection::SendExtra(const Feed::Frame& frame) {
  if (!streaming_ || writing_) return;
  frames_ = {frame};
  WriteFrames();
}

void Connection::WriteFrames() {
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

void Connection::ListenForEnd() {
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

}  // namespace selftune::dashboard::http
