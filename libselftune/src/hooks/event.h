// What a hook saw, the same for every host, and its form in the spool.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace selftune::hooks {

enum class EventType : uint8_t {
  kPromptSubmit,
  kPreToolUse,  // answered, never kept
  kPostToolUse,
  kSkillCommand,  // a person typed "/name", and it was taken for a command or a skill
  kTurnEnd,
  kAgentStart,  // a subagent: session_id is its parent's
  kAgentEnd,
  kSessionEnd,
  kRejected,  // a payload that cannot be used; `reason` says why
};

// "prompt_submit"; stable, part of the spool's format.
[[nodiscard]] std::string_view Word(EventType type);

// What a tool call was about, as far as skills go.
enum class ToolKind : uint8_t { kOther, kSkill, kRead, kWrite, kShell };

// A commit that a call of a tool made.
struct Commit {
  std::string sha;  // 40 or 64 hexadecimal digits, fewer when the host's output is all there is
  std::string title, branch;  // "" = unknown, no branch
  std::string remote;         // of `origin`, without a user's name
  int64_t at_ms = 0;

  friend bool operator==(const Commit&, const Commit&) = default;
};

// "" is unknown, unless said otherwise.
struct HookEvent {
  std::string platform;  // "claude_code"
  EventType type = EventType::kRejected;
  std::string session_id;
  std::string agent_id, agent_type;  // of a subagent; session_id is its parent's
  std::string agent_session;         // what the host calls its session, if it has one of its own
  std::string prompt_id;             // the host's id of the turn
  std::string cwd;
  std::string transcript_path;
  std::optional<int64_t> transcript_bytes;  // its size now
  std::string prompt;                       // as typed
  ToolKind tool = ToolKind::kOther;
  std::string tool_name, tool_call_id;
  std::string skill;                   // kSkill: as called
  std::optional<std::string> args;     // kSkill
  std::string path;                    // kRead, kWrite
  std::string command;                 // kShell: as run; kWrite: a patch. Never kept
  std::string output;                  // kShell: what it printed. Never kept
  std::optional<int64_t> duration_ms;  // of the call
  std::vector<Commit> commits;         // kShell
  bool tool_failed = false;
  bool goes_on = false;  // kTurnEnd: a stop hook made the agent go on. Never kept
  std::string reason;    // why the session ended, why the payload was rejected
  std::string handler;   // kRejected: who was asked
  std::string excerpt;   // kRejected: its first bytes

  friend bool operator==(const HookEvent&, const HookEvent&) = default;
};

// A JSON object; unknown fields are left out.
[[nodiscard]] std::string ToJson(const HookEvent& event);
// nullopt: not an event of ours.
[[nodiscard]] std::optional<HookEvent> FromJson(std::string_view json);

// Prompts that begin so are selftune's own calls of an agent.
inline constexpr std::string_view kInternalPrompt = "[selftune:internal";

// A name a host may have: "[a-z][a-z0-9_]*", at most 32 bytes.
[[nodiscard]] bool IsPlatform(std::string_view name);

}  // namespace selftune::hooks
