// Which skills a session used. Codex has no skill tool: a person mentions a
// skill and the host injects its text, or the model reads SKILL.md (or runs a
// script of the skill) with a shell command.
#include <algorithm>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "base/crypto.h"
#include "hosts/codex/call_output.h"
#include "hosts/codex/listing.h"
#include "hosts/codex/step.h"
#include "hosts/common/skill_listing.h"

namespace selftune::hosts::codex {
namespace {

constexpr std::string_view kSkillStart = "<skill>\n<name>";
constexpr std::string_view kMentionKind = "skills.selected_skill_instructions";

// The text between `open` and `close`, which is taken off; nullopt if absent.
std::optional<std::string_view> TakeTag(std::string_view& text, std::string_view open,
                                        std::string_view close) {
  if (!text.starts_with(open)) return std::nullopt;
  const size_t end = text.find(close);
  if (end == std::string_view::npos) return std::nullopt;
  const std::string_view inside = text.substr(open.size(), end - open.size());
  text.remove_prefix(end + close.size());
  return inside;
}

// <skill>\n<name>NAME</name>\n<path>PATH</path>\nBODY\n</skill>
std::optional<ingest::SkillFact> ReadMention(std::string_view text) {
  constexpr std::string_view kEnd = "\n</skill>";
  if (!text.starts_with(kSkillStart)) return std::nullopt;
  text.remove_prefix(kSkillStart.find("<name>"));
  const auto name = TakeTag(text, "<name>", "</name>\n");
  if (!name.has_value() || name->empty()) return std::nullopt;
  const auto path = TakeTag(text, "<path>", "</path>\n");
  ingest::SkillFact fact;
  fact.skill = DecodeEntities(*name);
  if (path.has_value()) fact.path = DecodeEntities(*path);
  const size_t end = text.rfind(kEnd);
  if (path.has_value() && end != std::string_view::npos) {
    const std::string_view body = text.substr(0, end);
    fact.body_sha256 = base::Sha256Bytes(body);
    fact.body_bytes = static_cast<int64_t>(body.size());
  }
  return fact;
}

ingest::SkillFact* FindUse(State& state, std::string_view skill) {
  const auto found = std::find_if(state.turn_uses.begin(), state.turn_uses.end(),
                                  [&](const auto& use) { return use.skill == skill; });
  return found == state.turn_uses.end() ? nullptr : &*found;
}

bool IsNamed(const State& state, std::string_view skill) {
  return std::find(state.named.begin(), state.named.end(), skill) != state.named.end();
}

// Counts a load by the host; takes back a read of the same turn.
void CommitMention(Step& step, ingest::SkillFact fact) {
  State& state = step.state;
  if (ingest::SkillFact* use = FindUse(state, fact.skill);
      use != nullptr && use->level != Level::kExplicit) {
    use->retracted = true;
    step.out.skills.push_back(*use);
    state.turn_uses.erase(state.turn_uses.begin() + (use - state.turn_uses.data()));
  }
  state.turn_uses.push_back(fact);
  step.out.skills.push_back(std::move(fact));
}

ingest::SkillFact CallFact(const Step& step, const OpenCall& call, const CallUse& use,
                           size_t index) {
  ingest::SkillFact fact;
  fact.key = call.id;
  fact.key_is_call_id = index == 0;
  if (index > 0) fact.key.append("#").append(std::to_string(index));
  fact.skill = use.skill;
  fact.level = Level::kShellRead;
  fact.route = use.route;
  const bool asked = !step.state.subagent && call.prompt == step.state.CurrentPrompt() &&
                     IsNamed(step.state, use.skill);
  fact.requested_by = asked ? RequestedBy::kUser : RequestedBy::kModel;
  if (!step.state.subagent) fact.prompt_seq = call.prompt;
  fact.tool_name = call.tool;
  fact.tool_call_id = call.id;
  fact.path = use.path;
  fact.at = call.at;
  fact.origin = {call.offset, call.line_no, call.id};
  return fact;
}

// Do two paths, each as far as it is known, name the same file?
bool SameFile(std::string_view a, std::string_view b) {
  if (a.size() < b.size()) std::swap(a, b);
  if (b.starts_with('~')) b.remove_prefix(1);
  if (a == b || b.empty()) return !b.empty();
  return a.ends_with(b) && (b.starts_with('/') || a[a.size() - b.size() - 1] == '/');
}

// A script that ends with an error has run; a file that cannot be opened has
// not been read. A status can be of another command of the same line.
bool WasRefused(const Step& step, const OpenCall& call, const CallUse& use, bool failed) {
  if (failed || SaysUnreadable(step.record.output, use.file)) return true;
  return call.nonzero && call.only_command && use.route == Route::kShellRead;
}

}  // namespace

std::string SkillOfPath(const State& state, std::string_view path, std::string_view folder_name,
                        bool in_skills_folder) {
  const auto known = state.names.find(path);
  if (known != state.names.end()) return known->second;
  return in_skills_folder ? std::string(folder_name) : std::string();
}

void ApplyMentions(Step& step) {
  State& state = step.state;
  if (step.record.role != Role::kUser || state.in_copy) return;
  for (const Part& part : step.record.parts) {
    if (!part.kind.empty() && part.kind != kMentionKind) continue;
    auto fact = ReadMention(part.text);
    if (!fact.has_value()) continue;
    const uint64_t text = part.kind.empty() ? HashText(part.text) : 0;
    // The echo of a prompt that quotes such a text.
    if (part.kind.empty() && std::find(state.skill_like.begin(), state.skill_like.end(), text) !=
                                 state.skill_like.end()) {
      continue;
    }
    fact->level = Level::kExplicit;
    fact->route = Route::kMention;
    fact->requested_by = state.subagent ? RequestedBy::kModel : RequestedBy::kUser;
    if (!state.subagent) fact->prompt_seq = state.CurrentPrompt();
    const std::string prompt = std::to_string(state.prompts - 1);
    fact->key = "p" + prompt + ":" + fact->skill + ":" + std::to_string(state.mentions++);
    fact->at = step.record.at;
    fact->origin = step.Origin(step.record.id);
    if (part.kind.empty()) {
      SettleMention(step);                                     // two in one message
      state.mention = PendingMention{*std::move(fact), text};  // echo or mention: the next says
    } else {
      CommitMention(step, *std::move(fact));
    }
  }
}

void SettleMention(Step& step) {
  if (!step.state.mention.has_value()) return;
  ingest::SkillFact fact = std::move(step.state.mention->fact);
  step.state.mention.reset();
  CommitMention(step, std::move(fact));
}

void ApplyCallUses(Step& step, const OpenCall& call, bool failed) {
  State& state = step.state;
  const bool same_turn = call.prompt == state.CurrentPrompt();
  for (size_t i = 0; i < call.uses.size(); ++i) {
    const CallUse& use = call.uses[i];
    ingest::SkillFact fact = CallFact(step, call, use, i);
    const bool used = same_turn && FindUse(state, use.skill) != nullptr;
    if (used) continue;
    if (WasRefused(step, call, use, failed)) {
      fact.outcome = Outcome::kRefused;
      step.out.skills.push_back(std::move(fact));
      continue;
    }
    const bool changed = std::any_of(state.turn_changes.begin(), state.turn_changes.end(),
                                     [&](const auto& path) { return SameFile(path, use.path); });
    if (same_turn && changed && use.route == Route::kShellRead) {
      fact.outcome = Outcome::kReadOnly;
    }
    if (same_turn) state.turn_uses.push_back(fact);
    step.out.skills.push_back(std::move(fact));
  }
}

void ApplyChanges(Step& step, const OpenCall& call) {
  State& state = step.state;
  if (call.prompt != state.CurrentPrompt()) return;
  for (const std::string& path : call.changed) {
    auto& changes = state.turn_changes;
    if (std::find(changes.begin(), changes.end(), path) == changes.end()) changes.push_back(path);
    for (ingest::SkillFact& use : state.turn_uses) {
      if (!SameFile(use.path, path) || use.route != Route::kShellRead) continue;
      if (use.outcome != Outcome::kTriggered) continue;
      use.outcome = Outcome::kReadOnly;
      step.out.skills.push_back(use);
    }
  }
}

}  // namespace selftune::hosts::codex
