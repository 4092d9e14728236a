// Checks of who answers questions to a model: agents' commands, or a server.
#include <chrono>
#include <string>
#include <string_view>

#include <fmt/format.h>

#include "base/executable.h"
#include "base/file.h"
#include "base/process.h"
#include "base/strings.h"
#include "hosts/registry.h"
#include "net/transport.h"
#include "status/doctor_checks.h"

namespace selftune::status {
namespace {

// Enough for a program that another program interprets, on a machine that works.
constexpr std::chrono::milliseconds kPatience{5000};
constexpr size_t kMostShown = 40;

// The first line of what it says of itself.
std::string VersionIn(std::string_view text) {
  const std::string_view line = base::Trim(text.substr(0, text.find('\n')));
  return std::string(line.substr(0, kMostShown));
}

// Starts it, as a scheduled run would, and hears which version it is.
void AskVersion(const DoctorWorld& world, const std::string& binary, Check& check) {
  base::ProcessOptions options;
  options.argv = {binary, "--version"};
  options.env = world.env->all();
  options.env["SELFTUNE_INTERNAL"] = "1";
  options.timeout = kPatience;
  const auto ran = base::RunProcess(options);
  if (ran.ok() && !ran->timed_out && ran->exit_code == 0) {
    if (const std::string version = VersionIn(ran->stdout_text); !version.empty()) {
      check.message += ", " + version;
      return;
    }
  }
  check.status = CheckStatus::kWarn;
  check.message += ", and does not say its version";
  check.text = "a model cannot be asked through it as it is; see what it says";
  check.command = base::JoinCommand({binary, "--version"});
}

// With llm_mode "api" a server answers instead of an agent.
void CheckServer(const DoctorWorld& world, const config::Config& config, Checks& out) {
  const std::string variable = config::KeyVariable(config);
  const std::string& url = config.Get("api.base_url").AsString();
  Check check{.name = "model.api",
              .message = url.empty() ? "models are asked at their provider's address"
                                     : fmt::format("models are asked at {}", url)};
  if (config.Get("api.model").is_null()) {
    check.status = CheckStatus::kWarn;
    check.message = "llm_mode is api, and api.model names no model";
    check.text = "none is guessed; set it to the name your server knows";
    check.command = "selftune config set --help";
  } else if (world.env->GetOr(variable, "").empty() && !net::IsLoopback(url)) {
    check.status = CheckStatus::kWarn;
    check.message = fmt::format("llm_mode is api, and the variable {} is not set here", variable);
    check.text = "set it where selftune runs, also for runs that a scheduler starts";
    check.command = "selftune config get api.key_env";
  }
  out.push_back(std::move(check));
}

}  // namespace

void CheckAgents(const DoctorWorld& world, const DoctorOptions& options, Checks& out) {
  const std::string path_list = world.env->GetOr("PATH", "");
  int found = 0;
  for (const hosts::HostRow& row : hosts::Rows()) {
    if (row.command.empty()) continue;
    const std::string binary = base::FindExecutable(row.command, path_list);
    const bool present = base::Exists(hosts::ConfigDir(row, *world.env));
    if (!present && binary.empty()) continue;
    Check check{.name = fmt::format("agents.{}", row.platform), .path = binary};
    if (binary.empty()) {
      check.status = CheckStatus::kInfo;
      check.message = fmt::format("{} left files, {} is not on PATH", row.title, row.command);
      check.text = "what it wrote is read; once it is installed again, this records where it is";
      check.command = "selftune init";
    } else {
      ++found;
      check.message = fmt::format("{} found", row.command);
      if (options.deep) AskVersion(world, binary, check);
    }
    out.push_back(std::move(check));
  }
  const bool api = world.config.ok() && (*world.config)->document["llm_mode"].AsString() ==
                                            config::Word(config::LlmMode::kApi);
  if (api) CheckServer(world, **world.config, out);
  if (found > 0 || api) return;
  out.push_back({.name = "agents.any",
                 .status = CheckStatus::kWarn,
                 .message = "no agent command is on PATH",
                 .text = "evolving asks one of them, or a server; reading evidence works without",
                 .command = "selftune config set llm_mode api"});
}

}  // namespace selftune::status
