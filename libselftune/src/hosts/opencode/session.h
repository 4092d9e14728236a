// One session of OpenCode, message by message, into facts.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "base/time.h"
#include "hosts/common/turn_skills.h"
#include "hosts/opencode/record.h"
#include "ingest/facts.h"
#include "ingest/source.h"

namespace selftune::hosts::opencode {

// Takes a whole session: every message with its parts, in the order of (created,
// id) and id. Facts go to the batch given with each call.
class Session {
 public:
  // `internal`: made by selftune itself. `copied`: records of sessions this one was
  // copied from; may be nullptr, else it outlives the session.
  Session(SessionRow row, bool internal, const ingest::KeySet* copied);

  void Add(const MessageRow& message, std::span<const Part> parts, ingest::Batch& batch);
  void Finish(ingest::Batch& batch);

  [[nodiscard]] const std::string& id() const { return row_.id; }

 private:
  // What a message of role user turned out to be.
  struct Asked {
    std::optional<int32_t> prompt;  // of its turn
    bool by_host = false;           // written by the host: goes on with the turn before
  };
  enum class TurnEnd { kNone, kOpen, kAnswered, kFailed, kCancelled };
  struct Turn {
    TurnEnd end = TurnEnd::kNone;
    bool copied = false;
    std::string detail;  // of the error
    std::optional<UtcMillis> at;
    std::string record;
  };
  // A part on its way into facts.
  struct Step {
    const MessageRow& message;
    const Part& part;
    std::optional<int32_t> prompt;
    ingest::SessionFacts& out;
    [[nodiscard]] std::optional<UtcMillis> At() const;
  };

  ingest::SessionFacts& Facts(ingest::Batch& batch);
  void NoteTime(const MessageRow& message, ingest::SessionFacts& out);
  [[nodiscard]] bool IsCopy(const MessageRow& message, std::string_view text,
                            ingest::SessionFacts& out);
  void AddUser(const MessageRow& message, std::span<const Part> parts, ingest::SessionFacts& out);
  void AddPrompt(const MessageRow& message, const std::string& raw, std::string command,
                 ingest::SessionFacts& out);
  void AddAnswer(const MessageRow& message, std::span<const Part> parts, ingest::SessionFacts& out);
  void AddSummary(const MessageRow& message, ingest::SessionFacts& out);
  void CountTokens(const MessageRow& message, std::span<const Part> parts,
                   ingest::SessionFacts& out);
  void AddCall(Step step);
  void CountCall(const Step& step, bool failed);
  void AddSkillCall(const Step& step);
  void AddRead(const Step& step, bool failed);
  void AddShell(const Step& step, bool failed);
  void AddChanges(const Step& step);
  [[nodiscard]] ingest::SkillFact CallFact(const Step& step) const;
  void NoteEnd(const MessageRow& message, std::span<const Part> parts);
  void CloseTurn(ingest::SessionFacts& out);
  [[nodiscard]] TurnSkills& SkillsOf(std::optional<int32_t> prompt);
  [[nodiscard]] bool subagent() const { return !row_.parent.empty(); }

  SessionRow row_;
  bool internal_;
  const ingest::KeySet* copied_;
  bool begun_ = false;
  int messages_ = 0;
  std::string first_key_;  // of the first message, for the anchor
  int32_t prompts_ = 0;    // seq of the next
  std::optional<int32_t> prompt_;
  std::map<std::string, Asked, std::less<>> asked_;  // by id of the user message
  std::map<int32_t, TurnSkills> skills_;
  Turn turn_;
  std::optional<UtcMillis> ended_;
};

// What a person typed, out of what is stored.
struct TypedText {
  std::string text;
  std::string skill, args, dir, body;  // a skill's command that the host expanded
};
// `quoted`: the text may be wrapped as `opencode run` does it.
[[nodiscard]] TypedText ReadTypedText(std::string_view stored, bool quoted);

}  // namespace selftune::hosts::opencode
