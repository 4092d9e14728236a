// Turns: prompts, answers, how a turn ends. Calls and skills are in
// conversation_calls.cc, the saved form in conversation_state.cc.
#include "hosts/claude_code/conversation.h"

#include <algorithm>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "base/strings.h"
#include "hosts/claude_code/exposure.h"

namespace selftune::hosts::claude_code {
namespace {

using ingest::Batch;
using ingest::PromptFact;
using ingest::SessionFacts;
using ingest::SkillFact;

constexpr size_t kDetailBytes = 200;

// "/name args" typed as a prompt: the name, "" for another text.
std::string_view TypedCommand(std::string_view text) {
  if (!text.starts_with('/')) return {};
  size_t end = 1;
  while (end < text.size() && !base::IsSpace(text[end])) ++end;
  return text.substr(1, end - 1);
}

bool IsThinkingOnly(const Record& record) {
  return !record.blocks.empty() &&
         std::all_of(record.blocks.begin(), record.blocks.end(),
                     [](const Block& block) { return block.kind == Block::Kind::kThinking; });
}

}  // namespace

void Conversation::Apply(const Step& step, Batch& batch) {
  if (ignored_) return;
  Describe(step.record);
  // A fork is a session even while it holds nothing but copies.
  if (step.copied && identity_.kind == SessionKind::kMain) Facts(batch);
  if (!step.copied && step.at.has_value() && (!started_.has_value() || *step.at < *started_)) {
    started_ = step.at;
  }
  switch (step.record.type) {
    case RecordType::kUser:
      OnUser(step, batch);
      break;
    case RecordType::kAssistant:
      OnAssistant(step, batch);
      break;
    case RecordType::kSystem:
      OnSystem(step, batch);
      break;
    case RecordType::kAttachment:
      if (IsListing(step.record)) {
        shown_.OnListing(step.record, Now(step));
        CheckRequest(batch);
      }
      break;
    case RecordType::kIgnored:
    case RecordType::kUnknown:
      return;
  }
  Finish(step, batch);
}

SessionFacts& Conversation::Facts(Batch& batch) {
  SessionFacts& facts = batch.Session(identity_.id);
  facts.kind = identity_.kind;
  // The store has these for every answer: none yet means 0, not unknown.
  ingest::TokenDelta& tokens = facts.metrics.tokens;
  facts.metrics.known_answers = tokens.known_input = tokens.known_output = true;
  tokens.known_cache_read = tokens.known_cache_write = true;
  if (begun_) return facts;
  begun_ = true;
  facts.links = identity_.links;
  facts.agent_type = identity_.agent_type;
  facts.depth = identity_.depth;
  facts.agent_cli = "claude";
  facts.provider = "anthropic";
  facts.host_version = host_version_;
  facts.cwd = cwd_;
  facts.branch = branch_;
  return facts;
}

void Conversation::RepeatIdentity(Batch& batch) {
  if (!begun_) return;
  SessionFacts& facts = Facts(batch);
  facts.links = identity_.links;
  facts.agent_type = identity_.agent_type;
  facts.depth = identity_.depth;
}

void Conversation::Describe(const Record& record) {
  if (described_ || !record.cwd.present()) return;
  described_ = true;
  cwd_ = record.cwd.ToString();
  host_version_ = record.version.ToString();
  if (!record.git_branch.Is("HEAD")) branch_ = record.git_branch.ToString();
}

bool Conversation::old_host() const {
  return host_version_.starts_with("0.") || host_version_.starts_with("1.");
}

ingest::Origin Conversation::OriginOf(const Step& step) {
  return {.offset = step.line.offset,
          .line_no = step.line.line_no,
          .record = step.record.uuid.ToString()};
}

ShownSkills::Moment Conversation::Now(const Step& step) const {
  const bool open = state_ == TurnState::kAwaiting || calls_.AnyOfTurn(turn_);
  return {.prompt_seq = prompt_,
          .turn = turn_,
          .turn_open = open,
          .at = step.at,
          .origin = OriginOf(step)};
}

void Conversation::Finish(const Step& step, Batch& batch) {
  if (!begun_ || ignored_) return;
  if (step.copied && !shown_.ready()) return;
  SessionFacts& facts = Facts(batch);
  for (ingest::ExposureFact& fact : shown_.TakeReady()) facts.exposures.push_back(std::move(fact));
  if (step.copied) return;
  if (step.at.has_value()) {
    if (!facts.started.has_value() || started_ < facts.started) facts.started = started_;
    if (!facts.ended.has_value() || *facts.ended < *step.at) facts.ended = step.at;
  }
  if (state_ == TurnState::kNone) return;
  const Completion now = CompletionNow();
  if (completion_ == now) return;
  completion_ = now;
  facts.completion = now;
}

Completion Conversation::CompletionNow() const {
  switch (state_) {
    case TurnState::kNone:
      return Completion::kUnknown;
    case TurnState::kAwaiting:
      return Completion::kInterrupted;
    case TurnState::kFailed:
      return Completion::kFailed;
    case TurnState::kCancelled:
      return Completion::kCancelled;
    case TurnState::kAnswered:
      break;
  }
  return calls_.AnyOfTurn(turn_) ? Completion::kInterrupted : Completion::kCompleted;
}

void Conversation::OnUser(const Step& step, Batch& batch) {
  const Record& record = step.record;
  if (record.HasBlock(Block::Kind::kToolResult)) {
    after_caveat_ = false;
    for (const Block& block : record.blocks) {
      if (block.kind == Block::Kind::kToolResult) OnResult(step, block, batch);
    }
    // Old hosts put the marker beside the result.
    for (const Block& block : record.blocks) {
      if (block.kind == Block::Kind::kText &&
          block.text.StartsWith("[Request interrupted by user")) {
        OnInterruption(step, batch);
      }
    }
  } else if (identity_.kind == SessionKind::kSubagent) {
    OnTask(step, batch);
  } else if (record.meta || record.compact_summary || record.transcript_only) {
    OnMeta(step, batch);
  } else {
    OnText(step, batch);
  }
}

// The texts in an agent's conversation come from the agent that started it.
void Conversation::OnTask(const Step& step, Batch& batch) {
  const Record& record = step.record;
  const bool first = next_seq_ == 0;
  if (!first && (record.meta || record.compact_summary || record.transcript_only)) {
    return OnMeta(step, batch);
  }
  std::string raw = record.MessageText();
  if (first && raw == kWarmup) {
    ignored_ = true;
    return;
  }
  const UserKind kind = ClassifyUserText(record, raw, /*after_caveat=*/false).kind;
  if (kind == UserKind::kInterruption) return OnInterruption(step, batch);
  if (step.copied || (!first && kind == UserKind::kOther)) return;
  UserText task{.kind = UserKind::kPrompt, .text = raw, .name = "", .args = ""};
  AddPrompt(step, std::move(task), std::move(raw), batch);
}

void Conversation::OnMeta(const Step& step, Batch& batch) {
  const Record& record = step.record;
  after_caveat_ = IsCaveat(record);
  if (step.copied || after_caveat_) return;
  if (record.FirstText().StartsWith(kSkillBodyHead)) {
    OnSkillBody(step, batch);
  } else if (IsChildOfCommand(record)) {
    command_.reset();  // a command that is no skill
  }
}

void Conversation::OnText(const Step& step, Batch& batch) {
  std::string raw = step.record.MessageText();
  UserText text = ClassifyUserText(step.record, raw, std::exchange(after_caveat_, false));
  switch (text.kind) {
    case UserKind::kInterruption:
      return OnInterruption(step, batch);
    case UserKind::kOther:
      // What a skill that ran in an agent of its own gave back.
      if (forked_command_ && raw.starts_with("<local-command-std")) state_ = TurnState::kAnswered;
      return;
    case UserKind::kPrompt:
    case UserKind::kSlash:
    case UserKind::kForkedSlash:
      break;
  }
  if (step.copied) {
    BeginTurn("");
    prompt_.reset();
    return;
  }
  if (next_seq_ == 0 && raw.starts_with(kInternalMark)) {
    Facts(batch).internal = true;
    ignored_ = true;
    return;
  }
  AddPrompt(step, std::move(text), std::move(raw), batch);
}

void Conversation::BeginTurn(std::string_view command) {
  ++turn_;
  last_skills_ = std::exchange(skills_, TurnSkills());
  skills_.Begin(command);
  turn_failed_ = turn_interrupted_ = forked_command_ = false;
  failed_at_.reset();
  command_.reset();
  request_.reset();
  state_ = TurnState::kAwaiting;
}

void Conversation::AddPrompt(const Step& step, UserText text, std::string raw, Batch& batch) {
  BeginTurn(text.name);
  prompt_ = next_seq_++;
  PromptFact prompt{.seq = *prompt_,
                    .kind = PromptKind::kUser,
                    .text = std::move(text.text),
                    .raw_text = "",
                    .native_id = step.record.prompt_id.ToString(),
                    .command_kind = CommandKind::kNone,
                    .command_name = std::move(text.name),
                    .command_args = std::move(text.args),
                    .active = true,
                    .at = step.at,
                    .origin = OriginOf(step)};
  if (raw != prompt.text) prompt.raw_text = std::move(raw);
  if (identity_.kind == SessionKind::kSubagent) prompt.kind = PromptKind::kAgent;
  if (text.kind == UserKind::kSlash) {
    prompt.command_kind = CommandKind::kCustom;  // until its body says otherwise
    command_ = Command{.prompt = prompt, .record = RecordKey(step.record.uuid.escaped())};
  } else if (text.kind == UserKind::kForkedSlash) {
    prompt.command_kind = CommandKind::kSkill;
    AddForkedCommand(prompt, batch);
  } else if (const std::string_view name = TypedCommand(prompt.text);
             !name.empty() && prompt.kind == PromptKind::kUser) {
    PromptFact typed = prompt;
    typed.command_name = name;
    typed.command_args = base::Trim(std::string_view(prompt.text).substr(name.size() + 1));
    request_ = CommandFact(typed, Route::kSlashText);
    request_->outcome = Outcome::kRequested;
  }
  shown_.OnPrompt(prompt_);
  Facts(batch).prompts.push_back(std::move(prompt));
  CheckRequest(batch);
}

SkillFact Conversation::CommandFact(const PromptFact& prompt, Route route) {
  SkillFact fact;
  fact.key = fmt::format("p{}:{}:{}", prompt.seq, prompt.command_name, Word(route));
  fact.skill = prompt.command_name;
  fact.level = Level::kExplicit;
  fact.route = route;
  fact.requested_by = RequestedBy::kUser;
  fact.prompt_seq = prompt.seq;
  fact.args = prompt.command_args;
  fact.has_args = !fact.args.empty();
  fact.at = prompt.at;
  fact.origin = prompt.origin;
  return fact;
}

void Conversation::AddForkedCommand(const PromptFact& prompt, Batch& batch) {
  forked_command_ = true;
  SkillFact fact = CommandFact(prompt, Route::kSlashCommand);
  fact.forked = true;
  std::vector<SkillFact> out;
  skills_.AddUse(std::move(fact), out);
  EmitSkills(std::move(out), batch);
}

// A typed "/name" is a request once the listing shows that `name` is a skill;
// the listing of a session stands behind its first prompt.
void Conversation::CheckRequest(Batch& batch) {
  if (!request_.has_value() || !shown_.Listed(request_->skill)) return;
  std::vector<SkillFact> out;
  skills_.AddRequest(std::move(*request_), out);
  request_.reset();
  EmitSkills(std::move(out), batch);
}

void Conversation::OnInterruption(const Step& step, Batch& batch) {
  state_ = TurnState::kCancelled;
  if (step.copied || std::exchange(turn_interrupted_, true)) return;
  ++Facts(batch).metrics.interruptions;
  AddEvent(step, EventKind::kInterruption, "", batch);
}

void Conversation::OnAssistant(const Step& step, Batch& batch) {
  const Record& record = step.record;
  after_caveat_ = false;
  if (record.api_error) return OnApiError(step, batch);
  if (record.model.Is("<synthetic>")) return;
  state_ = record.aborted           ? TurnState::kCancelled
           : IsThinkingOnly(record) ? TurnState::kAwaiting
                                    : TurnState::kAnswered;
  shown_.OnAnswer(prompt_, turn_);
  command_.reset();
  if (step.copied) return;
  TakeBackFailure(batch);
  SessionFacts& facts = Facts(batch);
  answers_.Add(record, facts.metrics);
  if (model_.empty()) facts.model = model_ = record.model.ToString();
  for (const Block& block : record.blocks) {
    if (block.kind == Block::Kind::kToolUse) AddCall(step, block, batch);
  }
}

void Conversation::OnApiError(const Step& step, Batch& batch) {
  state_ = TurnState::kFailed;
  if (step.copied) return;
  SessionFacts& facts = Facts(batch);
  ++facts.metrics.api_errors;
  if (std::exchange(turn_failed_, true)) return;
  failed_at_ = step.line.offset;
  ++facts.metrics.failed_turns;
  AddEvent(step, EventKind::kFailedTurn, step.record.FirstText().Prefix(kDetailBytes), batch);
}

// A request that succeeded when retried is no failed turn.
void Conversation::TakeBackFailure(Batch& batch) {
  if (!turn_failed_ || !failed_at_.has_value()) return;
  turn_failed_ = false;
  SessionFacts& facts = Facts(batch);
  --facts.metrics.failed_turns;
  ingest::EventFact& event = facts.events.emplace_back();
  event.kind = EventKind::kFailedTurn;
  event.origin.offset = *failed_at_;
  event.retracted = true;
  failed_at_.reset();
}

void Conversation::OnSystem(const Step& step, Batch& batch) {
  const Record& record = step.record;
  if (record.subtype.Is("compact_boundary")) {
    shown_.OnCompaction(Now(step));
    if (step.copied) return;
    ++Facts(batch).metrics.compactions;
    AddEvent(step, EventKind::kCompaction, "", batch);
  } else if (record.subtype.Is("api_error")) {
    if (step.copied || !begun_) return;
    ++Facts(batch).metrics.api_errors;
    AddEvent(step, EventKind::kApiError, "", batch);
  } else if (record.subtype.Is("local_command") && forked_command_ &&
             record.system_content.StartsWith("<local-command-std")) {
    state_ = TurnState::kAnswered;
  }
}

void Conversation::AddEvent(const Step& step, EventKind kind, std::string detail, Batch& batch) {
  Facts(batch).events.push_back(
      {.kind = kind,
       .at = step.at,
       .detail = std::move(detail),
       .origin = {.offset = step.line.offset, .line_no = step.line.line_no, .record = ""}});
}

void Conversation::EmitSkills(std::vector<SkillFact> facts, Batch& batch) {
  if (facts.empty()) return;
  SessionFacts& session = Facts(batch);
  for (SkillFact& fact : facts) session.skills.push_back(std::move(fact));
}

}  // namespace selftune::hosts::claude_code
