// Calls of tools, and which skills they loaded.
#include <algorithm>
#include <array>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/crypto.h"
#include "base/file.h"
#include "base/strings.h"
#include "hosts/common/shell_skills.h"
#include "hosts/opencode/session.h"

namespace selftune::hosts::opencode {
namespace {

constexpr std::string_view kSkillTool = "skill";
constexpr std::string_view kReadTool = "read";
constexpr std::string_view kShellTool = "bash";
constexpr std::string_view kAgentTool = "task";
constexpr std::string_view kSkillFile = "SKILL.md";

bool ChangesFiles(std::string_view tool) {
  static constexpr std::array<std::string_view, 5> kTools = {"write", "edit", "multiedit", "patch",
                                                             "apply_patch"};
  return std::find(kTools.begin(), kTools.end(), tool) != kTools.end();
}

// Refused by a person, or by a rule of the configuration.
bool IsDenied(std::string_view error) {
  const size_t start = error.find("The user ");
  if (start != 0 && error.find("Error: The user ") == std::string_view::npos) return false;
  return error.find("rejected permission to use this specific tool call") !=
             std::string_view::npos ||
         error.find("has specified a rule which prevents you from using this") !=
             std::string_view::npos;
}

// The text of the skill between what the host puts around it; today's form,
// then the older one.
std::string_view BodyOf(std::string_view output) {
  constexpr std::string_view kOpen = "<skill_content ";
  constexpr std::string_view kFolder = "\nBase directory for this skill: ";
  constexpr std::string_view kOldFolder = "**Base directory**: ";
  if (output.starts_with(kOpen)) {
    const size_t title = output.find("\n# Skill: ");
    const size_t start = title == std::string_view::npos ? title : output.find('\n', title + 1);
    const size_t end = output.rfind(kFolder);
    if (start == std::string_view::npos || end == std::string_view::npos || end < start) return {};
    return base::Trim(output.substr(start, end - start));
  }
  const size_t folder = output.find(kOldFolder);
  if (!output.starts_with("## Skill: ") || folder == std::string_view::npos) return {};
  const size_t start = output.find('\n', folder);
  return start == std::string_view::npos ? std::string_view() : base::Trim(output.substr(start));
}

// "cat: x/SKILL.md: No such file", "head: cannot open 'x/SKILL.md' for reading: No such ...":
// the line as a whole may have succeeded.
bool SaysUnreadable(std::string_view output, std::string_view path) {
  static constexpr std::array<std::string_view, 4> kReasons = {"No such file", "Permission denied",
                                                               "Not a directory", "Is a directory"};
  const size_t folder = path.rfind('/', path.rfind('/') - 1);
  const std::string_view name = folder == std::string_view::npos ? path : path.substr(folder + 1);
  for (const std::string_view line : base::Split(output, '\n')) {
    const size_t at = line.find(name);
    if (at == std::string_view::npos) continue;
    for (const std::string_view reason : kReasons) {
      if (line.find(reason, at) != std::string_view::npos) return true;
    }
  }
  return false;
}

// The files a patch writes to.
std::vector<std::string> FilesOfPatch(std::string_view patch) {
  std::vector<std::string> files;
  for (const std::string_view line : base::Split(patch, '\n')) {
    for (const std::string_view head :
         {"*** Update File: ", "*** Add File: ", "*** Delete File: ", "*** Move to: "}) {
      if (line.starts_with(head)) files.emplace_back(base::Trim(line.substr(head.size())));
    }
  }
  return files;
}

ingest::ToolDelta& Tool(ingest::MetricDelta& metrics, std::string_view name) {
  for (ingest::ToolDelta& tool : metrics.tools) {
    if (tool.name == name) return tool;
  }
  metrics.tools.emplace_back().name = name;
  return metrics.tools.back();
}

std::string PartRecord(const Part& part) { return "part/" + part.id; }

}  // namespace

void Session::AddCall(Step step) {
  const Part& part = step.part;
  if (part.tool.empty()) return;
  const bool nonzero = part.exit.value_or(0) > 0;
  const bool failed = part.status == ToolStatus::kError || nonzero || part.cut_short;
  CountCall(step, failed);
  if (part.tool == kAgentTool) {
    ingest::SpawnFact& spawn = step.out.spawns.emplace_back();
    spawn.call_id = part.call_id.empty() ? part.id : part.call_id;
    spawn.child_id = part.child;
    if (!subagent()) spawn.prompt_seq = step.prompt;
  }
  if (part.status != ToolStatus::kCompleted && part.status != ToolStatus::kError) return;
  if (part.tool == kSkillTool) AddSkillCall(step);
  if (part.tool == kReadTool) AddRead(step, failed);
  if (part.tool == kShellTool) AddShell(step, failed);
  if (ChangesFiles(part.tool) && !failed) AddChanges(step);
}

void Session::CountCall(const Step& step, bool failed) {
  const Part& part = step.part;
  ingest::ToolDelta& tool = Tool(step.out.metrics, part.tool);
  ++tool.calls;
  const bool done = part.status == ToolStatus::kCompleted || part.status == ToolStatus::kError;
  if (!done) ++tool.unfinished;
  if (!failed || !done) return;
  const ingest::Origin origin{.record = PartRecord(part)};
  std::string detail = part.tool;
  if (!part.text.empty()) detail.append(": ").append(part.text);
  ++tool.errors;
  step.out.events.push_back({EventKind::kToolError, step.At(), detail, origin});
  if (part.exit.value_or(0) > 0) {
    ++tool.nonzero_exits;
    step.out.events.push_back({EventKind::kNonzeroExit, step.At(), detail, origin});
  }
  if (part.status == ToolStatus::kError && IsDenied(part.text)) {
    ++tool.denied;
    step.out.events.push_back({EventKind::kDenied, step.At(), detail, origin});
  }
}

ingest::SkillFact Session::CallFact(const Step& step) const {
  ingest::SkillFact fact;
  fact.key = fact.tool_call_id = step.part.call_id.empty() ? step.part.id : step.part.call_id;
  fact.key_is_call_id = true;
  fact.tool_name = step.part.tool;
  if (!subagent()) fact.prompt_seq = step.prompt;
  fact.at = step.At();
  fact.origin.record = PartRecord(step.part);
  return fact;
}

void Session::AddSkillCall(const Step& step) {
  const Part& part = step.part;
  ingest::SkillFact fact = CallFact(step);
  fact.skill = part.loaded.empty() ? part.name : part.loaded;
  if (fact.skill.empty()) return;
  fact.level = Level::kTool;
  fact.route = Route::kSkillTool;
  TurnSkills& skills = SkillsOf(step.prompt);
  fact.requested_by = skills.AskedBy(fact.skill);
  if (part.status == ToolStatus::kError) {
    fact.outcome = Outcome::kRefused;
    step.out.skills.push_back(std::move(fact));
    return;
  }
  if (!part.dir.empty()) fact.path = base::JoinPath(part.dir, kSkillFile);
  const std::string_view body = BodyOf(part.output);
  if (!body.empty()) {
    fact.body_sha256 = base::Sha256Bytes(body);
    fact.body_bytes = static_cast<int64_t>(body.size());
  }
  skills.AddUse(std::move(fact), step.out.skills);
}

void Session::AddRead(const Step& step, bool failed) {
  const std::string& cwd = step.message.cwd.empty() ? row_.directory : step.message.cwd;
  std::string path = ResolveShellPath(cwd, step.part.file);
  const std::optional<std::string_view> skill = SkillOfFile(path);
  if (!skill.has_value()) return;
  ingest::SkillFact fact = CallFact(step);
  fact.skill = *skill;
  fact.level = Level::kRead;
  fact.route = Route::kFileRead;
  fact.path = std::move(path);
  TurnSkills& skills = SkillsOf(step.prompt);
  fact.requested_by = skills.AskedBy(fact.skill);
  if (failed) {
    skills.AddRefusedRead(std::move(fact), step.out.skills);
  } else {
    skills.AddRead(std::move(fact), step.out.skills);
  }
}

void Session::AddShell(const Step& step, bool failed) {
  if (step.part.command.empty()) return;
  const std::string& folder = step.message.cwd.empty() ? row_.directory : step.message.cwd;
  const std::string cwd =
      step.part.workdir.empty() ? folder : ResolveShellPath(folder, step.part.workdir);
  ShellSkills found = FindShellSkills(step.part.command, {.cwd = cwd, .home = ""});
  TurnSkills& skills = SkillsOf(step.prompt);
  std::vector<std::string> known;
  for (ShellSkillUse& use : found.uses) {
    if (!use.in_skills_folder && use.path.find("/skill/") == std::string::npos) continue;
    if (std::find(known.begin(), known.end(), use.skill) != known.end()) continue;
    ingest::SkillFact fact = CallFact(step);
    if (!known.empty()) {  // one key a skill
      fact.key += "#" + use.skill;
      fact.key_is_call_id = false;
    }
    known.push_back(use.skill);
    fact.skill = std::move(use.skill);
    fact.level = Level::kShellRead;
    fact.route = use.route;
    fact.path = std::move(use.path);
    fact.requested_by = skills.AskedBy(fact.skill);
    const bool script = fact.route == Route::kScriptRun;
    const bool alone = found.commands == 1;
    const bool ended = step.part.status == ToolStatus::kCompleted && !step.part.cut_short;
    if (!script && SaysUnreadable(step.part.output, fact.path)) {
      skills.AddRefusedRead(std::move(fact), step.out.skills);
    } else if (!failed || (script && alone && ended)) {  // a script that fails has run
      skills.AddRead(std::move(fact), step.out.skills);
    } else if (alone && !script) {
      // A line of several commands fails for many reasons; what it read is unknown.
      skills.AddRefusedRead(std::move(fact), step.out.skills);
    }
  }
  if (failed) return;
  for (const std::string& path : found.changed) skills.AddChange(path, step.out.skills);
}

void Session::AddChanges(const Step& step) {
  const std::string& cwd = step.message.cwd.empty() ? row_.directory : step.message.cwd;
  std::vector<std::string> files = FilesOfPatch(step.part.patch);
  if (!step.part.file.empty()) files.push_back(step.part.file);
  for (const std::string& file : files) {
    SkillsOf(step.prompt).AddChange(ResolveShellPath(cwd, file), step.out.skills);
  }
}

}  // namespace selftune::hosts::opencode
