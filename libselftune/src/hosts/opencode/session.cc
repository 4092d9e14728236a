#include "hosts/opencode/session.h"

#include <algorithm>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/crypto.h"
#include "base/file.h"

namespace selftune::hosts::opencode {
namespace {

// First line of the prompts that selftune itself gives to an agent.
constexpr std::string_view kInternalStart = "[selftune:internal";
constexpr std::string_view kAborted = "MessageAbortedError";
constexpr std::string_view kApiError = "APIError";

std::string MessageRecord(const MessageRow& message) { return "message/" + message.id; }

// The host answers a command that a person ran (`!cmd`) in the model's place.
bool IsUserShell(const MessageRow& message, std::span<const Part> parts) {
  const Tokens& tokens = message.tokens;
  const bool paid =
      tokens.input + tokens.output + tokens.reasoning + tokens.cache_read + tokens.cache_write > 0;
  return !paid && message.error.empty() && message.finish.empty() &&
         std::none_of(parts.begin(), parts.end(), [](const Part& part) {
           return part.type == PartType::kStepStart || part.type == PartType::kStepFinish ||
                  part.type == PartType::kText || part.type == PartType::kReasoning;
         });
}

bool IsContent(const Part& part) {
  return part.type == PartType::kTool ||
         ((part.type == PartType::kText || part.type == PartType::kReasoning) && part.has_text);
}

}  // namespace

std::optional<UtcMillis> Session::Step::At() const {
  if (part.started.has_value()) return part.started;
  return message.created;
}

Session::Session(SessionRow row, bool internal, const ingest::KeySet* copied)
    : row_(std::move(row)), internal_(internal), copied_(copied) {}

TurnSkills& Session::SkillsOf(std::optional<int32_t> prompt) {
  return skills_[prompt.value_or(-1)];
}

ingest::SessionFacts& Session::Facts(ingest::Batch& batch) {
  ingest::SessionFacts& out = batch.Session(row_.id);
  out.internal = internal_;
  out.kind = subagent() ? SessionKind::kSubagent : SessionKind::kMain;
  // Of each batch: a long session is told in several.
  out.metrics.known_answers = true;
  if (begun_) return out;
  begun_ = true;
  out.whole = true;
  out.links.parent_id = row_.parent;
  out.host_version = row_.version;
  out.cwd = row_.directory;
  out.archived = row_.archived;
  if (subagent()) out.agent_type = row_.agent;
  return out;
}

void Session::NoteTime(const MessageRow& message, ingest::SessionFacts& out) {
  // Copied messages are older than the session: when it began only its row says.
  if (messages_ == 1) {
    out.started = out.born = row_.created.has_value() ? row_.created : message.created;
  }
  const auto latest = std::max(message.created, message.completed);
  if (!latest.has_value() || (ended_.has_value() && *latest <= *ended_)) return;
  ended_ = latest;
  out.ended = ended_;
}

// A fork repeats its origin with other ids and the same times.
bool Session::IsCopy(const MessageRow& message, std::string_view text, ingest::SessionFacts& out) {
  if (subagent()) return false;
  const std::string at =
      message.created.has_value() ? std::to_string(message.created->value) : message.id;
  base::FieldHash hash(message.role == Role::kUser ? "opencode-user" : "opencode-answer");
  hash.Add(row_.project).Add(at).Add(text);
  const uint64_t key = hash.Key8();
  if (messages_ == 1) first_key_ = std::to_string(key);
  // Two messages: one alone may well be equal by chance.
  if (messages_ == 2) {
    out.anchors.push_back(base::FieldHash("opencode-start").Add(first_key_).Add(at).Key8());
  }
  if (copied_ != nullptr && copied_->contains(key)) return true;
  out.record_keys.push_back(key);
  return false;
}

void Session::Add(const MessageRow& message, std::span<const Part> parts, ingest::Batch& batch) {
  if (message.role == Role::kUnknown) return;
  ++messages_;
  ingest::SessionFacts& out = Facts(batch);
  NoteTime(message, out);
  if (message.role == Role::kUser) {
    AddUser(message, parts, out);
  } else {
    AddAnswer(message, parts, out);
  }
  out.internal = internal_;
}

void Session::AddUser(const MessageRow& message, std::span<const Part> parts,
                      ingest::SessionFacts& out) {
  std::string text, command;
  bool typed = false, compaction = false;
  for (const Part& part : parts) {
    compaction = compaction || part.type == PartType::kCompaction;
    if (part.type == PartType::kSubtask && command.empty()) command = part.text;
    if (part.type != PartType::kText || part.synthetic) continue;
    if (typed) text.push_back('\n');
    typed = true;
    text.append(part.text);
  }
  Asked& asked = asked_[message.id];
  if (compaction || (!typed && command.empty())) {
    // Of the host; what it asks the model goes on with the turn before.
    static_cast<void>(IsCopy(message, text, out));
    asked = {prompt_, /*by_host=*/true};
    return;
  }
  CloseTurn(out);
  turn_ = Turn();
  turn_.end = TurnEnd::kOpen;
  turn_.copied = IsCopy(message, text, out);
  prompt_.reset();
  skills_.erase(-1);
  if (!turn_.copied) AddPrompt(message, text, typed ? std::string() : std::move(command), out);
  asked = {prompt_, /*by_host=*/false};
}

// `command`: the person typed it and the host gave it to an agent of its own.
void Session::AddPrompt(const MessageRow& message, const std::string& raw, std::string command,
                        ingest::SessionFacts& out) {
  TypedText typed = ReadTypedText(raw, !subagent() && (row_.from_run || row_.may_be_run));
  if (prompts_ == 0 && typed.text.starts_with(kInternalStart)) internal_ = true;
  prompt_ = prompts_++;
  ingest::PromptFact& prompt = out.prompts.emplace_back();
  prompt.seq = *prompt_;
  prompt.kind = subagent() ? PromptKind::kAgent : PromptKind::kUser;
  prompt.native_id = message.id;
  prompt.at = message.created;
  prompt.origin.record = MessageRecord(message);
  prompt.active = row_.revert.empty() || message.id < row_.revert;
  if (!command.empty()) {
    prompt.text = "/" + command;
    prompt.command_kind = CommandKind::kCustom;
    prompt.command_name = std::move(command);
    return;
  }
  prompt.text = typed.text;
  if (prompt.text != raw) prompt.raw_text = raw;
  if (typed.skill.empty()) return;
  prompt.command_kind = CommandKind::kSkill;
  prompt.command_name = typed.skill;
  prompt.command_args = typed.args;
  TurnSkills& skills = SkillsOf(prompt_);
  skills.Begin(typed.skill);
  ingest::SkillFact fact;
  fact.key = "p" + std::to_string(*prompt_) + ":" + typed.skill + ":0";
  fact.skill = typed.skill;
  fact.level = Level::kExplicit;
  fact.route = Route::kSlashCommand;
  fact.requested_by = subagent() ? RequestedBy::kModel : RequestedBy::kUser;
  if (!subagent()) fact.prompt_seq = prompt_;
  fact.path = base::JoinPath(typed.dir, "SKILL.md");
  fact.args = typed.args;
  fact.has_args = true;
  fact.body_sha256 = base::Sha256Bytes(typed.body);
  fact.body_bytes = static_cast<int64_t>(typed.body.size());
  fact.at = message.created;
  fact.origin.record = MessageRecord(message);
  skills.AddUse(std::move(fact), out.skills);
}

void Session::AddAnswer(const MessageRow& message, std::span<const Part> parts,
                        ingest::SessionFacts& out) {
  const auto found = asked_.find(message.parent);
  const Asked asked = found != asked_.end() ? found->second : Asked{prompt_, false};
  const bool copy = IsCopy(message, "", out);
  if (asked.by_host && IsUserShell(message, parts)) return;
  if (message.summary) {
    if (!copy) AddSummary(message, out);
    return;
  }
  if (copy) {
    NoteEnd(message, parts);
    return;
  }
  if (out.model.empty()) out.model = message.model;
  if (out.provider.empty()) out.provider = message.provider;
  if (subagent() && out.agent_type.empty()) out.agent_type = message.agent;
  CountTokens(message, parts, out);
  if (message.error == kApiError) {
    ++out.metrics.api_errors;
    out.events.push_back({EventKind::kApiError,
                          message.completed,
                          message.details,
                          {.record = MessageRecord(message)}});
  }
  for (const Part& part : parts) {
    if (part.type == PartType::kTool) AddCall({message, part, asked.prompt, out});
  }
  NoteEnd(message, parts);
}

void Session::AddSummary(const MessageRow& message, ingest::SessionFacts& out) {
  if (!message.error.empty() || !message.completed.has_value()) return;
  ++out.metrics.compactions;
  out.events.push_back(
      {EventKind::kCompaction, message.completed, "", {.record = MessageRecord(message)}});
  const Tokens& used = message.tokens;
  if (!used.present) return;
  ingest::TokenDelta& tokens = out.metrics.tokens;
  tokens.known_overhead = true;
  tokens.overhead_input += used.input + used.cache_read + used.cache_write;
  tokens.overhead_output += used.output + used.reasoning;
}

// One step is one request to the model. Versions that write no steps have one
// request a message.
void Session::CountTokens(const MessageRow& message, std::span<const Part> parts,
                          ingest::SessionFacts& out) {
  Tokens sum;
  int64_t steps = 0;
  bool content = false;  // behind the last finished step
  for (const Part& part : parts) {
    content = content || IsContent(part);
    if (part.type != PartType::kStepFinish) continue;
    ++steps;
    content = false;
    sum.present = sum.present || part.tokens.present;
    sum.input += part.tokens.input;
    sum.output += part.tokens.output;
    sum.reasoning += part.tokens.reasoning;
    sum.cache_read += part.tokens.cache_read;
    sum.cache_write += part.tokens.cache_write;
  }
  const bool answered = content || (steps == 0 && !message.finish.empty());
  out.metrics.answers += steps + (answered ? 1 : 0);
  const Tokens& used = sum.present ? sum : message.tokens;
  if (!used.present) return;
  ingest::TokenDelta& tokens = out.metrics.tokens;
  tokens.known_input = tokens.known_cache_read = tokens.known_cache_write = true;
  tokens.known_output = tokens.known_reasoning = true;
  tokens.input_uncached += used.input;
  tokens.cache_read += used.cache_read;
  tokens.cache_write += used.cache_write;
  tokens.output += used.output + used.reasoning;  // beside each other in the store
  tokens.reasoning += used.reasoning;
}

// What a message says about the end of its turn.
void Session::NoteEnd(const MessageRow& message, std::span<const Part> parts) {
  turn_.detail = message.details.empty() ? message.error : message.details;
  turn_.at = message.completed.has_value() ? message.completed : message.created;
  turn_.record = MessageRecord(message);
  if (!message.error.empty()) {
    turn_.end = message.error == kAborted ? TurnEnd::kCancelled : TurnEnd::kFailed;
    return;
  }
  bool called = false, open = false;  // the last thing is a call; one has no result
  for (const Part& part : parts) {
    if (IsContent(part)) called = part.type == PartType::kTool;
    open = open || (part.type == PartType::kTool && part.status == ToolStatus::kOpen);
  }
  const bool stopped = message.finish.empty()
                           ? !called
                           : message.finish != "tool-calls" && message.finish != "unknown";
  const bool done = message.completed.has_value() && stopped && !open;
  turn_.end = done ? TurnEnd::kAnswered : TurnEnd::kOpen;
}

void Session::CloseTurn(ingest::SessionFacts& out) {
  if (turn_.copied) return;
  if (turn_.end == TurnEnd::kFailed) {
    ++out.metrics.failed_turns;
    out.events.push_back(
        {EventKind::kFailedTurn, turn_.at, turn_.detail, {.record = turn_.record}});
  } else if (turn_.end == TurnEnd::kCancelled) {
    ++out.metrics.interruptions;
    out.events.push_back({EventKind::kInterruption, turn_.at, "", {.record = turn_.record}});
  }
}

void Session::Finish(ingest::Batch& batch) {
  ingest::SessionFacts& out = Facts(batch);
  CloseTurn(out);
  switch (turn_.end) {
    case TurnEnd::kNone:
      break;
    case TurnEnd::kOpen:
      out.completion = Completion::kInterrupted;
      break;
    case TurnEnd::kAnswered:
      out.completion = Completion::kCompleted;
      break;
    case TurnEnd::kFailed:
      out.completion = Completion::kFailed;
      break;
    case TurnEnd::kCancelled:
      out.completion = Completion::kCancelled;
      break;
  }
  out.internal = internal_;
  out.finished = true;
}

}  // namespace selftune::hosts::opencode
