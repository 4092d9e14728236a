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
#include "llm/api_backend.h"
#include "net/transport.h"
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

bool HasHandler(const ChooseOptions& options) {
  return options.handler != nullptr && *options.handler;
}

StatusOr<std::string> KeyFor(const base::Environment& env, const ChooseOptions& options) {
  if (options.no_network) {
    return WithSuggestion(Fail(kApiFailed, "asking {}: this engine may not use the network",
                               config::Word(options.api->provider)),
                          "open it without NO_NETWORK, or set llm_mode to \"agent\"",
                          "selftune config set llm_mode agent");
  }
  return ApiKey(*options.api, env);
}

constexpr std::string_view kRefusedParts = "refused";
constexpr std::string_view kSince = "since=";
constexpr int64_t kRefusedDays = 7;  // servers learn

std::string SubjectOf(const ApiSettings& settings, std::string_view model) {
  return fmt::format("api:{}:{}", settings.base_url, model);
}

// What a model refused lately, out of "effort format since=<ms>".
Refused StillRefused(std::string_view text, UtcMillis now) {
  Refused out;
  int64_t since = 0;
  for (const std::string_view word : base::SplitSpace(text)) {
    if (word.starts_with(kSince)) {
      since = base::ParseInt(word.substr(kSince.size())).value_or(0);
    } else {
      out.emplace(word);
    }
  }
  return now.value - since < kRefusedDays * kDayMs ? out : Refused();
}

StatusOr<std::unique_ptr<Backend>> ChooseServer(const base::Environment& env,
                                                const ChooseOptions& options, store::Db* db,
                                                const Clock& clock) {
  ApiBackendOptions server{.settings = *options.api,
                           .key = {},
                           .proxy = ProxyFor(env, options.api->base_url),
                           .no_proxy = env.GetOr("no_proxy", env.GetOr("NO_PROXY", "")),
                           .refused = {},
                           .remember = {}};
  ST_ASSIGN_OR_RETURN(server.key, KeyFor(env, options));
  ST_ASSIGN_OR_RETURN(net::Transport* const transport, net::SharedTransport());
  if (db != nullptr) {
    for (const auto& [tier, model] : options.api->models) {
      ST_ASSIGN_OR_RETURN(
          const std::optional<std::string> parts,
          store::ReadCapability(*db, SubjectOf(*options.api, model), kRefusedParts));
      if (parts.has_value()) server.refused[model] = StillRefused(*parts, clock.Now());
    }
  }
  if (db != nullptr && options.remember && !db->read_only()) {
    server.remember = [db, &clock, settings = *options.api](const std::string& model,
                                                            const Refused& refused) {
      // Best effort: what is not kept is found out again by the next run.
      const UtcMillis now = clock.Now();
      const std::string text = fmt::format("{}{}{}", JoinFlags(refused), kSince, now.value);
      static_cast<void>(
          store::WriteCapability(*db, SubjectOf(settings, model), kRefusedParts, text, now));
    };
  }
  return std::unique_ptr<Backend>(
      std::make_unique<ApiBackend>(std::move(server), *transport, clock));
}

}  // namespace

StatusOr<std::string> NameBackend(const base::Environment& env, const ChooseOptions& options) {
  if (HasHandler(options)) return std::string("handler");
  if (options.api.has_value()) {
    ST_RETURN_IF_ERROR(KeyFor(env, options).status());
    return std::string(config::Word(options.api->provider));
  }
  ST_ASSIGN_OR_RETURN(const Agent agent, ChooseAgent(env, options));
  return std::string(CommandOf(agent));
}

std::string BackendProgram(const base::Environment& env, const ChooseOptions& options) {
  if (HasHandler(options) || options.api.has_value()) return "";
  const auto agent = ChooseAgent(env, options);
  return agent.ok() ? FindAgent(*agent, env) : "";
}

StatusOr<std::unique_ptr<Backend>> ChooseBackend(const base::Environment& env,
                                                 const ChooseOptions& options, store::Db* db,
                                                 const Clock& clock) {
  if (HasHandler(options)) {
    return std::unique_ptr<Backend>(std::make_unique<HandlerBackend>(*options.handler));
  }
  if (options.api.has_value()) return ChooseServer(env, options, db, clock);
  ST_ASSIGN_OR_RETURN(const Agent agent, ChooseAgent(env, options));
  const UtcMillis now = clock.Now();
  if (options.remember) RemoveAbandoned(options.temp_parent, now);
  ST_ASSIGN_OR_RETURN(InstalledAgent installed,
                      Inspect(agent, FindAgent(agent, env), env, db, options, now));
  return std::unique_ptr<Backend>(
      std::make_unique<AgentCliBackend>(std::move(installed), env, options.temp_parent));
}

}  // namespace selftune::llm
