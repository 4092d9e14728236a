// What people typed. Generations A and B write an event `user_message`,
// generation C an item UserMessage; a version that writes both writes them next
// to each other. Messages of role user are echoes and injected texts, never a
// source of prompts.
#include <algorithm>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "base/strings.h"
#include "hosts/codex/step.h"

namespace selftune::hosts::codex {
namespace {

// First line of the prompts that selftune itself gives to an agent.
constexpr std::string_view kInternalStart = "[selftune:internal";
constexpr std::string_view kSkillStart = "<skill>";
constexpr size_t kMaxNamed = 32;
constexpr size_t kMaxSkillLike = 64;

bool IsNameChar(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
         c == '-' || c == ':';
}

// The `$name`s of a text; what stands before the dollar does not matter.
std::vector<std::string> NamedSkills(std::string_view text) {
  std::vector<std::string> names;
  for (size_t at = text.find('$'); at != std::string_view::npos; at = text.find('$', at + 1)) {
    size_t end = at + 1;
    while (end < text.size() && IsNameChar(text[end])) ++end;
    std::string_view name = text.substr(at + 1, end - at - 1);
    while (name.ends_with(':') || name.ends_with('-')) name.remove_suffix(1);
    if (name.empty() || std::find(names.begin(), names.end(), name) != names.end()) continue;
    names.emplace_back(name);
    if (names.size() == kMaxNamed) break;
  }
  return names;
}

// Editors put what is open there before the words of the person.
std::string_view WithoutEditorContext(std::string_view text) {
  constexpr std::string_view kContext = "# Context from my IDE setup:";
  constexpr std::string_view kRequest = "\n## My request for Codex:";
  if (!text.starts_with(kContext)) return text;
  const size_t request = text.find(kRequest);
  if (request == std::string_view::npos) return text;
  return base::Trim(text.substr(request + kRequest.size()));
}

bool CopiedPrompt(Step& step, std::string_view text) {
  const std::string_view turn = step.state.turn.id;
  const std::string at = step.record.at.has_value() ? std::to_string(step.record.at->value) : "";
  const bool by_time = step.Copied(base::FieldHash("codex-prompt-at").Add(at).Add(text).Key8());
  // Copies may be written with a new time stamp, but keep the turn's id.
  const bool by_turn =
      !turn.empty() && step.Copied(base::FieldHash("codex-prompt-turn").Add(turn).Add(text).Key8());
  return by_time || by_turn;
}

void AddActive(State& state, int32_t seq) {
  if (!state.active.empty() && state.active.back().second == seq) {
    state.active.back().second = seq + 1;
  } else {
    state.active.emplace_back(seq, seq + 1);
  }
}

void AddFact(Step& step, int32_t seq, std::string_view text, std::string_view record_id) {
  ingest::PromptFact& prompt = step.out.prompts.emplace_back();
  prompt.seq = seq;
  prompt.kind = step.state.subagent ? PromptKind::kAgent : PromptKind::kUser;
  prompt.text = WithoutEditorContext(text);
  if (prompt.text.size() != text.size()) prompt.raw_text = text;
  prompt.native_id = step.state.turn.id;
  prompt.at = step.record.at;
  prompt.origin = step.Origin(record_id);
}

void AddPrompt(Step& step, std::string_view text, std::string_view record_id) {
  State& state = step.state;
  if (state.prompts == 0 && text.starts_with(kInternalStart)) state.internal = true;
  const int32_t seq = state.prompts++;
  AddActive(state, seq);
  state.mentions = 0;
  state.named = NamedSkills(WithoutEditorContext(text));
  state.turn_uses.clear();
  state.turn_changes.clear();
  if (text.starts_with(kSkillStart)) {
    if (state.skill_like.size() == kMaxSkillLike) state.skill_like.erase(state.skill_like.begin());
    state.skill_like.push_back(HashText(text));
  }
  AddFact(step, seq, text, record_id);
  FlushExposure(step, seq);
}

// The same prompt in the host's other form, right after the first.
void ApplyTwin(Step& step, std::string_view text, std::string_view record_id) {
  State& state = step.state;
  state.unpaired = Kind::kUnknown;
  // The item is the better source; both nearly always say the same.
  if (state.in_copy || step.record.kind != Kind::kPromptItem) return;
  if (state.last_prompt_text == HashText(text)) return;
  AddFact(step, state.prompts - 1, text, record_id);
}

void ApplyPrompt(Step& step, std::string_view text, std::string_view record_id) {
  State& state = step.state;
  const Kind twin = step.record.kind == Kind::kPromptItem ? Kind::kPromptEvent : Kind::kPromptItem;
  if (state.unpaired == twin) return ApplyTwin(step, text, record_id);
  if (!(state.turn.marked && state.turn.end == TurnEnd::kOpen)) {
    StartTurn(step, step.record.turn_id, /*marked=*/false);
  }
  if (state.turn.id.empty()) state.turn.id = step.record.turn_id;
  // A mention that turns out to be the echo of this prompt.
  state.last_prompt_text = HashText(text);
  if (state.mention.has_value() && state.mention->text == state.last_prompt_text) {
    state.mention.reset();
  }
  SettleMention(step);
  state.in_copy = CopiedPrompt(step, text);
  state.turn.has_prompt = true;
  state.turn.model_active = state.turn.answered = false;
  state.unpaired = step.record.kind;
  if (!state.in_copy) AddPrompt(step, text, record_id);
}

}  // namespace

void ApplyPromptEvent(Step& step) {
  if (!step.record.has_text && step.record.images == 0) return;
  // Very old versions wrote what they injected as events of another kind.
  if (!step.record.status.empty() && step.record.status != "plain") return;
  ApplyPrompt(step, step.record.text, {});
}

void ApplyPromptItem(Step& step) {
  if (!step.record.has_text && step.record.images == 0) return;
  if (step.record.parts.size() == 1) {
    ApplyPrompt(step, step.record.parts[0].text, step.record.id);
    return;
  }
  std::string text;
  for (const Part& part : step.record.parts) {
    if (&part != step.record.parts.data()) text.push_back('\n');
    text.append(part.text);
  }
  ApplyPrompt(step, text, step.record.id);
}

void ApplyRollback(Step& step) {
  int64_t left = step.record.turns;
  auto& active = step.state.active;
  while (left > 0 && !active.empty()) {
    const int32_t seq = --active.back().second;
    if (active.back().first == active.back().second) active.pop_back();
    --left;
    auto& prompts = step.out.prompts;
    const auto found = std::find_if(prompts.begin(), prompts.end(),
                                    [&](const auto& prompt) { return prompt.seq == seq; });
    if (found != prompts.end()) {
      found->active = false;
    } else {
      step.out.deactivated_prompts.push_back(seq);
    }
  }
}

}  // namespace selftune::hosts::codex
