// What a tool call means for skills, the same for hosts whose tools have other
// names: it loads a skill, reads or changes files, runs a line of shell, starts
// an agent.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/json_object.h"
#include "hosts/common/raw_text.h"
#include "hosts/common/shell_words.h"
#include "ingest/facts.h"

namespace selftune::hosts {

enum class ToolKind { kOther, kSkill, kRead, kChange, kShell, kSpawn };

// One row of a host's table of tools.
struct ToolRow {
  std::string_view name;
  ToolKind kind;
};
[[nodiscard]] ToolKind FindTool(std::span<const ToolRow> rows, std::string_view name);

// The arguments that matter, of whatever tool. Views into the line.
struct ToolArgs {
  RawText path, command, cwd, skill, name, args, task, agent_type;
  std::vector<RawText> paths, commands;  // of tools that take several
};
// Reads an object of arguments.
void ReadToolArgs(base::JsonField& value, ToolArgs& args);

// What the call will have done once its result shows success.
struct ToolIntent {
  // `skill`, `level`, `route`, `path` and `args` are filled. Facts of one call
  // may name one skill: a call reads several files.
  std::vector<ingest::SkillFact> skills;
  std::vector<int32_t> parts;         // which file or command of the call each came from
  std::vector<std::string> changed;   // SKILL.md files it writes to
  std::vector<std::string> doubtful;  // paths of `skills` that may be no skill's
  bool single_command = false;        // its status is that of the read
  bool spawns = false;
};
[[nodiscard]] ToolIntent MakeIntent(ToolKind kind, const ToolArgs& args, const ShellPlace& place);

// `/home/dev` of `/home/dev/work`, "" when the path does not tell: transcripts
// do not name the home.
[[nodiscard]] std::string_view HomeAbove(std::string_view path);

}  // namespace selftune::hosts
