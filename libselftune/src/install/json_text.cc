#include "install/json_text.h"

#include <algorithm>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "base/json_writer.h"
#include "base/strings.h"

namespace selftune::install {
namespace {

using base::JsonValue;

std::string Indent(const JsonStyle& style, size_t depth) {
  std::string out;
  for (size_t i = 0; i < depth; ++i) out += style.unit;
  return out;
}

// What stands before the first token of the line that `item` begins, if it does.
std::optional<std::string> OwnLine(std::string_view text, const JsonItem& item) {
  const std::string_view lead = text.substr(item.lead, item.begin - item.lead);
  const size_t at = lead.rfind('\n');
  if (at == lead.npos) return std::nullopt;
  return std::string(lead.substr(at + 1));
}

std::string IndentIn(std::string_view text, const JsonNode& container, size_t depth,
                     const JsonStyle& style) {
  if (!container.items.empty()) {
    if (auto own = OwnLine(text, container.items.back())) return *std::move(own);
  }
  return Indent(style, depth + 1);
}

void PrettyInto(const JsonValue& value, const JsonStyle& style, const std::string& indent,
                std::string& out) {
  const bool object = value.is_object();
  const size_t size = object ? value.members().size() : value.items().size();
  if ((!object && !value.is_array()) || size == 0) {
    out += value.ToJson();
    return;
  }
  const std::string inner = indent + style.unit;
  out += object ? "{" : "[";
  for (size_t i = 0; i < size; ++i) {
    out += (i == 0 ? "" : ",") + style.newline + inner;
    if (object) out += base::JsonQuote(value.members()[i].first) + ": ";
    PrettyInto(object ? value.members()[i].second : value.items()[i], style, inner, out);
  }
  out += style.newline + indent + (object ? "}" : "]");
}

std::string Spliced(std::string_view text, size_t begin, size_t end, std::string_view with) {
  std::string out(text.substr(0, begin));
  out += with;
  out += text.substr(end);
  return out;
}

}  // namespace

JsonStyle StyleOf(std::string_view text, const JsonNode& root) {
  JsonStyle style;
  const size_t first = text.find('\n');
  if (first != text.npos && first > 0 && text[first - 1] == '\r') style.newline = "\r\n";
  for (const JsonItem& item : root.items) {
    auto own = OwnLine(text, item);
    if (own.has_value() && !own->empty()) {
      style.unit = *std::move(own);
      break;
    }
  }
  return style;
}

std::string Pretty(const JsonValue& value, const JsonStyle& style, std::string_view indent) {
  std::string out;
  PrettyInto(value, style, std::string(indent), out);
  return out;
}

namespace {

// `line` any number of times, and nothing else.
bool IsLines(std::string_view text, std::string_view line) {
  while (text.starts_with(line)) text.remove_prefix(line.size());
  return text.empty();
}

}  // namespace

std::string AppendItem(std::string_view text, const JsonNode& container, size_t depth,
                       const JsonStyle& style, std::string_view key, const JsonValue& value) {
  const std::string indent = IndentIn(text, container, depth, style);
  std::string item = style.newline + indent;
  if (container.is_object()) item += base::JsonQuote(key) + ": ";
  item += Pretty(value, style, indent);
  if (!container.items.empty()) {
    const size_t end = container.items.back().value.end;
    std::string out = Spliced(text, container.tail, container.tail, item);
    return out.insert(end, 1, ',');
  }
  // "{}" grows a line for its closing bracket; and so does what is taken for such a
  // line, so that the way back knows both apart.
  const std::string line = style.newline + Indent(style, depth);
  if (IsLines(text.substr(container.begin + 1, container.end - container.begin - 2), line)) {
    item += line;
  }
  return Spliced(text, container.tail, container.tail, item);
}

std::string RemoveItem(std::string_view text, const JsonNode& container, size_t depth,
                       const JsonStyle& style, size_t index) {
  const JsonItem& item = container.items[index];
  const bool last = item.comma == JsonItem::npos;
  const size_t end = last ? item.value.end : item.comma + 1;
  // A comment before it must still end.
  const std::string_view behind = text.substr(end);
  const size_t next = std::min(behind.find_first_not_of(" \t\r"), behind.size());
  const bool breaks = next < behind.size() && behind[next] == '\n';
  const std::string kept = item.ends_comment && !breaks ? style.newline : std::string();
  std::string out = Spliced(text, item.lead, end, kept);
  if (!last) return out;
  if (index > 0) {
    const size_t comma = container.items[index - 1].comma;
    return out.erase(comma, 1);
  }
  const size_t open = container.begin + 1;
  const size_t close = container.end - 1 - (item.value.end - item.lead) + kept.size();
  const std::string_view rest = std::string_view(out).substr(open, close - open);
  const std::string line = style.newline + Indent(style, depth);
  if (!rest.empty() && IsLines(rest, line)) out.erase(open, line.size());
  return out;
}

std::string ReplaceItem(std::string_view text, const JsonNode& container, size_t depth,
                        const JsonStyle& style, size_t index, const JsonValue& value) {
  const JsonItem& item = container.items[index];
  const std::string indent = OwnLine(text, item).value_or(Indent(style, depth + 1));
  return Spliced(text, item.value.begin, item.value.end, Pretty(value, style, indent));
}

}  // namespace selftune::install
