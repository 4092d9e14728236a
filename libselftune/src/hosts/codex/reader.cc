#include "hosts/codex/reader.h"

#include <string>
#include <string_view>

#include "base/file.h"
#include "base/status_macros.h"
#include "hosts/codex/step.h"

namespace selftune::hosts::codex {
namespace {

// rollout-YYYY-MM-DDThh-mm-ss-<id>.jsonl; only when no session_meta says it.
std::string IdOfFile(std::string_view path) {
  constexpr std::string_view kPrefix = "rollout-";
  constexpr size_t kTime = std::string_view("YYYY-MM-DDThh-mm-ss-").size();
  std::string_view name = base::BaseName(path);
  name = name.substr(0, name.find(".jsonl"));
  if (name.starts_with(kPrefix)) name.remove_prefix(kPrefix.size());
  if (name.size() > kTime) name.remove_prefix(kTime);
  return std::string(name);
}

void ApplyMessage(Step& step) {
  if (step.record.role == Role::kAssistant) return NoteModel(step, /*answer=*/true);
  ApplyMessageListing(step);
  ApplyMentions(step);
}

void Apply(Step& step) {
  switch (step.record.kind) {
    case Kind::kUnknown:
    case Kind::kIgnored:
      return;
    case Kind::kSessionMeta:
      return ApplyMeta(step);
    case Kind::kTurnContext:
      return ApplyContext(step);
    case Kind::kWorldState:
      return ApplyStateListing(step);
    case Kind::kCompacted:
      return ApplyCompacted(step);
    case Kind::kMessage:
      return ApplyMessage(step);
    case Kind::kCall:
      return ApplyCall(step);
    case Kind::kCallOutput:
      return ApplyCallOutput(step);
    case Kind::kWebSearch:
      return ApplyWebSearch(step);
    case Kind::kUsage:
      return ApplyUsage(step);
    case Kind::kTokenCount:
      return ApplyTokenCount(step);
    case Kind::kPromptEvent:
      return ApplyPromptEvent(step);
    case Kind::kPromptItem:
      return ApplyPromptItem(step);
    case Kind::kAgentText:
      return NoteModel(step, /*answer=*/true);
    case Kind::kCommandDone:
    case Kind::kOtherItem:
      return ApplyItemDone(step);
    case Kind::kSpawned:
      return ApplySpawned(step);
    case Kind::kTurnStarted:
      return ApplyTurnStarted(step);
    case Kind::kTurnComplete:
      return ApplyTurnComplete(step);
    case Kind::kTurnAborted:
      return ApplyTurnAborted(step);
    case Kind::kRolledBack:
      return ApplyRollback(step);
    case Kind::kErrorEvent:
      return ApplyErrorEvent(step);
  }
}

bool IsPrompt(Kind kind) { return kind == Kind::kPromptEvent || kind == Kind::kPromptItem; }

}  // namespace

Status Reader::Restore() {
  if (options_.saved_state.empty()) return absl::OkStatus();
  return LoadJson(options_.saved_state, state_);
}

void Reader::Identify() {
  const std::string_view id = record_.meta.id;
  if (record_.kind == Kind::kSessionMeta && !id.empty() && !state_.has_meta &&
      state_.prompts == 0) {
    state_.id = id;
  }
  if (!state_.id.empty()) return;
  if (options_.file != nullptr) state_.id = IdOfFile(options_.file->path);
  if (state_.id.empty()) state_.id = "unknown";
}

void Reader::NoteTime(ingest::SessionFacts& out) {
  if (!record_.at.has_value()) return;
  if (!state_.started.has_value() || *record_.at < *state_.started) {
    state_.started = record_.at;
    out.started = out.born = record_.at;
  }
  if (!state_.ended.has_value() || *record_.at > *state_.ended) state_.ended = record_.at;
  out.ended = state_.ended;
}

Status Reader::ReadLine(const ingest::Line& line, base::LineParser& parser, ingest::Batch& batch) {
  const Wanted wanted{.user_instructions = !state_.listing_seen};
  ST_RETURN_IF_ERROR(decoder_.Decode(line.text, wanted, parser, record_));
  ++batch.records_seen;
  if (record_.kind == Kind::kUnknown) ++batch.records_unknown;
  Identify();
  ingest::SessionFacts& out = batch.Session(state_.id);
  out.archived = options_.file != nullptr && options_.file->archived;
  out.metrics.known_answers = true;
  if (!state_.internal) {
    NoteTime(out);
    Step step{line, record_, state_, out, inner_, options_.copied};
    if (!IsPrompt(record_.kind)) SettleMention(step);
    Apply(step);
    if (record_.kind != Kind::kUnknown && record_.kind != Kind::kIgnored) ++batch.records_used;
  }
  out.internal = state_.internal;
  out.kind = state_.subagent ? SessionKind::kSubagent : SessionKind::kMain;
  out.completion = CompletionOf(state_);
  return absl::OkStatus();
}

}  // namespace selftune::hosts::codex
