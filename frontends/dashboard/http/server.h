// The HTTP server: sockets, parsing, limits, streams. One event loop on the
// thread that calls Run(); the HTTP library stays behind it (beast.h).
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "dashboard/http/limits.h"
#include "dashboard/http/message.h"

namespace selftune::dashboard::http {

// What streams are fed from. Used on the loop only.
class Feed {
 public:
  using Frame = std::shared_ptr<const std::string>;
  virtual ~Feed() = default;
  // Frames behind *cursor in order, a bounded number of them; moves it on.
  [[nodiscard]] virtual std::vector<Frame> Take(uint64_t* cursor) = 0;
};

class Server {
 public:
  // Answers one request, once, from any thread.
  using Respond = std::function<void(Response)>;

  struct Options {
    Limits limits;
    std::vector<int> listeners;  // bound and listening; taken over
    Feed* feed = nullptr;
    // Called on the loop; quick, or hands `respond` to another thread.
    std::function<void(Request, Respond)> handle;
    // The response to a request that is refused before it is understood.
    std::function<Response(int status, std::string_view code, std::string_view detail)> refuse;
    std::function<void()> on_signal;  // SIGINT, SIGTERM
  };

  explicit Server(Options options);
  ~Server();
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  // Serves until Stop() has ended everything.
  void Run();
  // On the loop, from any thread.
  void Post(std::function<void()> work);

  // The rest on the loop only.
  void After(std::chrono::milliseconds delay, std::function<void()> work);
  // The feed has more; or `extra` goes to every stream that is not behind.
  void WakeStreams();
  void SendToStreams(std::string extra);
  // Accepts nothing more, lets what is under way end (at most `grace`).
  void Stop(std::chrono::milliseconds grace);

  [[nodiscard]] size_t connections() const;
  [[nodiscard]] size_t streams() const;
  // Requests so far.
  [[nodiscard]] uint64_t requests() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace selftune::dashboard::http
