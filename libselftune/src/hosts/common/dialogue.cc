#include "hosts/common/dialogue.h"

#include <algorithm>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "base/crypto.h"
#include "base/utf8.h"
#include "hosts/common/raw_text.h"
#include "hosts/common/shell_skills.h"
#include "ingest/typed_command.h"

namespace selftune::hosts {
namespace {

using ingest::Batch;
using ingest::PromptFact;
using ingest::SessionFacts;
using ingest::SkillFact;

// First line of the prompts that selftune itself gives to an agent.
constexpr std::string_view kInternalMark = "[selftune:internal";
constexpr size_t kDetailBytes = 200;

std::string Detail(std::string_view text) {
  return base::ToValidUtf8(text.substr(0, std::min(text.size(), kDetailBytes)));
}

}  // namespace

SessionFacts& Dialogue::Facts(Batch& batch) {
  SessionFacts& facts = batch.Session(who_.id);
  facts.kind = who_.kind;
  // The store has these for every answer: none yet means 0, not unknown.
  ingest::TokenDelta& tokens = facts.metrics.tokens;
  facts.metrics.known_answers = tokens.known_input = tokens.known_output = true;
  tokens.known_cache_read = known_.cache_read;
  tokens.known_cache_write = known_.cache_write;
  tokens.known_reasoning = known_.reasoning;
  tokens.known_overhead = known_.overhead;
  facts.internal = internal_;
  if (begun_) return facts;
  begun_ = true;
  TellWho(facts);
  return facts;
}

void Dialogue::TellWho(SessionFacts& facts) {
  facts.links = who_.links;
  facts.agent_cli = who_.agent_cli;
  facts.agent_type = who_.agent_type;
  facts.host_version = who_.host_version;
  facts.provider = who_.provider;
  facts.model = who_.model;
  facts.cwd = who_.cwd;
  facts.branch = who_.branch;
  facts.commit_sha = who_.commit_sha;
  facts.repo_remote = who_.repo_remote;
  facts.depth = who_.depth;
  told_ = who_;
}

void Dialogue::BeginTurn(std::string_view command) {
  ++turn_;
  last_skills_ = std::exchange(skills_, TurnSkills());
  skills_.Begin(command);
  loads_ = 0;
  command_.reset();
  model_active_ = interrupted_ = false;
  failed_.reset();
  state_ = TurnState::kAwaiting;
}

void Dialogue::SkipTurn() {
  BeginTurn("");
  prompt_.reset();
}

void Dialogue::ReturnTo(std::optional<int32_t> prompt, TurnState state) {
  BeginTurn("");
  prompt_ = prompt;
  state_ = state;
  model_active_ = true;
}

int32_t Dialogue::AddPrompt(const Moment& now, Prompt prompt, Batch& batch) {
  if (next_seq_ == 0 && prompt.text.starts_with(kInternalMark)) internal_ = true;
  BeginTurn(prompt.command_name);
  prompt_ = next_seq_++;
  PromptFact fact{.seq = *prompt_,
                  .kind = PromptKind::kUser,
                  .text = std::move(prompt.text),
                  .raw_text = std::move(prompt.raw_text),
                  .native_id = std::move(prompt.native_id),
                  .command_kind = prompt.command_kind,
                  .command_name = std::move(prompt.command_name),
                  .command_args = std::move(prompt.command_args),
                  .active = true,
                  .at = now.at,
                  .origin = now.origin};
  if (fact.raw_text == fact.text) fact.raw_text.clear();
  if (who_.kind == SessionKind::kSubagent) fact.kind = PromptKind::kAgent;
  if (who_.kind == SessionKind::kAutomation) fact.kind = PromptKind::kAutomation;
  for (ingest::ExposureFact& exposure : std::exchange(waiting_, {})) {
    EmitExposure(std::move(exposure), prompt_, batch);
  }
  const bool asks = prompt.typed_commands && fact.kind == PromptKind::kUser &&
                    fact.command_kind == CommandKind::kNone;
  Facts(batch).prompts.push_back(fact);
  if (asks) AddRequest(fact, batch);
  return fact.seq;
}

// "/name" that the host passed on as text asks for the skill, if it is one.
void Dialogue::AddRequest(const PromptFact& prompt, Batch& batch) {
  const ingest::TypedCommand typed = ingest::ReadTypedCommand(prompt.text);
  if (typed.name.empty()) return;
  command_ = prompt;
  command_->command_name = typed.name;
  command_->command_args = typed.args;
  std::vector<SkillFact> out;
  skills_.AddRequest(RequestFact(), out);
  for (SkillFact& skill : out) Facts(batch).skills.push_back(std::move(skill));
}

SkillFact Dialogue::RequestFact() const {
  const PromptFact& prompt = *command_;
  SkillFact fact;
  fact.key = ingest::RequestKey(prompt.seq, prompt.command_name);
  fact.skill = prompt.command_name;
  fact.outcome = Outcome::kRequested;
  fact.level = Level::kExplicit;
  fact.route = Route::kSlashText;
  fact.requested_by = RequestedBy::kUser;
  fact.prompt_seq = prompt.seq;
  fact.args = prompt.command_args;
  fact.has_args = !fact.args.empty();
  fact.if_installed = std::find(listed_.begin(), listed_.end(), fact.skill) == listed_.end();
  fact.at = prompt.at;
  fact.origin = prompt.origin;
  return fact;
}

void Dialogue::AddLoad(const Moment& now, SkillLoad load, Batch& batch) {
  if (command_.has_value() && command_->command_name == load.skill) {
    // The text was no request: the host took it as its command.
    command_->command_kind = CommandKind::kSkill;
    if (load.args.empty()) load.args = command_->command_args;
    Facts(batch).prompts.push_back(*std::exchange(command_, std::nullopt));
  }
  SkillFact fact;
  fact.key = fmt::format("p{}:{}:{}", prompt_.value_or(-1), load.skill, loads_++);
  fact.skill = std::move(load.skill);
  fact.level = Level::kExplicit;
  fact.route = load.route;
  const bool person = who_.kind == SessionKind::kMain;
  fact.requested_by = person ? RequestedBy::kUser : RequestedBy::kModel;
  if (who_.kind != SessionKind::kSubagent) fact.prompt_seq = prompt_;
  fact.path = std::move(load.path);
  fact.args = std::move(load.args);
  fact.has_args = !fact.args.empty();
  if (!load.body.empty()) {
    fact.body_sha256 = base::Sha256Bytes(load.body);
    fact.body_bytes = static_cast<int64_t>(load.body.size());
  }
  fact.at = now.at;
  fact.origin = now.origin;
  const std::string path = fact.path;
  const std::string skill = fact.skill;
  std::vector<SkillFact> out;
  skills_.AddUse(std::move(fact), out);
  if (const auto folder = SkillOfFile(path)) skills_.AddAlias(skill, *folder, out);
  for (SkillFact& use : out) Facts(batch).skills.push_back(std::move(use));
}

void Dialogue::AddAnswer(Batch& batch) {
  ++Facts(batch).metrics.answers;
  Settle(batch);
}

void Dialogue::Settle(Batch& batch) {
  model_active_ = true;
  if (state_ != TurnState::kCancelled) state_ = TurnState::kAnswered;
  TakeBackFailedTurn(batch);
}

namespace {

int64_t Figure(int64_t delta) { return std::clamp(delta, -ingest::kMaxFigure, ingest::kMaxFigure); }

}  // namespace

void Dialogue::AddTokens(const ingest::TokenDelta& delta, Batch& batch) {
  ingest::TokenDelta& tokens = Facts(batch).metrics.tokens;
  tokens.input_uncached += Figure(delta.input_uncached);
  tokens.cache_read += Figure(delta.cache_read);
  tokens.cache_write += Figure(delta.cache_write);
  tokens.output += Figure(delta.output);
  tokens.reasoning += Figure(delta.reasoning);
  tokens.overhead_input += Figure(delta.overhead_input);
  tokens.overhead_output += Figure(delta.overhead_output);
}

void Dialogue::AddApiError(const Moment& now, std::string_view detail, Batch& batch) {
  ++Facts(batch).metrics.api_errors;
  AddEvent(now, EventKind::kApiError, detail, batch);
  FailTurn(now, detail, batch);
}

void Dialogue::FailTurn(const Moment& now, std::string_view detail, Batch& batch) {
  state_ = TurnState::kFailed;
  CountFailedTurn(now, detail, batch);
}

void Dialogue::Suspect(const Moment& now, Batch& batch) {
  CountFailedTurn(now, "no answer", batch);
}

void Dialogue::CountFailedTurn(const Moment& now, std::string_view detail, Batch& batch) {
  if (failed_.has_value()) return;
  failed_ = now;
  ++Facts(batch).metrics.failed_turns;
  AddEvent(now, EventKind::kFailedTurn, detail, batch);
}

void Dialogue::TakeBackFailedTurn(Batch& batch) {
  if (!failed_.has_value()) return;
  --Facts(batch).metrics.failed_turns;
  AddEvent(*failed_, EventKind::kFailedTurn, "", batch);
  Facts(batch).events.back().retracted = true;
  failed_.reset();
}

void Dialogue::Interrupt(const Moment& now, Batch& batch) {
  state_ = TurnState::kCancelled;
  if (std::exchange(interrupted_, true)) return;
  TakeBackFailedTurn(batch);
  ++Facts(batch).metrics.interruptions;
  AddEvent(now, EventKind::kInterruption, "", batch);
}

void Dialogue::AddCompaction(const Moment& now, Batch& batch) {
  ++Facts(batch).metrics.compactions;
  AddEvent(now, EventKind::kCompaction, "", batch);
}

void Dialogue::AddEvent(const Moment& now, EventKind kind, std::string_view detail, Batch& batch) {
  Facts(batch).events.push_back(
      {.kind = kind, .at = now.at, .detail = Detail(detail), .origin = now.origin});
}

void Dialogue::Show(const Moment& now, ingest::Listing listing, Batch& batch) {
  listed_.clear();
  for (const ingest::ListingEntry& entry : listing.entries) {
    listed_.push_back(entry.name);
    const auto folder = SkillOfFile(entry.path);
    const bool plain = folder == entry.name && entry.path.find("/skills/") != std::string::npos;
    const bool known = std::any_of(names_.begin(), names_.end(),
                                   [&](const auto& pair) { return pair.first == entry.path; });
    if (!entry.path.empty() && !plain && !known) names_.emplace_back(entry.path, entry.name);
  }
  ingest::ExposureFact fact;
  fact.at = now.at;
  fact.cause = ExposureCause::kListing;
  fact.listing = std::make_shared<const ingest::Listing>(std::move(listing));
  fact.origin = now.origin;
  // Sent with the prompt before it, unless the model has worked on that already.
  if (prompt_.has_value() && !model_active_ && state_ == TurnState::kAwaiting) {
    EmitExposure(std::move(fact), prompt_, batch);
    // The listing of a session stands behind its first prompt.
    const auto known = [&](const std::string& name) {
      return std::find(listed_.begin(), listed_.end(), name) != listed_.end();
    };
    if (command_.has_value() && known(command_->command_name)) {
      Facts(batch).skills.push_back(RequestFact());
    }
  } else {
    waiting_.clear();  // what it would have said is overtaken
    waiting_.push_back(std::move(fact));
  }
}

void Dialogue::EmitExposure(ingest::ExposureFact fact, std::optional<int32_t> seq, Batch& batch) {
  // The first listing, in the turn of the first prompt, holds from the start.
  if (seq.has_value() && (*seq > 0 || shown_)) fact.prompt_seq = seq;
  shown_ = true;
  Facts(batch).exposures.push_back(std::move(fact));
}

void Dialogue::SetActive(int32_t seq, bool active, Batch& batch) {
  SessionFacts& facts = Facts(batch);
  for (PromptFact& prompt : facts.prompts) {
    if (prompt.seq != seq) continue;
    prompt.active = active;
    return;
  }
  std::erase(facts.deactivated_prompts, seq);
  std::erase(facts.reactivated_prompts, seq);
  (active ? facts.reactivated_prompts : facts.deactivated_prompts).push_back(seq);
}

Completion Dialogue::CompletionNow() const {
  switch (state_) {
    case TurnState::kFailed:
      return Completion::kFailed;
    case TurnState::kCancelled:
      return Completion::kCancelled;
    case TurnState::kNone:
      return Completion::kUnknown;
    case TurnState::kAwaiting:
    case TurnState::kAnswered:
      break;
  }
  const bool open = std::any_of(calls_.begin(), calls_.end(),
                                [&](const OpenCall& call) { return call.turn == turn_; });
  return state_ == TurnState::kAnswered && !open ? Completion::kCompleted
                                                 : Completion::kInterrupted;
}

void Dialogue::Finish(std::optional<UtcMillis> at, Batch& batch) {
  if (at.has_value()) {
    if (!started_.has_value() || *at < *started_) started_ = at;
    if (!ended_.has_value() || *at > *ended_) ended_ = at;
  }
  if (!begun_) return;
  SessionFacts& facts = Facts(batch);
  if (who_ != told_) TellWho(facts);
  facts.started = started_;
  facts.ended = ended_;
  const Completion now = CompletionNow();
  if (now != Completion::kUnknown) facts.completion = now;
}

}  // namespace selftune::hosts
