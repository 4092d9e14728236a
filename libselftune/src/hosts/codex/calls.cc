// Tool calls: counted when the model asks, judged when their output comes.
#include <algorithm>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "base/file.h"
#include "hosts/codex/call_output.h"
#include "hosts/codex/step.h"
#include "hosts/common/raw_text.h"
#include "hosts/common/shell_skills.h"

namespace selftune::hosts::codex {
namespace {

constexpr size_t kMaxOpenCalls = 256;
constexpr std::string_view kSkillFile = "SKILL.md";
constexpr std::string_view kSpawnTool = "spawn_agent";

bool IsShellTool(std::string_view tool) {
  return tool == "exec_command" || tool == "shell" || tool == "shell_command" ||
         tool == "local_shell" || tool == "container.exec" || tool == "unified_exec";
}

void AddUse(const State& state, OpenCall& call, CallUse use, std::string_view folder,
            bool in_skills_folder) {
  use.skill = SkillOfPath(state, use.path, folder, in_skills_folder);
  if (use.skill.empty()) return;
  const bool known = std::any_of(call.uses.begin(), call.uses.end(),
                                 [&](const CallUse& other) { return other.skill == use.skill; });
  if (!known) call.uses.push_back(std::move(use));
}

void AddPatch(const State& state, std::string_view patch, std::string_view cwd, OpenCall& call) {
  for (const std::string& file : PatchedFiles(patch)) {
    if (!file.ends_with(kSkillFile)) continue;
    call.changed.push_back(base::NormalizePath(cwd.empty() ? state.cwd : cwd, file));
  }
}

// What a line of shell will have done once it succeeds.
void AddCommand(const State& state, const ShellCall& shell, OpenCall& call) {
  const std::string cwd =
      shell.workdir.empty() ? state.cwd : base::NormalizePath(state.cwd, shell.workdir);
  const ShellSkills found = FindShellSkills(shell.command, {cwd, state.home});
  for (const ShellSkillUse& use : found.uses) {
    const std::string_view file = use.script.empty() ? kSkillFile : base::BaseName(use.script);
    AddUse(state, call, {use.skill, use.path, use.route, std::string(file)}, use.skill,
           use.in_skills_folder);
  }
  call.changed.insert(call.changed.end(), found.changed.begin(), found.changed.end());
  call.only_command = found.commands == 1;
  if (shell.command.find("*** Begin Patch") != std::string::npos) {
    AddPatch(state, shell.command, cwd, call);
  }
}

void ReadIntent(Step& step, OpenCall& call) {
  const Record& record = step.record;
  if (!record.argv.empty()) {
    AddCommand(step.state, {JoinArgv(record.argv), std::string(record.workdir)}, call);
    return;
  }
  const bool shell = IsShellTool(call.tool);
  if (!shell && call.tool != "apply_patch") return;
  // In a folder of scripts a bare file name is enough.
  const bool may = MayTouchSkill(record.arguments) ||
                   (shell && step.state.cwd.find("/scripts") != std::string::npos);
  if (!may) return;
  const std::string text = RawText(record.arguments).ToString();
  if (shell) {
    AddCommand(step.state, ReadShellCall(step.inner, text), call);
    return;
  }
  std::string patch = text;
  step.inner.ForEachField(text, [&](std::string_view key, base::JsonField& value) {
    if (key == "input" || key == "patch") patch = value.String().value_or(std::string_view());
  });
  AddPatch(step.state, patch, {}, call);
}

void CountError(Step& step, OpenCall& call, bool denied) {
  if (call.failed) return;
  call.failed = true;
  ingest::ToolDelta& tool = step.Tool(call.tool);
  ++tool.errors;
  step.Event(EventKind::kToolError, call.tool);
  if (!denied) return;
  ++tool.denied;
  step.Event(EventKind::kDenied, call.tool);
}

// `code` of a command that ran; -1 is no status but a kill.
void CountExit(Step& step, OpenCall& call, int64_t code) {
  if (code == 0) return;
  CountError(step, call, /*denied=*/false);
  const bool command = call.tool != "apply_patch";
  if (code < 0 || !command || call.nonzero) return;
  call.nonzero = true;
  ++step.Tool(call.tool).nonzero_exits;
  step.Event(EventKind::kNonzeroExit, call.tool);
}

void AddSpawn(Step& step, std::string_view call_id, std::string_view child,
              std::optional<int32_t> prompt) {
  ingest::SpawnFact& spawn = step.out.spawns.emplace_back();
  spawn.call_id = call_id;
  spawn.child_id = child;
  if (!step.state.subagent) spawn.prompt_seq = prompt;
}

// Versions without items (and without ordinals) say it in the output: {"agent_id": ...}.
void AddStarted(Step& step, const OpenCall& call) {
  if (step.record.has_ordinal || call.spawned ||
      step.record.output.find("agent_id") == std::string_view::npos)
    return;
  std::string child;
  step.inner.ForEachField(RawText(step.record.output).ToString(),
                          [&](std::string_view key, base::JsonField& value) {
                            if (key == "agent_id")
                              child = value.String().value_or(std::string_view());
                          });
  if (!child.empty()) AddSpawn(step, call.id, child, call.prompt);
}

void CloseCall(State& state, std::string_view id) {
  std::erase_if(state.calls, [&](const OpenCall& call) { return call.id == id; });
}

}  // namespace

std::optional<int32_t> State::CurrentPrompt() const {
  return prompts > 0 ? std::optional<int32_t>(prompts - 1) : std::nullopt;
}

OpenCall* State::FindCall(std::string_view call_id) {
  if (call_id.empty()) return nullptr;
  for (size_t i = calls.size(); i-- > 0;) {
    if (calls[i].id == call_id) return &calls[i];
  }
  return nullptr;
}

void ApplyCall(Step& step) {
  const Record& record = step.record;
  State& state = step.state;
  const std::string_view id = record.call_id.empty() ? record.id : record.call_id;
  NoteModel(step, /*answer=*/false);
  if (!id.empty()) {
    if (state.FindCall(id) != nullptr) return;
    if (step.Copied(base::FieldHash("codex-call").Add(id).Key8())) {
      state.in_copy = true;
      return;
    }
  }
  std::string_view tool = record.tool;
  if (tool.empty()) tool = record.argv.empty() ? "unknown" : "local_shell";
  ingest::ToolDelta& delta = step.Tool(tool);
  ++delta.calls;
  ++delta.unfinished;
  OpenCall call;
  call.id = id;
  call.tool = tool;
  call.turn = state.turn.number;
  call.prompt = state.CurrentPrompt();
  call.at = record.at;
  call.offset = step.line.offset;
  call.line_no = step.line.line_no;
  ReadIntent(step, call);
  if (state.calls.size() >= kMaxOpenCalls) state.calls.erase(state.calls.begin());
  state.calls.push_back(std::move(call));
}

void ApplyWebSearch(Step& step) {
  constexpr std::string_view kTool = "web_search";
  const std::string_view id = step.record.id.empty() ? step.record.call_id : step.record.id;
  NoteModel(step, /*answer=*/false);
  if (!id.empty() && step.Copied(base::FieldHash("codex-call").Add(id).Key8())) {
    step.state.in_copy = true;
    return;
  }
  ++step.Tool(kTool).calls;
  if (step.record.status != "failed") return;
  ++step.Tool(kTool).errors;
  step.Event(EventKind::kToolError, kTool);
}

void ApplyCallOutput(Step& step) {
  const Record& record = step.record;
  OpenCall* call = step.state.FindCall(record.call_id);
  if (call == nullptr || call->running) return;
  --step.Tool(call->tool).unfinished;
  CallResult result = JudgeOutput(record.output, step.inner);
  if (record.success.has_value() && !*record.success) result.error = true;
  if (result.exit_code.has_value()) CountExit(step, *call, *result.exit_code);
  if (result.error) CountError(step, *call, result.denied);
  if (call->tool == kSpawnTool && !call->failed) AddStarted(step, *call);
  // Not a status, but a call that brought nothing.
  const bool broken = call->failed && (result.never_ran || result.aborted);
  ApplyCallUses(step, *call, broken);
  if (!call->failed) ApplyChanges(step, *call);
  call->running = result.running && !result.exit_code.has_value();
  if (!call->running) CloseCall(step.state, record.call_id);
}

void ApplyItemDone(Step& step) {
  const Record& record = step.record;
  OpenCall* call = step.state.FindCall(record.id);
  if (call == nullptr) return;  // `!cmd` of the user, or counted long ago
  for (const std::string_view path : record.read_paths) {
    std::string_view cwd = record.cwd;
    constexpr std::string_view kScheme = "file://";
    if (cwd.starts_with(kScheme)) cwd.remove_prefix(kScheme.size());
    const std::string file =
        ResolveShellPath(cwd.empty() ? std::string_view(step.state.cwd) : cwd, path);
    const auto folder = SkillOfFile(file);
    if (!folder.has_value() || call->running) continue;
    AddUse(step.state, *call, {{}, file, Route::kShellRead, std::string(kSkillFile)}, *folder,
           file.find("/skills/") != std::string::npos);
  }
  if (record.exit_code.has_value()) CountExit(step, *call, *record.exit_code);
  const bool failed = record.status == "failed" || !record.success.value_or(true);
  if (failed) CountError(step, *call, /*denied=*/false);
  if (record.status == "declined") CountError(step, *call, /*denied=*/true);
  if (call->running) CloseCall(step.state, record.id);
}

void ApplySpawned(Step& step) {
  const Record& record = step.record;
  ApplyItemDone(step);
  // The item exists for every call of the kind; only this one starts agents.
  if (!record.tool.empty() && record.tool != kSpawnTool) return;
  OpenCall* call = step.state.FindCall(record.id);
  for (const std::string_view child : record.receivers) {
    if (child.empty()) continue;
    AddSpawn(step, record.id, child, call != nullptr ? call->prompt : step.state.CurrentPrompt());
    if (call != nullptr) call->spawned = true;
  }
}

}  // namespace selftune::hosts::codex
