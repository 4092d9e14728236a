// One conversation of a transcript, as a state machine: records in, facts out.
// A main session and each of its agents is a conversation of its own, also
// when the records of several stand in one file.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/json_value.h"
#include "base/json_writer.h"
#include "hosts/claude_code/answers.h"
#include "hosts/claude_code/calls.h"
#include "hosts/claude_code/prompts.h"
#include "hosts/claude_code/record.h"
#include "hosts/claude_code/shown_skills.h"
#include "hosts/common/turn_skills.h"
#include "ingest/facts.h"
#include "ingest/source.h"

namespace selftune::hosts::claude_code {

// What is known of a conversation from outside its records.
struct Identity {
  std::string id;
  SessionKind kind = SessionKind::kMain;
  ingest::SessionLinks links;
  std::string agent_type;
  int32_t depth = 0;
};

class Conversation {
 public:
  // A record with its place.
  struct Step {
    const Record& record;
    const ingest::Line& line;
    std::optional<UtcMillis> at;
    bool copied = false;  // counted in another session already
  };

  explicit Conversation(Identity identity) : identity_(std::move(identity)) {}

  void Apply(const Step& step, ingest::Batch& batch);

  // The session's entry in `batch`. A session begins with its first fact.
  ingest::SessionFacts& Facts(ingest::Batch& batch);
  [[nodiscard]] bool begun() const { return begun_; }
  // Made by the host or by selftune for itself: nothing of it counts.
  [[nodiscard]] bool ignored() const { return ignored_; }

  [[nodiscard]] const Identity& identity() const { return identity_; }
  void set_identity(Identity identity) { identity_ = std::move(identity); }
  // Hands on an identity that changed after the conversation began.
  void RepeatIdentity(ingest::Batch& batch);

  // The open call that starts an agent with this task; it becomes linked to
  // the session `child`. "" when there is none.
  [[nodiscard]] std::string LinkAgent(uint64_t task, const std::string& child,
                                      std::string& agent_type, ingest::Batch& batch);

  void Save(base::JsonWriter& w) const;  // one value
  [[nodiscard]] static Conversation Load(const base::JsonValue& value);

 private:
  enum class TurnState { kNone, kAwaiting, kAnswered, kFailed, kCancelled };

  struct Body;  // of a loaded skill

  // A slash command whose kind the next record tells.
  struct Command {
    ingest::PromptFact prompt;
    uint64_t record = 0;  // key of its uuid
  };

  void OnUser(const Step& step, ingest::Batch& batch);
  void OnMeta(const Step& step, ingest::Batch& batch);
  void OnText(const Step& step, ingest::Batch& batch);
  void OnTask(const Step& step, ingest::Batch& batch);
  void OnAssistant(const Step& step, ingest::Batch& batch);
  void OnApiError(const Step& step, ingest::Batch& batch);
  void TakeBackFailure(ingest::Batch& batch);
  void OnSystem(const Step& step, ingest::Batch& batch);
  void OnInterruption(const Step& step, ingest::Batch& batch);
  void OnResult(const Step& step, const Block& block, ingest::Batch& batch);

  void BeginTurn(std::string_view command);
  void AddPrompt(const Step& step, UserText text, std::string raw, ingest::Batch& batch);
  // The use, or the request, that the command of `prompt` is.
  [[nodiscard]] static ingest::SkillFact CommandFact(const ingest::PromptFact& prompt, Route route);
  void AddForkedCommand(const ingest::PromptFact& prompt, ingest::Batch& batch);
  void CheckRequest(ingest::Batch& batch);
  void OnSkillBody(const Step& step, ingest::Batch& batch);
  void OnCommandBody(const Body& body, std::vector<ingest::SkillFact>& out, ingest::Batch& batch);
  void OnCallBody(const Record& record, const Body& body, std::vector<ingest::SkillFact>& out);
  [[nodiscard]] bool IsChildOfCommand(const Record& record) const;
  void AddCall(const Step& step, const Block& block, ingest::Batch& batch);
  void PrepareCall(const Step& step, const Block& block, OpenCall& call) const;
  void PrepareShell(const Step& step, const Block& block, OpenCall& call) const;
  [[nodiscard]] ingest::SkillFact CallFact(const Step& step, const Block& block) const;
  void CountResult(const Step& step, const OpenCall& call, CallResult result, const Block& block,
                   ingest::Batch& batch);
  void UseResult(const Step& step, OpenCall call, CallResult result, ingest::Batch& batch);
  void UseSkillTool(const Step& step, OpenCall& call, bool ok, std::vector<ingest::SkillFact>& out);
  void UseReads(OpenCall& call, CallResult result, std::vector<ingest::SkillFact>& out);
  void AddSpawn(const OpenCall& call, std::string child_id, ingest::Batch& batch);
  void AddEvent(const Step& step, EventKind kind, std::string detail, ingest::Batch& batch);
  // The ledger of the turn that `call` belongs to.
  TurnSkills& SkillsOf(const OpenCall& call) { return call.turn == turn_ ? skills_ : last_skills_; }
  void EmitSkills(std::vector<ingest::SkillFact> facts, ingest::Batch& batch);

  void Describe(const Record& record);
  void Finish(const Step& step, ingest::Batch& batch);
  [[nodiscard]] Completion CompletionNow() const;
  [[nodiscard]] ShownSkills::Moment Now(const Step& step) const;
  [[nodiscard]] static ingest::Origin OriginOf(const Step& step);
  [[nodiscard]] bool old_host() const;

  Identity identity_;
  bool begun_ = false, ignored_ = false, described_ = false;
  std::optional<UtcMillis> started_;
  std::string host_version_, cwd_, branch_, model_;

  int32_t next_seq_ = 0;
  std::optional<int32_t> prompt_;  // of the current turn, when it is of this session
  int64_t turn_ = 0;
  TurnState state_ = TurnState::kNone;
  bool turn_failed_ = false, turn_interrupted_ = false;
  std::optional<uint64_t> failed_at_;  // place of the record that says so
  bool forked_command_ = false;        // the turn is a skill that runs in an agent of its own
  bool after_caveat_ = false;
  std::optional<Completion> completion_;  // as handed on
  std::optional<Command> command_;
  std::optional<ingest::SkillFact> request_;  // typed "/name" not yet known as a skill
  TurnSkills skills_, last_skills_;           // of this turn and the one before
  std::vector<ingest::SkillFact> loads_;      // uses whose body may follow
  OpenCalls calls_;
  Answers answers_;
  ShownSkills shown_;
};

}  // namespace selftune::hosts::claude_code
