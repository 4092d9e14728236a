#include "llm/choose.h"

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "base/file.h"
#include "base/json_writer.h"
#include "base/status_macros.h"
#include "base/strings.h"
#include "llm/agent_cli.h"
#include "store/llm_rows.h"

namespace selftune::llm {
namespace {

Status NoAgent(std::string_view wanted) {
  base::JsonWriter details;
  details.BeginObject().Key("searched").BeginArray();
  if (wanted.empty()) {
    for (const Agent agent : AllAgents()) details.String(CommandOf(agent));
  } else {
    details.String(wanted);
  }
  details.EndArray().EndObject();
  return WithDetails(
      WithSuggestion(Fail(kAgentNotFound, "looking for an agent to ask: {} is not on PATH",
                          wanted.empty() ? "none of claude, codex" : wanted),
                     "install Claude Code or Codex, or name an agent that is installed",
                     "selftune doctor"),
      details.view());
}

std::string JoinFlags(const FlagSet& flags) {
  std::string out;
  for (const std::string& flag : flags) out += flag + " ";
  return out;
}

FlagSet SplitFlags(std::string_view text) {
  FlagSet out;
  for (const std::string_view flag : base::SplitSpace(text)) out.emplace(flag);
  return out;
}

// What is remembered about this very binary; empty when it changed.
StatusOr<std::optional<InstalledAgent>> Remembered(store::Db& db, Agent agent,
                                                   const std::string& binary) {
  ST_ASSIGN_OR_RETURN(const std::string fingerprint, BinaryFingerprint(binary));
  ST_ASSIGN_OR_RETURN(const std::optional<std::string> flags,
                      store::ReadCapability(db, fingerprint, "flags"));
  ST_ASSIGN_OR_RETURN(const std::optional<std::string> version,
                      store::ReadCapability(db, fingerprint, "version"));
  if (!flags.has_value() || !version.has_value()) return std::optional<InstalledAgent>();
  return std::optional<InstalledAgent>({.agent = agent,
                                        .binary = binary,
                                        .fingerprint = fingerprint,
                                        .version = *version,
                                        .flags = SplitFlags(*flags)});
}

StatusOr<InstalledAgent> Inspect(Agent agent, const std::string& binary,
                                 const base::Environment& env, store::Db* db,
                                 const ChooseOptions& options, UtcMillis now) {
  if (db != nullptr) {
    ST_ASSIGN_OR_RETURN(std::optional<InstalledAgent> known, Remembered(*db, agent, binary));
    if (known.has_value()) return *std::move(known);
  }
  ST_ASSIGN_OR_RETURN(InstalledAgent found, ProbeAgent(agent, binary, env, options.temp_parent));
  if (db != nullptr && options.remember && !db->read_only()) {
    ST_RETURN_IF_ERROR(
        store::WriteCapability(*db, found.fingerprint, "flags", JoinFlags(found.flags), now));
    ST_RETURN_IF_ERROR(
        store::WriteCapability(*db, found.fingerprint, "version", found.version, now));
  }
  return found;
}

}  // namespace

StatusOr<Agent> ChooseAgent(const base::Environment& env, const ChooseOptions& options) {
  std::string wanted = options.agent;
  if (wanted.empty()) wanted = env.GetOr("SELFTUNE_AGENT", "");
  if (wanted.empty()) wanted = options.configured;
  if (!wanted.empty()) {
    ST_ASSIGN_OR_RETURN(const Agent agent, ParseAgent(wanted));
    if (FindAgent(agent, env).empty()) return NoAgent(CommandOf(agent));
    return agent;
  }
  for (const Agent agent : AllAgents()) {
    if (!FindAgent(agent, env).empty()) return agent;
  }
  return NoAgent("");
}

StatusOr<std::unique_ptr<Backend>> ChooseBackend(const base::Environment& env,
                                                 const ChooseOptions& options, store::Db* db,
                                                 UtcMillis now) {
  if (options.handler != nullptr && *options.handler) {
    return std::unique_ptr<Backend>(std::make_unique<HandlerBackend>(*options.handler));
  }
  ST_ASSIGN_OR_RETURN(const Agent agent, ChooseAgent(env, options));
  if (options.remember) RemoveAbandoned(options.temp_parent, now);
  ST_ASSIGN_OR_RETURN(InstalledAgent installed,
                      Inspect(agent, FindAgent(agent, env), env, db, options, now));
  return std::unique_ptr<Backend>(
      std::make_unique<AgentCliBackend>(std::move(installed), env, options.temp_parent));
}

}  // namespace selftune::llm
