#include "install/target.h"

#include <algorithm>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/file.h"
#include "base/json_value.h"
#include "base/json_writer.h"

namespace selftune::install {

using base::JsonValue;

const Target* FindTarget(std::string_view platform) {
  const auto targets = Targets();
  const auto found = std::find_if(targets.begin(), targets.end(), [&](const Target& target) {
    return target.platform == platform;
  });
  return found == targets.end() ? nullptr : &*found;
}

std::string SettingsPath(const Target& target, const Place& place) {
  return base::JoinPath(place.config_dir, place.settings_file.empty()
                                              ? target.settings_file
                                              : std::string_view(place.settings_file));
}

std::string ShellWord(std::string_view word) {
  const bool plain = !word.empty() && std::all_of(word.begin(), word.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           std::string_view("/._-+:@%").find(c) != std::string_view::npos;
  });
  if (plain) return std::string(word);
  std::string out = "'";
  for (const char c : word) {
    if (c == '\'') {
      out += "'\\''";
    } else {
      out.push_back(c);
    }
  }
  return out + "'";
}

std::string ShimCommand(const std::string& shim, std::string_view host, std::string_view handler) {
  const bool shared = shim == kShimName;
  std::string out = shared ? std::string(kSharedStart) : ShellWord(shim) + " ";
  out += host;
  if (!handler.empty()) out += " " + std::string(handler);
  return shared ? out + " || true" : out;
}

std::vector<WantedHook> GroupsOf(const hooks::Host& host, const std::string& shim,
                                 const GroupForm& form) {
  std::vector<WantedHook> out;
  for (const hooks::Subscription& event : host.subscriptions) {
    std::vector<JsonValue::Member> handler;
    if (form.named) handler.emplace_back("name", JsonValue::Text("selftune"));
    handler.emplace_back("type", JsonValue::Text("command"));
    handler.emplace_back("command", JsonValue::Text(ShimCommand(shim, host.command)));
    handler.emplace_back("timeout",
                         JsonValue::Int(int64_t{event.timeout_seconds} * form.timeout_factor));
    if (event.async) handler.emplace_back("async", JsonValue::Bool(true));
    std::vector<JsonValue::Member> group;
    if (!event.matcher.empty()) {
      group.emplace_back("matcher", JsonValue::Text(std::string(event.matcher)));
    }
    group.emplace_back("hooks", JsonValue::Array({JsonValue::Object(std::move(handler))}));
    out.push_back(
        {.event = std::string(event.native), .group = JsonValue::Object(std::move(group))});
  }
  return out;
}

bool IsKept(std::string_view handler) { return handler != "guard" && handler != "commit-track"; }

std::string UsualSample(const hooks::Subscription& event, const SampleTools& tools) {
  const std::string name(kSampleName);
  std::string_view tool, key;
  std::string value = name;
  if (event.handler == "guard") {
    tool = tools.write, key = "file_path", value = "/" + name + "/SKILL.md";
  } else if (event.handler == "skill-eval") {
    tool = tools.skill, key = "skill";
  } else if (event.handler == "commit-track") {
    tool = tools.shell, key = "command", value = "git commit";
  }
  base::JsonWriter out;
  out.BeginObject()
      .Field("hook_event_name", event.native)
      .Field("session_id", name)
      .Field("cwd", "/")
      .Field("transcript_path", "/" + name + ".jsonl")
      .Field("prompt", "/" + name)
      .Field("command_name", name)
      .Field("reason", "other");
  if (event.handler.starts_with("subagent")) out.Field("agent_id", name);
  if (!tool.empty()) {
    out.Field("tool_name", tool).Field("tool_use_id", name).Key("tool_input").BeginObject();
    out.Field(key, value).EndObject();
  }
  out.EndObject();
  return std::move(out).Take();
}

}  // namespace selftune::install
