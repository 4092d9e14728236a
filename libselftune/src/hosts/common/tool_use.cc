#include "hosts/common/tool_use.h"

#include <algorithm>
#include <string>
#include <string_view>
#include <utility>

#include "base/file.h"
#include "base/strings.h"
#include "hosts/common/shell_skills.h"

namespace selftune::hosts {
namespace {

using ingest::SkillFact;

// The string token of a value, absent for another type.
RawText Token(base::JsonField& value) {
  if (value.type() != base::JsonField::Type::kString) return {};
  return RawText(value.RawJson());
}

// ["a", {"path": "b"}] or one string.
void ReadList(base::JsonField& value, std::vector<RawText>& out) {
  if (value.type() == base::JsonField::Type::kString) {
    out.emplace_back(value.RawJson());
    return;
  }
  value.ForEachItem([&](base::JsonField& item) {
    if (item.type() == base::JsonField::Type::kString) {
      out.emplace_back(item.RawJson());
      return;
    }
    RawText found;
    item.ForEachField([&](std::string_view key, base::JsonField& field) {
      if (key == "path" || key == "file_path" || key == "command") found = Token(field);
    });
    out.push_back(found);  // absent: the place in the list counts
  });
}

void AddSkillCall(const ToolArgs& args, ToolIntent& intent) {
  std::string name = (args.skill.present() ? args.skill : args.name).ToString();
  if (name.starts_with('/')) name.erase(0, 1);
  if (name.empty()) return;
  SkillFact& fact = intent.skills.emplace_back();
  intent.parts.push_back(0);
  fact.skill = std::move(name);
  fact.level = Level::kTool;
  fact.route = Route::kSkillTool;
  fact.args = args.args.ToString();
  fact.has_args = !fact.args.empty();
}

void AddRead(const RawText& path, int32_t part, const ShellPlace& place, ToolIntent& intent) {
  std::string file = ResolveShellPath(place.cwd, path.ToString());
  if (file.starts_with("~/") && !place.home.empty()) file.replace(0, 1, place.home);
  const auto skill = SkillOfFile(file);
  // Another text is a skill where a listing says so.
  const bool doubtful = !skill.has_value();
  if (doubtful && !file.ends_with(".md")) return;
  if (doubtful) intent.doubtful.push_back(file);
  SkillFact& fact = intent.skills.emplace_back();
  intent.parts.push_back(part);
  fact.skill = skill.value_or(base::BaseName(file));
  fact.level = Level::kRead;
  fact.route = Route::kFileRead;
  fact.path = std::move(file);
}

void AddChange(const RawText& path, const ShellPlace& place, ToolIntent& intent) {
  std::string file = ResolveShellPath(place.cwd, path.ToString());
  if (file.starts_with("~/") && !place.home.empty()) file.replace(0, 1, place.home);
  if (SkillOfFile(file).has_value()) intent.changed.push_back(std::move(file));
}

void AddShell(const RawText& line, int32_t part, const ShellPlace& place, ToolIntent& intent) {
  // In a folder of scripts a bare file name is enough.
  const bool in_scripts = place.cwd.find("/scripts") != std::string_view::npos;
  if (!in_scripts && !MayTouchSkill(line.escaped())) return;
  ShellSkills found = FindShellSkills(line.ToString(), place);
  intent.single_command = found.commands == 1;
  for (std::string& path : found.changed) intent.changed.push_back(std::move(path));
  for (ShellSkillUse& use : found.uses) {
    if (!use.in_skills_folder) intent.doubtful.push_back(use.path);
    SkillFact& fact = intent.skills.emplace_back();
    intent.parts.push_back(part);
    fact.skill = std::move(use.skill);
    fact.level = Level::kShellRead;
    fact.route = use.route;
    fact.path = std::move(use.path);
  }
}

template <typename AddFn>
void ForEach(const RawText& one, const std::vector<RawText>& several, AddFn add) {
  int32_t part = 0;
  if (one.present()) add(one, part++);
  for (const RawText& text : several) add(text, part++);
}

}  // namespace

ToolKind FindTool(std::span<const ToolRow> rows, std::string_view name) {
  const auto found =
      std::find_if(rows.begin(), rows.end(), [&](const ToolRow& row) { return row.name == name; });
  return found == rows.end() ? ToolKind::kOther : found->kind;
}

void ReadToolArgs(base::JsonField& value, ToolArgs& args) {
  value.ForEachField([&](std::string_view key, base::JsonField& field) {
    if (key == "path" || key == "file_path" || key == "filePath" || key == "absolute_path") {
      args.path = Token(field);
    } else if (key == "command") {
      args.command = Token(field);
    } else if (key == "cwd" || key == "workdir" || key == "directory" || key == "dir_path") {
      args.cwd = Token(field);
    } else if (key == "skill" || key == "skill_name") {
      args.skill = Token(field);
    } else if (key == "name") {
      args.name = Token(field);
    } else if (key == "args") {
      args.args = Token(field);
    } else if (key == "prompt" || key == "task") {
      args.task = Token(field);
    } else if (key == "agent_type" || key == "subagent_type" || key == "agent_name") {
      args.agent_type = Token(field);
    } else if (key == "files" || key == "paths") {
      ReadList(field, args.paths);
    } else if (key == "commands") {
      ReadList(field, args.commands);
    }
  });
}

ToolIntent MakeIntent(ToolKind kind, const ToolArgs& args, const ShellPlace& place) {
  ToolIntent intent;
  switch (kind) {
    case ToolKind::kOther:
      break;
    case ToolKind::kSkill:
      AddSkillCall(args, intent);
      break;
    case ToolKind::kRead:
      ForEach(args.path, args.paths,
              [&](const RawText& path, int32_t part) { AddRead(path, part, place, intent); });
      break;
    case ToolKind::kChange:
      ForEach(args.path, args.paths,
              [&](const RawText& path, int32_t) { AddChange(path, place, intent); });
      break;
    case ToolKind::kShell: {
      const std::string own = args.cwd.ToString();
      const std::string cwd =
          own.empty() ? std::string(place.cwd) : ResolveShellPath(place.cwd, own);
      ForEach(args.command, args.commands, [&](const RawText& line, int32_t part) {
        AddShell(line, part, {.cwd = cwd, .home = place.home}, intent);
      });
      if (args.commands.size() > 1) intent.single_command = false;
      break;
    }
    case ToolKind::kSpawn:
      intent.spawns = true;
      break;
  }
  return intent;
}

std::string_view HomeAbove(std::string_view path) {
  for (const std::string_view parent : {"/home/", "/Users/"}) {
    if (!path.starts_with(parent) || path.size() == parent.size()) continue;
    return path.substr(0, path.find('/', parent.size()));
  }
  return path == "/root" || path.starts_with("/root/") ? path.substr(0, 5) : std::string_view();
}

}  // namespace selftune::hosts
