// The rows of OpenCode as plain values. The database and the older folders of
// JSON files hold the same objects; in the database ids and times are columns.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/error.h"
#include "base/json_object.h"
#include "base/time.h"

namespace selftune::hosts::opencode {

struct SessionRow {
  std::string id, project, parent, directory, title, version, agent;
  std::string revert;       // first message that is hidden from the model, "" = none
  bool from_run = false;    // made by `opencode run`, which quotes what is typed
  bool may_be_run = false;  // the store does not tell
  bool archived = false;
  std::optional<UtcMillis> created;
};

enum class Role { kUnknown, kUser, kAssistant };

struct Tokens {
  bool present = false;
  int64_t input = 0, output = 0, reasoning = 0, cache_read = 0, cache_write = 0;
};

struct MessageRow {
  std::string id, parent;  // `parent`: the user message that is answered
  Role role = Role::kUnknown;
  std::string agent, model, provider, cwd;
  std::string finish;          // why the model stopped, "" = not yet
  std::string error, details;  // name of an error that ended it
  bool summary = false;        // the host's summary at a compaction
  Tokens tokens;
  std::optional<UtcMillis> created, completed;
};

enum class PartType {
  kUnknown,
  kIgnored,  // known, says nothing that is kept
  kText,
  kReasoning,
  kTool,
  kStepStart,
  kStepFinish,
  kCompaction,
  kSubtask
};

enum class ToolStatus { kUnknown, kOpen, kCompleted, kError };

struct Part {
  std::string id;
  PartType type = PartType::kUnknown;
  std::string text;        // of a user's text part, error of a tool, command of a subtask
  bool has_text = false;   // there was some, whether or not it was taken
  bool synthetic = false;  // written by the host, or not shown to the model
  Tokens tokens;           // of a step

  std::string tool, call_id;
  ToolStatus status = ToolStatus::kUnknown;
  std::string name, file, command, workdir, patch;  // its input
  std::string dir, loaded, child;                   // its metadata
  std::string output;  // of a call that loads a skill, or of a command that may
  std::optional<int64_t> exit;
  bool cut_short = false;  // by the user
  std::optional<UtcMillis> started, ended;
};

// What of long texts is wanted.
struct Wanted {
  bool text = false;  // of text parts
};

// Each takes one JSON object, followed by 64 readable bytes, and fails when it is
// none. Fields that are not there stay as they were.
[[nodiscard]] Status ParseMessage(std::string_view json, base::LineParser& parser, MessageRow& out);
[[nodiscard]] Status ParsePart(std::string_view json, const Wanted& wanted,
                               base::LineParser& parser, Part& out);
// A session file of the JSON folders.
[[nodiscard]] Status ParseSession(std::string_view json, base::LineParser& parser, SessionRow& out);
// The column `permission` of a session: does `run` show in it?
[[nodiscard]] bool MadeByRun(std::string_view permission);

}  // namespace selftune::hosts::opencode
