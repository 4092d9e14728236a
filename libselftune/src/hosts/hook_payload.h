// The payload that Claude Code introduced and several hosts took over: one flat
// object, only the words differ. Part of the shim.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "hooks/event.h"
#include "hooks/host.h"

namespace selftune::hosts {

struct NativeEvent {
  std::string_view native, handler;
  hooks::EventType type;
  bool failed = false;  // the call did not work
};

struct PayloadText {
  std::string_view key;
  std::string hooks::HookEvent::* member;
};

inline constexpr PayloadText kUsualTexts[] = {
    {"session_id", &hooks::HookEvent::session_id},
    {"transcript_path", &hooks::HookEvent::transcript_path},
    {"cwd", &hooks::HookEvent::cwd},
    {"prompt_id", &hooks::HookEvent::prompt_id},
    {"agent_id", &hooks::HookEvent::agent_id},
    {"agent_type", &hooks::HookEvent::agent_type},
    {"command_name", &hooks::HookEvent::skill},
    {"tool_name", &hooks::HookEvent::tool_name},
    {"tool_use_id", &hooks::HookEvent::tool_call_id},
    {"tool_call_id", &hooks::HookEvent::tool_call_id},  // Qwen: the one its chat file has
    {"prompt", &hooks::HookEvent::prompt},
    {"user_prompt", &hooks::HookEvent::prompt},
    {"reason", &hooks::HookEvent::reason},
};

// What a call of a tool is called in the payload.
struct CallKeys {
  std::string_view name = "tool_name", input = "tool_input", response = "tool_response";
};

// The words of one host. Views point to literals.
struct PayloadWords {
  std::span<const NativeEvent> events;
  std::string_view skill_tool, skill_key;  // "Skill" and the name in its input
  std::string_view read_tool, path_key;    // "Read" and the file in its input
  std::string_view notebook_key = {};      // the file in the input of a tool for notebooks
  // Tools that write the file at path_key; asked about before they run.
  std::span<const std::string_view> write_tools = {};
  std::string_view patch_tool = {};  // writes the files that the patch in `command` names
  std::string_view shell_tool = {};  // runs `command`
  bool shell_is_guarded = false;     // asked about before it runs, too
  bool needs_call_id = false;        // a call without an id is left to the transcript
  // Subagents are sessions of their own, by the id of the agent.
  bool agents_are_sessions = false;
  bool input_may_be_text = false;  // the input of a call as a text with JSON in it
  std::span<const PayloadText> texts = kUsualTexts;
  CallKeys keys = {};
};

[[nodiscard]] hooks::Parsed ParsePayload(const PayloadWords& words, std::string_view payload,
                                         std::string_view handler);

// What such a host reads as context for the model, or as the refusal of a tool;
// "" = nothing to say.
[[nodiscard]] std::string RenderContext(const hooks::Response& response, std::string_view native);

}  // namespace selftune::hosts
