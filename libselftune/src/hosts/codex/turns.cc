// How turns begin and end. Versions that write task_started and task_complete
// say it; for the others a turn begins with its prompt and has ended when the
// model's answer is the last thing in it.
#include <algorithm>
#include <optional>
#include <string_view>

#include "base/utf8.h"
#include "hosts/codex/step.h"

namespace selftune::hosts::codex {
namespace {

constexpr size_t kMaxDetail = 200;

std::string_view Detail(std::string_view text) {
  if (text.size() <= kMaxDetail) return text;
  text = text.substr(0, kMaxDetail);
  // Not inside a character.
  while (!text.empty() && (static_cast<unsigned char>(text.back()) & 0xC0) == 0x80) {
    text.remove_suffix(1);
  }
  if (!text.empty() && static_cast<unsigned char>(text.back()) >= 0xC0) text.remove_suffix(1);
  return text;
}

// Late records name an older turn.
bool IsCurrent(const Step& step) {
  const Turn& turn = step.state.turn;
  return step.record.turn_id.empty() || turn.id.empty() || step.record.turn_id == turn.id;
}

// The model answered after all.
void TakeBackFailure(Step& step) {
  Turn& turn = step.state.turn;
  if (!turn.error_at.has_value() || turn.end != TurnEnd::kOpen || step.state.in_copy) return;
  --step.out.metrics.failed_turns;
  ingest::EventFact& event = step.out.events.emplace_back();
  event.kind = EventKind::kFailedTurn;
  event.origin.offset = *turn.error_at;
  event.retracted = true;
  turn.error_at.reset();
  turn.failed = false;
}

void CountFailed(Step& step) {
  ++step.out.metrics.failed_turns;
  step.Event(EventKind::kFailedTurn, Detail(step.record.text));
}

}  // namespace

void StartTurn(Step& step, std::string_view id, bool marked) {
  State& state = step.state;
  const int64_t number = state.turn.number + 1;
  state.turn = Turn();
  state.turn.number = number;
  state.turn.id = id;
  state.turn.marked = marked;
  state.unpaired = Kind::kUnknown;
}

void ApplyTurnStarted(Step& step) {
  StartTurn(step, step.record.turn_id, /*marked=*/true);
  State& state = step.state;
  if (!state.subagent || state.has_root_prompt || step.record.root_turn_id.empty()) return;
  // The root's turn in which this subagent was started.
  state.has_root_prompt = true;
  step.out.links.prompt_native_id = step.record.root_turn_id;
}

void ApplyTurnComplete(Step& step) {
  State& state = step.state;
  const bool current = IsCurrent(step);
  if (step.record.has_error && !state.in_copy && !(current && state.turn.failed)) {
    CountFailed(step);
  }
  if (!current) return;
  state.turn.failed = state.turn.failed || step.record.has_error;
  state.turn.end = state.turn.failed ? TurnEnd::kFailed : TurnEnd::kCompleted;
  state.unpaired = Kind::kUnknown;
}

void ApplyTurnAborted(Step& step) {
  State& state = step.state;
  // Other reasons (a budget, the end of a review) are not the user's doing.
  const bool by_user = step.record.reason.empty() || step.record.reason == "interrupted" ||
                       step.record.reason == "replaced";
  if (by_user && !state.in_copy) {
    ++step.out.metrics.interruptions;
    step.Event(EventKind::kInterruption, step.record.reason);
  }
  state.unpaired = Kind::kUnknown;
  if (by_user && IsCurrent(step)) state.turn.end = TurnEnd::kCancelled;
}

void ApplyErrorEvent(Step& step) {
  State& state = step.state;
  if (state.in_copy) return;
  ++step.out.metrics.api_errors;
  step.Event(EventKind::kApiError, Detail(step.record.text));
  if (state.turn.number == 0 || state.turn.end != TurnEnd::kOpen || state.turn.failed) return;
  CountFailed(step);
  state.turn.failed = true;
  state.turn.error_at = step.line.offset;
}

void NoteModel(Step& step, bool answer) {
  Turn& turn = step.state.turn;
  if (answer) TakeBackFailure(step);
  turn.model_active = true;
  turn.answered = answer;
  step.state.unpaired = Kind::kUnknown;
}

std::optional<Completion> CompletionOf(const State& state) {
  const Turn& turn = state.turn;
  if (turn.number == 0) return std::nullopt;
  switch (turn.end) {
    case TurnEnd::kCompleted:
      return Completion::kCompleted;
    case TurnEnd::kFailed:
      return Completion::kFailed;
    case TurnEnd::kCancelled:
      return Completion::kCancelled;
    case TurnEnd::kOpen:
      break;
  }
  if (turn.failed) return Completion::kFailed;
  const bool open_call =
      std::any_of(state.calls.begin(), state.calls.end(),
                  [&](const OpenCall& call) { return call.turn == turn.number && !call.running; });
  const bool done = !turn.marked && turn.answered && !open_call;
  return done ? Completion::kCompleted : Completion::kInterrupted;
}

}  // namespace selftune::hosts::codex
