#include "install/json_text.h"

#include <algorithm>
#include <limits>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "base/json_scan.h"
#include "base/status_macros.h"
#include "install/settings_place.h"

namespace selftune::install {
namespace {

using base::JsonValue;

constexpr std::string_view kByteOrderMark = "\xef\xbb\xbf";
constexpr size_t kMaxDepth = 200;

bool IsBlank(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }
bool IsDigit(char c) { return c >= '0' && c <= '9'; }
bool IsHex(char c) { return IsDigit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F'); }

// White space that JSON5 adds.
constexpr std::string_view kMoreBlanks[] = {"\v",           "\f",           "\xc2\xa0",
                                            "\xe2\x80\xa8", "\xe2\x80\xa9", kByteOrderMark};

bool IsNameByte(char c) {
  const bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
  return letter || c == '_' || c == '$' || static_cast<unsigned char>(c) >= 0x80;
}

// What a text of JSON5 says, in the words of JSON.
std::string InJson(std::string_view inside) {
  std::string out;
  for (size_t i = 0; i < inside.size(); ++i) {
    const char c = inside[i];
    if (c == '"') {
      out += "\\\"";
    } else if (c != '\\' || i + 1 == inside.size()) {
      out.push_back(c);
    } else {
      const char next = inside[++i];
      if (std::string_view("\"\\/bfnrtu").find(next) != std::string_view::npos) {
        out.append(1, c).append(1, next);
      } else if (next == 'x') {
        out += "\\u00";  // its two digits follow
      } else if (next == 'v' || next == '0') {
        out += next == 'v' ? "\\u000b" : "\\u0000";
      } else if (next == '\r' || next == '\n') {
        if (next == '\r' && inside.substr(i + 1).starts_with('\n')) ++i;
      } else {
        out.push_back(next);
      }
    }
  }
  return out;
}

// Of a text in quotes, or a name.
std::string TextOf(std::string_view token) {
  if (token.front() != '"' && token.front() != '\'') return std::string(token);
  const std::string inside = InJson(token.substr(1, token.size() - 2));
  return base::JsonSpan{.kind = base::JsonSpan::Kind::kString, .escaped = true, .text = inside}
      .ToString();
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
  [[nodiscard]] bool has_comments() const { return dialect_ != JsonDialect::kPlain; }
  [[nodiscard]] bool is_json5() const { return dialect_ == JsonDialect::kJson5; }
  [[nodiscard]] bool commas_may_end() const {
    return dialect_ == JsonDialect::kTrailingCommas || is_json5();
  }
  [[nodiscard]] bool AtQuote() const { return At('"') || (is_json5() && At('\'')); }

  // Bytes of white space there.
  [[nodiscard]] size_t BlankAt(size_t at) const {
    if (IsBlank(text_[at])) return 1;
    if (!is_json5()) return 0;
    for (const std::string_view blank : kMoreBlanks) {
      if (text_.substr(at).starts_with(blank)) return blank.size();
    }
    return 0;
  }

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
      const size_t blank = BlankAt(pos_);
      if (blank > 0) {
        pos_ += blank;
      } else if (has_comments() && text_.substr(pos_).starts_with("//")) {
        pos_ = std::min(text_.find('\n', pos_), text_.size());
        // The break belongs to the white space, with its carriage return.
        if (pos_ < text_.size() && text_[pos_ - 1] == '\r') --pos_;
        run_ = pos_;
        ends_comment_ = true;
      } else if (has_comments() && text_.substr(pos_).starts_with("/*")) {
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
      case '"':
      case '\'':
        if (!AtQuote()) return Bad("a value");
        node.kind = JsonNode::Kind::kString;
        ST_RETURN_IF_ERROR(String());
        break;
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
        ST_RETURN_IF_ERROR(is_json5() ? Number5() : Number());
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
  // Also +1, .5, 5., 0x1F, Infinity and NaN.
  Status Number5() {
    const size_t start = pos_;
    if (At('-') || At('+')) ++pos_;
    for (const std::string_view word : {"Infinity", "NaN"}) {
      if (!text_.substr(pos_).starts_with(word)) continue;
      pos_ += word.size();
      return absl::OkStatus();
    }
    if (At('0') && pos_ + 1 < text_.size() && (text_[pos_ + 1] | 0x20) == 'x') {
      pos_ += 2;
      if (!IsHex(Peek())) return Bad("a hexadecimal digit");
      while (IsHex(Peek())) ++pos_;
      return absl::OkStatus();
    }
    const size_t whole = pos_;
    Digits();
    size_t digits = pos_ - whole;
    if (At('.')) {
      const size_t fraction = ++pos_;
      Digits();
      digits += pos_ - fraction;
    }
    if (digits == 0) {
      pos_ = start;
      return Bad("a value");
    }
    if (!At('e') && !At('E')) return absl::OkStatus();
    ++pos_;
    if (At('+') || At('-')) ++pos_;
    if (!IsDigit(Peek())) return Bad("a digit");
    Digits();
    return absl::OkStatus();
  }
  void Digits() {
    while (IsDigit(Peek())) ++pos_;
  }

  Status String() {
    const char quote = Peek();
    for (++pos_; pos_ < text_.size(); ++pos_) {
      const char c = text_[pos_];
      if (c == quote) {
        ++pos_;
        return absl::OkStatus();
      }
      const bool breaks = c == '\n' || c == '\r';
      if (static_cast<unsigned char>(c) < 0x20 && (breaks || !is_json5())) {
        return Bad("no control character in a text");
      }
      if (c != '\\') continue;
      ++pos_;
      if (is_json5()) {
        ST_RETURN_IF_ERROR(Escape5());
        continue;
      }
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

  // Any letter stands for itself, a line that goes on for nothing.
  Status Escape5() {
    const int digits = Peek() == 'u' ? 4 : Peek() == 'x' ? 2 : 0;
    for (int i = 0; i < digits; ++i) {
      ++pos_;
      if (!IsHex(Peek())) return Bad("a hexadecimal digit");
    }
    if (IsDigit(Peek()) && digits == 0 &&
        (!At('0') || IsDigit(text_[std::min(pos_ + 1, text_.size() - 1)]))) {
      return Bad("an escape");
    }
    if (At('\r') && text_.substr(pos_).starts_with("\r\n")) ++pos_;
    return absl::OkStatus();
  }

  // A name as in JavaScript, as far as bytes tell it: what is not ASCII may be a letter.
  Status Name() {
    const size_t begin = pos_;
    while (pos_ < text_.size() &&
           (IsNameByte(text_[pos_]) || (pos_ > begin && IsDigit(text_[pos_])))) {
      if (BlankAt(pos_) > 0) break;
      ++pos_;
    }
    return pos_ > begin ? absl::OkStatus() : Bad("a key");
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
      if (commas_may_end() && At(close)) return Closed(std::move(node));
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
      if (!AtQuote() && !is_json5()) return Bad("a key in quotes");
      ST_RETURN_IF_ERROR(AtQuote() ? String() : Name());
      item.key = TextOf(text_.substr(item.begin, pos_ - item.begin));
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
    std::unordered_map<std::string_view, const JsonItem*> last;  // Find looks at each
    for (const JsonItem& item : node.items) last[item.key] = &item;
    for (const JsonItem& item : node.items) {
      if (last[item.key] == &item) members.emplace_back(item.key, ValueOf(text, item.value));
    }
    return JsonValue::Object(std::move(members));
  }
  const std::string_view scalar = text.substr(node.begin, node.end - node.begin);
  if (node.kind == JsonNode::Kind::kString) {
    return JsonValue::Text(TextOf(scalar));
  }
  auto value = JsonValue::Parse(scalar);
  if (value.ok()) return *std::move(value);
  // Larger than any, or as JSON5 writes them: a number all the same.
  constexpr double kBeyond = std::numeric_limits<double>::infinity();
  return node.kind == JsonNode::Kind::kNumber ? JsonValue::Double(kBeyond) : JsonValue();
}

}  // namespace selftune::install
