// One line of a Claude Code transcript, decoded as cheaply as possible: in one
// forward pass, fields in any order, no text unescaped or copied.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "base/json_object.h"
#include "base/time.h"
#include "hosts/common/raw_text.h"

namespace selftune::hosts::claude_code {

enum class RecordType {
  kUser,
  kAssistant,
  kSystem,
  kAttachment,
  kIgnored,  // known, and evidence of nothing
  kUnknown,
};

// Token counts of one answer as the record gives them.
struct Usage {
  bool present = false;
  bool has_reasoning = false;
  int64_t input = 0, cache_write = 0, cache_read = 0, output = 0, reasoning = 0;
};

// A content block of a message.
struct Block {
  enum class Kind { kOther, kText, kThinking, kToolUse, kToolResult, kMedia };
  Kind kind = Kind::kOther;
  RawText text;  // of a text block; of a result: its text, or its first text part
  RawText id;    // of the call
  RawText name;  // of the tool
  bool is_error = false;
  // The arguments of a call that decide anything.
  RawText skill, args, command, file_path, prompt, subagent_type;
};

// What a listing attachment says. `names` and the lists are JSON arrays.
struct ListingRecord {
  RawText content;
  std::string_view names, added_names, added_lines, removed_names;
  std::optional<bool> initial;
};

// Views into the line; valid as long as the line is.
struct Record {
  RecordType type = RecordType::kUnknown;
  RawText uuid, parent_uuid, session_id, request_session_id, timestamp;
  RawText cwd, git_branch, version, subtype;
  bool is_root = false;  // parentUuid is null
  bool sidechain = false, meta = false, compact_summary = false, transcript_only = false;
  bool api_error = false, aborted = false;
  // user
  RawText prompt_id, prompt_source, origin_kind, denial_kind, source_tool_use_id;
  // message
  RawText message_id, model, text;  // text: content that is one string
  bool has_content = false;
  std::vector<Block> blocks;
  Usage usage;
  // toolUseResult
  RawText result_status, result_agent_id;
  bool result_interrupted = false;
  // attachment
  RawText attachment_type;
  ListingRecord listing;
  // system
  RawText system_content;

  // Time stamp of the record, if it has a valid one.
  [[nodiscard]] std::optional<UtcMillis> at() const { return ParseRfc3339(timestamp.escaped()); }
  [[nodiscard]] bool conversation() const {
    return type == RecordType::kUser || type == RecordType::kAssistant ||
           type == RecordType::kSystem || type == RecordType::kAttachment;
  }
  [[nodiscard]] bool HasBlock(Block::Kind kind) const;
  // The content that is one string, or its first text block; absent if none.
  [[nodiscard]] RawText FirstText() const;
  // The content as text: the string, or its text blocks joined by line ends.
  [[nodiscard]] std::string MessageText() const;
};

// Fills `record`, whose vectors keep their memory from call to call. Fails
// when the line is not a JSON object; wrong types of fields are no failure.
[[nodiscard]] Status DecodeRecord(std::string_view line, base::LineParser& parser, Record& record);

// Calls `fn` for each string of the JSON array of strings `array`; stops at
// anything else in it.
void ForEachString(std::string_view array, absl::FunctionRef<void(RawText)> fn);

}  // namespace selftune::hosts::claude_code
