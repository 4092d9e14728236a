#include "schedule/place.h"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/executable.h"
#include "base/file.h"
#include "base/process.h"
#include "base/status_macros.h"
#include "base/strings.h"

namespace selftune::schedule {
namespace {

constexpr std::array<std::string_view, 4> kWords = {"cron", "launchd", "systemd", "openclaw"};
constexpr std::string_view kUsualPath = "/usr/local/bin:/usr/bin:/bin";
constexpr std::string_view kProgram = "selftune";
constexpr auto kLook = std::chrono::seconds(2);
constexpr std::array<std::string_view, 5> kCarried = {
    "SELFTUNE_HOME", "CLAUDE_CONFIG_DIR", "CODEX_HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME"};

// The program of this process, "" when that cannot be told.
std::string Self() {
  std::string path(4096, '\0');
  const ssize_t size = ::readlink("/proc/self/exe", path.data(), path.size());
  if (size <= 0) return {};
  path.resize(static_cast<size_t>(size));
  return base::BaseName(path) == kProgram ? path : std::string();
}

std::string PathList(const Machine& machine) { return machine.env->GetOr("PATH", kUsualPath); }

}  // namespace

std::string_view Word(Platform platform) { return kWords[static_cast<size_t>(platform)]; }

std::optional<Platform> ParsePlatform(std::string_view word) {
  const auto found = std::ranges::find(kWords, word);
  if (found == kWords.end()) return std::nullopt;
  return static_cast<Platform>(found - kWords.begin());
}

bool HasProgram(const Machine& machine, std::string_view name) {
  return !base::FindExecutable(name, PathList(machine)).empty();
}

StatusOr<Ran> Run(const Machine& machine, std::vector<std::string> argv, std::string_view input,
                  std::chrono::milliseconds timeout) {
  const std::string program = base::FindExecutable(argv.front(), PathList(machine));
  if (program.empty()) return Fail(kProcessFailed, "running {}: it is not on PATH", argv.front());
  Ran out{.argv = argv};
  base::ProcessOptions options;
  options.argv = std::move(argv);
  options.argv.front() = program;
  options.env = machine.env->all();
  options.stdin_text = input;
  options.timeout = timeout;
  options.cancel = machine.cancel;
  ST_ASSIGN_OR_RETURN(base::ProcessResult result, base::RunProcess(options));
  if (result.cancelled && machine.cancel != nullptr) ST_RETURN_IF_ERROR(machine.cancel->Check());
  out.exit_code = result.exit_code;
  out.out = std::move(result.stdout_text);
  out.error =
      result.timed_out ? "it did not answer in time" : std::string(base::Trim(result.stderr_text));
  return out;
}

StatusOr<std::optional<Platform>> DetectPlatform(const Machine& machine) {
#ifdef __APPLE__
  return std::optional(Platform::kLaunchd);
#else
  const auto runtime = machine.env->Get("XDG_RUNTIME_DIR");
  if (runtime.has_value() && base::Exists(*runtime) && HasProgram(machine, "systemctl")) {
    ST_ASSIGN_OR_RETURN(const Ran ran,
                        Run(machine, {"systemctl", "--user", "show-environment"}, {}, kLook));
    if (ran.ok()) return std::optional(Platform::kSystemd);
  }
  if (HasProgram(machine, "crontab")) return std::optional(Platform::kCron);
  return std::optional<Platform>();
#endif
}

StatusOr<std::string> FindProgram(const Machine& machine) {
  const std::string self = Self();
  std::string named = base::FindExecutable(kProgram, PathList(machine));
  const auto real = base::RealPath(named);
  if (!named.empty() && (self.empty() || (real.ok() && *real == self))) return named;
  if (!self.empty()) return self;
  return WithSuggestion(Fail(kFileNotFound, "finding the program selftune: it is not on PATH"),
                        "put it there, or start this command with it",
                        "selftune doctor --only 'agents.*'");
}

StatusOr<JobEnvironment> CaptureEnvironment(const Machine& machine, const std::string& program) {
  std::vector<std::string> folders;
  const auto add = [&](std::string_view folder) {
    const bool known = std::ranges::find(folders, folder) != folders.end();
    if (folder.starts_with('/') && !known && base::Exists(std::string(folder))) {
      folders.emplace_back(folder);
    }
  };
  add(base::DirName(program));
  for (const std::string_view command : base::SplitSpace(machine.agent_commands)) {
    const std::string found = base::FindExecutable(command, PathList(machine));
    if (!found.empty()) add(base::DirName(found));
  }
  for (const std::string_view folder : base::Split(kUsualPath, ':')) add(folder);
  JobEnvironment out;
  out["PATH"] = base::Join(folders, ":");
  for (const std::string_view name : kCarried) {
    if (auto value = machine.env->Get(name)) out[std::string(name)] = *std::move(value);
  }
  for (const auto& [name, value] : out) {
    const bool plain = std::ranges::none_of(
        value, [](char c) { return static_cast<unsigned char>(c) < ' ' || c == '\x7f'; });
    if (!plain) return Fail(kInvalidConfig, "{} has a character that no scheduler carries", name);
  }
  return out;
}

}  // namespace selftune::schedule
