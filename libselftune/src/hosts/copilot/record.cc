#include "hosts/copilot/record.h"

#include <array>
#include <utility>

#include "base/status_macros.h"

namespace selftune::hosts::copilot {
namespace {

using base::JsonField;

RawText Token(JsonField& value) { return RawText(value.RawJson()); }

Kind KindOf(const RawText& type) {
  static constexpr std::pair<std::string_view, Kind> kKinds[] = {
      {"session.start", Kind::kStart},
      {"user.message", Kind::kUserMessage},
      {"system.message", Kind::kSystemMessage},
      {"assistant.message", Kind::kAnswer},
      {"session.usage_record", Kind::kUsage},
      {"tool.execution_start", Kind::kCallStart},
      {"tool.execution_complete", Kind::kCallEnd},
      {"skill.invoked", Kind::kSkill},
      {"subagent.started", Kind::kAgentStart},
      {"subagent.failed", Kind::kAgentFailed},
      {"session.error", Kind::kError},
      {"abort", Kind::kAbort},
      {"session.compaction_complete", Kind::kCompacted},
      {"session.snapshot_rewind", Kind::kRewind},
      {"session.rewind", Kind::kRewind}};
  for (const auto& [word, kind] : kKinds) {
    if (type.Is(word)) return kind;
  }
  // What says nothing here. A whole family where what it tells is nothing that is kept; of the
  // others the members that are known, so that a new name of a message does not pass for one.
  for (const std::string_view ignored : {"session.",
                                         "hook.",
                                         "permission.",
                                         "command.",
                                         "commands.",
                                         "agent.",
                                         "mcp.",
                                         "mcp_app.",
                                         "model.",
                                         "ui.",
                                         "user_input.",
                                         "elicitation.",
                                         "sampling.",
                                         "sandbox.",
                                         "workflow.",
                                         "external_tool.",
                                         "auto_mode_switch.",
                                         "exit_plan_mode.",
                                         "capabilities.",
                                         "human_response.",
                                         "pending_messages.",
                                         "session_limits_exhausted.",
                                         "tool_search.",
                                         "assistant.fusion_",
                                         "assistant.idle",
                                         "assistant.intent",
                                         "assistant.message_",
                                         "assistant.reasoning",
                                         "assistant.server_tool_",
                                         "assistant.streaming_",
                                         "assistant.tool_call_",
                                         "assistant.turn_",
                                         "assistant.usage",
                                         "skill.context_",
                                         "skill.invoked_ref",
                                         "subagent.completed",
                                         "subagent.configured",
                                         "subagent.deselected",
                                         "subagent.selected",
                                         "system.notification",
                                         "tool.execution_partial_",
                                         "tool.execution_progress",
                                         "tool.shell_output",
                                         "tool.user_requested"}) {
    if (type.StartsWith(ignored)) return Kind::kIgnored;
  }
  return Kind::kUnknown;
}

void ReadUsage(JsonField& value, Usage& usage) {
  value.ForEachField([&](std::string_view key, JsonField& field) {
    if (key == "inputTokens") {
      usage.input = field.Int().value_or(0);
    } else if (key == "outputTokens") {
      usage.output = field.Int().value_or(0);
    } else if (key == "cacheReadTokens") {
      usage.cache_read = field.Int().value_or(0);
    } else if (key == "cacheWriteTokens") {
      usage.cache_write = field.Int().value_or(0);
    } else if (key == "reasoningTokens") {
      usage.reasoning = field.Int().value_or(0);
    } else if (key == "interactionType") {
      usage.interaction = Token(field);
    }
  });
}

void ReadContext(JsonField& value, Record& record) {
  value.ForEachField([&](std::string_view key, JsonField& field) {
    if (key == "cwd") {
      record.cwd = Token(field);
    } else if (key == "branch") {
      record.branch = Token(field);
    } else if (key == "headCommit") {
      record.commit = Token(field);
    } else if (key == "repository") {
      record.repository = Token(field);
    }
  });
}

void ReadRequests(JsonField& value, Record& record) {
  value.ForEachItem([&](JsonField& item) {
    Call& call = record.calls.emplace_back();
    item.ForEachField([&](std::string_view key, JsonField& field) {
      if (key == "toolCallId") {
        call.id = Token(field);
      } else if (key == "name") {
        call.name = Token(field);
      } else if (key == "arguments") {
        ReadToolArgs(field, call.args);
      }
    });
  });
}

// Fields of calls and their ends.
bool ReadCallField(std::string_view key, JsonField& field, Record& record, Call& call) {
  if (key == "toolCallId") {
    record.call_id = call.id = Token(field);
  } else if (key == "toolName") {
    call.name = Token(field);
  } else if (key == "arguments") {
    ReadToolArgs(field, call.args);
  } else if (key == "success") {
    record.success = field.Bool();
  } else if (key == "shellExecution") {
    field.ForEachField([&](std::string_view name, JsonField& value) {
      if (name == "exitCode") record.exit_code = value.Int();
    });
  } else if (key == "result") {
    field.ForEachField([&](std::string_view name, JsonField& value) {
      if (name == "content") record.result = Token(value);
    });
  } else if (key == "error") {
    if (field.type() == JsonField::Type::kString) {
      record.message = Token(field);
      return true;
    }
    field.ForEachField([&](std::string_view name, JsonField& value) {
      if (name == "message") record.message = Token(value);
      if (name == "code") record.error_code = Token(value);
    });
  } else {
    return false;
  }
  return true;
}

void ReadDataField(std::string_view key, JsonField& field, Record& record) {
  const std::array<std::pair<std::string_view, RawText*>, 13> texts = {
      {{"sessionId", &record.session_id},
       {"copilotVersion", &record.version},
       {"selectedModel", &record.model},
       {"model", &record.model},
       {"content", &record.content},
       {"source", &record.source},
       {"message", &record.message},
       {"name", &record.name},
       {"path", &record.path},
       {"trigger", &record.trigger},
       {"agentType", &record.agent_type},
       {"upToEventId", &record.rewind_to},
       {"eventId", &record.rewind_to}}};
  for (const auto& [name, text] : texts) {
    if (key != name) continue;
    *text = Token(field);
    return;
  }
  if (key == "context") {
    ReadContext(field, record);
  } else if (key == "toolRequests") {
    ReadRequests(field, record);
  } else if (key == "usage") {
    ReadUsage(field, record.usage);
  } else if (key == "agentName" && !record.agent_type.present()) {
    record.agent_type = Token(field);
  }
}

}  // namespace

Status DecodeRecord(std::string_view line, base::LineParser& parser, Record& record) {
  record = Record();
  Call call;
  ST_RETURN_IF_ERROR(parser.ForEachField(line, [&](std::string_view key, JsonField& value) {
    if (key == "type") {
      record.type = Token(value);
    } else if (key == "id") {
      record.id = Token(value);
    } else if (key == "timestamp") {
      record.timestamp = Token(value);
    } else if (key == "agentId") {
      record.agent_id = Token(value);
    } else if (key == "data") {
      value.ForEachField([&](std::string_view name, JsonField& field) {
        if (!ReadCallField(name, field, record, call)) ReadDataField(name, field, record);
      });
    }
  }));
  record.kind = KindOf(record.type);
  if (record.kind == Kind::kCallStart) record.calls.push_back(std::move(call));
  return absl::OkStatus();
}

}  // namespace selftune::hosts::copilot
