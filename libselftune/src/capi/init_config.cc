#include "capi/init_config.h"

#include <algorithm>
#include <array>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/crypto.h"
#include "base/file.h"
#include "base/time.h"

namespace selftune::capi {
namespace {

using base::JsonValue;

// The agents that answer model calls, in the order they are asked.
constexpr std::array<std::string_view, 4> kAnswering = {"claude_code", "codex", "opencode", "pi"};

constexpr std::string_view kNoAgent = "unknown";  // as `agent_type`

std::string AgentCli(const std::vector<HostHere>& hosts) {
  for (const std::string_view platform : kAnswering) {
    for (const HostHere& host : hosts) {
      if (host.row->platform == platform && !host.binary.empty()) {
        return std::string(host.row->command);
      }
    }
  }
  return "";
}

JsonValue WithPlain(const JsonValue& document, std::string_view key, const std::string& value) {
  return config::WithValue(document, key, JsonValue::Text(value));
}

// {"enrolled","user_id","email","display_name","consent_timestamp"}: written down, sent
// nowhere. The id stays over enrolments.
JsonValue AlphaOf(const Context& context, const JsonValue& params, const JsonValue& before) {
  JsonValue out = before.is_object() ? before : JsonValue::Object({});
  const bool enrolled = params["alpha"].AsBool();
  out = config::WithValue(out, "enrolled", JsonValue::Bool(enrolled));
  if (!enrolled) return out;
  if (!out.Has("user_id")) out = WithPlain(out, "user_id", base::MakeUuid());
  if (params["alpha_email"].is_string()) {
    out = WithPlain(out, "email", params["alpha_email"].AsString());
  }
  if (params["alpha_name"].is_string()) {
    out = WithPlain(out, "display_name", params["alpha_name"].AsString());
  }
  if (!before["enrolled"].AsBool()) {
    out = WithPlain(out, "consent_timestamp", FormatRfc3339(context.now()));
  }
  return out;
}

JsonValue AgentOf(const HostHere& host) {
  const std::string_view by = !host.binary.empty() ? "command" : host.detected ? "folder" : "named";
  return JsonValue::Object(
      {{"type", JsonValue::Text(std::string(host.row->platform))},
       {"binary", host.binary.empty() ? JsonValue() : JsonValue::Text(host.binary)},
       {"home", JsonValue::Text(host.place.config_dir)},
       {"hooks", JsonValue()},
       {"detected_by", JsonValue::Text(std::string(by))},
       {"primary", JsonValue()}});
}

// Those of this run, and of earlier ones: all that it did not ask about, and those that
// have hooks. Who has hooks and who is primary is told by the caller.
JsonValue AgentsOf(const JsonValue& params, const std::vector<HostHere>& hosts,
                   const Hooked& hooked, const config::Config& before) {
  std::vector<JsonValue> out;
  const bool named = !params["agents"].items().empty();
  for (const HostHere& host : hosts) out.push_back(AgentOf(host));
  for (const JsonValue& agent : before.document["agents"].items()) {
    const std::string& type = agent["type"].AsString();
    const bool here = std::ranges::any_of(
        hosts, [&](const HostHere& host) { return host.row->platform == type; });
    if (!here && (named || hooked.contains(type))) out.push_back(agent);
  }
  return JsonValue::Array(std::move(out));
}

}  // namespace

JsonValue ConfigOfInit(const Context& context, const JsonValue& params,
                       const std::vector<HostHere>& hosts, const Hooked& hooked,
                       const config::Config& before) {
  const bool anew = params["force"].AsBool();
  JsonValue document = before.document.is_object() ? before.document : JsonValue::Object({});
  const std::string type =
      hosts.empty() ? std::string(kNoAgent) : std::string(hosts.front().row->platform);
  const auto missing = [&](std::string_view key) { return anew || !document.Has(key); };
  if (missing("agent_type") || document["agent_type"].AsString() == kNoAgent) {
    document = WithPlain(document, "agent_type", type);
  }
  const auto path = base::RealPath("/proc/self/exe");
  if (missing("cli_path") && path.ok()) document = WithPlain(document, "cli_path", *path);
  if (missing("llm_mode")) document = WithPlain(document, "llm_mode", "agent");
  const std::string cli = AgentCli(hosts);
  if (missing("agent_cli") && !cli.empty()) document = WithPlain(document, "agent_cli", cli);
  document = config::WithValue(document, "hooks_installed", JsonValue());  // told below
  if (missing("initialized_at")) {
    document = WithPlain(document, "initialized_at", FormatRfc3339(context.now()));
  }
  if (params["autonomy"].is_string()) {
    document = WithPlain(document, "autonomy", params["autonomy"].AsString());
  } else if (!document.Has("autonomy")) {
    document = WithPlain(document, "autonomy", "deploy");
  }
  document = config::WithValue(document, "agents", AgentsOf(params, hosts, hooked, before));
  document = WithPrimary(WithHooked(document, hooked));
  if (params["alpha"].is_bool()) {
    document =
        config::WithValue(document, "alpha", AlphaOf(context, params, before.document["alpha"]));
  }
  // Its own skill is not improved from what happens on this machine.
  if (!before.AutonomyOf(config::kOwnSkill).has_value()) {
    document = config::WithSkillAutonomy(document, std::string(config::kOwnSkill),
                                         config::SkillAutonomy::kLocked);
  }
  return document;
}

}  // namespace selftune::capi
