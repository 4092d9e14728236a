#include "cli/json.h"

#include <charconv>
#include <cstdlib>

#include "cli/text.h"

namespace selftune::cli {

namespace {
constexpr int kMaxDepth = 128;
const Json kNull;
const std::string kEmpty;

bool IsNumberChar(char c) {
  return (c >= '0' && c <= '9') || c == '-' || c == '+' || c == '.' || c == 'e' || c == 'E';
}
}  // namespace

// Recursive descent; `at_` is the next byte to read.
class JsonParser {
 public:
  explicit JsonParser(std::string_view text) : text_(text) {}

  std::optional<Json> Document() {
    Json value;
    if (!Value(value, 0)) return std::nullopt;
    Space();
    if (at_ != text_.size()) return std::nullopt;
    return value;
  }

 private:
  void Space() {
    while (at_ < text_.size() &&
           (text_[at_] == ' ' || text_[at_] == '\n' || text_[at_] == '\t' || text_[at_] == '\r')) {
      ++at_;
    }
  }

  bool Take(char c) {
    Space();
    if (at_ >= text_.size() || text_[at_] != c) return false;
    ++at_;
    return true;
  }

  bool Word(std::string_view word) {
    if (text_.substr(at_, word.size()) != word) return false;
    at_ += word.size();
    return true;
  }

  bool Value(Json& out, int depth) {
    if (depth > kMaxDepth) return false;
    Space();
    if (at_ >= text_.size()) return false;
    switch (text_[at_]) {
      case '{':
        return Members(out, depth);
      case '[':
        return Items(out, depth);
      case '"':
        out.type_ = Json::Type::kString;
        return String(out.text_);
      case 't':
        out.type_ = Json::Type::kBool;
        out.bool_ = true;
        return Word("true");
      case 'f':
        out.type_ = Json::Type::kBool;
        return Word("false");
      case 'n':
        return Word("null");
      default:
        return Number(out);
    }
  }

  bool Members(Json& out, int depth) {
    out.type_ = Json::Type::kObject;
    if (!Take('{')) return false;
    if (Take('}')) return true;
    do {
      Space();
      auto& [key, value] = out.members_.emplace_back();
      if (!String(key) || !Take(':') || !Value(value, depth + 1)) return false;
    } while (Take(','));
    return Take('}');
  }

  bool Items(Json& out, int depth) {
    out.type_ = Json::Type::kArray;
    if (!Take('[')) return false;
    if (Take(']')) return true;
    do {
      if (!Value(out.items_.emplace_back(), depth + 1)) return false;
    } while (Take(','));
    return Take(']');
  }

  bool Number(Json& out) {
    out.type_ = Json::Type::kNumber;
    const size_t begin = at_;
    while (at_ < text_.size() && IsNumberChar(text_[at_])) ++at_;
    out.text_ = text_.substr(begin, at_ - begin);
    if (out.text_.empty()) return false;
    char* end = nullptr;
    (void)std::strtod(out.text_.c_str(), &end);
    return end == out.text_.c_str() + out.text_.size();
  }

  bool Hex4(uint32_t& out) {
    if (at_ + 4 > text_.size()) return false;
    const char* begin = text_.data() + at_;
    const auto [end, error] = std::from_chars(begin, begin + 4, out, 16);
    at_ += 4;
    return error == std::errc() && end == begin + 4;
  }

  bool Escape(std::string& out) {
    const char c = at_ < text_.size() ? text_[at_++] : '\0';
    switch (c) {
      case '"':
      case '\\':
      case '/':
        out += c;
        return true;
      case 'b':
        out += '\b';
        return true;
      case 'f':
        out += '\f';
        return true;
      case 'n':
        out += '\n';
        return true;
      case 'r':
        out += '\r';
        return true;
      case 't':
        out += '\t';
        return true;
      case 'u':
        break;
      default:
        return false;
    }
    uint32_t code = 0;
    if (!Hex4(code)) return false;
    if (code >= 0xD800 && code < 0xDC00 && text_.substr(at_, 2) == "\\u") {
      at_ += 2;
      uint32_t low = 0;
      if (!Hex4(low) || low < 0xDC00 || low > 0xDFFF) return false;
      code = 0x10000 + ((code - 0xD800) << 10) + (low - 0xDC00);
    }
    AppendUtf8(out, code);
    return true;
  }

  bool String(std::string& out) {
    if (at_ >= text_.size() || text_[at_] != '"') return false;
    ++at_;
    while (at_ < text_.size()) {
      const char c = text_[at_++];
      if (c == '"') return true;
      if (static_cast<unsigned char>(c) < 0x20) return false;
      if (c != '\\') {
        out += c;
      } else if (!Escape(out)) {
        return false;
      }
    }
    return false;
  }

  std::string_view text_;
  size_t at_ = 0;
};

std::optional<Json> Json::Parse(std::string_view text) { return JsonParser(text).Document(); }

Json Json::Object(std::vector<Member> members) {
  Json out;
  out.type_ = Type::kObject;
  out.members_ = std::move(members);
  return out;
}

Json Json::Array(std::vector<Json> items) {
  Json out;
  out.type_ = Type::kArray;
  out.items_ = std::move(items);
  return out;
}

int64_t Json::Int() const {
  return type_ == Type::kNumber ? std::strtoll(text_.c_str(), nullptr, 10) : 0;
}
double Json::Double() const {
  return type_ == Type::kNumber ? std::strtod(text_.c_str(), nullptr) : 0;
}
const std::string& Json::Text() const { return type_ == Type::kString ? text_ : kEmpty; }

const Json& Json::operator[](std::string_view key) const {
  for (const Member& member : members_) {
    if (member.first == key) return member.second;
  }
  return kNull;
}

bool Json::Has(std::string_view key) const {
  for (const Member& member : members_) {
    if (member.first == key) return true;
  }
  return false;
}

std::string Json::Dump() const {
  switch (type_) {
    case Type::kNull:
      return "null";
    case Type::kBool:
      return bool_ ? "true" : "false";
    case Type::kNumber:
      return text_;
    case Type::kString:
      return Quote(text_);
    case Type::kArray: {
      std::string out = "[";
      for (const Json& item : items_) out += (out.size() > 1 ? "," : "") + item.Dump();
      return out + "]";
    }
    case Type::kObject: {
      std::string out = "{";
      for (const auto& [key, value] : members_) {
        out += (out.size() > 1 ? "," : "") + Quote(key) + ":" + value.Dump();
      }
      return out + "}";
    }
  }
  return "null";
}

std::string Quote(std::string_view text) {
  constexpr char kHex[] = "0123456789abcdef";
  std::string out = "\"";
  size_t at = 0;
  while (at < text.size()) {
    const auto byte = static_cast<unsigned char>(text[at]);
    if (byte == '"' || byte == '\\') {
      out += '\\';
      out += text[at++];
    } else if (byte >= 0x20 && byte < 0x80) {
      out += text[at++];
    } else if (byte == '\n') {
      out += "\\n";
      ++at;
    } else if (byte < 0x20) {
      out += "\\u00";
      out += kHex[byte >> 4];
      out += kHex[byte & 15];
      ++at;
    } else {
      AppendUtf8(out, NextCodePoint(text, at));
    }
  }
  return out + "\"";
}

JsonObject& JsonObject::AddRaw(std::string_view key, std::string_view json) {
  if (out_.size() > 1) out_ += ',';
  out_ += Quote(key);
  out_ += ':';
  out_ += json;
  return *this;
}

JsonObject& JsonObject::Add(std::string_view key, const std::optional<std::string>& text) {
  return text.has_value() ? AddText(key, *text) : *this;
}

JsonObject& JsonObject::AddText(std::string_view key, std::string_view text) {
  return AddRaw(key, Quote(text));
}

JsonObject& JsonObject::AddInt(std::string_view key, int64_t value) {
  return AddRaw(key, std::to_string(value));
}

JsonObject& JsonObject::AddBool(std::string_view key, bool value) {
  return AddRaw(key, value ? "true" : "false");
}

JsonObject& JsonObject::AddTexts(std::string_view key, const std::vector<std::string>& texts) {
  std::string list = "[";
  for (const std::string& text : texts) list += (list.size() > 1 ? "," : "") + Quote(text);
  return AddRaw(key, list + "]");
}

}  // namespace selftune::cli
