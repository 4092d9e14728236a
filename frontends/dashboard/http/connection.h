// One client of the server, and what all of them share. On the loop only.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "dashboard/http/beast.h"
#include "dashboard/http/message.h"
#include "dashboard/http/server.h"

namespace selftune::dashboard::http {

class Connection;

// The order matters: connections live in the handlers of the loop and take
// themselves off the list when the loop goes.
struct ServerState {
  Server::Options options;
  std::unordered_set<Connection*> open;
  uint64_t arrivals = 0;
  size_t turned_away = 0;
  size_t streams = 0;
  uint64_t requests = 0;
  bool stopping = false;
  net::io_context loop{1};
  // Whose request is being worked on, by its number: other threads hold the
  // number only.
  std::unordered_map<uint64_t, std::shared_ptr<Connection>> waiting;
};

// Its operations follow each other; on a stream reading and writing overlap,
// both on the loop.
class Connection : public std::enable_shared_from_this<Connection> {
 public:
  Connection(ServerState& server, Socket socket, bool turned_away);
  ~Connection();
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  // Awaits the first request, or says that there are too many.
  void Begin();
  [[nodiscard]] bool answering() const { return answering_ || (streaming_ && writing_); }
  // Answers the request that was handed on.
  void Send(bool head_only, Response response);
  // To a stream: what the feed has more; `frame`, unless it is behind.
  void Pump();
  void SendExtra(const Feed::Frame& frame);
  // No new request; what is being answered may end.
  void Retire();
  void Close();

  // Has shown that it may ask, or waits for an answer: it keeps its place when
  // the house is full.
  [[nodiscard]] bool stays() const { return known_ || working_; }
  // Its request, if there is one, has come.
  [[nodiscard]] bool asked() const { return answering_ && !reading_; }
  [[nodiscard]] uint64_t arrival() const { return arrival_; }
  // Its place is free from now on.
  void GiveWay();

 private:
  void AwaitRequest(std::chrono::milliseconds time);
  void BeginRequest();
  void LimitReading(std::chrono::milliseconds time);
  void AwaitLimit(std::chrono::milliseconds time);
  void EndReading();
  void OnReadError(error_code error);
  void ReadHead();
  void ReadBody();
  void Dispatch();
  void Write(bool head_only);
  void AfterWrite();
  void Refuse(int status, std::string_view code, std::string_view detail);
  void Drain();
  void ReadOn(size_t most);
  void BeginStream();
  void WriteFrames();
  void ListenForEnd();

  ServerState& server_;
  Stream stream_;
  net::basic_waitable_timer<std::chrono::steady_clock, net::wait_traits<std::chrono::steady_clock>,
                            net::io_context::executor_type>
      late_;
  const bool turned_away_;
  uint64_t arrival_ = 0;
  bool known_ = false;
  bool working_ = false;  // somebody has its request
  bool reading_ = false;  // a request, under the timer
  bool too_late_ = false;
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

}  // namespace selftune::dashboard::http
