#include "cli/terminal.h"

#include <poll.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <string>

#include "cli/json.h"
#include "cli/text.h"

namespace selftune::cli {
namespace {

constexpr size_t kWidth = 80;    // when nobody says
constexpr size_t kWidest = 140;  // lines longer than this are hard to read
constexpr size_t kNarrowest = 40;
constexpr size_t kAnyWidth = 1'000'000;  // --wide
constexpr size_t kRows = 24;             // when nobody says
constexpr int64_t kRedrawMs = 100;
// What an operation is about to spend is said before, and stays on the screen.
constexpr std::string_view kStaysMark = R"("plan")";

// "" when unset.
std::string_view Variable(const char* name) {
  const char* value = getenv(name);
  return value != nullptr ? value : std::string_view();
}

bool IsSet(const char* name) { return !Variable(name).empty(); }

bool IsDumb() {
  const char* term = getenv("TERM");
  return term != nullptr && std::string_view(term) == "dumb";
}

size_t WidthOf(int fd) {
  struct winsize size = {};
  if (ioctl(fd, TIOCGWINSZ, &size) == 0 && size.ws_col > 0) return size.ws_col;
  const char* columns = getenv("COLUMNS");
  const long value = columns == nullptr ? 0 : std::strtol(columns, nullptr, 10);
  return value > 0 && value < 10'000 ? static_cast<size_t>(value) : kWidth;
}

bool WriteFd(int fd, std::string_view text) {
  while (!text.empty()) {
    const ssize_t n = write(fd, text.data(), text.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0 && errno == EAGAIN) {  // somebody made it non-blocking for all who share it
      struct pollfd wait = {fd, POLLOUT, 0};
      if (poll(&wait, 1, -1) < 0 && errno != EINTR) return false;
      continue;
    }
    if (n <= 0) return false;
    text.remove_prefix(static_cast<size_t>(n));
  }
  return true;
}

}  // namespace

OutputMode ModeOf(const Args& args) {
  if (args.Has("json-lines")) return OutputMode::kJsonLines;
  if (args.Has("json")) return OutputMode::kJson;
  if (args.Has("text")) return OutputMode::kText;
  return isatty(STDOUT_FILENO) != 0 ? OutputMode::kText : OutputMode::kJson;
}

Screen ScreenOf(const Args& args) {
  Screen screen;
  screen.width = std::max(kNarrowest, std::min(WidthOf(STDOUT_FILENO), kWidest));
  screen.folds = isatty(STDOUT_FILENO) != 0;
  if (args.Has("wide")) {
    screen.width = kAnyWidth;
    screen.folds = false;
    screen.wide = true;
  }
  const std::string when = args.Get("color").value_or("auto");
  if (when != "auto") {
    screen.colour = when == "always";
  } else if (IsSet("NO_COLOR")) {
    screen.colour = false;
  } else if (IsSet("CLICOLOR_FORCE") && Variable("CLICOLOR_FORCE") != "0") {
    screen.colour = true;
  } else {
    screen.colour = isatty(STDOUT_FILENO) != 0 && !IsDumb();
  }
  return screen;
}

ProgressLine::ProgressLine(const Args& args, OutputMode mode)
    : active_(isatty(STDERR_FILENO) != 0 && !IsDumb() && !IsSet("CI") && !args.Has("quiet") &&
              !args.Has("no-progress") && mode != OutputMode::kJsonLines) {}

void ProgressLine::Show(std::string_view event_json) {
  const int64_t now = MonotonicMs();
  const bool stays = event_json.find(kStaysMark) != std::string_view::npos;
  if (!active_ || (now < next_ms_ && !stays)) return;
  const auto event = Json::Parse(event_json);
  if (!event.has_value()) return;
  if (stays && (*event)["stage"].Text() == "plan") {
    Clear();
    WriteErr(OneLine((*event)["message"].Text()) + "\n");
    return;
  }
  next_ms_ = now + kRedrawMs;
  std::string line = OneLine((*event)["stage"].Text());
  const int64_t total = (*event)["total"].Int();
  const int64_t done = (*event)["done"].Int();
  if (total > 0) line += " " + Count(done) + "/" + Count(total);
  line += Speed((*event)["stage"].Text(), done, total, now);
  const std::string message = OneLine((*event)["message"].Text());
  if (!message.empty()) line += "  " + message;
  shown_ = true;
  WriteErr("\r\x1b[K" + Shorten(line, WidthOf(STDERR_FILENO) - 1));
}

std::string ProgressLine::Speed(std::string_view stage, int64_t done, int64_t total, int64_t now) {
  constexpr int64_t kSettledMs = 1000;  // before that a rate says little
  if (stage != stage_ || done < stage_done_) {
    stage_ = stage;
    stage_ms_ = now;
    stage_done_ = done;
    return "";
  }
  const int64_t took = now - stage_ms_, did = done - stage_done_;
  if (total <= 0 || took < kSettledMs || did <= 0 || done > total) return "";
  const int64_t rate = did * 1000 / took;
  std::string out = rate > 0 ? ", " + Count(rate) + "/s" : "";
  if (done < total) out += ", " + Duration((total - done) * took / did) + " left";
  return out;
}

void ProgressLine::Clear() {
  if (shown_) WriteErr("\r\x1b[K");
  shown_ = false;
}

TerminalSize SizeOfTerminal() {
  struct winsize size = {};
  const bool known = ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_row > 0;
  return {.columns = WidthOf(STDOUT_FILENO), .rows = known ? size.ws_row : kRows};
}

bool CanBeDrawn() { return isatty(STDOUT_FILENO) != 0 && !IsDumb(); }

int64_t MonotonicMs() {
  struct timespec now = {};
  clock_gettime(CLOCK_MONOTONIC, &now);
  return now.tv_sec * 1000 + now.tv_nsec / 1'000'000;
}

bool WriteOut(std::string_view text) { return WriteFd(STDOUT_FILENO, text); }
void WriteErr(std::string_view text) { (void)WriteFd(STDERR_FILENO, text); }

}  // namespace selftune::cli
