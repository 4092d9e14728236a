#include "skillfs/yaml_scalar.h"

#include <cstdint>
#include <optional>

#include "base/utf8.h"
#include "skillfs/frontmatter_codes.h"

namespace selftune::skillfs {
namespace {

std::optional<uint32_t> HexNumber(std::string_view digits) {
  uint32_t value = 0;
  for (const char c : digits) {
    uint32_t digit = 0;
    if (c >= '0' && c <= '9') {
      digit = static_cast<uint32_t>(c - '0');
    } else if (c >= 'a' && c <= 'f') {
      digit = static_cast<uint32_t>(c - 'a') + 10;
    } else if (c >= 'A' && c <= 'F') {
      digit = static_cast<uint32_t>(c - 'A') + 10;
    } else {
      return std::nullopt;
    }
    value = value << 4 | digit;
  }
  return value;
}

// Escapes of one letter; 0 = not one of them (\0 is handled by the caller).
uint32_t SimpleEscape(char c) {
  switch (c) {
    case 'a':
      return 0x07;
    case 'b':
      return 0x08;
    case 't':
    case '\t':
      return 0x09;
    case 'n':
      return 0x0a;
    case 'v':
      return 0x0b;
    case 'f':
      return 0x0c;
    case 'r':
      return 0x0d;
    case 'e':
      return 0x1b;
    case ' ':
    case '"':
    case '/':
    case '\\':
      return static_cast<unsigned char>(c);
    case 'N':
      return 0x85;
    case '_':
      return 0xa0;
    case 'L':
      return 0x2028;
    case 'P':
      return 0x2029;
    default:
      return 0;
  }
}

size_t EscapeDigits(char c) {
  switch (c) {
    case 'x':
      return 2;
    case 'u':
      return 4;
    case 'U':
      return 8;
    default:
      return 0;
  }
}

bool IsHighSurrogate(uint32_t c) { return c >= 0xd800 && c <= 0xdbff; }
bool IsLowSurrogate(uint32_t c) { return c >= 0xdc00 && c <= 0xdfff; }

// One quoted scalar, read line by line.
class QuotedReader {
 public:
  QuotedReader(std::string_view bytes, std::span<const TextLine> lines, char quote)
      : bytes_(bytes), lines_(lines), quote_(quote) {}

  QuotedScalar Read(size_t first_line, size_t pos) {
    size_t from = pos + 1;
    for (size_t i = first_line; i < lines_.size(); ++i) {
      const size_t end = lines_[i].end;
      if (i != first_line) {
        from = SkipBlanks(bytes_, lines_[i].begin, end);
        if (from == end) {
          ++blank_lines_;
          continue;
        }
        Break();
      }
      if (!Scan(from, end)) return {0, 0, "", kInvalidEscape};
      if (closed_at_ != 0) return {closed_at_, i, std::move(out_), ""};
      // Blanks before a line break are not content, unless the break itself
      // is escaped.
      if (!escaped_break_) out_.resize(kept_);
    }
    return {0, 0, "", kUnterminatedQuote};
  }

 private:
  // The breaks since the last text line, as content.
  void Break() {
    if (blank_lines_ > 0) {
      out_.append(blank_lines_, '\n');
    } else if (!escaped_break_) {
      out_.push_back(' ');
    }
    kept_ = out_.size();
    blank_lines_ = 0;
    escaped_break_ = false;
  }

  // Appends the content of [pos, end); false on an invalid escape.
  bool Scan(size_t pos, size_t end) {
    while (pos < end) {
      const char c = bytes_[pos];
      if (c == quote_) {
        if (quote_ == '"' || pos + 1 >= end || bytes_[pos + 1] != '\'') {
          closed_at_ = pos + 1;
          return true;
        }
        ++pos;  // '' is one quote
      } else if (c == '\\' && quote_ == '"') {
        if (pos + 1 == end) {
          escaped_break_ = true;
          return true;
        }
        if (!Escape(pos, end)) return false;
        continue;
      }
      out_.push_back(c);
      ++pos;
      if (!IsBlank(c)) kept_ = out_.size();
    }
    return true;
  }

  // The escape at `pos`, which is advanced past it.
  bool Escape(size_t& pos, size_t end) {
    const char letter = bytes_[pos + 1];
    const size_t digits = EscapeDigits(letter);
    uint32_t code_point = SimpleEscape(letter);
    if (digits > 0) {
      std::optional<uint32_t> value = Digits(pos + 2, digits, end);
      pos += 2 + digits;
      if (value.has_value() && IsHighSurrogate(*value)) value = LowHalf(*value, pos, end);
      if (!value.has_value() || IsLowSurrogate(*value) || *value > 0x10ffff) return false;
      code_point = *value;
    } else {
      if (code_point == 0 && letter != '0') return false;
      pos += 2;
    }
    base::AppendUtf8(out_, code_point);
    kept_ = out_.size();
    return true;
  }

  std::optional<uint32_t> Digits(size_t pos, size_t count, size_t end) const {
    if (pos + count > end) return std::nullopt;
    return HexNumber(bytes_.substr(pos, count));
  }

  // JSON writers escape characters beyond the BMP as two surrogates.
  std::optional<uint32_t> LowHalf(uint32_t high, size_t& pos, size_t end) const {
    if (pos + 6 > end || bytes_.substr(pos, 2) != "\\u") return std::nullopt;
    const std::optional<uint32_t> low = Digits(pos + 2, 4, end);
    if (!low.has_value() || !IsLowSurrogate(*low)) return std::nullopt;
    pos += 6;
    return 0x10000 + ((high - 0xd800) << 10) + (*low - 0xdc00);
  }

  std::string_view bytes_;
  std::span<const TextLine> lines_;
  char quote_;
  std::string out_;
  size_t kept_ = 0;  // size of out_ up to the last character that is no blank
  size_t blank_lines_ = 0;
  bool escaped_break_ = false;
  size_t closed_at_ = 0;
};

}  // namespace

QuotedScalar ReadQuoted(std::string_view bytes, std::span<const TextLine> lines, size_t first_line,
                        size_t pos) {
  return QuotedReader(bytes, lines, bytes[pos]).Read(first_line, pos);
}

std::string FoldPlain(const std::vector<std::string_view>& lines) {
  std::string out;
  size_t blank_lines = 0;
  for (const std::string_view line : lines) {
    if (line.empty()) {
      ++blank_lines;
      continue;
    }
    if (!out.empty()) out.append(blank_lines > 0 ? blank_lines : 1, blank_lines > 0 ? '\n' : ' ');
    out.append(line);
    blank_lines = 0;
  }
  return out;
}

std::string JoinLiteral(const std::vector<std::string_view>& lines) {
  std::string out;
  for (size_t i = 0; i < lines.size(); ++i) {
    if (i > 0) out.push_back('\n');
    out.append(lines[i]);
  }
  return out;
}

std::string JoinFolded(const std::vector<std::string_view>& lines) {
  std::string out;
  bool any = false;
  bool spaced = false;  // the last text line starts with a blank
  size_t blank_lines = 0;
  for (const std::string_view line : lines) {
    if (line.empty()) {
      ++blank_lines;
      continue;
    }
    const bool line_spaced = IsBlank(line.front());
    if (!any) {
      out.append(blank_lines, '\n');
    } else if (spaced || line_spaced) {
      out.append(blank_lines + 1, '\n');  // more-indented lines keep every break
    } else if (blank_lines > 0) {
      out.append(blank_lines, '\n');
    } else {
      out.push_back(' ');
    }
    out.append(line);
    any = true;
    spaced = line_spaced;
    blank_lines = 0;
  }
  return out;
}

}  // namespace selftune::skillfs
