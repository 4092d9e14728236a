// One line of a rollout as plain values. Decoding looks only at fields that
// facts are made of; the rest is skipped unread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "base/json_object.h"
#include "base/time.h"

namespace selftune::hosts::codex {

enum class Kind {
  kUnknown,  // a type this reader does not know
  kIgnored,  // a known type without facts
  kSessionMeta,
  kTurnContext,
  kWorldState,
  kCompacted,
  kMessage,  // response_item/message: context, echoes of prompts, answers
  kCall,     // a tool call the model asked for
  kCallOutput,
  kWebSearch,    // a call without output
  kUsage,        // token_usage_record: one a model answer
  kTokenCount,   // cumulative totals, repeated
  kPromptEvent,  // event_msg/user_message (generations A and B)
  kPromptItem,   // item UserMessage (generation C)
  kAgentText,    // a visible answer of the model
  kCommandDone,  // a shell command ended (item or event)
  kSpawned,      // an agent was started, its thread is known
  kOtherItem,
  kTurnStarted,
  kTurnComplete,
  kTurnAborted,
  kRolledBack,
  kErrorEvent,
};

enum class Role { kUnknown, kUser, kDeveloper, kAssistant };

struct Usage {
  bool present = false;
  bool has_cache_write = false;
  int64_t input = 0, cached = 0, cache_write = 0, output = 0, reasoning = 0;

  friend bool operator==(const Usage&, const Usage&) = default;
};

// A text inside a message; `kind` is what the host says it is, "" = not said.
struct Part {
  Role role = Role::kUnknown;
  std::string_view text;
  std::string_view kind;
};

struct Meta {
  std::string_view id, root_id, parent_id, forked_from, cwd, version, provider, thread_source;
  std::string_view agent_role, branch, commit, remote;
  bool subagent = false;
  bool has_history_base = false;
  int64_t depth = 0;
  std::optional<uint64_t> history_end;  // history_base.end_byte_offset
};

// Views point into the parser's and the line's memory: valid until the next
// line. Which fields are filled depends on `kind`.
struct Record {
  Kind kind = Kind::kUnknown;
  std::optional<UtcMillis> at;
  bool has_ordinal = false;

  std::string_view id;  // the record's own (message or item id)
  std::string_view turn_id, root_turn_id;
  Meta meta;
  std::string_view cwd, model;
  std::string_view listing_text;  // user_instructions or host_skills.body
  Role role = Role::kUnknown;
  std::vector<Part> parts;
  int64_t images = 0;
  bool has_text = false;  // prompt events: there was a text at all
  bool odd_text = false;  // ... and it was none
  std::string_view text;  // prompt event; error message (any)

  std::string_view call_id, tool;
  std::string_view arguments;          // JSON token, not unescaped ("" = none)
  std::vector<std::string_view> argv;  // local_shell_call
  std::string_view workdir;
  std::string_view output;  // JSON token of the text, not unescaped
  std::optional<bool> success;
  std::string_view status;  // of a call or item; kind of a prompt event
  std::optional<int64_t> exit_code;
  std::vector<std::string_view> read_paths;  // parsed_cmd of type read
  std::vector<std::string_view> receivers;   // thread ids

  bool has_info = false;  // token_count with figures
  Usage total, last;      // `total` is also the usage of a kUsage record
  std::string_view response_id;
  bool has_history = false;  // compacted: the new history is given
  bool has_error = false;
  std::string_view reason;
  int64_t turns = 0;

  void Clear();
};

// Texts that are long and seldom needed.
struct Wanted {
  bool user_instructions = false;
};

// Not thread-safe.
class RecordDecoder {
 public:
  // Fails when the line is not one JSON object; `record` is then of no use.
  [[nodiscard]] Status Decode(std::string_view line, const Wanted& wanted, base::LineParser& parser,
                              Record& record);

 private:
  // Types are usually written before what they explain. When not, the line is
  // read again with the types that were found.
  struct Types {
    std::string_view top, payload, item;
  };
  [[nodiscard]] Status Pass(std::string_view line, base::LineParser& parser, Record& record);
  void TopField(std::string_view key, base::JsonField& value, Record& record);
  void PayloadField(std::string_view key, base::JsonField& value, Record& record);
  void EventField(std::string_view key, base::JsonField& value, Record& record);
  void ItemField(std::string_view key, base::JsonField& value, Record& record);

  Wanted wanted_;
  Types types_;
  std::string hint_top_, hint_payload_, hint_item_;
  bool again_ = false;
};

}  // namespace selftune::hosts::codex
