// Calls of a session and the skills they use.
#include <algorithm>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/crypto.h"
#include "hosts/common/dialogue.h"
#include "hosts/common/raw_text.h"
#include "hosts/common/skill_listing.h"

namespace selftune::hosts {
namespace {

using ingest::Batch;
using ingest::SkillFact;

constexpr size_t kMaxOpen = 512;
constexpr size_t kMaxRecent = 128;
constexpr size_t kMaxBare = 8;
constexpr size_t kDetailBytes = 160;

ingest::ToolDelta& Tool(ingest::MetricDelta& metrics, std::string_view name) {
  for (ingest::ToolDelta& tool : metrics.tools) {
    if (tool.name == name) return tool;
  }
  metrics.tools.emplace_back().name = name;
  return metrics.tools.back();
}

bool SaysUnreadable(std::string_view output) {
  for (const std::string_view words :
       {"No such file or directory", "can't open file", "Cannot find module", "Permission denied",
        "Is a directory"}) {
    if (output.find(words) != std::string_view::npos) return true;
  }
  return false;
}

// A command that ended with an error: a script has run, and a line of several
// commands can fail for other reasons than the read.
bool HasRun(const SkillFact& fact, bool single_command, const Dialogue::CallEnd& end) {
  if (end.result != Dialogue::Result::kNonzeroExit || SaysUnreadable(end.output)) return false;
  return fact.route == Route::kScriptRun || (fact.level == Level::kShellRead && !single_command);
}

}  // namespace

bool Dialogue::IsOpen(std::string_view call_id) const {
  return std::any_of(calls_.begin(), calls_.end(),
                     [&](const OpenCall& call) { return call.id == call_id; });
}

// Names as the listing has them; a path that is no skill's folder counts only
// when a listing has shown it.
void Dialogue::NameSkills(ToolIntent& intent) const {
  for (size_t i = intent.skills.size(); i-- > 0;) {
    SkillFact& fact = intent.skills[i];
    if (fact.path.empty()) continue;
    const auto known = std::find_if(names_.begin(), names_.end(),
                                    [&](const auto& pair) { return pair.first == fact.path; });
    const auto& doubtful = intent.doubtful;
    if (known != names_.end()) {
      fact.skill = known->second;
    } else if (std::find(doubtful.begin(), doubtful.end(), fact.path) != doubtful.end()) {
      intent.skills.erase(intent.skills.begin() + static_cast<std::ptrdiff_t>(i));
      intent.parts.erase(intent.parts.begin() + static_cast<std::ptrdiff_t>(i));
    }
  }
}

bool Dialogue::AddCall(const Moment& now, std::string_view id, std::string_view tool,
                       ToolIntent intent, Batch& batch) {
  const uint64_t key = RecordKey(id);
  if (!id.empty()) {
    if (IsOpen(id)) return false;
    if (std::find(recent_calls_.begin(), recent_calls_.end(), key) != recent_calls_.end()) {
      return false;
    }
    if (recent_calls_.size() >= kMaxRecent) recent_calls_.erase(recent_calls_.begin());
    recent_calls_.push_back(key);
  }
  model_active_ = true;
  OpenCall call;
  call.id = id;
  call.tool = tool.empty() ? "unknown" : std::string(tool);
  call.turn = turn_;
  if (who_.kind != SessionKind::kSubagent) call.prompt = prompt_;
  NameSkills(intent);
  for (size_t i = 0; i < intent.skills.size(); ++i) {
    SkillFact& fact = intent.skills[i];
    fact.key = call.id;
    fact.key_is_call_id = i == 0;
    if (i > 0) fact.key.append("#").append(std::to_string(i));
    fact.tool_call_id = call.id;
    fact.tool_name = call.tool;
    fact.prompt_seq = call.prompt;
    fact.at = now.at;
    fact.origin = now.origin;
  }
  call.intent = std::move(intent);
  ingest::ToolDelta& delta = Tool(Facts(batch).metrics, call.tool);
  ++delta.calls;
  ++delta.unfinished;
  if (call.intent.spawns) AddSpawn(call.id, "", batch);
  if (calls_.size() >= kMaxOpen) calls_.erase(calls_.begin());
  calls_.push_back(std::move(call));
  return true;
}

void Dialogue::AddSpawn(std::string_view call_id, std::string_view child, Batch& batch) {
  ingest::SpawnFact& spawn = Facts(batch).spawns.emplace_back();
  spawn.call_id = call_id;
  spawn.child_id = child;
  if (who_.kind == SessionKind::kSubagent) return;
  spawn.prompt_seq = prompt_;
  for (const OpenCall& call : calls_) {
    if (call.id == call_id) spawn.prompt_seq = call.prompt;
  }
}

bool Dialogue::EndCall(const Moment& now, std::string_view id, const CallEnd& end, Batch& batch) {
  const auto found = std::find_if(calls_.rbegin(), calls_.rend(),
                                  [&](const OpenCall& call) { return call.id == id; });
  if (found == calls_.rend()) return false;
  OpenCall call = std::move(*found);
  calls_.erase(std::next(found).base());
  CountResult(now, call, end, batch);
  UseSkills(call, end, batch);
  // The model has still to answer to it.
  if (call.turn == turn_ && state_ == TurnState::kAnswered) state_ = TurnState::kAwaiting;
  return true;
}

void Dialogue::CountResult(const Moment& now, const OpenCall& call, const CallEnd& end,
                           Batch& batch) {
  ingest::ToolDelta& delta = Tool(Facts(batch).metrics, call.tool);
  --delta.unfinished;
  if (end.result == Result::kOk) return;
  const bool nonzero = end.result == Result::kNonzeroExit;
  const bool denied = end.result == Result::kDenied;
  ++delta.errors;
  delta.nonzero_exits += nonzero ? 1 : 0;
  delta.denied += denied ? 1 : 0;
  const std::string detail = call.tool + ": " + std::string(end.output.substr(0, kDetailBytes));
  AddEvent(now, EventKind::kToolError, detail, batch);
  if (nonzero) AddEvent(now, EventKind::kNonzeroExit, detail, batch);
  if (denied) AddEvent(now, EventKind::kDenied, detail, batch);
}

void Dialogue::UseSkills(OpenCall& call, const CallEnd& end, Batch& batch) {
  std::vector<SkillFact> out;
  const bool all_ok = end.result == Result::kOk;
  for (size_t i = 0; i < call.intent.skills.size(); ++i) {
    const auto part = static_cast<size_t>(call.intent.parts[i]);
    const bool ok = part < end.parts_ok.size() ? end.parts_ok[part] : all_ok;
    UseSkill(call, call.intent.skills[i], ok, end, out);
  }
  if (all_ok) {
    for (const std::string& path : call.intent.changed) SkillsOf(call).AddChange(path, out);
  }
  for (SkillFact& fact : out) Facts(batch).skills.push_back(std::move(fact));
}

bool Dialogue::DescribeUse(std::string_view skill, std::string_view path, std::string_view body,
                           Batch& batch) {
  const auto found = std::find_if(bare_uses_.begin(), bare_uses_.end(),
                                  [&](const SkillFact& fact) { return fact.skill == skill; });
  if (found == bare_uses_.end()) return false;
  SkillFact fact = std::move(*found);
  bare_uses_.erase(found);
  fact.path = path;
  fact.body_sha256 = base::Sha256Bytes(body);
  fact.body_bytes = static_cast<int64_t>(body.size());
  Facts(batch).skills.push_back(std::move(fact));
  return true;
}

void Dialogue::UseSkill(const OpenCall& call, SkillFact fact, bool ok, const CallEnd& end,
                        std::vector<SkillFact>& out) {
  TurnSkills& skills = SkillsOf(call);
  const bool only = call.intent.skills.size() == 1;
  const bool known = std::any_of(names_.begin(), names_.end(),
                                 [&](const auto& pair) { return pair.first == fact.path; });
  if (ok && only && fact.level != Level::kTool && fact.route != Route::kScriptRun && !known) {
    // The text that was read says its own name.
    if (std::string name = FrontmatterName(end.output); !name.empty()) fact.skill = name;
  }
  fact.requested_by = skills.AskedBy(fact.skill);
  if (fact.level == Level::kTool) {
    if (!end.path.empty()) fact.path = end.path;
    fact.body_sha256 = end.body_sha256;
    fact.body_bytes = end.body_bytes;
    if (!ok) fact.outcome = Outcome::kRefused;
    if (ok) {
      if (fact.body_sha256.empty()) {
        if (bare_uses_.size() >= kMaxBare) bare_uses_.erase(bare_uses_.begin());
        bare_uses_.push_back(fact);
      }
      skills.AddUse(std::move(fact), out);
    } else {
      out.push_back(std::move(fact));
    }
  } else if (ok || HasRun(fact, call.intent.single_command, end)) {
    skills.AddRead(std::move(fact), out);
  } else {
    skills.AddRefusedRead(std::move(fact), out);
  }
}

}  // namespace selftune::hosts
