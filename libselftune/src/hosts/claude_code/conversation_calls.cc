// Calls and skills of a conversation.
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
#include "hosts/claude_code/conversation.h"
#include "hosts/common/raw_text.h"
#include "hosts/common/shell_skills.h"

namespace selftune::hosts::claude_code {
namespace {

using ingest::Batch;
using ingest::SkillFact;

constexpr size_t kWaitingLoads = 8;
constexpr size_t kDetailBytes = 160;

template <size_t N>
bool IsOneOf(std::string_view name, const std::array<std::string_view, N>& list) {
  return std::find(list.begin(), list.end(), name) != list.end();
}

bool StartsAgents(std::string_view tool) { return tool == "Agent" || tool == "Task"; }
bool RunsShell(std::string_view tool) { return tool == "Bash" || tool == "PowerShell"; }

bool ChangesFiles(std::string_view tool) {
  static constexpr std::array<std::string_view, 4> kTools = {"Edit", "Write", "MultiEdit",
                                                             "Update"};
  return IsOneOf(tool, kTools);
}

ingest::ToolDelta& Tool(ingest::MetricDelta& metrics, std::string_view name) {
  for (ingest::ToolDelta& tool : metrics.tools) {
    if (tool.name == name) return tool;
  }
  metrics.tools.emplace_back().name = name;
  return metrics.tools.back();
}

// A skill answers to its folder's name and to the name in its file; the
// listing shows the folder's. A prefix ("acme:") stays.
std::string ListedName(const std::string& called, const std::string& folder) {
  if (folder.empty()) return called;
  const size_t colon = called.rfind(':');
  const size_t local = colon == std::string::npos ? 0 : colon + 1;
  return called.substr(0, local) + folder;
}

}  // namespace

// A loaded skill as its body tells: folder, file, text.
struct Conversation::Body {
  // `text` begins with kSkillBodyHead.
  explicit Body(std::string_view text) {
    text.remove_prefix(std::min(kSkillBodyHead.size(), text.size()));
    const size_t end = std::min(text.find('\n'), text.size());
    std::string_view dir = base::Trim(text.substr(0, end));
    while (dir.size() > 1 && dir.ends_with('/')) dir.remove_suffix(1);
    std::string_view rest = text.substr(end);
    while (rest.starts_with('\n')) rest.remove_prefix(1);
    folder = base::BaseName(dir);
    path = base::JoinPath(dir, "SKILL.md");
    sha256 = base::Sha256Bytes(rest);
    bytes = static_cast<int64_t>(rest.size());
  }

  void Fill(SkillFact& fact) const {
    fact.skill = ListedName(fact.skill, folder);
    fact.path = path;
    fact.body_sha256 = sha256;
    fact.body_bytes = bytes;
  }

  std::string folder, path, sha256;
  int64_t bytes = 0;
};

bool Conversation::IsChildOfCommand(const Record& record) const {
  if (!command_.has_value() || record.source_tool_use_id.present()) return false;
  if (RecordKey(record.parent_uuid.escaped()) == command_->record) return true;
  return record.prompt_id.present() && record.prompt_id.Is(command_->prompt.native_id);
}

void Conversation::OnSkillBody(const Step& step, Batch& batch) {
  const Body body(step.record.MessageText());
  std::vector<SkillFact> out;
  if (IsChildOfCommand(step.record)) {
    OnCommandBody(body, out, batch);
  } else {
    OnCallBody(step.record, body, out);
  }
  EmitSkills(std::move(out), batch);
}

void Conversation::OnCommandBody(const Body& body, std::vector<SkillFact>& out, Batch& batch) {
  ingest::PromptFact prompt = std::exchange(command_, std::nullopt)->prompt;
  prompt.command_kind = CommandKind::kSkill;
  SkillFact fact = CommandFact(prompt, Route::kSlashCommand);
  body.Fill(fact);
  skills_.AddUse(std::move(fact), out);
  skills_.AddAlias(prompt.command_name, body.folder, out);
  Facts(batch).prompts.push_back(std::move(prompt));
}

// The body names its call; in old releases it follows it.
void Conversation::OnCallBody(const Record& record, const Body& body, std::vector<SkillFact>& out) {
  const RawText& call = record.source_tool_use_id;
  OpenCall* open = call.present() ? calls_.Find(call.ToString()) : nullptr;
  if (open != nullptr && open->use == OpenCall::Use::kSkill) {
    body.Fill(open->skills.front());  // the result is still to come
    return;
  }
  const auto found = std::find_if(loads_.rbegin(), loads_.rend(), [&](const SkillFact& fact) {
    return !call.present() || call.Is(fact.tool_call_id);
  });
  if (found == loads_.rend()) return;
  const std::string called = found->skill;
  body.Fill(*found);
  skills_.AddAlias(called, body.folder, out);
  out.push_back(std::move(*found));
  loads_.erase(std::next(found).base());
}

void Conversation::AddCall(const Step& step, const Block& block, Batch& batch) {
  if (block.id.empty() || block.name.empty()) return;
  OpenCall call;
  call.id = block.id.ToString();
  call.tool = block.name.ToString();
  call.turn = turn_;
  call.prompt_seq = identity_.kind == SessionKind::kSubagent ? std::nullopt : prompt_;
  PrepareCall(step, block, call);
  const std::string tool = call.tool;
  if (call.use == OpenCall::Use::kAgent) AddSpawn(call, "", batch);
  if (!calls_.Add(std::move(call))) return;  // a repeated record
  ingest::ToolDelta& delta = Tool(Facts(batch).metrics, tool);
  ++delta.calls;
  ++delta.unfinished;
}

SkillFact Conversation::CallFact(const Step& step, const Block& block) const {
  SkillFact fact;
  fact.key = fact.tool_call_id = block.id.ToString();
  fact.key_is_call_id = true;
  fact.tool_name = block.name.ToString();
  if (identity_.kind != SessionKind::kSubagent) fact.prompt_seq = prompt_;
  fact.at = step.at;
  fact.origin = OriginOf(step);
  return fact;
}

// What must be known of a call when its result comes.
void Conversation::PrepareCall(const Step& step, const Block& block, OpenCall& call) const {
  if (call.tool == "Skill") {
    SkillFact fact = CallFact(step, block);
    // The first releases called the argument `command`.
    std::string name = (block.skill.present() ? block.skill : block.command).ToString();
    if (name.starts_with('/')) name.erase(0, 1);
    if (name.empty()) return;
    fact.skill = std::move(name);
    fact.args = block.args.ToString();
    fact.has_args = block.args.present();
    fact.level = Level::kTool;
    fact.route = Route::kSkillTool;
    call.use = OpenCall::Use::kSkill;
    call.skills.push_back(std::move(fact));
  } else if (call.tool == "Read" || ChangesFiles(call.tool)) {
    std::string path = ResolveShellPath(step.record.cwd.ToString(), block.file_path.ToString());
    const std::optional<std::string_view> skill = SkillOfFile(path);
    if (!skill.has_value()) return;
    if (call.tool != "Read") {
      call.use = OpenCall::Use::kChange;
      call.changed.push_back(std::move(path));
      return;
    }
    SkillFact fact = CallFact(step, block);
    fact.skill = *skill;
    fact.level = Level::kRead;
    fact.route = Route::kFileRead;
    fact.path = std::move(path);
    call.use = OpenCall::Use::kRead;
    call.skills.push_back(std::move(fact));
  } else if (RunsShell(call.tool)) {
    PrepareShell(step, block, call);
  } else if (StartsAgents(call.tool)) {
    call.use = OpenCall::Use::kAgent;
    call.task = RecordKey(block.prompt.ToString());
    call.agent_type = block.subagent_type.ToString();
  }
}

void Conversation::PrepareShell(const Step& step, const Block& block, OpenCall& call) const {
  if (!MayTouchSkill(block.command.escaped())) return;
  const std::string cwd = step.record.cwd.ToString();
  ShellSkills found = FindShellSkills(block.command.ToString(), {.cwd = cwd, .home = ""});
  call.changed = std::move(found.changed);
  call.single_command = found.commands == 1;
  if (!call.changed.empty()) call.use = OpenCall::Use::kShell;
  for (ShellSkillUse& use : found.uses) {
    if (!use.in_skills_folder) continue;
    const bool known = std::any_of(call.skills.begin(), call.skills.end(),
                                   [&](const SkillFact& fact) { return fact.skill == use.skill; });
    if (known) continue;
    SkillFact fact = CallFact(step, block);
    if (!call.skills.empty()) {  // one key a skill
      fact.key += "#" + use.skill;
      fact.key_is_call_id = false;
    }
    fact.skill = std::move(use.skill);
    fact.level = Level::kShellRead;
    fact.route = use.route;
    fact.path = std::move(use.path);
    call.use = OpenCall::Use::kShell;
    call.skills.push_back(std::move(fact));
  }
}

void Conversation::OnResult(const Step& step, const Block& block, Batch& batch) {
  state_ = TurnState::kAwaiting;
  if (step.copied) return;
  std::optional<OpenCall> call = calls_.Take(block.id.ToString());
  if (!call.has_value()) return;  // of a call that is not of this session, or told already
  const CallResult result = ClassifyResult(step.record, block, call->tool, old_host());
  CountResult(step, *call, result, block, batch);
  UseResult(step, *std::move(call), result, batch);
}

void Conversation::CountResult(const Step& step, const OpenCall& call, CallResult result,
                               const Block& block, Batch& batch) {
  ingest::ToolDelta& delta = Tool(Facts(batch).metrics, call.tool);
  --delta.unfinished;
  if (result == CallResult::kOk) return;
  ++delta.errors;
  delta.nonzero_exits += result == CallResult::kNonzeroExit ? 1 : 0;
  delta.denied += result == CallResult::kDenied ? 1 : 0;
  const std::string detail = call.tool + ": " + block.text.Prefix(kDetailBytes);
  AddEvent(step, EventKind::kToolError, detail, batch);
  if (result == CallResult::kNonzeroExit) AddEvent(step, EventKind::kNonzeroExit, detail, batch);
  if (result == CallResult::kDenied) AddEvent(step, EventKind::kDenied, detail, batch);
}

void Conversation::UseResult(const Step& step, OpenCall call, CallResult result, Batch& batch) {
  const bool ok = result == CallResult::kOk;
  std::vector<SkillFact> out;
  switch (call.use) {
    case OpenCall::Use::kNone:
      break;
    case OpenCall::Use::kSkill:
      UseSkillTool(step, call, ok, out);
      break;
    case OpenCall::Use::kRead:
    case OpenCall::Use::kShell:
      UseReads(call, result, out);
      break;
    case OpenCall::Use::kChange:
    case OpenCall::Use::kAgent:
      break;
  }
  if (ok) {
    for (const std::string& path : call.changed) SkillsOf(call).AddChange(path, out);
  }
  EmitSkills(std::move(out), batch);
  const std::string agent = step.record.result_agent_id.ToString();
  const bool spawned = call.use == OpenCall::Use::kAgent || call.use == OpenCall::Use::kSkill;
  if (!agent.empty() && spawned) {
    const std::string& root =
        identity_.links.root_id.empty() ? identity_.id : identity_.links.root_id;
    AddSpawn(call, root + ":agent:" + agent, batch);
  }
}

void Conversation::UseSkillTool(const Step& step, OpenCall& call, bool ok,
                                std::vector<SkillFact>& out) {
  SkillFact fact = call.skills.front();
  TurnSkills& skills = SkillsOf(call);
  fact.requested_by = skills.AskedBy(fact.skill);
  if (!ok) {
    fact.outcome = Outcome::kRefused;
    out.push_back(std::move(fact));
    return;
  }
  fact.forked = step.record.result_status.Is("forked");
  if (!fact.forked && fact.path.empty()) {
    if (loads_.size() >= kWaitingLoads) loads_.erase(loads_.begin());
    loads_.push_back(fact);
  }
  skills.AddUse(std::move(fact), out);
}

void Conversation::UseReads(OpenCall& call, CallResult result, std::vector<SkillFact>& out) {
  TurnSkills& skills = SkillsOf(call);
  // A line of several commands fails for many reasons; what it read is unknown.
  const bool tells = call.use == OpenCall::Use::kRead || call.single_command;
  for (SkillFact& fact : call.skills) {
    fact.requested_by = skills.AskedBy(fact.skill);
    if (result == CallResult::kOk) {
      skills.AddRead(std::move(fact), out);
    } else if (tells && fact.route != Route::kScriptRun) {
      skills.AddRefusedRead(std::move(fact), out);
    }
  }
}

void Conversation::AddSpawn(const OpenCall& call, std::string child_id, Batch& batch) {
  Facts(batch).spawns.push_back(
      {.call_id = call.id, .prompt_seq = call.prompt_seq, .child_id = std::move(child_id)});
}

std::string Conversation::LinkAgent(uint64_t task, const std::string& child,
                                    std::string& agent_type, Batch& batch) {
  OpenCall* call = calls_.FindAgent(task);
  if (call == nullptr) return "";
  call->task = 0;  // one agent a call
  agent_type = call->agent_type;
  AddSpawn(*call, child, batch);
  return call->id;
}

}  // namespace selftune::hosts::claude_code
