#include "upstream/leftovers.h"

#include <algorithm>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/file.h"
#include "base/json_value.h"
#include "base/strings.h"

namespace selftune::upstream {
namespace {

using base::JsonValue;

constexpr uint64_t kMaxSettings = 4 << 20;
constexpr std::string_view kManaged = "managed by selftune";  // of our own units

bool IsTheirHook(std::string_view command) {
  std::string text(command);
  std::ranges::replace(text, '\\', '/');
  return text.find("/cli/selftune/hooks/") != text.npos ||
         text.find("/bin/run-hook.cjs") != text.npos ||
         base::Trim(text).starts_with("npx selftune hook ");
}

void Commands(const JsonValue& value, std::vector<std::string>& out) {
  if (value["command"].is_string()) out.push_back(value["command"].AsString());
  for (const JsonValue& item : value.items()) Commands(item, out);
  for (const auto& [key, member] : value.members()) Commands(member, out);
}

void FindHooks(const std::string& path, std::vector<Leftover>& out) {
  const auto text = base::ReadFile(path, kMaxSettings);
  if (!text.ok()) return;
  const auto json = JsonValue::Parse(*text);
  if (!json.ok()) return;
  for (const auto& [event, groups] : (*json)["hooks"].members()) {
    std::vector<std::string> commands;
    Commands(groups, commands);
    for (const std::string& command : commands) {
      if (IsTheirHook(command)) out.push_back({"hook", path, event + ": " + command});
    }
  }
}

void FindUnits(const std::string& dir, std::string_view start, std::vector<Leftover>& out) {
  const auto entries = base::ListDir(dir);
  if (!entries.ok()) return;
  for (const base::DirEntry& entry : *entries) {
    if (!entry.name.starts_with(start)) continue;
    std::string path = base::JoinPath(dir, entry.name);
    const auto text = base::ReadFile(path, kMaxSettings);
    if (!text.ok() || text->find(kManaged) != text->npos) continue;
    out.push_back({"timer", std::move(path), entry.name});
  }
}

}  // namespace

std::vector<Leftover> FindLeftovers(const base::Environment& env, const std::string& state_dir) {
  std::vector<Leftover> out;
  const std::string home = env.Home();
  const std::string claude =
      env.Get("SELFTUNE_CLAUDE_DIR").value_or(base::JoinPath(home, ".claude"));
  FindHooks(base::JoinPath(claude, "settings.json"), out);
  if (const auto settings = env.Get("SELFTUNE_CLAUDE_SETTINGS_PATH")) FindHooks(*settings, out);
  FindUnits(base::JoinPath(home, ".config/systemd/user"), "selftune-", out);
  FindUnits(base::JoinPath(home, "Library/LaunchAgents"), "com.selftune.", out);
  const std::string cron = base::JoinPath(state_dir, "schedule/selftune.crontab");
  if (base::Exists(cron)) {
    out.push_back({"timer", cron, "lines from BEGIN SELFTUNE to END SELFTUNE of your crontab"});
  }
  const std::string config = base::JoinPath(state_dir, "config.json");
  const auto text = base::ReadFile(config, kMaxSettings);
  const auto json = text.ok() ? JsonValue::Parse(*text) : StatusOr<JsonValue>(JsonValue());
  // Ours says which version of the settings it is.
  if (json.ok() && (*json)["agent_type"].is_string() && !json->Has("config_version")) {
    std::string detail = "its settings are kept; agent_cli counts here, too";
    if (!(*json)["alpha"].is_null()) detail += "; alpha is its upload account, with a key";
    out.push_back({"config", config, std::move(detail)});
  }
  return out;
}

}  // namespace selftune::upstream
