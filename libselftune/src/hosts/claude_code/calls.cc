#include "hosts/claude_code/calls.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "hosts/common/raw_text.h"
#include "hosts/common/state_json.h"

namespace selftune::hosts::claude_code {
namespace {

constexpr size_t kOpenCalls = 512;
constexpr size_t kRecentCalls = 64;

bool IsShell(std::string_view tool) { return tool == "Bash" || tool == "PowerShell"; }

// "Exit code 2\n...": the status, 0 if the text does not say.
int64_t ExitCode(const RawText& text) {
  static constexpr std::string_view kPrefix = "Exit code ";
  if (!text.StartsWith(kPrefix)) return 0;
  int64_t code = 0;
  for (const char c : text.Prefix(kPrefix.size() + 8).substr(kPrefix.size())) {
    if (c < '0' || c > '9') break;
    code = code * 10 + (c - '0');
  }
  return code;
}

// Texts by which hosts without `toolDenialKind` say that a call was refused.
bool IsDenialText(const RawText& text) {
  static constexpr std::array<std::string_view, 4> kPrefixes = {
      "The user doesn't want to proceed with this tool use",
      "The user doesn't want to take this action right now", "Claude requested permissions to ",
      "PreToolUse:"};
  for (const std::string_view prefix : kPrefixes) {
    if (text.StartsWith(prefix))
      return prefix != "PreToolUse:" || text.Prefix(120).find(" hook error") != std::string::npos;
  }
  return text.StartsWith("Permission to use ") &&
         text.Prefix(4096).find("has been denied") != std::string::npos;
}

// A shell call that failed before a command ran, or was cut short.
bool NeverRan(const RawText& text) {
  return text.StartsWith("<tool_use_error>") || text.StartsWith("[Request interrupted") ||
         text.StartsWith("[Tool call interrupted") || text.StartsWith("InputValidationError");
}

}  // namespace

CallResult ClassifyResult(const Record& record, const Block& block, std::string_view tool,
                          bool old_host) {
  const bool failed = block.is_error || record.result_interrupted;
  if (record.denial_kind.present()) {
    return record.denial_kind.Is("interrupted") ? CallResult::kError : CallResult::kDenied;
  }
  if (!failed) return CallResult::kOk;
  if (block.is_error && IsDenialText(block.text)) return CallResult::kDenied;
  if (IsShell(tool) && block.is_error && !record.result_interrupted) {
    if (ExitCode(block.text) > 0) return CallResult::kNonzeroExit;
    if (old_host && !NeverRan(block.text)) return CallResult::kNonzeroExit;
  }
  return CallResult::kError;
}

bool OpenCalls::Add(OpenCall call) {
  const uint64_t key = RecordKey(call.id);
  if (std::find(recent_.begin(), recent_.end(), key) != recent_.end()) return false;
  if (Find(call.id) != nullptr) return false;
  if (recent_.size() >= kRecentCalls) recent_.erase(recent_.begin());
  recent_.push_back(key);
  if (open_.size() >= kOpenCalls) open_.erase(open_.begin());
  open_.push_back(std::move(call));
  return true;
}

OpenCall* OpenCalls::Find(std::string_view id) {
  const auto found = std::find_if(open_.rbegin(), open_.rend(),
                                  [id](const OpenCall& call) { return call.id == id; });
  return found == open_.rend() ? nullptr : &*found;
}

std::optional<OpenCall> OpenCalls::Take(std::string_view id) {
  OpenCall* call = Find(id);
  if (call == nullptr) return std::nullopt;
  std::optional<OpenCall> taken = std::move(*call);
  open_.erase(open_.begin() + (call - open_.data()));
  return taken;
}

bool OpenCalls::AnyOfTurn(int64_t turn) const {
  return std::any_of(open_.begin(), open_.end(),
                     [turn](const OpenCall& call) { return call.turn == turn; });
}

OpenCall* OpenCalls::FindAgent(uint64_t task) {
  const auto found = std::find_if(open_.begin(), open_.end(), [task](const OpenCall& call) {
    return call.use == OpenCall::Use::kAgent && call.task == task;
  });
  return found == open_.end() ? nullptr : &*found;
}

void OpenCalls::Save(base::JsonWriter& w) const {
  SaveKeys(w, "recent_calls", recent_);
  if (open_.empty()) return;
  w.Key("calls").BeginArray();
  for (const OpenCall& call : open_) {
    w.BeginObject().Field("id", call.id).Field("tool", call.tool);
    SaveInt(w, "turn", call.turn);
    SaveInt(w, "use", static_cast<int64_t>(call.use));
    if (call.prompt_seq.has_value()) w.Field("seq", static_cast<int64_t>(*call.prompt_seq));
    SaveFlag(w, "single", call.single_command);
    SaveInt(w, "task", static_cast<int64_t>(call.task));
    SaveText(w, "agent", call.agent_type);
    if (!call.skills.empty()) {
      w.Key("skills").BeginArray();
      for (const ingest::SkillFact& skill : call.skills) SaveSkill(w, skill);
      w.EndArray();
    }
    if (!call.changed.empty()) {
      w.Key("changed").BeginArray();
      for (const std::string& path : call.changed) w.String(path);
      w.EndArray();
    }
    w.EndObject();
  }
  w.EndArray();
}

void OpenCalls::Load(const base::JsonValue& state) {
  recent_ = LoadKeys(state["recent_calls"]);
  for (const base::JsonValue& item : state["calls"].items()) {
    OpenCall& call = open_.emplace_back();
    call.id = item["id"].AsString();
    call.tool = item["tool"].AsString();
    call.turn = item["turn"].AsInt();
    call.use = static_cast<OpenCall::Use>(item["use"].AsInt());
    call.prompt_seq = LoadSeq(item["seq"]);
    call.single_command = item["single"].AsBool();
    call.task = static_cast<uint64_t>(item["task"].AsInt());
    call.agent_type = item["agent"].AsString();
    for (const base::JsonValue& skill : item["skills"].items()) {
      call.skills.push_back(LoadSkill(skill));
    }
    for (const base::JsonValue& path : item["changed"].items()) {
      call.changed.push_back(path.AsString());
    }
  }
}

}  // namespace selftune::hosts::claude_code
