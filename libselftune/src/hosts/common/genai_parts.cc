#include "hosts/common/genai_parts.h"

#include <algorithm>
#include <array>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/strings.h"

namespace selftune::hosts {
namespace {

using base::JsonField;
using Kind = GenAiPart::Kind;

RawText Token(JsonField& value) { return RawText(value.RawJson()); }

void ReadCall(JsonField& value, GenAiPart& part) {
  part.kind = Kind::kCall;
  value.ForEachField([&](std::string_view key, JsonField& field) {
    if (key == "id") {
      part.id = Token(field);
    } else if (key == "name") {
      part.name = Token(field);
    } else if (key == "args") {
      ReadToolArgs(field, part.args);
    }
  });
}

void ReadResponse(JsonField& value, GenAiPart& part) {
  part.kind = Kind::kResponse;
  value.ForEachField([&](std::string_view key, JsonField& field) {
    if (key == "id") {
      part.id = Token(field);
    } else if (key == "name") {
      part.name = Token(field);
    } else if (key == "response") {
      field.ForEachField([&](std::string_view name, JsonField& text) {
        if (name == "output") part.output = Token(text);
        if (name == "error") part.error = Token(text);
      });
    }
  });
}

void ReadPart(JsonField& value, std::vector<GenAiPart>& parts) {
  GenAiPart& part = parts.emplace_back();
  if (value.type() == JsonField::Type::kString) {
    part.kind = Kind::kText;
    part.text = RawText(value.RawJson());
    return;
  }
  value.ForEachField([&](std::string_view key, JsonField& field) {
    if (key == "text") {
      part.kind = Kind::kText;
      part.text = Token(field);
    } else if (key == "thought") {
      part.thought = field.Bool().value_or(false);
    } else if (key == "functionCall") {
      ReadCall(field, part);
    } else if (key == "functionResponse") {
      ReadResponse(field, part);
    }
  });
}

// Where what the host put behind the words of the person begins.
size_t EndOfWords(std::string_view text) {
  constexpr std::string_view kOpen = "<hook_context>", kClose = "</hook_context>";
  const std::string_view trimmed = text.substr(0, text.find_last_not_of(" \n") + 1);
  if (!trimmed.ends_with(kClose)) return text.size();
  size_t at = trimmed.rfind(kOpen);
  if (at == std::string_view::npos) return text.size();
  while (at > 0 && text[at - 1] == '\n') --at;
  return at;
}

}  // namespace

void ReadGenAiParts(JsonField& value, std::vector<GenAiPart>& parts) {
  if (value.type() == JsonField::Type::kArray) {
    value.ForEachItem([&](JsonField& item) { ReadPart(item, parts); });
  } else {
    ReadPart(value, parts);
  }
}

std::optional<std::string> TypedText(const std::vector<GenAiPart>& parts) {
  std::optional<std::string> words;
  for (const GenAiPart& part : parts) {
    if (part.kind != Kind::kText || part.thought) continue;
    const std::string text = part.text.ToString();
    const std::string_view begin = base::Trim(text);
    const bool first = !words.has_value();
    if (!first && (begin.starts_with("--- Content from referenced files ---") ||
                   begin.starts_with("<hook_context>"))) {
      break;
    }
    if (first) words.emplace();
    words->append(text);
  }
  if (words.has_value()) words->resize(EndOfWords(*words));
  return words;
}

int64_t ShellExitCode(const RawText& report) {
  static constexpr std::array<std::string_view, 6> kBehind = {
      "</untrusted_context>", "Process Group PGID:", "Background PIDs:", "Signal:", "Error:",
      "Process Group PID:"};
  constexpr std::string_view kExit = "Exit Code: ";
  std::string_view text = report.escaped();
  // From the end: the output of the command may hold such words, too.
  while (!text.empty()) {
    const size_t at = text.rfind("\\n");
    const std::string_view line = at == std::string_view::npos ? text : text.substr(at + 2);
    if (line.starts_with(kExit)) return base::ParseInt(line.substr(kExit.size())).value_or(0);
    const bool known = line.empty() ||
                       std::any_of(kBehind.begin(), kBehind.end(),
                                   [&](std::string_view begin) { return line.starts_with(begin); });
    if (!known || at == std::string_view::npos) return 0;
    text = text.substr(0, at);
  }
  return 0;
}

GenAiFailure JudgeFailure(std::string_view error) {
  const auto has = [&](std::string_view words) { return error.find(words) != error.npos; };
  GenAiFailure failure;
  const bool refused = has("did not allow tool call") || has("User denied");
  failure.denied = refused || has("denied by policy") || has("execution denied") ||
                   has("blocked by hook") || has("Tool execution blocked") ||
                   has("permission denied by user");
  failure.cancelled = !refused && has("[Operation Cancelled]");
  return failure;
}

}  // namespace selftune::hosts
