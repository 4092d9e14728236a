#include "hosts/claude_code/timed_hooks.h"

#include <string>
#include <string_view>
#include <vector>

#include "base/json_value.h"

namespace selftune::hosts::claude_code {
namespace {

void Add(const base::JsonValue& run, std::vector<ingest::HookRun>& out) {
  const int64_t ms = run["durationMs"].AsInt(-1);
  const std::string& command = run["command"].AsString();
  if (ms >= 0 && !command.empty()) out.push_back({.command = command, .ms = ms});
}

}  // namespace

std::vector<ingest::HookRun> HookRunsOf(std::string_view line) {
  std::vector<ingest::HookRun> out;
  // Most lines tell of none and are not worth parsing.
  if (line.find("\"durationMs\"") == std::string_view::npos) return out;
  if (line.find("\"hookInfos\"") == std::string_view::npos &&
      line.find("\"hook_success\"") == std::string_view::npos) {
    return out;
  }
  const auto record = base::JsonValue::Parse(line);
  if (!record.ok()) return out;
  if ((*record)["type"].AsString() == "system" &&
      (*record)["subtype"].AsString() == "stop_hook_summary") {
    for (const base::JsonValue& run : (*record)["hookInfos"].items()) Add(run, out);
  } else if ((*record)["attachment"]["type"].AsString() == "hook_success") {
    Add((*record)["attachment"], out);
  }
  return out;
}

}  // namespace selftune::hosts::claude_code
