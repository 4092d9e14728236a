// What this process is connected to.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "cli/command.h"
#include "cli/library.h"
#include "cli/screen.h"

namespace selftune::cli {

enum class OutputMode { kText, kJson, kJsonLines };

// stdout a terminal: text, else JSON; --json, --text and --json-lines decide.
[[nodiscard]] OutputMode ModeOf(const Args& args);
// Width and colours of stdout: --color, NO_COLOR, CLICOLOR_FORCE, TERM; of any width with
// --wide.
[[nodiscard]] Screen ScreenOf(const Args& args);

// A progress line on stderr, redrawn at most ten times a second; silent when
// stderr is no terminal, TERM is dumb, in CI, and with --quiet, --no-progress
// or JSON lines. Says how fast it goes and how long it takes, where that is known.
class ProgressLine {
 public:
  ProgressLine(const Args& args, OutputMode mode);
  ~ProgressLine() { Clear(); }
  ProgressLine(const ProgressLine&) = delete;
  ProgressLine& operator=(const ProgressLine&) = delete;

  [[nodiscard]] bool active() const { return active_; }
  void Show(std::string_view event_json);
  void Clear();

 private:
  bool active_ = false;
  // Of the part that runs: how much is done in how long.
  std::string Speed(std::string_view stage, int64_t done, int64_t total, int64_t now);

  bool shown_ = false;
  int64_t next_ms_ = 0;
  std::string stage_;
  int64_t stage_ms_ = 0, stage_done_ = 0;
};

struct TerminalSize {
  size_t columns = 80, rows = 24;
};
// Of stdout.
[[nodiscard]] TerminalSize SizeOfTerminal();
// Stdout is a terminal that a place can be chosen on.
[[nodiscard]] bool CanBeDrawn();

[[nodiscard]] int64_t MonotonicMs();

// Writes to stdout; false when that failed (full disk, closed pipe).
[[nodiscard]] bool WriteOut(std::string_view text);
void WriteErr(std::string_view text);

}  // namespace selftune::cli
