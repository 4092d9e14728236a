#include "hosts/claude_code/record.h"

#include "ingest/facts.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <string>
#include <string_view>
#include <utility>

namespace selftune::hosts::claude_code {
namespace {

using base::JsonField;

RawText Text(JsonField& value) { return RawText(value.RawJson()); }

int64_t Count(JsonField& value) {
  return std::clamp<int64_t>(value.Int().value_or(0), 0, ingest::kMaxFigure);
}

RecordType TypeOf(const RawText& type) {
  static constexpr std::array<std::string_view, 22> kIgnored = {"queue-operation",
                                                                "last-prompt",
                                                                "api-request",
                                                                "api-request-blob",
                                                                "api-request-shape",
                                                                "cost-state",
                                                                "tools-used",
                                                                "mode",
                                                                "permission-mode",
                                                                "atis-latch",
                                                                "worktree-state",
                                                                "file-history-snapshot",
                                                                "summary",
                                                                "progress",
                                                                "custom-title",
                                                                "ai-title",
                                                                "tag",
                                                                "agent-name",
                                                                "agent-color",
                                                                "agent-setting",
                                                                "pr-link",
                                                                "saved_hook_context"};
  if (type.Is("user")) return RecordType::kUser;
  if (type.Is("assistant")) return RecordType::kAssistant;
  if (type.Is("system")) return RecordType::kSystem;
  if (type.Is("attachment")) return RecordType::kAttachment;
  const bool known = std::any_of(kIgnored.begin(), kIgnored.end(),
                                 [&](std::string_view name) { return type.Is(name); });
  return known ? RecordType::kIgnored : RecordType::kUnknown;
}

void DecodeUsage(JsonField& value, Usage& usage) {
  value.ForEachField([&](std::string_view key, JsonField& field) {
    if (key == "input_tokens") {
      usage.present = true;
      usage.input = Count(field);
    } else if (key == "output_tokens") {
      usage.present = true;
      usage.output = Count(field);
    } else if (key == "cache_creation_input_tokens") {
      usage.cache_write = Count(field);
    } else if (key == "cache_read_input_tokens") {
      usage.cache_read = Count(field);
    } else if (key == "output_tokens_details") {
      field.ForEachField([&](std::string_view detail, JsonField& number) {
        if (detail != "thinking_tokens") return;
        const std::optional<int64_t> tokens = number.Int();
        usage.has_reasoning = tokens.has_value();
        usage.reasoning = Count(number);
      });
    }
  });
  usage.reasoning = std::min(usage.reasoning, usage.output);
}

void DecodeInput(JsonField& value, Block& block) {
  value.ForEachField([&](std::string_view key, JsonField& field) {
    if (key == "skill") {
      block.skill = Text(field);
    } else if (key == "args") {
      block.args = Text(field);
    } else if (key == "command") {
      block.command = Text(field);
    } else if (key == "file_path" || key == "notebook_path") {
      block.file_path = Text(field);
    } else if (key == "prompt") {
      block.prompt = Text(field);
    } else if (key == "subagent_type") {
      block.subagent_type = Text(field);
    }
  });
}

// The content of a result: a text, or parts of which the first text counts.
void DecodeResultContent(JsonField& value, Block& block) {
  if (value.type() != JsonField::Type::kArray) {
    block.text = Text(value);
    return;
  }
  value.ForEachItem([&](JsonField& item) {
    RawText type, text;
    item.ForEachField([&](std::string_view key, JsonField& field) {
      if (key == "type") type = Text(field);
      if (key == "text") text = Text(field);
    });
    if (type.Is("text") && !block.text.present()) block.text = text;
  });
}

Block::Kind KindOf(const RawText& type) {
  if (type.Is("text")) return Block::Kind::kText;
  if (type.Is("tool_use")) return Block::Kind::kToolUse;
  if (type.Is("tool_result")) return Block::Kind::kToolResult;
  if (type.Is("thinking") || type.Is("redacted_thinking")) return Block::Kind::kThinking;
  if (type.Is("image") || type.Is("document")) return Block::Kind::kMedia;
  return Block::Kind::kOther;
}

void DecodeBlock(JsonField& value, Record& record) {
  Block block;
  RawText type;
  value.ForEachField([&](std::string_view key, JsonField& field) {
    if (key == "type") {
      type = Text(field);
    } else if (key == "text") {
      block.text = Text(field);
    } else if (key == "id" || key == "tool_use_id") {
      block.id = Text(field);
    } else if (key == "name") {
      block.name = Text(field);
    } else if (key == "input") {
      DecodeInput(field, block);
    } else if (key == "content") {
      DecodeResultContent(field, block);
    } else if (key == "is_error") {
      block.is_error = field.Bool().value_or(false);
    }
  });
  block.kind = KindOf(type);
  record.blocks.push_back(block);
}

void DecodeMessage(JsonField& value, Record& record) {
  value.ForEachField([&](std::string_view key, JsonField& field) {
    if (key == "id") {
      record.message_id = Text(field);
    } else if (key == "model") {
      record.model = Text(field);
    } else if (key == "usage") {
      DecodeUsage(field, record.usage);
    } else if (key == "content") {
      if (field.type() == JsonField::Type::kArray) {
        record.has_content = true;
        field.ForEachItem([&](JsonField& item) { DecodeBlock(item, record); });
      } else {
        record.text = Text(field);
        record.has_content = record.text.present();
      }
    }
  });
}

void DecodeToolUseResult(JsonField& value, Record& record) {
  value.ForEachField([&](std::string_view key, JsonField& field) {
    if (key == "status") {
      record.result_status = Text(field);
    } else if (key == "agentId") {
      record.result_agent_id = Text(field);
    } else if (key == "interrupted") {
      record.result_interrupted = field.Bool().value_or(false);
    }
  });
}

// JSON text of an array, "" for another value.
std::string_view ArrayText(JsonField& field) {
  return field.type() == JsonField::Type::kArray ? field.RawJson() : std::string_view();
}

void DecodeAttachment(JsonField& value, Record& record) {
  ListingRecord& listing = record.listing;
  value.ForEachField([&](std::string_view key, JsonField& field) {
    if (key == "type") {
      record.attachment_type = Text(field);
    } else if (key == "content") {
      listing.content = Text(field);
    } else if (key == "names") {
      listing.names = ArrayText(field);
    } else if (key == "isInitial") {
      listing.initial = field.Bool();
    } else if (key == "addedNames" || key == "addedSkills") {
      listing.added_names = ArrayText(field);
    } else if (key == "addedLines") {
      listing.added_lines = ArrayText(field);
    } else if (key == "removedNames" || key == "removedSkills") {
      listing.removed_names = ArrayText(field);
    }
  });
}

// Fields that hold a text; false for another field.
bool DecodeText(std::string_view key, JsonField& field, Record& record) {
  struct TextField {
    std::string_view key;
    RawText Record::* member;
  };
  static constexpr std::array<TextField, 14> kTexts = {{
      {"uuid", &Record::uuid},
      {"timestamp", &Record::timestamp},
      {"sessionId", &Record::session_id},
      {"cwd", &Record::cwd},
      {"gitBranch", &Record::git_branch},
      {"version", &Record::version},
      {"promptId", &Record::prompt_id},
      {"subtype", &Record::subtype},
      {"promptSource", &Record::prompt_source},
      {"requestSessionId", &Record::request_session_id},
      {"sourceToolUseID", &Record::source_tool_use_id},
      {"toolDenialKind", &Record::denial_kind},
      {"content", &Record::system_content},
      {"parentUuid", &Record::parent_uuid},
  }};
  for (const TextField& text : kTexts) {
    if (key != text.key) continue;
    record.*text.member = Text(field);
    if (text.member == &Record::parent_uuid) record.is_root = field.IsNull();
    return true;
  }
  return false;
}

// Fields that hold a flag.
void DecodeFlag(std::string_view key, JsonField& field, Record& record) {
  struct FlagField {
    std::string_view key;
    bool Record::* member;
  };
  static constexpr std::array<FlagField, 6> kFlags = {{
      {"isSidechain", &Record::sidechain},
      {"isMeta", &Record::meta},
      {"isCompactSummary", &Record::compact_summary},
      {"isVisibleInTranscriptOnly", &Record::transcript_only},
      {"isApiErrorMessage", &Record::api_error},
      {"isAbortedMidStream", &Record::aborted},
  }};
  for (const FlagField& flag : kFlags) {
    if (key == flag.key) record.*flag.member = field.Bool().value_or(false);
  }
}

// Keeps the vector's memory.
void Reset(Record& record) {
  std::vector<Block> blocks = std::move(record.blocks);
  blocks.clear();
  record = Record{};
  record.blocks = std::move(blocks);
}

}  // namespace

bool Record::HasBlock(Block::Kind kind) const {
  return std::any_of(blocks.begin(), blocks.end(),
                     [kind](const Block& block) { return block.kind == kind; });
}

RawText Record::FirstText() const {
  if (text.present()) return text;
  for (const Block& block : blocks) {
    if (block.kind == Block::Kind::kText) return block.text;
  }
  return RawText();
}

std::string Record::MessageText() const {
  if (text.present()) return text.ToString();
  std::string joined;
  bool first = true;
  for (const Block& block : blocks) {
    if (block.kind != Block::Kind::kText) continue;
    if (!first) joined += '\n';
    first = false;
    joined += block.text.ToString();
  }
  return joined;
}

Status DecodeRecord(std::string_view line, base::LineParser& parser, Record& record) {
  Reset(record);
  bool typed = false;
  // What a field is worth once the type is known.
  const auto may_be = [&](RecordType a, RecordType b) {
    return !typed || record.type == a || record.type == b;
  };
  return parser.ForEachField(line, [&](std::string_view key, JsonField& field) {
    if (key == "type") {
      record.type = TypeOf(Text(field));
      typed = true;
    } else if (typed && record.type == RecordType::kIgnored) {
      if (key == "timestamp") record.timestamp = Text(field);
    } else if (key == "message") {
      if (may_be(RecordType::kUser, RecordType::kAssistant)) DecodeMessage(field, record);
    } else if (key == "attachment") {
      if (may_be(RecordType::kAttachment, RecordType::kAttachment)) DecodeAttachment(field, record);
    } else if (key == "toolUseResult") {
      if (may_be(RecordType::kUser, RecordType::kUser)) DecodeToolUseResult(field, record);
    } else if (key == "origin") {
      field.ForEachField([&](std::string_view name, JsonField& value) {
        if (name == "kind") record.origin_kind = Text(value);
      });
    } else if (!DecodeText(key, field, record)) {
      DecodeFlag(key, field, record);
    }
  });
}

void ForEachString(std::string_view array, absl::FunctionRef<void(RawText)> fn) {
  size_t pos = array.empty() ? 0 : 1;  // behind the bracket
  while (pos < array.size()) {
    const char c = array[pos];
    if (c == ',' || static_cast<unsigned char>(c) <= ' ') {
      ++pos;
      continue;
    }
    if (c != '"') return;
    size_t end = pos + 1;
    while (end < array.size() && array[end] != '"') end += array[end] == '\\' ? 2 : 1;
    if (end >= array.size()) return;
    fn(RawText(array.substr(pos, end + 1 - pos)));
    pos = end + 1;
  }
}

}  // namespace selftune::hosts::claude_code
