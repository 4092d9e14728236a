// One session as a state machine that hosts share: a reader says what a record
// is (a prompt, a call, its result, an answer, an error, the end of a turn) and
// the facts follow by the rules that hold for all hosts.
//
// All counts are deltas and what is needed later is saved, so that a file read
// in pieces gives the same facts as at once.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/json_value.h"
#include "base/json_writer.h"
#include "base/time.h"
#include "hosts/common/tool_use.h"
#include "hosts/common/turn_skills.h"
#include "ingest/facts.h"

namespace selftune::hosts {

// Who a session is, as far as its records have told.
struct DialogueIdentity {
  std::string id;
  SessionKind kind = SessionKind::kMain;
  ingest::SessionLinks links;
  std::string agent_cli, agent_type, host_version, provider, model;
  std::string cwd, branch, commit_sha, repo_remote;
  int32_t depth = 0;
  friend bool operator==(const DialogueIdentity&, const DialogueIdentity&) = default;
};

class Dialogue {
 public:
  // Place and time of the record at hand.
  struct Moment {
    ingest::Origin origin;
    std::optional<UtcMillis> at;
  };

  struct Prompt {
    std::string text;       // as typed
    std::string raw_text;   // as stored; "" = equal
    std::string native_id;  // the host's id of turn or message
    CommandKind command_kind = CommandKind::kNone;
    std::string command_name, command_args;
    bool typed_commands = true;  // may "/name" ask for a skill?
  };

  // A skill that the host loaded because the prompt is its command.
  struct SkillLoad {
    std::string skill, path, args;
    std::string_view body;  // empty = not known
    Route route = Route::kSlashCommand;
  };

  enum class Result { kOk, kError, kNonzeroExit, kDenied };
  struct CallEnd {
    Result result = Result::kOk;
    std::string_view output;  // begin of the text that came back, also of an error
    std::string path;         // SKILL.md that was loaded, as the result tells
    std::string body_sha256;  // of the loaded text
    int64_t body_bytes = 0;
    std::vector<bool> parts_ok;  // of a call with several files; empty: all as `result`
  };

  // How the turn at hand stands.
  enum class TurnState { kNone, kAwaiting, kAnswered, kFailed, kCancelled };

  // Which parts of token figures the host's store has.
  struct Known {
    bool cache_read = true, cache_write = true, reasoning = true, overhead = false;
  };

  explicit Dialogue(DialogueIdentity who = {}) : who_(std::move(who)) {}

  // What is told later is handed on with the next record.
  [[nodiscard]] DialogueIdentity& who() { return who_; }
  [[nodiscard]] const DialogueIdentity& who() const { return who_; }
  void set_known(Known known) { known_ = known; }
  // Were facts written? A session begins with its first prompt, call or answer.
  [[nodiscard]] bool begun() const { return begun_; }
  // Made by selftune itself.
  [[nodiscard]] bool internal() const { return internal_; }
  [[nodiscard]] std::optional<int32_t> prompt() const { return prompt_; }
  [[nodiscard]] int32_t next_seq() const { return next_seq_; }
  [[nodiscard]] TurnState state() const { return state_; }
  [[nodiscard]] ingest::SessionFacts& Facts(ingest::Batch& batch);

  // Returns the prompt's number.
  int32_t AddPrompt(const Moment& now, Prompt prompt, ingest::Batch& batch);
  void AddLoad(const Moment& now, SkillLoad load, ingest::Batch& batch);
  // The text of a skill that a call has loaded comes behind its result. False:
  // no such use.
  bool DescribeUse(std::string_view skill, std::string_view path, std::string_view body,
                   ingest::Batch& batch);
  // Has the model not worked on the newest prompt yet?
  [[nodiscard]] bool fresh() const {
    return prompt_.has_value() && !model_active_ && state_ == TurnState::kAwaiting;
  }
  // False: a call with this id was counted before.
  bool AddCall(const Moment& now, std::string_view id, std::string_view tool, ToolIntent intent,
               ingest::Batch& batch);
  // False: no such call is open.
  bool EndCall(const Moment& now, std::string_view id, const CallEnd& end, ingest::Batch& batch);
  [[nodiscard]] bool IsOpen(std::string_view call_id) const;
  // The call started the session `child`.
  void AddSpawn(std::string_view call_id, std::string_view child, ingest::Batch& batch);

  // An answer of the model. Settles a request that failed before it.
  void AddAnswer(ingest::Batch& batch);
  // The model has answered, in a message that the store does not have.
  void Settle(ingest::Batch& batch);
  void AddTokens(const ingest::TokenDelta& tokens, ingest::Batch& batch);
  // A request failed; the turn counts as failed until an answer comes.
  void AddApiError(const Moment& now, std::string_view detail, ingest::Batch& batch);
  // The turn failed, without a request that did.
  void FailTurn(const Moment& now, std::string_view detail, ingest::Batch& batch);
  // Without an answer the turn will have failed: for stores that keep no errors.
  void Suspect(const Moment& now, ingest::Batch& batch);
  void Interrupt(const Moment& now, ingest::Batch& batch);
  void AddCompaction(const Moment& now, ingest::Batch& batch);
  // The model is offered these skills from now on.
  void Show(const Moment& now, ingest::Listing listing, ingest::Batch& batch);
  // Prompt `seq` came to lie on an abandoned branch, or on the living one again.
  void SetActive(int32_t seq, bool active, ingest::Batch& batch);

  // Records that another session owns: a turn without facts.
  void SkipTurn();
  // The conversation goes on from an earlier prompt, whose turn had ended so.
  void ReturnTo(std::optional<int32_t> prompt, TurnState state);
  void set_state(TurnState state) { state_ = state; }

  // After each record. `at` empty, or of a copy: says nothing about the times.
  void Finish(std::optional<UtcMillis> at, ingest::Batch& batch);

  void Save(base::JsonWriter& w) const;  // one value
  [[nodiscard]] static Dialogue Load(const base::JsonValue& value);

 private:
  struct OpenCall {
    std::string id, tool;
    int64_t turn = 0;
    std::optional<int32_t> prompt;
    ToolIntent intent;
  };

  void BeginTurn(std::string_view command);
  void TellWho(ingest::SessionFacts& facts);
  void AddRequest(const ingest::PromptFact& prompt, ingest::Batch& batch);
  [[nodiscard]] ingest::SkillFact RequestFact() const;  // of command_
  void CountResult(const Moment& now, const OpenCall& call, const CallEnd& end,
                   ingest::Batch& batch);
  void UseSkills(OpenCall& call, const CallEnd& end, ingest::Batch& batch);
  void UseSkill(const OpenCall& call, ingest::SkillFact fact, bool ok, const CallEnd& end,
                std::vector<ingest::SkillFact>& out);
  void NameSkills(ToolIntent& intent) const;
  void CountFailedTurn(const Moment& now, std::string_view detail, ingest::Batch& batch);
  void TakeBackFailedTurn(ingest::Batch& batch);
  void AddEvent(const Moment& now, EventKind kind, std::string_view detail, ingest::Batch& batch);
  void EmitExposure(ingest::ExposureFact fact, std::optional<int32_t> seq, ingest::Batch& batch);
  TurnSkills& SkillsOf(const OpenCall& call) { return call.turn == turn_ ? skills_ : last_skills_; }
  [[nodiscard]] Completion CompletionNow() const;
  void LoadCalls(const base::JsonValue& calls);

  DialogueIdentity who_, told_;
  Known known_;
  bool begun_ = false, internal_ = false;
  std::optional<UtcMillis> started_, ended_;

  int32_t next_seq_ = 0;
  std::optional<int32_t> prompt_;  // of the current turn, when it is of this session
  int64_t turn_ = 0;
  int64_t loads_ = 0;  // of the turn
  TurnState state_ = TurnState::kNone;
  bool model_active_ = false, interrupted_ = false;
  std::optional<Moment> failed_;  // where the turn was counted as failed
  TurnSkills skills_, last_skills_;
  std::optional<ingest::PromptFact> command_;  // the prompt of the turn, when it is "/name ..."
  std::vector<ingest::SkillFact> bare_uses_;   // of the skill tool, without the loaded text
  std::vector<OpenCall> calls_;
  std::vector<uint64_t> recent_calls_;  // keys of ids, newest last

  std::vector<ingest::ExposureFact> waiting_;  // hold from the next prompt
  bool shown_ = false;
  std::vector<std::pair<std::string, std::string>> names_;  // SKILL.md, name in the listing
  std::vector<std::string> listed_;                         // names in the newest listing
};

}  // namespace selftune::hosts
