// MCP over stdio: one JSON text a line, in both directions.
#pragma once

#include <mutex>
#include <optional>
#include <string>
#include <string_view>

namespace selftune::cli::mcp {

// A line longer than this is no request of a sensible client.
inline constexpr size_t kMaxLineBytes = 8 << 20;

// Lines of stdin. Not thread-safe.
class LineSource {
 public:
  struct Line {
    std::string text;       // without the line break
    bool too_long = false;  // it was thrown away
  };
  // nullopt at the end: of the input, after SIGINT or SIGTERM, when nothing can be
  // written any more, or on an error.
  [[nodiscard]] std::optional<Line> Next();
  // The signal that ended it, or 0.
  [[nodiscard]] int signal() const;

 private:
  [[nodiscard]] bool Fill();
  std::string buffer_;
  size_t searched_ = 0;    // bytes of it that hold no line break
  bool skipping_ = false;  // the rest of a line that is too long
  bool ended_ = false;
  bool stopped_ = false;  // ended although there may be more
};

// Writes whole lines to stdout, from any thread. Waits for a client that reads
// slowly, until a signal comes or GiveUp() is called; one that went away is
// noticed once. After each of these nothing is written any more.
class LineSink {
 public:
  void Write(std::string line);
  void GiveUp();
  // The client reads no more.
  [[nodiscard]] bool broken();

 private:
  std::mutex mutex_;
  bool broken_ = false;
};

// SIGINT and SIGTERM end LineSource::Next and LineSink::Write while one of these
// lives, the second one the process; a closed stdout is an error instead of the
// end of the process.
class SignalPipe {
 public:
  SignalPipe();
  ~SignalPipe();
  SignalPipe(const SignalPipe&) = delete;
  SignalPipe& operator=(const SignalPipe&) = delete;
};

}  // namespace selftune::cli::mcp
