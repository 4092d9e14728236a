#include "hosts/codex/reader.h"

#include <string>
#include <string_view>

#include "base/file.h"
#include "base/status_macros.h"
#include "base/utf8.h"
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
  return base::ToValidUtf8(name);
}

void ApplyMessage(Step& step) {
  if (step.record.role == Role::kAssistant) {
    NoteModel(step, /*answer=*/true);
    return;
  }
  ApplyMessageListing(step);
  ApplyMentions(step);
}

void ApplyAgentText(Step& step) { NoteModel(step, /*answer=*/true); }

using Handler = void (*)(Step&);

// nullptr: nothing follows from such a record.
Handler HandlerOf(Kind kind) {
  switch (kind) {
    case Kind::kUnknown:
    case Kind::kIgnored:
      return nullptr;
    case Kind::kSessionMeta:
      return ApplyMeta;
    case Kind::kTurnContext:
      return ApplyContext;
    case Kind::kWorldState:
      return ApplyStateListing;
    case Kind::kCompacted:
      return ApplyCompacted;
    case Kind::kMessage:
      return ApplyMessage;
    case Kind::kCall:
      return ApplyCall;
    case Kind::kCallOutput:
      return ApplyCallOutput;
    case Kind::kWebSearch:
      return ApplyWebSearch;
    case Kind::kUsage:
      return ApplyUsage;
    case Kind::kTokenCount:
      return ApplyTokenCount;
    case Kind::kPromptEvent:
      return ApplyPromptEvent;
    case Kind::kPromptItem:
      return ApplyPromptItem;
    case Kind::kAgentText:
      return ApplyAgentText;
    case Kind::kCommandDone:
    case Kind::kOtherItem:
      return ApplyItemDone;
    case Kind::kSpawned:
      return ApplySpawned;
    case Kind::kTurnStarted:
      return ApplyTurnStarted;
    case Kind::kTurnComplete:
      return ApplyTurnComplete;
    case Kind::kTurnAborted:
      return ApplyTurnAborted;
    case Kind::kRolledBack:
      return ApplyRollback;
    case Kind::kErrorEvent:
      return ApplyErrorEvent;
  }
  return nullptr;
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
    if (IsPrompt(record_.kind) && record_.odd_text && !record_.has_text) {
      batch.bad_lines.push_back(ingest::WrongShape(line.offset, line.line_no, line.text));
    } else if (const Handler apply = HandlerOf(record_.kind); apply != nullptr) {
      apply(step);
      ++batch.records_used;
    }
  }
  out.internal = state_.internal;
  out.kind = state_.subagent ? SessionKind::kSubagent : SessionKind::kMain;
  out.completion = CompletionOf(state_);
  return absl::OkStatus();
}

}  // namespace selftune::hosts::codex
