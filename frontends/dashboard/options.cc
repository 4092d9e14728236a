#include "dashboard/options.h"

#include <getopt.h>
#include <unistd.h>

#include <charconv>
#include <cstdint>
#include <optional>

namespace selftune::dashboard {
namespace {

enum Flag : int {
  kHome = 256,
  kDb,
  kWebDir,
  kPort,
  kRestart,
  kNoOpen,
  kAllowRoot,
  kReadOnly,
  kJson,
  kText,
  kMaxStreams,
  kIdleExit,
  kHelp,
};

constexpr option kFlags[] = {
    {"home", required_argument, nullptr, kHome},
    {"db", required_argument, nullptr, kDb},
    {"web-dir", required_argument, nullptr, kWebDir},
    {"port", required_argument, nullptr, kPort},
    {"restart", no_argument, nullptr, kRestart},
    {"no-open", no_argument, nullptr, kNoOpen},
    {"allow-root", no_argument, nullptr, kAllowRoot},
    {"read-only", no_argument, nullptr, kReadOnly},
    {"json", no_argument, nullptr, kJson},
    {"text", no_argument, nullptr, kText},
    {"max-streams", required_argument, nullptr, kMaxStreams},
    {"idle-exit", required_argument, nullptr, kIdleExit},
    {"help", no_argument, nullptr, kHelp},
    {nullptr, 0, nullptr, 0},
};

constexpr std::string_view kHelpText =
    "Usage: selftune dashboard [flags]\n"
    "\n"
    "Serves the dashboard on 127.0.0.1 and ::1 and opens it in the browser. When one\n"
    "runs already for this state folder, a new link to it is opened.\n"
    "\n"
    "  --port <n>         listen here; without it 3141, or any free port\n"
    "  --restart          end the dashboard that runs and start this one\n"
    "  --no-open          only print the link\n"
    "  --idle-exit <time> end when nobody asked for so long: 30m, 2h\n"
    "  --read-only        never write, whatever is clicked\n"
    "  --web-dir <dir>    serve the page from this folder\n"
    "  --max-streams <n>  event streams at the same time (16)\n"
    "  --allow-root       run as root\n"
    "  --home <dir>       state folder, instead of $SELFTUNE_HOME or ~/.selftune\n"
    "  --db <path>        the store, instead of selftune.db in the state folder\n"
    "  --json, --text     print one JSON document, or text\n"
    "\n"
    "From another machine: ssh -L 3141:127.0.0.1:3141 HOST, then open the link there.\n";

std::optional<int64_t> Number(std::string_view text, int64_t low, int64_t high) {
  int64_t value = 0;
  const auto read = std::from_chars(text.data(), text.data() + text.size(), value);
  if (read.ec != std::errc() || read.ptr != text.data() + text.size() || value < low ||
      value > high) {
    return std::nullopt;
  }
  return value;
}

// "30m", "2h", "90s", "500ms"
std::optional<std::chrono::milliseconds> Time(std::string_view text) {
  const size_t digits = std::min(text.find_first_not_of("0123456789"), text.size());
  const auto value = Number(text.substr(0, digits), 1, 1'000'000);
  const std::string_view unit = text.substr(digits);
  if (!value.has_value()) return std::nullopt;
  if (unit == "ms") return std::chrono::milliseconds(*value);
  if (unit == "s") return std::chrono::seconds(*value);
  if (unit == "m") return std::chrono::minutes(*value);
  if (unit == "h") return std::chrono::hours(*value);
  return std::nullopt;
}

std::string Absolute(std::string path) {
  char here[4096];
  if (path.empty() || path.front() == '/' || getcwd(here, sizeof here) == nullptr) return path;
  return std::string(here) + "/" + path;
}

// "" or what is wrong with the value.
std::string Set(Options& options, int flag, const char* value) {
  switch (flag) {
    case kHome:
      options.home = Absolute(value);
      return "";
    case kDb:
      options.db = Absolute(value);
      return "";
    case kWebDir:
      options.web_dir = Absolute(value);
      return "";
    case kRestart:
      options.restart = true;
      return "";
    case kNoOpen:
      options.open_browser = false;
      return "";
    case kAllowRoot:
      options.allow_root = true;
      return "";
    case kReadOnly:
      options.read_only = true;
      return "";
    case kJson:
      options.json = true;
      return "";
    case kText:
      options.text = true;
      return "";
    case kHelp:
      options.help = true;
      return "";
    case kPort: {
      const auto port = Number(value, 1, 65535);
      if (!port.has_value()) return "--port is a number from 1 to 65535";
      options.port = static_cast<int>(*port);
      options.port_given = true;
      return "";
    }
    case kMaxStreams: {
      const auto streams = Number(value, 1, 10'000);
      if (!streams.has_value()) return "--max-streams is a number from 1 to 10000";
      options.max_streams = static_cast<size_t>(*streams);
      return "";
    }
    case kIdleExit: {
      const auto time = Time(value);
      if (!time.has_value()) return "--idle-exit is a time such as 30m";
      options.idle_exit = *time;
      return "";
    }
    default:
      return "unknown flag";
  }
}

}  // namespace

ParsedOptions ParseOptions(int argc, char** argv) {
  ParsedOptions out;
  opterr = 0;
  for (;;) {
    const int at = optind;
    const int flag = getopt_long(argc, argv, "+:h", kFlags, nullptr);
    if (flag == -1) break;
    if (flag == 'h') {
      out.options.help = true;
    } else if (flag == '?' || flag == ':') {
      out.error = std::string(flag == ':' ? "no value for " : "unknown flag ") + argv[at];
      return out;
    } else if (std::string problem = Set(out.options, flag, optarg); !problem.empty()) {
      out.error = std::move(problem);
      return out;
    }
  }
  if (optind < argc) out.error = std::string("unexpected ") + argv[optind];
  return out;
}

std::string_view HelpText() { return kHelpText; }

}  // namespace selftune::dashboard
