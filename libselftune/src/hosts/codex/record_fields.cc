#include "hosts/codex/record_fields.h"

#include "ingest/facts.h"

#include <algorithm>
#include <string_view>
#include <vector>

namespace selftune::hosts::codex {
namespace {

int64_t Count(base::JsonField& value) {
  return std::clamp<int64_t>(value.Int().value_or(0), 0, ingest::kMaxFigure);
}

Role ParseRole(std::string_view role) {
  if (role == "user") return Role::kUser;
  if (role == "developer" || role == "system") return Role::kDeveloper;
  return role == "assistant" ? Role::kAssistant : Role::kUnknown;
}

void ReadContent(base::JsonField& value, std::vector<Part>& parts) {
  if (value.type() == base::JsonField::Type::kString) {
    parts.push_back({Role::kUnknown, Text(value), {}});
    return;
  }
  value.ForEachItem([&](base::JsonField& item) {
    Part part;  // one an item, so that kinds stay aligned
    item.ForEachField([&](std::string_view key, base::JsonField& field) {
      if (key == "text") part.text = Text(field);
    });
    parts.push_back(part);
  });
}

void ReadSubagentSource(base::JsonField& value, Meta& meta) {
  meta.subagent = true;
  value.ForEachField([&](std::string_view kind, base::JsonField& body) {
    if (kind != "thread_spawn") return;
    body.ForEachField([&](std::string_view key, base::JsonField& field) {
      if (key == "parent_thread_id") meta.parent_id = Text(field);
      if (key == "depth") meta.depth = Count(field);
      if (key == "agent_role") meta.agent_role = Text(field);
    });
  });
}

void ReadHistoryBase(base::JsonField& value, Meta& meta) {
  meta.has_history_base = value.type() == base::JsonField::Type::kObject;
  value.ForEachField([&](std::string_view key, base::JsonField& field) {
    if (key == "thread_id" && meta.forked_from.empty()) meta.forked_from = Text(field);
    if (key == "end_byte_offset") meta.history_end = static_cast<uint64_t>(Count(field));
  });
}

void ReadGit(base::JsonField& value, Meta& meta) {
  value.ForEachField([&](std::string_view key, base::JsonField& field) {
    if (key == "commit_hash") meta.commit = Text(field);
    if (key == "branch") meta.branch = Text(field);
    if (key == "repository_url") meta.remote = Text(field);
  });
}

}  // namespace

std::string_view Text(base::JsonField& value) {
  return value.String().value_or(std::string_view());
}

void ReadUsage(base::JsonField& value, Usage& usage) {
  if (value.type() != base::JsonField::Type::kObject) return;
  usage.present = true;
  value.ForEachField([&](std::string_view key, base::JsonField& field) {
    if (key == "input_tokens") usage.input = Count(field);
    if (key == "cached_input_tokens") usage.cached = Count(field);
    if (key == "output_tokens") usage.output = Count(field);
    if (key == "reasoning_output_tokens") usage.reasoning = Count(field);
    if (key == "cache_write_input_tokens") {
      usage.has_cache_write = true;
      usage.cache_write = Count(field);
    }
  });
}

void ReadMeta(std::string_view key, base::JsonField& value, Meta& meta) {
  if (key == "id") meta.id = Text(value);
  if (key == "session_id") meta.root_id = Text(value);
  if (key == "parent_thread_id") {
    if (const auto parent = value.String()) meta.parent_id = *parent;
  }
  if (key == "forked_from_id") {
    if (const auto fork = value.String()) meta.forked_from = *fork;
  }
  if (key == "cwd") meta.cwd = Text(value);
  if (key == "cli_version") meta.version = Text(value);
  if (key == "model_provider") meta.provider = Text(value);
  if (key == "thread_source") meta.thread_source = Text(value);
  if (key == "agent_role") {
    if (const auto role = value.String()) meta.agent_role = *role;
  }
  if (key == "history_base") ReadHistoryBase(value, meta);
  if (key == "git") ReadGit(value, meta);
  if (key == "source") {
    value.ForEachField([&](std::string_view kind, base::JsonField& source) {
      if (kind == "subagent") ReadSubagentSource(source, meta);
    });
  }
}

void ReadMessageField(std::string_view key, base::JsonField& value, MessageHead& head,
                      std::vector<std::string_view>& kinds, std::vector<Part>& parts) {
  if (key == "role") head.role = ParseRole(Text(value));
  if (key == "id") head.id = Text(value);
  if (key == "content" && head.role != Role::kAssistant) ReadContent(value, parts);
  if (key != "internal_chat_message_metadata_passthrough") return;
  value.ForEachField([&](std::string_view name, base::JsonField& field) {
    if (name == "turn_id") head.turn_id = Text(field);
    if (name == "content_item_kinds") {
      field.ForEachItem([&](base::JsonField& kind) { kinds.push_back(Text(kind)); });
    }
  });
}

void FinishMessage(const MessageHead& head, const std::vector<std::string_view>& kinds,
                   std::vector<Part>& parts, size_t first_part) {
  for (size_t i = first_part; i < parts.size(); ++i) {
    parts[i].role = head.role;
    if (i - first_part < kinds.size()) parts[i].kind = kinds[i - first_part];
  }
}

void ReadOutput(base::JsonField& value, Record& record) {
  switch (value.type()) {
    case base::JsonField::Type::kString:
      record.output = value.RawJson();
      return;
    case base::JsonField::Type::kArray:
      value.ForEachItem([&](base::JsonField& item) {
        item.ForEachField([&](std::string_view key, base::JsonField& field) {
          if (key != "text" || !record.output.empty()) return;
          if (field.type() == base::JsonField::Type::kString) record.output = field.RawJson();
        });
      });
      return;
    case base::JsonField::Type::kObject:
      value.ForEachField([&](std::string_view key, base::JsonField& field) {
        if (key == "success") record.success = field.Bool();
        if (key == "content" && field.type() == base::JsonField::Type::kString) {
          record.output = field.RawJson();
        }
      });
      return;
    default:
      return;
  }
}

void ReadParsedCommands(base::JsonField& value, std::vector<std::string_view>& paths) {
  value.ForEachItem([&](base::JsonField& item) {
    bool read = false;
    std::string_view path;
    item.ForEachField([&](std::string_view key, base::JsonField& field) {
      if (key == "type") read = Text(field) == "read";
      if (key == "path") path = Text(field);
    });
    if (read && path.ends_with("SKILL.md")) paths.push_back(path);
  });
}

void ReadPromptContent(base::JsonField& value, Record& record) {
  record.odd_text = value.type() != base::JsonField::Type::kArray;
  value.ForEachItem([&](base::JsonField& item) {
    std::string_view type;
    Part part{Role::kUser, {}, {}};
    bool has_text = false;
    item.ForEachField([&](std::string_view key, base::JsonField& field) {
      if (key == "type") type = Text(field);
      if (key == "text") {
        const auto text = field.String();
        has_text = text.has_value();
        part.text = text.value_or(std::string_view());
      }
    });
    if (type == "image" || type == "local_image") ++record.images;
    if (type == "text" && has_text) record.parts.push_back(part);
    record.odd_text = record.odd_text || (type == "text" && !has_text);
  });
  record.has_text = !record.parts.empty();
}

}  // namespace selftune::hosts::codex
