// What has to survive from line to line, and from one read of a growing file
// to the next. Saved as JSON.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/error.h"
#include "base/string_map.h"
#include "base/time.h"
#include "hosts/codex/record.h"
#include "ingest/facts.h"

namespace selftune::hosts::codex {

// A skill that a call will have used once its output shows success.
struct CallUse {
  std::string skill, path;
  Route route = Route::kShellRead;
  std::string file;  // name of the file that is read or run
};

// A call without output yet.
struct OpenCall {
  std::string id, tool;
  int64_t turn = 0;  // Turn::number at the call
  std::optional<int32_t> prompt;
  std::optional<UtcMillis> at;
  uint64_t offset = 0, line_no = 0;
  std::vector<CallUse> uses;
  std::vector<std::string> changed;  // SKILL.md files it writes to
  bool only_command = false;         // the line holds one simple command
  bool failed = false;               // already counted as an error
  bool nonzero = false;
  bool spawned = false;  // the agent it started is known
  bool running = false;  // its output came, the command goes on in the background
};

enum class TurnEnd { kOpen, kCompleted, kFailed, kCancelled };

// The host's unit of work: from a prompt (or a task_started) to its end.
struct Turn {
  int64_t number = 0;   // counts turns of this file; 0 = none yet
  std::string id;       // the host's, "" = it gives none
  bool marked = false;  // the host writes begin and end of turns
  bool has_prompt = false;
  bool model_active = false;  // the model did something since the prompt
  bool answered = false;      // ... and the last of it was an answer
  bool failed = false;        // counted as a failed turn
  // Place of the error that says so, while an answer may still come: a request
  // that succeeds when it is tried again is no failed turn.
  std::optional<uint64_t> error_at;
  TurnEnd end = TurnEnd::kOpen;
};

// What to compare the next cumulative figures with.
struct TokenState {
  Usage total;
  bool restarted = false;    // the host said that nothing was used yet
  bool has_records = false;  // token_usage_record seen: token_count is redundant
  // Counted from token_count on lines that may belong to a file with records.
  Usage provisional;
  int64_t provisional_answers = 0;
  std::vector<std::pair<uint64_t, Usage>> recent;  // newest answers, by response
  std::vector<uint64_t> counted;                   // response ids, newest last
  std::vector<uint64_t> compactions;               // ids whose answer has not come
};

struct PendingExposure {
  std::shared_ptr<const ingest::Listing> listing;  // null: lost at a compaction
  std::optional<UtcMillis> at;
  uint64_t offset = 0, line_no = 0;
};

struct PendingMention {
  ingest::SkillFact fact;
  uint64_t text = 0;  // hash of the message
};

// In place of the hash of a listing that only the parent of a fork shows.
inline constexpr uint64_t kInheritedListing = 1;

struct State {
  std::string id;  // session; "" until the first record
  bool has_meta = false;
  bool subagent = false;
  bool internal = false;        // made by selftune itself
  bool copies_history = false;  // a fork of a format that repeats its parent
  bool in_copy = false;         // the current record repeats the parent's
  bool has_model = false, has_root_prompt = false;
  std::optional<UtcMillis> started, ended;
  std::string cwd, home;

  int32_t prompts = 0;                              // seq of the next
  std::vector<std::pair<int32_t, int32_t>> active;  // ranges [from, to) not rolled back
  // Source of the latest prompt while a record of the other kind would be its twin.
  Kind unpaired = Kind::kUnknown;
  uint64_t last_prompt_text = 0;
  int64_t mentions = 0;              // of the latest prompt
  std::vector<std::string> named;    // $names in the latest prompt
  std::vector<uint64_t> skill_like;  // prompts that look like a mention
  std::optional<PendingMention> mention;

  Turn turn;
  std::vector<ingest::SkillFact> turn_uses;  // of the latest prompt
  std::vector<std::string> turn_changes;     // SKILL.md files changed in it
  std::vector<OpenCall> calls;
  TokenState tokens;

  uint64_t listing = 0;  // hash of the listing that holds, 0 = none
  bool listing_seen = false;
  base::StringMap<std::string> names;  // SKILL.md -> name, where the folder does not say it
  std::optional<PendingExposure> exposure;

  [[nodiscard]] std::optional<int32_t> CurrentPrompt() const;
  [[nodiscard]] OpenCall* FindCall(std::string_view id);
};

[[nodiscard]] std::string SaveJson(const State& state);
[[nodiscard]] Status LoadJson(std::string_view json, State& state);

}  // namespace selftune::hosts::codex
