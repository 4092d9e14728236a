#include "install/json_text.h"

#include <algorithm>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/json_scan.h"
#include "base/json_writer.h"
#include "base/status_macros.h"
#include "base/strings.h"
#include "install/settings_place.h"

namespace selftune::install {
namespace {

using base::JsonValue;

constexpr std::string_view kByteOrderMark = "\xef\xbb\xbf";
constexpr size_t kMaxDepth = 200;

bool IsBlank(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }
bool IsDigit(char c) { return c >= '0' && c <= '9'; }
bool IsHex(char c) { return IsDigit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F'); }

std::string Indent(const JsonStyle& style, size_t depth) {
  std::string out;
  for (size_t i = 0; i < depth; ++i) out += style.unit;
  return out;
}

class Parser {
 public:
  Parser(std::string_view text, JsonDialect dialect, std::string_view path)
      : text_(text), dialect_(dialect), path_(path) {}

  StatusOr<JsonNode> Document() {
    if (text_.starts_with(kByteOrderMark)) pos_ = kByteOrderMark.size();
    ST_RETURN_IF_ERROR(Skip());
    ST_ASSIGN_OR_RETURN(JsonNode node, Value(0));
    ST_RETURN_IF_ERROR(Skip());
    if (pos_ != text_.size()) return Bad("the end of the file");
    return node;
  }

 private:
  [[nodiscard]] char Peek() const { return pos_ < text_.size() ? text_[pos_] : '\0'; }
  [[nodiscard]] bool At(char c) const { return pos_ < text_.size() && text_[pos_] == c; }

  [[nodiscard]] Status Bad(std::string_view expected) const {
    const std::string_view rest = text_.substr(std::min(pos_, text_.size()));
    const bool comment = rest.starts_with("//") || rest.starts_with("/*");
    return InvalidSettings(path_, text_, pos_, expected,
                           comment ? "a comment" : FoundAt(text_, pos_));
  }

  // White space and comments; run_ is where the last white space began.
  Status Skip() {
    run_ = pos_;
    ends_comment_ = false;
    while (pos_ < text_.size()) {
      if (IsBlank(text_[pos_])) {
        ++pos_;
      } else if (dialect_ == JsonDialect::kComments && text_.substr(pos_).starts_with("//")) {
        pos_ = std::min(text_.find('\n', pos_), text_.size());
        // The break belongs to the white space, with its carriage return.
        if (pos_ < text_.size() && text_[pos_ - 1] == '\r') --pos_;
        run_ = pos_;
        ends_comment_ = true;
      } else if (dialect_ == JsonDialect::kComments && text_.substr(pos_).starts_with("/*")) {
        const size_t end = text_.find("*/", pos_ + 2);
        if (end == text_.npos) {
          pos_ = text_.size();
          return Bad("the end of a comment");
        }
        run_ = pos_ = end + 2;
        ends_comment_ = false;
      } else {
        break;
      }
    }
    return absl::OkStatus();
  }

  StatusOr<JsonNode> Value(size_t depth) {
    JsonNode node;
    node.begin = pos_;
    switch (Peek()) {
      case '{':
      case '[':
        if (depth >= kMaxDepth) return Bad("less nesting");
        return Container(depth);
      case '"': {
        node.kind = JsonNode::Kind::kString;
        ST_RETURN_IF_ERROR(String());
        break;
      }
      case 't':
      case 'f':
        node.kind = JsonNode::Kind::kBool;
        ST_RETURN_IF_ERROR(Word(Peek() == 't' ? "true" : "false"));
        break;
      case 'n':
        ST_RETURN_IF_ERROR(Word("null"));
        break;
      default:
        node.kind = JsonNode::Kind::kNumber;
        ST_RETURN_IF_ERROR(Number());
    }
    node.end = pos_;
    return node;
  }

  Status Word(std::string_view word) {
    if (!text_.substr(pos_).starts_with(word)) return Bad("a value");
    pos_ += word.size();
    return absl::OkStatus();
  }

  Status Number() {
    const size_t start = pos_;
    if (At('-')) ++pos_;
    if (!IsDigit(Peek())) {
      pos_ = start;
      return Bad("a value");
    }
    if (At('0')) {
      ++pos_;
    } else {
      Digits();
    }
    if (At('.')) {
      ++pos_;
      if (!IsDigit(Peek())) return Bad("a digit");
      Digits();
    }
    if (At('e') || At('E')) {
      ++pos_;
      if (At('+') || At('-')) ++pos_;
      if (!IsDigit(Peek())) return Bad("a digit");
      Digits();
    }
    return absl::OkStatus();
  }
  void Digits() {
    while (IsDigit(Peek())) ++pos_;
  }

  Status String() {
    for (++pos_; pos_ < text_.size(); ++pos_) {
      const char c = text_[pos_];
      if (c == '"') {
        ++pos_;
        return absl::OkStatus();
      }
      if (static_cast<unsigned char>(c) < 0x20) return Bad("no control character in a text");
      if (c != '\\') continue;
      ++pos_;
      if (Peek() == 'u') {
        for (int i = 0; i < 4; ++i) {
          ++pos_;
          if (!IsHex(Peek())) return Bad("four hexadecimal digits");
        }
      } else if (Peek() == '\0' ||
                 std::string_view("\"\\/bfnrt").find(Peek()) == std::string_view::npos) {
        return Bad("an escape");
      }
    }
    return Bad("the end of a text");
  }

  StatusOr<JsonNode> Container(size_t depth) {
    JsonNode node;
    node.begin = pos_;
    const bool object = At('{');
    const char close = object ? '}' : ']';
    node.kind = object ? JsonNode::Kind::kObject : JsonNode::Kind::kArray;
    ++pos_;
    ST_RETURN_IF_ERROR(Skip());
    node.tail = run_;
    if (At(close)) return Closed(std::move(node));
    for (;;) {
      ST_RETURN_IF_ERROR(Item(node, object, depth));
      ST_RETURN_IF_ERROR(Skip());
      node.tail = run_;
      if (At(close)) return Closed(std::move(node));
      if (!At(',')) return Bad(object ? "',' or '}'" : "',' or ']'");
      node.items.back().comma = pos_++;
      ST_RETURN_IF_ERROR(Skip());
    }
  }
  StatusOr<JsonNode> Closed(JsonNode node) {
    node.end = ++pos_;
    return node;
  }

  Status Item(JsonNode& node, bool object, size_t depth) {
    JsonItem item;
    item.lead = run_;
    item.ends_comment = ends_comment_;
    item.begin = pos_;
    if (object) {
      if (!At('"')) return Bad("a key in quotes");
      ST_RETURN_IF_ERROR(String());
      item.key = base::JsonSpan{.kind = base::JsonSpan::Kind::kString,
                                .escaped = true,
                                .text = text_.substr(item.begin + 1, pos_ - item.begin - 2)}
                     .ToString();
      ST_RETURN_IF_ERROR(Skip());
      if (!At(':')) return Bad("':'");
      ++pos_;
      ST_RETURN_IF_ERROR(Skip());
    }
    ST_ASSIGN_OR_RETURN(item.value, Value(depth + 1));
    node.items.push_back(std::move(item));
    return absl::OkStatus();
  }

  std::string_view text_;
  JsonDialect dialect_;
  std::string_view path_;
  size_t pos_ = 0;
  size_t run_ = 0;
  bool ends_comment_ = false;
};

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

const JsonItem* JsonNode::Find(std::string_view key) const {
  if (!is_object()) return nullptr;
  const auto found = std::find_if(items.rbegin(), items.rend(),
                                  [&](const JsonItem& item) { return item.key == key; });
  return found == items.rend() ? nullptr : &*found;
}

size_t JsonNode::Count(std::string_view key) const {
  return static_cast<size_t>(std::count_if(items.begin(), items.end(),
                                           [&](const JsonItem& item) { return item.key == key; }));
}

StatusOr<JsonNode> ParseJsonText(std::string_view text, JsonDialect dialect,
                                 std::string_view path) {
  return Parser(text, dialect, path).Document();
}

JsonValue ValueOf(std::string_view text, const JsonNode& node) {
  if (node.is_array()) {
    std::vector<JsonValue> items;
    for (const JsonItem& item : node.items) items.push_back(ValueOf(text, item.value));
    return JsonValue::Array(std::move(items));
  }
  if (node.is_object()) {
    std::vector<JsonValue::Member> members;
    for (const JsonItem& item : node.items) {
      if (node.Find(item.key) == &item) members.emplace_back(item.key, ValueOf(text, item.value));
    }
    return JsonValue::Object(std::move(members));
  }
  const std::string_view scalar = text.substr(node.begin, node.end - node.begin);
  if (node.kind == JsonNode::Kind::kString) {
    return JsonValue::Text(base::JsonSpan{.kind = base::JsonSpan::Kind::kString,
                                          .escaped = true,
                                          .text = scalar.substr(1, scalar.size() - 2)}
                               .ToString());
  }
  // Numbers too large for the reader are of no interest here.
  auto value = JsonValue::Parse(scalar);
  return value.ok() ? *std::move(value) : JsonValue();
}

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
