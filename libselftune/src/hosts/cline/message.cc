#include "hosts/cline/message.h"

#include <algorithm>
#include <utility>

#include "base/strings.h"

namespace selftune::hosts::cline {
namespace {

using base::JsonField;

RawText Token(JsonField& value) { return RawText(value.RawJson()); }

void ReadPart(JsonField& value, std::vector<PartResult>& parts) {
  PartResult& part = parts.emplace_back();
  if (value.type() == JsonField::Type::kString) {
    part.result = RawText(value.RawJson());
    // A record of one part as text: {"query":...,"success":false}
    part.failed = part.result.escaped().starts_with("{") &&
                  part.result.escaped().ends_with("\\\"success\\\":false}");
    return;
  }
  value.ForEachField([&](std::string_view key, JsonField& field) {
    if (key == "success") {
      part.failed = !field.Bool().value_or(true);
    } else if (key == "result" || key == "text") {
      part.result = Token(field);
    } else if (key == "error") {
      part.error = Token(field);
    }
  });
}

void ReadBlock(JsonField& value, Block& block) {
  RawText type, use_id;
  value.ForEachField([&](std::string_view key, JsonField& field) {
    if (key == "type") {
      type = Token(field);
    } else if (key == "text") {
      block.text = Token(field);
    } else if (key == "id") {
      block.id = Token(field);
    } else if (key == "tool_use_id") {
      use_id = Token(field);
    } else if (key == "name") {
      block.name = Token(field);
    } else if (key == "input") {
      ReadToolArgs(field, block.args);
    } else if (key == "content") {
      if (field.type() == JsonField::Type::kArray) {
        field.ForEachItem([&](JsonField& item) { ReadPart(item, block.parts); });
      } else {
        ReadPart(field, block.parts);
      }
    }
  });
  if (type.Is("text")) {
    block.kind = Block::Kind::kText;
  } else if (type.Is("tool_use")) {
    block.kind = Block::Kind::kToolUse;
  } else if (type.Is("tool_result")) {
    block.kind = Block::Kind::kToolResult;
    block.id = use_id;
  }
}

void ReadMetrics(JsonField& value, Metrics& metrics) {
  value.ForEachField([&](std::string_view key, JsonField& field) {
    if (key == "tokens") return ReadMetrics(field, metrics);  // the older form
    metrics.present = true;
    if (key == "inputTokens" || key == "prompt") {
      metrics.input = field.Int().value_or(0);
    } else if (key == "outputTokens" || key == "completion") {
      metrics.output = field.Int().value_or(0);
    } else if (key == "cacheReadTokens" || key == "cached") {
      metrics.cache_read = field.Int().value_or(0);
    } else if (key == "cacheWriteTokens") {
      metrics.cache_write = field.Int().value_or(0);
    }
  });
}

// Takes `<tag ...>...</tag>` off the front of `text`.
bool SkipElement(std::string_view& text, std::string_view open, std::string_view close) {
  if (!text.starts_with(open)) return false;
  const size_t end = text.find(close);
  if (end == std::string_view::npos) return false;
  text = base::Trim(text.substr(end + close.size()));
  return true;
}

}  // namespace

void ReadMessage(JsonField& value, Message& message) {
  value.ForEachField([&](std::string_view key, JsonField& field) {
    if (key == "id") {
      message.id = Token(field);
    } else if (key == "role") {
      message.role = Token(field);
    } else if (key == "ts") {
      if (const auto ms = field.Int()) message.at = UtcMillis{*ms};
    } else if (key == "content") {
      if (field.type() == JsonField::Type::kString) {
        Block& block = message.blocks.emplace_back();
        block.kind = Block::Kind::kText;
        block.text = Token(field);
        return;
      }
      field.ForEachItem([&](JsonField& item) { ReadBlock(item, message.blocks.emplace_back()); });
    } else if (key == "metrics") {
      ReadMetrics(field, message.metrics);
    } else if (key == "modelInfo") {
      field.ForEachField([&](std::string_view name, JsonField& part) {
        if (name == "id" || name == "modelId") message.model = Token(part);
        if (name == "provider" || name == "providerId") message.provider = Token(part);
      });
    } else if (key == "metadata") {
      field.ForEachField([&](std::string_view name, JsonField& part) {
        if (name == "displayRole") message.display_role = Token(part);
        if (name == "displayOnly") message.display_only = part.Bool().value_or(false);
      });
    }
  });
}

std::string Unwrap(std::string_view text) {
  constexpr std::string_view kOpen = "<user_input", kClose = "</user_input>";
  std::string_view rest = base::Trim(text);
  bool skipped = false;
  while (SkipElement(rest, "<mode_notice>", "</mode_notice>")) skipped = true;
  if (rest.starts_with(kOpen)) {
    const size_t begin = rest.find('>');
    const size_t end = rest.rfind(kClose);
    if (begin != std::string_view::npos && end != std::string_view::npos && begin < end) {
      return std::string(rest.substr(begin + 1, end - begin - 1));
    }
  }
  return std::string(skipped ? rest : text);
}

int64_t ExitCodeIn(std::string_view text) {
  for (const std::string_view words : {"exited with code ", "exit code ", "exit code: "}) {
    const size_t at = text.find(words);
    if (at == std::string_view::npos) continue;
    std::string_view digits = text.substr(at + words.size());
    const size_t end = std::min(digits.find_first_not_of("0123456789"), digits.size());
    return base::ParseInt(digits.substr(0, end)).value_or(0);
  }
  return 0;
}

std::string WithoutNumbers(const std::string& text) {
  if (!text.starts_with("1 | ")) return text;
  std::string plain;
  for (const std::string_view line : base::Split(text, '\n')) {
    const size_t bar = line.find(" | ");
    plain.append(bar == std::string_view::npos ? line : line.substr(bar + 3)).push_back('\n');
  }
  return plain;
}

bool SaysDenied(std::string_view text) {
  for (const std::string_view words :
       {"The user denied", "denied by the user", "denied by user", "User denied",
        "rejected by the user", "was blocked by", "blocked by hook", "cancelled by hook"}) {
    if (text.find(words) != std::string_view::npos) return true;
  }
  return false;
}

}  // namespace selftune::hosts::cline
