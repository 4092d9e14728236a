#include "llm/agent_argv.h"

#include <array>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/json_writer.h"
#include "base/status_macros.h"
#include "base/strings.h"

namespace selftune::llm {
namespace {

constexpr std::array kAgents = {Agent::kClaude, Agent::kCodex};

// Agents of the registry that exist but do not answer calls yet.
constexpr std::string_view kNotYet[] = {"opencode", "pi",      "openclaw", "cline",
                                        "gemini",   "copilot", "qwen"};

constexpr std::string_view kAllowedNames[] = {
    "PATH",
    "HOME",
    "USER",
    "LOGNAME",
    "SHELL",
    "LANG",
    "TMPDIR",
    "HTTP_PROXY",
    "HTTPS_PROXY",
    "NO_PROXY",
    "http_proxy",
    "https_proxy",
    "no_proxy",
    "ALL_PROXY",
    "all_proxy",
    "CODEX_HOME",
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
    "NODE_EXTRA_CA_CERTS",
    "TZ",
};
constexpr std::string_view kAllowedPrefixes[] = {"LC_", "XDG_", "ANTHROPIC_", "CLAUDE_"};
constexpr std::string_view kCodexPrefixes[] = {"OPENAI_", "CODEX_"};
constexpr std::string_view kCloudPrefixes[] = {"AWS_", "GOOGLE_", "CLOUD_ML_", "VERTEX_"};

bool HasPrefix(std::string_view name, std::span<const std::string_view> prefixes) {
  for (const std::string_view prefix : prefixes) {
    if (name.starts_with(prefix)) return true;
  }
  return false;
}

// Cloud credentials travel only when the agent is set up to use that cloud.
bool UsesCloud(const base::Environment& env) {
  return env.Get("CLAUDE_CODE_USE_BEDROCK").has_value() ||
         env.Get("CLAUDE_CODE_USE_VERTEX").has_value();
}

bool Allowed(Agent agent, std::string_view name, const base::Environment& env) {
  for (const std::string_view allowed : kAllowedNames) {
    if (name == allowed) return true;
  }
  if (HasPrefix(name, kAllowedPrefixes)) return true;
  if (agent == Agent::kCodex) {
    // A provider of the user's config may name any variable for its key.
    if (HasPrefix(name, kCodexPrefixes) || name.ends_with("_API_KEY")) return true;
  }
  return UsesCloud(env) && HasPrefix(name, kCloudPrefixes);
}

Status MissingFlag(Agent agent, std::string_view flag) {
  return WithSuggestion(
      Fail(kAgentUnsafe, "calling {}: this version has no {}, which keeps the call isolated",
           CommandOf(agent), flag),
      "update the agent, or choose another one with --agent", "selftune doctor");
}

// Appends flags, checking those the call cannot do without.
class ArgumentBuilder {
 public:
  ArgumentBuilder(Agent agent, const FlagSet& flags) : agent_(agent), flags_(flags) {}

  void Plain(std::string argument) { args_.push_back(std::move(argument)); }
  void Required(std::string_view flag, std::string_view value = {}, bool has_value = false) {
    if (!flags_.contains(flag) && missing_.empty()) missing_ = flag;
    Add(flag, value, has_value);
  }
  void Optional(std::string_view flag, std::string_view value = {}, bool has_value = false) {
    if (flags_.contains(flag)) Add(flag, value, has_value);
  }
  StatusOr<std::vector<std::string>> Take() && {
    if (!missing_.empty()) return MissingFlag(agent_, missing_);
    return std::move(args_);
  }

 private:
  void Add(std::string_view flag, std::string_view value, bool has_value) {
    args_.emplace_back(flag);
    if (has_value) args_.emplace_back(value);
  }

  Agent agent_;
  const FlagSet& flags_;
  std::vector<std::string> args_;
  std::string missing_;
};

std::string_view ClaudeModel(Tier tier) {
  switch (tier) {
    case Tier::kFast:
      return "haiku";
    case Tier::kStandard:
      return "sonnet";
    case Tier::kStrong:
      return "opus";
  }
  return "sonnet";
}

StatusOr<std::vector<std::string>> ClaudeArguments(const LlmRequest& request,
                                                   const FlagSet& flags) {
  ArgumentBuilder args(Agent::kClaude, flags);
  args.Plain("-p");
  args.Required("--output-format", "json", true);
  args.Required("--no-session-persistence");
  args.Required("--tools", "", true);
  args.Required("--settings", R"({"disableAllHooks":true})", true);
  args.Optional("--strict-mcp-config");
  args.Optional("--disable-slash-commands");
  args.Required("--system-prompt", request.system, true);
  args.Optional("--model", request.model.value_or(std::string(ClaudeModel(request.tier))), true);
  if (request.effort.has_value()) args.Optional("--effort", *request.effort, true);
  if (request.json_schema.has_value()) args.Optional("--json-schema", *request.json_schema, true);
  return std::move(args).Take();
}

StatusOr<std::vector<std::string>> CodexArguments(const LlmRequest& request, const FlagSet& flags,
                                                  const CallFiles& files) {
  ArgumentBuilder args(Agent::kCodex, flags);
  args.Plain("exec");
  args.Required("--json");
  args.Required("--ephemeral");
  args.Required("--skip-git-repo-check");
  args.Required("--sandbox", "read-only", true);
  args.Required("--disable", "hooks", true);
  args.Required("--config", "skills.include_instructions=false", true);
  args.Required("--config", "project_doc_max_bytes=0", true);
  args.Required("--cd", files.directory, true);
  if (request.model.has_value()) args.Required("--model", *request.model, true);
  if (request.effort.has_value()) {
    args.Required("--config", "model_reasoning_effort=" + base::JsonQuote(*request.effort), true);
  }
  if (!files.schema_file.empty()) args.Optional("--output-schema", files.schema_file, true);
  args.Required("--output-last-message", files.reply_file, true);
  args.Plain("-");
  return std::move(args).Take();
}

}  // namespace

std::span<const Agent> AllAgents() { return kAgents; }

std::string_view CommandOf(Agent agent) { return agent == Agent::kClaude ? "claude" : "codex"; }

StatusOr<Agent> ParseAgent(std::string_view name) {
  std::string wanted = base::AsciiLower(name);
  if (wanted == "claude_code" || wanted == "claude-code") wanted = "claude";
  for (const Agent agent : kAgents) {
    if (CommandOf(agent) == wanted) return agent;
  }
  for (const std::string_view other : kNotYet) {
    if (wanted == other) {
      return WithSuggestion(
          Fail(kUnsupportedType, "agent {} does not answer model calls yet", name),
          "use claude or codex", "");
    }
  }
  return WithSuggestion(Fail(kInvalidFlag, "unknown agent \"{}\"", name), "use claude or codex",
                        "");
}

FlagSet FlagsInHelp(std::string_view help_text) {
  FlagSet flags;
  for (size_t i = 0; i + 2 < help_text.size(); ++i) {
    const bool begins = i == 0 || help_text[i - 1] == ' ' || help_text[i - 1] == '\n' ||
                        help_text[i - 1] == ',' || help_text[i - 1] == '\t' ||
                        help_text[i - 1] == '[' || help_text[i - 1] == '`';
    if (!begins || help_text.substr(i, 2) != "--") continue;
    size_t end = i + 2;
    while (end < help_text.size() &&
           (help_text[end] == '-' || (help_text[end] >= 'a' && help_text[end] <= 'z') ||
            (help_text[end] >= '0' && help_text[end] <= '9'))) {
      ++end;
    }
    if (end > i + 2 && help_text[i + 2] != '-')
      flags.insert(std::string(help_text.substr(i, end - i)));
    i = end - 1;
  }
  return flags;
}

std::vector<std::string> HelpArguments(Agent agent) {
  if (agent == Agent::kCodex) return {"exec", "--help"};
  return {"--help"};
}

StatusOr<std::vector<std::string>> BuildArguments(Agent agent, const LlmRequest& request,
                                                  const FlagSet& flags, const CallFiles& files) {
  if (request.model.has_value() && !IsModelName(*request.model)) {
    return Fail(kInvalidRequest, "calling {}: \"{}\" is no name of a model", CommandOf(agent),
                *request.model);
  }
  if (request.effort.has_value() && !IsEffort(*request.effort)) {
    return Fail(kInvalidRequest, "calling {}: unknown effort \"{}\"", CommandOf(agent),
                *request.effort);
  }
  if (agent == Agent::kClaude) return ClaudeArguments(request, flags);
  return CodexArguments(request, flags, files);
}

std::map<std::string, std::string, std::less<>> ChildEnvironment(Agent agent,
                                                                 const base::Environment& env) {
  std::map<std::string, std::string, std::less<>> out;
  for (const auto& [name, value] : env.all()) {
    if (Allowed(agent, name, env)) out.emplace(name, value);
  }
  // Set by a surrounding agent session; older versions refuse to nest.
  for (const char* name :
       {"CLAUDECODE", "CLAUDE_CODE_SESSION_ID", "CLAUDE_CODE_ENTRYPOINT",
        "CLAUDE_CODE_CHILD_SESSION", "CLAUDE_PID", "CLAUDE_ENV_FILE", "CLAUDE_PROJECT_DIR"}) {
    out.erase(name);
  }
  out["SELFTUNE_INTERNAL"] = "1";
  out["TERM"] = "dumb";
  out["NO_COLOR"] = "1";
  if (agent == Agent::kClaude) {
    out["CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC"] = "1";
    out["DISABLE_AUTOUPDATER"] = "1";
  }
  return out;
}

}  // namespace selftune::llm
