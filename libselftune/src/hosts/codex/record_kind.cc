#include "hosts/codex/record_kind.h"

#include <cstddef>
#include <string_view>

namespace selftune::hosts::codex {
namespace {

struct TypeName {
  std::string_view name;
  Kind kind;
};

constexpr TypeName kEvents[] = {
    {"agent_message", Kind::kAgentText},
    {"collab_agent_spawn_end", Kind::kSpawned},
    {"error", Kind::kErrorEvent},
    {"exec_command_end", Kind::kCommandDone},
    {"mcp_tool_call_end", Kind::kOtherItem},
    {"patch_apply_end", Kind::kOtherItem},
    {"task_complete", Kind::kTurnComplete},
    {"task_started", Kind::kTurnStarted},
    {"thread_rolled_back", Kind::kRolledBack},
    {"token_count", Kind::kTokenCount},
    {"turn_aborted", Kind::kTurnAborted},
    {"turn_complete", Kind::kTurnComplete},
    {"turn_started", Kind::kTurnStarted},
    {"user_message", Kind::kPromptEvent},
};

constexpr TypeName kResponses[] = {
    {"custom_tool_call", Kind::kCall},     {"custom_tool_call_output", Kind::kCallOutput},
    {"function_call", Kind::kCall},        {"function_call_output", Kind::kCallOutput},
    {"local_shell_call", Kind::kCall},     {"message", Kind::kMessage},
    {"web_search_call", Kind::kWebSearch},
};

constexpr TypeName kItems[] = {
    {"AgentMessage", Kind::kAgentText},
    {"CollabAgentToolCall", Kind::kSpawned},
    {"CommandExecution", Kind::kCommandDone},
    {"UserMessage", Kind::kPromptItem},
};

// Known types without facts; anything else is counted as unknown.
constexpr std::string_view kIgnoredEvents[] = {
    "agent_message_content_delta",
    "agent_message_delta",
    "agent_reasoning",
    "agent_reasoning_delta",
    "agent_reasoning_raw_content",
    "agent_reasoning_section_break",
    "apply_patch_approval_request",
    "background_event",
    "collab_agent_interaction_end",
    "collab_close_end",
    "collab_resume_end",
    "collab_waiting_end",
    "context_compacted",
    "deprecation_notice",
    "dynamic_tool_call_request",
    "dynamic_tool_call_response",
    "elicitation_request",
    "entered_review_mode",
    "exec_approval_request",
    "exec_command_begin",
    "exited_review_mode",
    "guardian_assessment",
    "guardian_warning",
    "hook_completed",
    "hook_started",
    "image_generation_end",
    "item_started",
    "mcp_startup_complete",
    "mcp_startup_update",
    "mcp_tool_call_begin",
    "model_reroute",
    "model_verification",
    "patch_apply_begin",
    "plan_update",
    "request_permissions",
    "request_user_input",
    "session_configured",
    "shutdown_complete",
    "stream_error",
    "sub_agent_activity",
    "terminal_interaction",
    "thread_goal_updated",
    "thread_name_updated",
    "thread_settings_applied",
    "turn_diff",
    "undo_completed",
    "view_image_tool_call",
    "warning",
    "web_search_begin",
    "web_search_end",
};
constexpr std::string_view kIgnoredResponses[] = {
    "compaction",       "compaction_summary",    "context_compaction",
    "ghost_snapshot",   "image_generation_call", "reasoning",
    "tool_search_call", "tool_search_output"};

template <size_t N, size_t M>
Kind Find(const TypeName (&names)[N], const std::string_view (&ignored)[M], std::string_view type) {
  for (const TypeName& entry : names) {
    if (entry.name == type) return entry.kind;
  }
  for (const std::string_view name : ignored) {
    if (name == type) return Kind::kIgnored;
  }
  return Kind::kUnknown;
}

}  // namespace

Kind KindOfPayload(std::string_view top, std::string_view type) {
  if (top == "response_item") return Find(kResponses, kIgnoredResponses, type);
  if (top != "event_msg") return Kind::kUnknown;
  return type == "item_completed" ? Kind::kOtherItem : Find(kEvents, kIgnoredEvents, type);
}

Kind KindOfItem(std::string_view type) {
  for (const TypeName& entry : kItems) {
    if (entry.name == type) return entry.kind;
  }
  return Kind::kOtherItem;
}

Kind KindOfTop(std::string_view type) {
  if (type == "session_meta") return Kind::kSessionMeta;
  if (type == "turn_context") return Kind::kTurnContext;
  if (type == "world_state") return Kind::kWorldState;
  if (type == "compacted") return Kind::kCompacted;
  if (type == "token_usage_record") return Kind::kUsage;
  if (type == "inter_agent_communication") return Kind::kIgnored;
  return Kind::kUnknown;
}

}  // namespace selftune::hosts::codex
