#include "cli/repeat.h"

#include <algorithm>
#include <string>
#include <string_view>

#include "cli/fold.h"
#include "cli/json.h"
#include "cli/output.h"
#include "cli/signals.h"
#include "cli/terminal.h"
#include "cli/text.h"

namespace selftune::cli {
namespace {

constexpr int kSignalled = 128;

// Rows that a line takes on a terminal of so many columns.
size_t RowsOf(std::string_view line, size_t columns) {
  return std::max<size_t>(1, (VisibleWidth(line) + columns - 1) / columns);
}

// `text` from the upper left corner on, and nothing else on the screen. The row below it
// stays free: a sync tells there how far it is.
std::string Frame(std::string_view text, const TerminalSize& size) {
  constexpr std::string_view kHome = "\x1b[H";
  constexpr std::string_view kClearLine = "\x1b[K\n";
  constexpr std::string_view kClearBelow = "\x1b[J";
  const size_t room = std::max<size_t>(size.rows, 4) - 2;  // of the rest, and of what is below
  std::string out(kHome);
  size_t used = 0;
  size_t left = 0;
  while (!text.empty()) {
    const size_t end = std::min(text.find('\n'), text.size());
    const std::string_view line = text.substr(0, end);
    used += RowsOf(line, size.columns);
    if (used > room) {
      ++left;
    } else {
      out += line;
      out += kClearLine;
    }
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  if (left > 0) {
    out += "… " + Plural(static_cast<int64_t>(left), "line") + " more" + std::string(kClearLine);
  }
  return out + std::string(kClearBelow);
}

// Where and how looks are shown.
class Display {
 public:
  explicit Display(const Invocation& invocation)
      : invocation_(invocation),
        text_(ModeOf(invocation.args) == OutputMode::kText),
        draws_(text_ && CanBeDrawn()),
        every_(Typed(invocation.args.Get("watch").value_or(""))) {
    if (!every_.empty() && every_.back() <= '9') every_ += " s";
  }

  // False when nobody takes it.
  [[nodiscard]] bool Show(const Look& look, const Json& envelope) {
    const std::string problem = envelope["ok"].Bool() ? "" : Explained(envelope);
    if (!draws_) {
      std::string out = text_ ? TextOf(invocation_, envelope, look.render)
                              : JsonOf(invocation_, look.envelope, envelope) + "\n";
      if (text_ && shown_ && !out.empty()) out.insert(0, "\n");
      shown_ = shown_ || !out.empty();
      WriteErr(problem);
      return WriteOut(out);
    }
    const std::string text = TextOf(invocation_, envelope, look.render) + problem;
    const Screen screen = ScreenOf(invocation_.args);
    const std::string head = "selftune " + std::string(invocation_.command->path) + ", every " +
                             every_ + ", now " + UtcNow().substr(11, 8) + " UTC";
    constexpr std::string_view kClear = "\x1b[2J";
    std::string out(shown_ ? std::string_view() : kClear);
    shown_ = true;
    out += Frame(screen.Paint(Style::kDim, Shorten(head, screen.width)) + "\n" + text,
                 SizeOfTerminal());
    return WriteOut(out);
  }

 private:
  const Invocation& invocation_;
  bool text_, draws_;
  std::string every_;  // as it was typed
  bool shown_ = false;
};

}  // namespace

int ShowAgain(const Invocation& invocation, const Repeat& repeat,
              const std::function<Look()>& look) {
  const SignalScope signals;
  Display display(invocation);
  int64_t left_ms = repeat.for_ms.value_or(0);
  for (;;) {
    const int64_t begun = MonotonicMs();
    const Look one = look();
    if (one.signal != 0) return kSignalled + one.signal;
    const std::optional<Json> envelope = Json::Parse(one.envelope);
    if (!envelope.has_value()) return Finish(invocation, one.envelope, one.render);
    if (!display.Show(one, *envelope)) return NotWritten();
    const int code = ExitCodeOf(*envelope, invocation.args);
    const bool passes = (*envelope)["ok"].Bool() || (*envelope)["data"].is_object() ||
                        (*envelope)["error"]["retryable"].Bool();
    if (!passes) return code;
    int64_t wait = repeat.every_ms;
    if (repeat.for_ms.has_value()) {
      left_ms -= MonotonicMs() - begun;
      if (left_ms <= 0) return code;
      wait = std::min(wait, left_ms);
      left_ms -= wait;
    }
    switch (WaitFor(wait)) {
      case Woken::kBySignal:
        return kSignalled + CaughtSignal();
      case Woken::kByReader:
        return 0;
      case Woken::kByTime:
        if (repeat.for_ms.has_value() && left_ms <= 0) return code;
    }
  }
}

}  // namespace selftune::cli
