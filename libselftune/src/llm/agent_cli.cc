#include "llm/agent_cli.h"

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include <absl/cleanup/cleanup.h>
#include <fmt/format.h>

#include "base/executable.h"
#include "base/file.h"
#include "base/process.h"
#include "base/status_macros.h"
#include "base/strings.h"
#include "llm/agent_reply.h"

namespace selftune::llm {
namespace {

constexpr std::chrono::seconds kProbeTimeout{20};
constexpr uint64_t kMaxReplyBytes = 8 << 20;
constexpr char kCallPrefix[] = "call-";
constexpr int64_t kAbandonedMs = 3'600'000;  // no call lasts as long
constexpr int64_t kNsPerMs = 1'000'000;

StatusOr<std::string> Ask(const std::string& binary, std::vector<std::string> arguments,
                          std::map<std::string, std::string, std::less<>> environment,
                          const std::string& directory) {
  base::ProcessOptions options;
  options.argv = std::move(arguments);
  options.argv.insert(options.argv.begin(), binary);
  options.cwd = directory;
  options.env = std::move(environment);
  options.timeout = kProbeTimeout;
  ST_ASSIGN_OR_RETURN(const base::ProcessResult result, base::RunProcess(options));
  if (result.timed_out || result.exit_code != 0) {
    return Fail(kProcessFailed, "asking {} for {}: exit code {}", binary, options.argv.back(),
                result.exit_code);
  }
  return result.stdout_text + "\n" + result.stderr_text;
}

// The tool that ties an agent to us, if it is one that can: those of other
// systems and old ones know no death signal.
std::string DeathSignalTool() {
  const std::string tool = base::FindExecutable("setpriv", "/usr/bin:/bin");
  const std::string nothing = base::FindExecutable("true", "/usr/bin:/bin");
  if (tool.empty() || nothing.empty()) return "";
  base::ProcessOptions options;
  options.argv = {tool, "--pdeathsig", "TERM", "--", nothing};
  options.timeout = kProbeTimeout;
  const auto result = base::RunProcess(options);
  return result.ok() && !result->timed_out && result->exit_code == 0 ? tool : "";
}

// argv of `binary`, such that the child gets SIGTERM when this process dies, even
// by SIGKILL: an agent nobody waits for would go on spending. Where the tool is
// missing, the agent runs on to its own end.
std::vector<std::string> TiedToUs(const std::string& binary) {
  static const auto* const kTool = new std::string(DeathSignalTool());
  if (kTool->empty()) return {binary};
  return {*kTool, "--pdeathsig", "TERM", "--", binary};
}

// The tool in between says by its exit code what running the agent itself would
// have said by an error.
bool AgentDidNotRun(const base::ProcessResult& result) {
  return (result.exit_code == 126 || result.exit_code == 127) &&
         result.stderr_text.starts_with("setpriv:");
}

}  // namespace

std::string FindAgent(Agent agent, const base::Environment& env) {
  return base::FindExecutable(CommandOf(agent), env.GetOr("PATH", ""));
}

StatusOr<std::string> BinaryFingerprint(const std::string& binary) {
  ST_ASSIGN_OR_RETURN(const std::string real, base::RealPath(binary));
  ST_ASSIGN_OR_RETURN(const base::FileInfo info, base::Stat(real));
  return fmt::format("{}:{}:{}", real, info.size, info.mtime_ns);
}

StatusOr<InstalledAgent> ProbeAgent(Agent agent, const std::string& binary,
                                    const base::Environment& env, const std::string& temp_parent) {
  ST_RETURN_IF_ERROR(base::MakeDirs(temp_parent, 0700));
  ST_ASSIGN_OR_RETURN(const std::string scratch, base::MakeTempDir(temp_parent, kCallPrefix));
  const absl::Cleanup remove = [&scratch] { static_cast<void>(base::RemoveTree(scratch)); };
  InstalledAgent out{
      .agent = agent, .binary = binary, .fingerprint = {}, .version = {}, .flags = {}};
  ST_ASSIGN_OR_RETURN(out.fingerprint, BinaryFingerprint(binary));
  const auto environment = ChildEnvironment(agent, env);
  ST_ASSIGN_OR_RETURN(const std::string help,
                      Ask(binary, HelpArguments(agent), environment, scratch));
  out.flags = FlagsInHelp(help);
  ST_ASSIGN_OR_RETURN(const std::string version, Ask(binary, {"--version"}, environment, scratch));
  out.version = std::string(base::Trim(base::Split(version, '\n').front()));
  return out;
}

void RemoveAbandoned(const std::string& temp_parent, UtcMillis now) {
  const auto entries = base::ListDir(temp_parent);
  if (!entries.ok()) return;  // it is not there
  for (const auto& entry : *entries) {
    if (!entry.name.starts_with(kCallPrefix)) continue;
    const std::string path = base::JoinPath(temp_parent, entry.name);
    const auto info = base::Stat(path);
    if (!info.ok() || info->mtime_ns / kNsPerMs > now.value - kAbandonedMs) continue;
    // Best effort: what cannot be removed now is tried again by the next run.
    static_cast<void>(base::RemoveTree(path));
  }
}

StatusOr<LlmReply> AgentCliBackend::Call(const LlmRequest& request) {
  ST_RETURN_IF_ERROR(base::MakeDirs(temp_parent_, 0700));
  ST_ASSIGN_OR_RETURN(const std::string scratch, base::MakeTempDir(temp_parent_, kCallPrefix));
  const absl::Cleanup remove = [&scratch] { static_cast<void>(base::RemoveTree(scratch)); };

  CallFiles files{.directory = base::JoinPath(scratch, "empty"),
                  .schema_file = {},
                  .reply_file = base::JoinPath(scratch, "reply")};
  ST_RETURN_IF_ERROR(base::MakeDirs(files.directory, 0700));
  if (request.json_schema.has_value() && agent_.agent == Agent::kCodex) {
    files.schema_file = base::JoinPath(scratch, "schema.json");
    ST_RETURN_IF_ERROR(base::WriteFileNew(files.schema_file, *request.json_schema, 0600));
  }

  base::ProcessOptions options;
  ST_ASSIGN_OR_RETURN(options.argv, BuildArguments(agent_.agent, request, agent_.flags, files));
  const std::vector<std::string> command = TiedToUs(agent_.binary);
  options.argv.insert(options.argv.begin(), command.begin(), command.end());
  options.env = ChildEnvironment(agent_.agent, env_);
  options.cwd = files.directory;
  // Codex has no switch for the system text: it goes in front of the prompt.
  options.stdin_text = agent_.agent == Agent::kCodex && !request.system.empty()
                           ? request.user.substr(0, request.user.find('\n') + 1) + request.system +
                                 "\n\n" + request.user.substr(request.user.find('\n') + 1)
                           : request.user;
  options.timeout = TimeoutOf(request);
  options.cancel = request.cancel;
  ST_ASSIGN_OR_RETURN(const base::ProcessResult result, base::RunProcess(options));
  if (AgentDidNotRun(result)) {
    return Fail(kProcessFailed, "running {}: {}", agent_.binary, base::Trim(result.stderr_text));
  }

  const auto written = base::ReadFile(files.reply_file, kMaxReplyBytes);
  return ReadAgentReply(agent_.agent, result, written.ok() ? *written : std::string());
}

}  // namespace selftune::llm
