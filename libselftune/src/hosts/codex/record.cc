#include "hosts/codex/record.h"

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

#include "base/status_macros.h"
#include "hosts/codex/record_fields.h"
#include "hosts/codex/record_kind.h"

namespace selftune::hosts::codex {
namespace {

void ReadHistory(base::JsonField& value, Record& record) {
  record.has_history = value.type() == base::JsonField::Type::kArray;
  value.ForEachItem([&](base::JsonField& message) {
    MessageHead head;
    std::vector<std::string_view> kinds;
    const size_t first = record.parts.size();
    message.ForEachField([&](std::string_view key, base::JsonField& field) {
      ReadMessageField(key, field, head, kinds, record.parts);
    });
    FinishMessage(head, kinds, record.parts, first);
  });
}

void ReadWorldState(base::JsonField& state, Record& record) {
  state.ForEachField([&](std::string_view key, base::JsonField& value) {
    if (key != "host_skills") return;
    value.ForEachField([&](std::string_view name, base::JsonField& field) {
      if (name == "body") record.listing_text = Text(field);
    });
  });
}

void ReadError(base::JsonField& value, Record& record) {
  record.has_error = !value.IsNull();
  record.text = Text(value);
  value.ForEachField([&](std::string_view key, base::JsonField& field) {
    if (key == "message") record.text = Text(field);
  });
}

void ReadInfo(base::JsonField& value, Record& record) {
  value.ForEachField([&](std::string_view key, base::JsonField& field) {
    if (key == "total_token_usage") ReadUsage(field, record.total);
    if (key == "last_token_usage") ReadUsage(field, record.last);
  });
  record.has_info = record.total.present;
}

void ReadAction(base::JsonField& value, Record& record) {
  value.ForEachField([&](std::string_view key, base::JsonField& field) {
    if (key == "working_directory") record.workdir = Text(field);
    if (key != "command") return;
    field.ForEachItem([&](base::JsonField& word) { record.argv.push_back(Text(word)); });
  });
}

int64_t Length(base::JsonField& value) {
  int64_t items = 0;
  value.ForEachItem([&](base::JsonField&) { ++items; });
  return items;
}

// Of an MCP call: {"Err": ...}, or {"Ok": {"is_error": ...}}.
void ReadToolResult(base::JsonField& value, Record& record) {
  value.ForEachField([&](std::string_view key, base::JsonField& field) {
    if (key == "Err") record.success = false;
    if (key != "Ok") return;
    field.ForEachField([&](std::string_view name, base::JsonField& flag) {
      if ((name == "is_error" || name == "isError") && flag.Bool().value_or(false)) {
        record.success = false;
      }
    });
  });
}

void PromptEventField(std::string_view key, base::JsonField& value, Record& record) {
  if (key == "message") {
    const auto text = value.String();
    record.has_text = text.has_value() && !text->empty();
    record.odd_text = !text.has_value() && value.type() != base::JsonField::Type::kNull;
    record.text = text.value_or(std::string_view());
  }
  if (key == "kind") record.status = Text(value);
  if (key == "images" || key == "local_images") record.images += Length(value);
}

void TurnField(std::string_view key, base::JsonField& value, Record& record) {
  if (key == "root_turn_id") record.root_turn_id = Text(value);
  if (key == "reason") record.reason = Text(value);
  if (key == "error") ReadError(value, record);
  if (key != "turn_attribution") return;
  value.ForEachField([&](std::string_view name, base::JsonField& field) {
    if (name == "root_turn_id" && record.root_turn_id.empty()) record.root_turn_id = Text(field);
  });
}

void ContextField(std::string_view key, base::JsonField& value, const Wanted& wanted,
                  Record& record) {
  if (key == "cwd") record.cwd = Text(value);
  if (key == "model") record.model = Text(value);
  if (key == "turn_id") record.turn_id = Text(value);
  if (key == "user_instructions" && wanted.user_instructions) record.listing_text = Text(value);
}

void ResponseField(std::string_view key, base::JsonField& value, Record& record) {
  if (key == "call_id") record.call_id = Text(value);
  if (key == "id") record.id = Text(value);
  if (key == "name") record.tool = Text(value);
  if (key == "status") record.status = Text(value);
  if (key == "output") ReadOutput(value, record);
  if (key == "action") ReadAction(value, record);
  if ((key == "arguments" || key == "input") && value.type() == base::JsonField::Type::kString) {
    record.arguments = value.RawJson();
  }
}

}  // namespace

void Record::Clear() {
  // Assigning a fresh record would give back the vectors' memory.
  std::vector<Part> old_parts = std::move(parts);
  std::vector<std::string_view> lists[] = {std::move(argv), std::move(read_paths),
                                           std::move(receivers)};
  *this = Record();
  old_parts.clear();
  for (auto& list : lists) list.clear();
  parts = std::move(old_parts);
  argv = std::move(lists[0]);
  read_paths = std::move(lists[1]);
  receivers = std::move(lists[2]);
}

Status RecordDecoder::Decode(std::string_view line, const Wanted& wanted, base::LineParser& parser,
                             Record& record) {
  wanted_ = wanted;
  types_ = {};
  constexpr int kLevels = 3;  // each pass finds at least one more type
  for (int pass = 0; pass <= kLevels; ++pass) {
    again_ = false;
    ST_RETURN_IF_ERROR(Pass(line, parser, record));
    const Types found = types_;
    const bool news =
        found.top != hint_top_ || found.payload != hint_payload_ || found.item != hint_item_;
    if (!again_ || !news) break;
    // The views die with the next pass.
    hint_top_ = found.top;
    hint_payload_ = found.payload;
    hint_item_ = found.item;
    types_ = {hint_top_, hint_payload_, hint_item_};
  }
  hint_top_.clear();
  hint_payload_.clear();
  hint_item_.clear();
  return absl::OkStatus();
}

Status RecordDecoder::Pass(std::string_view line, base::LineParser& parser, Record& record) {
  record.Clear();
  return parser.ForEachField(
      line, [&](std::string_view key, base::JsonField& value) { TopField(key, value, record); });
}

void RecordDecoder::TopField(std::string_view key, base::JsonField& value, Record& record) {
  if (key == "timestamp") {
    record.at = ParseRfc3339(Text(value));
  } else if (key == "ordinal") {
    record.has_ordinal = value.type() == base::JsonField::Type::kNumber;
  } else if (key == "type") {
    types_.top = Text(value);
    if (record.kind == Kind::kUnknown) record.kind = KindOfTop(types_.top);
  } else if (key == "payload") {
    if (types_.top.empty()) {
      again_ = true;
      return;
    }
    record.kind = KindOfTop(types_.top);
    if (!types_.payload.empty()) record.kind = KindOfPayload(types_.top, types_.payload);
    MessageHead head;
    std::vector<std::string_view> kinds;
    value.ForEachField([&](std::string_view name, base::JsonField& field) {
      if (record.kind == Kind::kMessage) {
        ReadMessageField(name, field, head, kinds, record.parts);
      } else {
        PayloadField(name, field, record);
      }
    });
    if (record.kind != Kind::kMessage) return;
    FinishMessage(head, kinds, record.parts, 0);
    record.role = head.role;
    record.id = head.id;
    record.turn_id = head.turn_id;
  }
}

void RecordDecoder::PayloadField(std::string_view key, base::JsonField& value, Record& record) {
  switch (record.kind) {
    case Kind::kSessionMeta:
      return ReadMeta(key, value, record.meta);
    case Kind::kTurnContext:
      return ContextField(key, value, wanted_, record);
    case Kind::kWorldState:
      if (key == "state") ReadWorldState(value, record);
      return;
    case Kind::kCompacted:
      if (key == "compaction_response_id") record.response_id = Text(value);
      if (key == "replacement_history") ReadHistory(value, record);
      return;
    case Kind::kUsage:
      if (key == "response_id") record.response_id = Text(value);
      if (key == "turn_id") record.turn_id = Text(value);
      if (key == "usage") ReadUsage(value, record.total);
      return;
    default:
      break;
  }
  if (key == "type") {
    const bool known = !types_.payload.empty();  // from an earlier pass
    types_.payload = Text(value);
    if (!again_ && !known) record.kind = KindOfPayload(types_.top, types_.payload);
    return;
  }
  if (types_.payload.empty()) {
    again_ = true;
    return;
  }
  if (types_.top == "event_msg") {
    EventField(key, value, record);
  } else {
    ResponseField(key, value, record);
  }
}

void RecordDecoder::EventField(std::string_view key, base::JsonField& value, Record& record) {
  if (key == "turn_id") record.turn_id = Text(value);
  if (key == "item" && types_.payload == "item_completed") {
    value.ForEachField(
        [&](std::string_view name, base::JsonField& field) { ItemField(name, field, record); });
    return;
  }
  switch (record.kind) {
    case Kind::kPromptEvent:
      return PromptEventField(key, value, record);
    case Kind::kTurnStarted:
    case Kind::kTurnComplete:
    case Kind::kTurnAborted:
      return TurnField(key, value, record);
    case Kind::kCommandDone:
    case Kind::kOtherItem:
    case Kind::kSpawned:
      return ItemField(key, value, record);
    case Kind::kTokenCount:
      if (key == "info") ReadInfo(value, record);
      return;
    case Kind::kErrorEvent:
      if (key == "message") record.text = Text(value);
      return;
    case Kind::kRolledBack:
      if (key == "num_turns") record.turns = value.Int().value_or(0);
      return;
    default:
      return;
  }
}

void RecordDecoder::ItemField(std::string_view key, base::JsonField& value, Record& record) {
  const bool item = types_.payload == "item_completed";
  if (item && key == "type") {
    types_.item = Text(value);
    if (!again_) record.kind = KindOfItem(types_.item);
    return;
  }
  if (item && types_.item.empty()) {
    again_ = true;
    return;
  }
  if (item) record.kind = KindOfItem(types_.item);  // known from an earlier pass, or set above
  if (key == "id" || key == "call_id") record.id = Text(value);
  if (key == "status") record.status = Text(value);
  switch (record.kind) {
    case Kind::kPromptItem:
      if (key == "content") ReadPromptContent(value, record);
      return;
    case Kind::kCommandDone:
      if (key == "exit_code") record.exit_code = value.Int();
      if (key == "cwd") record.cwd = Text(value);
      if (key == "parsed_cmd") ReadParsedCommands(value, record.read_paths);
      return;
    case Kind::kOtherItem:
      if (key == "success") record.success = value.Bool();
      if (key == "result") ReadToolResult(value, record);
      return;
    case Kind::kSpawned:
      if (key == "tool") record.tool = Text(value);
      if (key == "new_thread_id") record.receivers.push_back(Text(value));
      if (key == "receiver_thread_ids") {
        value.ForEachItem([&](base::JsonField& id) { record.receivers.push_back(Text(id)); });
      }
      return;
    default:
      return;
  }
}

}  // namespace selftune::hosts::codex
