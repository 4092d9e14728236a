#include "base/json_scan.h"

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

#include "base/utf8.h"

namespace selftune::base {
namespace {

constexpr uint32_t kReplacement = 0xfffd;

bool IsDigit(char c) { return c >= '0' && c <= '9'; }

int HexDigit(char c) {
  if (IsDigit(c)) return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

// Number of bytes at `pos` that a string holds as they are: no quote, no
// backslash, no control character. Tool results run to megabytes.
size_t PlainRun(std::string_view text, size_t pos) {
  size_t i = pos;
#if defined(__SSE2__)
  const __m128i quote = _mm_set1_epi8('"');
  const __m128i backslash = _mm_set1_epi8('\\');
  const __m128i last_control = _mm_set1_epi8(0x1f);
  while (i + 16 <= text.size()) {
    const __m128i block = _mm_loadu_si128(reinterpret_cast<const __m128i*>(text.data() + i));
    const __m128i special =
        _mm_or_si128(_mm_or_si128(_mm_cmpeq_epi8(block, quote), _mm_cmpeq_epi8(block, backslash)),
                     _mm_cmpeq_epi8(_mm_min_epu8(block, last_control), block));
    const int mask = _mm_movemask_epi8(special);
    if (mask != 0) return i + static_cast<size_t>(__builtin_ctz(static_cast<unsigned>(mask))) - pos;
    i += 16;
  }
#endif
  while (i < text.size()) {
    const auto c = static_cast<unsigned char>(text[i]);
    if (c == '"' || c == '\\' || c < 0x20) break;
    ++i;
  }
  return i - pos;
}

// Four hexadecimal digits at `pos`, or -1.
int32_t FourHex(std::string_view text, size_t pos) {
  if (pos + 4 > text.size()) return -1;
  int32_t value = 0;
  for (size_t i = pos; i < pos + 4; ++i) {
    const int digit = HexDigit(text[i]);
    if (digit < 0) return -1;
    value = value * 16 + digit;
  }
  return value;
}

// The code point of the "\u" at `pos` (behind the u), with the second half of
// a surrogate pair if it follows; `pos` moves behind it.
uint32_t EscapedCodePoint(std::string_view text, size_t& pos) {
  const auto unit = static_cast<uint32_t>(FourHex(text, pos));
  pos += 4;
  if (unit < 0xd800 || unit > 0xdfff) return unit;
  if (unit > 0xdbff || text.substr(pos, 2) != "\\u") return kReplacement;
  const int32_t low = FourHex(text, pos + 2);
  if (low < 0xdc00 || low > 0xdfff) return kReplacement;
  pos += 6;
  return 0x10000 + ((unit - 0xd800) << 10) + (static_cast<uint32_t>(low) - 0xdc00);
}

char SimpleEscape(char c) {
  switch (c) {
    case 'b':
      return '\b';
    case 'f':
      return '\f';
    case 'n':
      return '\n';
    case 'r':
      return '\r';
    case 't':
      return '\t';
    default:
      return c;  // " \ /
  }
}

// Which of the open brackets are those of objects, innermost last.
class Brackets {
 public:
  [[nodiscard]] bool Push(bool object) {
    if (depth_ == JsonScan::kMaxDepth) return false;
    uint64_t& word = bits_[depth_ / 64];
    const uint64_t bit = uint64_t{1} << (depth_ % 64);
    word = object ? word | bit : word & ~bit;
    ++depth_;
    return true;
  }
  void Pop() { --depth_; }
  [[nodiscard]] bool empty() const { return depth_ == 0; }
  [[nodiscard]] bool in_object() const {
    return (bits_[(depth_ - 1) / 64] >> ((depth_ - 1) % 64) & 1) != 0;
  }

 private:
  std::array<uint64_t, JsonScan::kMaxDepth / 64> bits_;  // set before they are read
  size_t depth_ = 0;
};

}  // namespace

bool JsonSpan::Is(std::string_view plain) const {
  if (!is_string()) return false;
  return escaped ? ToString() == plain : text == plain;
}

std::string JsonSpan::ToString() const {
  if (!is_string()) return "";
  if (!escaped) return std::string(text);
  std::string out;
  out.reserve(text.size());
  size_t pos = 0;
  while (pos < text.size()) {
    const size_t backslash = text.find('\\', pos);
    out.append(text.substr(pos, backslash - pos));
    if (backslash == std::string_view::npos) break;
    pos = backslash + 2;
    if (text[backslash + 1] == 'u') {
      AppendUtf8(out, EscapedCodePoint(text, pos));
    } else {
      out.push_back(SimpleEscape(text[backslash + 1]));
    }
  }
  return out;
}

bool JsonScan::Fail() {
  state_ = State::kFailed;
  return false;
}

bool JsonScan::Finish() {
  SkipSpace();
  if (pos_ != text_.size()) return Fail();
  state_ = State::kEnd;
  return false;
}

void JsonScan::SkipSpace() {
  while (pos_ < text_.size()) {
    const char c = text_[pos_];
    if (c != ' ' && c != '\n' && c != '\r' && c != '\t') return;
    ++pos_;
  }
}

bool JsonScan::Take(char c) {
  if (pos_ >= text_.size() || text_[pos_] != c) return false;
  ++pos_;
  return true;
}

bool JsonScan::String(JsonSpan& out) {
  if (!Take('"')) return false;
  const size_t begin = pos_;
  out.kind = JsonSpan::Kind::kString;
  out.escaped = false;
  while (true) {
    pos_ += PlainRun(text_, pos_);
    if (pos_ >= text_.size()) return false;
    const char c = text_[pos_];
    if (c == '"') break;
    if (c != '\\' || pos_ + 1 >= text_.size()) return false;
    out.escaped = true;
    const char kind = text_[pos_ + 1];
    if (kind == 'u' ? FourHex(text_, pos_ + 2) < 0
                    : std::string_view("\"\\/bfnrt").find(kind) == std::string_view::npos) {
      return false;
    }
    pos_ += kind == 'u' ? 6 : 2;
  }
  out.text = text_.substr(begin, pos_ - begin);
  ++pos_;
  return true;
}

bool JsonScan::Key(JsonSpan& out) {
  SkipSpace();
  if (!String(out)) return false;
  SkipSpace();
  return Take(':');
}

bool JsonScan::Literal(std::string_view word) {
  if (!text_.substr(pos_).starts_with(word)) return false;
  pos_ += word.size();
  return true;
}

bool JsonScan::Number() {
  Take('-');
  const auto digits = [this] {
    const size_t begin = pos_;
    while (IsDigit(Peek())) ++pos_;
    return pos_ > begin;
  };
  if (!Take('0') && !digits()) return false;
  if (Take('.') && !digits()) return false;
  if (Peek() != 'e' && Peek() != 'E') return true;
  ++pos_;
  if (!Take('+')) Take('-');
  return digits();
}

bool JsonScan::Scalar() {
  JsonSpan ignored;
  switch (Peek()) {
    case '"':
      return String(ignored);
    case 't':
      return Literal("true");
    case 'f':
      return Literal("false");
    case 'n':
      return Literal("null");
    default:
      return Number();
  }
}

// An array or object at the place of the scan, to its end.
bool JsonScan::Nested() {
  Brackets open;
  JsonSpan ignored;
  while (true) {
    // Before a value.
    SkipSpace();
    const char c = Peek();
    if (c == '{' || c == '[') {
      const bool object = c == '{';
      if (!open.Push(object)) return false;
      ++pos_;
      SkipSpace();
      if (Peek() != (object ? '}' : ']')) {
        if (object && !Key(ignored)) return false;
        continue;
      }
      ++pos_;
      open.Pop();
    } else if (!Scalar()) {
      return false;
    }
    // Behind a value: out of what ends here, on to the next.
    while (true) {
      if (open.empty()) return true;
      SkipSpace();
      if (Take(',')) {
        if (open.in_object() && !Key(ignored)) return false;
        break;
      }
      if (!Take(open.in_object() ? '}' : ']')) return false;
      open.Pop();
    }
  }
}

bool JsonScan::Value(JsonSpan& out) {
  using Kind = JsonSpan::Kind;
  SkipSpace();
  const size_t begin = pos_;
  switch (Peek()) {
    case '"':
      return String(out);
    case '{':
    case '[':
      out.kind = Peek() == '{' ? Kind::kObject : Kind::kArray;
      if (!Nested()) return false;
      break;
    case 't':
    case 'f':
      out.kind = Kind::kBool;
      if (!Scalar()) return false;
      break;
    case 'n':
      out.kind = Kind::kNull;
      if (!Scalar()) return false;
      break;
    default:
      out.kind = Kind::kNumber;
      if (!Scalar()) return false;
  }
  out.escaped = false;
  out.text = text_.substr(begin, pos_ - begin);
  return true;
}

bool JsonScan::Next() {
  if (state_ == State::kEnd || state_ == State::kFailed) return false;
  SkipSpace();
  if (state_ == State::kStart) {
    if (!Take('{')) return Fail();
    SkipSpace();
    if (Take('}')) return Finish();
    state_ = State::kMember;
  } else {
    if (Take('}')) return Finish();
    if (!Take(',')) return Fail();
  }
  if (!Key(key_) || !Value(value_)) return Fail();
  return true;
}

}  // namespace selftune::base
