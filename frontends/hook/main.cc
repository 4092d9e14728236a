// selftune-hook HOST [HOOK]: what an agent runs at its events. The payload is
// on standard input; nothing that goes wrong here may be seen by the agent.
#include <poll.h>
#include <selftune/hook.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <ctime>

namespace {

constexpr size_t kFirstBuffer = 64 << 10;
constexpr size_t kMaxPayload = size_t{8} << 20;  // the library's limit

// How long the payload may take to come; what follows takes a millisecond.
struct Limit {
  const char* hook;
  int64_t ms;
};
constexpr Limit kLimits[] = {{"prompt-log", 250},    {"guard", 250},         {"skill-eval", 500},
                             {"skill-command", 500}, {"commit-track", 1000}, {"session-stop", 5000},
                             {"session-end", 1000}};
constexpr int64_t kOtherLimitMs = 1000;  // of one that only its payload names
constexpr int64_t kFirstByteMs = 500;    // until it begins, at most

constexpr char kUsage[] =
    "usage: selftune-hook [--strict] HOST [HOOK] < payload\n"
    "       selftune-hook --version\n"
    "\n"
    "Run by a coding agent at its events, with the event on standard input.\n"
    "  HOST      claude-code, codex, gemini, qwen, copilot, cline\n"
    "  HOOK      prompt-log, guard, skill-eval, commit-track, skill-command,\n"
    "            session-stop, subagent-start, subagent-stop, session-end;\n"
    "            default: as the event says. `event`: any HOST, the event in\n"
    "            the form that selftune/hook.h describes\n"
    "  --strict  say what went wrong and exit 1, instead of keeping out of\n"
    "            the agent's way (SELFTUNE_HOOK_DEBUG=1 only says it)\n";

int64_t NowMs() {
  timespec now = {};
  clock_gettime(CLOCK_MONOTONIC, &now);
  return int64_t{now.tv_sec} * 1000 + now.tv_nsec / 1'000'000;
}

void Say(int fd, const char* text) {
  // Nobody is left to tell that telling failed.
  if (write(fd, text, std::strlen(text)) < 0) return;
}

int64_t LimitOf(const char* hook) {
  for (const Limit& limit : kLimits) {
    if (hook != nullptr && std::strcmp(hook, limit.hook) == 0) return limit.ms;
  }
  return kOtherLimitMs;
}

// Finds where a JSON object ends, in text that comes piece by piece.
class ObjectEnd {
 public:
  // `data` from its beginning on, longer than the last time; what was seen then
  // is not looked at again.
  [[nodiscard]] bool In(const char* data, size_t size) {
    for (; seen_ < size && !ended_; ++seen_) See(data[seen_]);
    return ended_;
  }

 private:
  void See(char c) {
    if (in_string_) {
      if (!escaped_ && c == '"') in_string_ = false;
      escaped_ = !escaped_ && c == '\\';
    } else if (c == '"') {
      in_string_ = true;
    } else if (c == '{' || c == '[') {
      ++depth_;
    } else if (c == '}' || c == ']') {
      ended_ = --depth_ <= 0;
    }
  }

  size_t seen_ = 0;
  int64_t depth_ = 0;
  bool in_string_ = false, escaped_ = false, ended_ = false;
};

// What comes on standard input until it ends, its object ends and nothing more
// is there, or time is up. One byte more than the limit is kept, so that the
// library sees that it was too much; what follows is read and forgotten, because
// the agent must not get SIGPIPE.
struct Payload {
  char* data = nullptr;
  size_t size = 0;

  void Read(int64_t limit_ms) {
    size_t room = kFirstBuffer;
    data = static_cast<char*>(std::malloc(room));
    const int64_t start = NowMs();
    const int64_t whole = start + limit_ms;
    // Never a read without a look before: a pipe that stays open must not hold
    // up the agent, and O_NONBLOCK would be set for all who share the pipe.
    while (data != nullptr) {
      const int64_t begins = start + (limit_ms < kFirstByteMs ? limit_ms : kFirstByteMs);
      if (!More(size == 0 ? begins : whole)) return;
      const ssize_t got = Some(room);
      if (got > 0) {
        size += static_cast<size_t>(got);
        if (size > kMaxPayload) size = kMaxPayload + 1;
        if (size == room) room = Grow(room);
        continue;
      }
      if (got == 0 || (errno != EINTR && errno != EAGAIN)) return;
    }
  }

 private:
  // Whether there is something to read, or may be in time. What is there already
  // is read on a busy machine too, but not without end.
  [[nodiscard]] bool More(int64_t deadline) {
    pollfd ready = {STDIN_FILENO, POLLIN, 0};
    if (poll(&ready, 1, 0) > 0) return size <= kMaxPayload || NowMs() < deadline;
    return !(size <= kMaxPayload && end_.In(data, size)) && Wait(deadline);
  }

  [[nodiscard]] ssize_t Some(size_t room) {
    static char overflow[4096];
    if (size > kMaxPayload) return read(STDIN_FILENO, overflow, sizeof overflow);
    return read(STDIN_FILENO, data + size, room - size);
  }

  [[nodiscard]] size_t Grow(size_t room) {
    const size_t wanted = room * 2 > kMaxPayload ? kMaxPayload + 4096 : room * 2;
    char* const bigger = static_cast<char*>(std::realloc(data, wanted));
    if (bigger == nullptr) {
      std::free(data);
      size = 0;
    }
    data = bigger;
    return wanted;
  }

  // False: time is up.
  [[nodiscard]] static bool Wait(int64_t deadline) {
    int64_t left = deadline - NowMs();
    while (left > 0) {
      pollfd ready = {STDIN_FILENO, POLLIN, 0};
      if (poll(&ready, 1, static_cast<int>(left)) >= 0) return ready.revents != 0;
      if (errno != EINTR) return false;
      left = deadline - NowMs();
    }
    return false;
  }

  ObjectEnd end_;
};

struct Arguments {
  bool strict = false;
  const char* host = nullptr;
  const char* hook = nullptr;
  bool wrong = false;
};

Arguments ReadArguments(int argc, char** argv) {
  Arguments out;
  for (int i = 1; i < argc; ++i) {
    if (std::strcmp(argv[i], "--strict") == 0) {
      out.strict = true;
    } else if (argv[i][0] == '-' || out.hook != nullptr) {
      out.wrong = true;
    } else if (out.host == nullptr) {
      out.host = argv[i];
    } else {
      out.hook = argv[i];
    }
  }
  out.wrong = out.wrong || out.host == nullptr;
  return out;
}

bool Asks(int argc, char** argv, const char* option) {
  return argc == 2 && std::strcmp(argv[1], option) == 0;
}

// A person at a terminal, or a test, is told; an agent is not disturbed.
int Misused(const Arguments& arguments) {
  if (!arguments.strict && isatty(STDIN_FILENO) == 0) return 0;
  Say(STDERR_FILENO, kUsage);
  return 1;
}

int Handle(const Arguments& arguments) {
  Payload payload;
  payload.Read(LimitOf(arguments.hook));
  const selftune_str_t bytes = {payload.data, payload.size};
  selftune_buf_t reply = SELFTUNE_BUF_INIT;
  selftune_error_t* error = nullptr;
  int32_t exit_code = 0;
  const selftune_code_t code =
      selftune_hook_handle(nullptr, selftune_str(arguments.host), selftune_str(arguments.hook),
                           bytes, &reply, &exit_code, &error);
  if (reply.size > 0 && write(STDOUT_FILENO, reply.data, reply.size) < 0) return exit_code;
  if (code == SELFTUNE_OK) return exit_code;
  const char* const debug = std::getenv("SELFTUNE_HOOK_DEBUG");
  if (arguments.strict || (debug != nullptr && debug[0] != '\0')) {
    Say(STDERR_FILENO, "selftune-hook: ");
    Say(STDERR_FILENO, selftune_error_message(error));
    Say(STDERR_FILENO, "\n");
  }
  return arguments.strict ? 1 : exit_code;
}

}  // namespace

int main(int argc, char** argv) {
  // An agent that is gone ends no hook half way.
  signal(SIGPIPE, SIG_IGN);
  // A limit on the size of files is an error like a full disk.
  signal(SIGXFSZ, SIG_IGN);
  if (Asks(argc, argv, "--version")) {
    Say(STDOUT_FILENO, "selftune-hook " SELFTUNE_HOOK_VERSION "\n");
    _exit(0);
  }
  if (Asks(argc, argv, "--help")) {
    Say(STDOUT_FILENO, kUsage);
    _exit(0);
  }
  const Arguments arguments = ReadArguments(argc, argv);
  // Nothing is freed: the process is over.
  _exit(arguments.wrong ? Misused(arguments) : Handle(arguments));
}
