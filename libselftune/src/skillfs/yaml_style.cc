#include "skillfs/yaml_style.h"

#include <cstdint>

#include <fmt/format.h>

#include "base/strings.h"
#include "base/utf8.h"

namespace selftune::skillfs {
namespace {

bool NeedsEscape(uint32_t c) {
  if (c < 0x20) return c != '\n' && c != '\t';
  return (c >= 0x7f && c <= 0x9f) || c == 0x2028 || c == 0x2029 || c == 0xfeff || c == 0xfffe ||
         c == 0xffff;
}

bool IsDigit(char c) { return c >= '0' && c <= '9'; }

// Moves past characters of `set`; true if there was one.
bool Take(std::string_view& text, std::string_view set) {
  const size_t end = text.find_first_not_of(set);
  const size_t count = end == std::string_view::npos ? text.size() : end;
  text.remove_prefix(count);
  return count > 0;
}

void TakeSign(std::string_view& text) {
  if (!text.empty() && (text.front() == '+' || text.front() == '-')) text.remove_prefix(1);
}

// Decimal integers and floats of YAML 1.1 and 1.2, `_` between digits.
bool IsNumber(std::string_view text) {
  TakeSign(text);
  const bool fraction_only = text.starts_with('.');
  if (!fraction_only && (text.empty() || !IsDigit(text.front()))) return false;
  Take(text, "0123456789_");
  if (text.starts_with('.')) {
    text.remove_prefix(1);
    if (!Take(text, "0123456789_") && fraction_only) return false;
  }
  if (text.starts_with('e') || text.starts_with('E')) {
    text.remove_prefix(1);
    TakeSign(text);
    if (!Take(text, "0123456789")) return false;
  }
  return text.empty();
}

// 0x1F, 0o17, 0b1.
bool IsRadixNumber(std::string_view lower) {
  TakeSign(lower);
  if (lower.size() < 3 || lower[0] != '0') return false;
  std::string_view digits;
  switch (lower[1]) {
    case 'x':
      digits = "0123456789abcdef_";
      break;
    case 'o':
      digits = "01234567_";
      break;
    case 'b':
      digits = "01_";
      break;
    default:
      return false;
  }
  return lower.substr(2).find_first_not_of(digits) == std::string_view::npos;
}

// 190:20:30 or 1:30.5, a number to base 60 in YAML 1.1.
bool IsSexagesimal(std::string_view text) {
  TakeSign(text);
  if (text.empty() || !IsDigit(text.front())) return false;
  Take(text, "0123456789_");
  size_t groups = 0;
  while (text.starts_with(':')) {
    text.remove_prefix(1);
    size_t digits = 0;
    while (digits < text.size() && IsDigit(text[digits])) ++digits;
    if (digits == 0 || digits > 2 || (digits == 2 && text[0] > '5')) return false;
    text.remove_prefix(digits);
    ++groups;
  }
  if (groups > 0 && text.starts_with('.')) {
    text.remove_prefix(1);
    Take(text, "0123456789_");
  }
  return groups > 0 && text.empty();
}

// dddd-d[d]-d[d], whatever follows: a time may.
bool StartsWithDate(std::string_view text) {
  size_t pos = 0;
  const auto digits = [&](size_t least, size_t most) {
    size_t count = 0;
    while (count < most && pos < text.size() && IsDigit(text[pos])) {
      ++count;
      ++pos;
    }
    return count >= least;
  };
  const auto dash = [&] {
    if (pos >= text.size() || text[pos] != '-') return false;
    ++pos;
    return true;
  };
  return digits(4, 4) && dash() && digits(1, 2) && dash() && digits(1, 2);
}

// Not a string for some reader of YAML 1.1 or 1.2.
bool IsOtherType(std::string_view text) {
  static constexpr std::string_view kWords[] = {"~",  "null", "true", "false", "yes", "no",
                                                "on", "off",  "y",    "n",     "=",   "<<"};
  static constexpr std::string_view kSpecial[] = {".inf", "+.inf", "-.inf",
                                                  ".nan", "+.nan", "-.nan"};
  const std::string lower = base::AsciiLower(text);
  for (const std::string_view word : kWords) {
    if (lower == word) return true;
  }
  for (const std::string_view word : kSpecial) {
    if (lower == word) return true;
  }
  return IsNumber(text) || IsRadixNumber(lower) || IsSexagesimal(text) || StartsWithDate(text);
}

}  // namespace

bool NeedsEscapes(std::string_view text) {
  for (size_t pos = 0; pos < text.size();) {
    if (NeedsEscape(base::NextCodePoint(text, pos))) return true;
  }
  return false;
}

bool IsPlainSafe(std::string_view text) {
  // A TAB is allowed by YAML, but some readers stumble over it.
  if (text.empty() || text.find_first_of("\n\t") != std::string_view::npos) return false;
  if (NeedsEscapes(text)) return false;
  constexpr std::string_view kBadFirst = "-?:,[]{}#&*!|>'\"%@` ";
  if (kBadFirst.find(text.front()) != std::string_view::npos) return false;
  if (text.back() == ' ' || text.back() == ':') return false;
  if (text.find(": ") != std::string_view::npos || text.find(" #") != std::string_view::npos) {
    return false;
  }
  return !text.starts_with("...") && !IsOtherType(text);
}

std::string DoubleQuoted(std::string_view text) {
  std::string out = "\"";
  for (size_t pos = 0; pos < text.size();) {
    const size_t begin = pos;
    const uint32_t c = base::NextCodePoint(text, pos);
    if (c == '"' || c == '\\') {
      out.push_back('\\');
      out.push_back(static_cast<char>(c));
    } else if (c == '\n') {
      out += "\\n";
    } else if (c == '\t') {
      out += "\\t";
    } else if (NeedsEscape(c)) {
      out += c <= 0xff ? fmt::format("\\x{:02X}", c) : fmt::format("\\u{:04X}", c);
    } else {
      out.append(text.substr(begin, pos - begin));
    }
  }
  out.push_back('"');
  return out;
}

std::string SingleQuoted(std::string_view text) {
  return "'" + base::ReplaceAll(text, "'", "''") + "'";
}

std::string PlainOrDouble(std::string_view text) {
  return IsPlainSafe(text) ? std::string(text) : DoubleQuoted(text);
}

}  // namespace selftune::skillfs
