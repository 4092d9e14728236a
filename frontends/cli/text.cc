#include "cli/text.h"

#include <time.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <numeric>
#include <utility>

namespace selftune::cli {
namespace {

struct Range {
  uint32_t first, last;
};

// Marks that take no column of their own.
constexpr std::array kZeroWidth = {
    Range{0x0300, 0x036F}, Range{0x0483, 0x0489}, Range{0x0591, 0x05BD},   Range{0x0610, 0x061A},
    Range{0x064B, 0x065F}, Range{0x0E31, 0x0E31}, Range{0x0E34, 0x0E3A},   Range{0x0E47, 0x0E4E},
    Range{0x1AB0, 0x1AFF}, Range{0x1DC0, 0x1DFF}, Range{0x200B, 0x200D},   Range{0x20D0, 0x20FF},
    Range{0xFE00, 0xFE0F}, Range{0xFE20, 0xFE2F}, Range{0xE0100, 0xE01EF},
};
constexpr std::array kWide = {
    Range{0x1100, 0x115F},   Range{0x231A, 0x231B},   Range{0x23E9, 0x23EC},
    Range{0x25FD, 0x25FE},   Range{0x2614, 0x2615},   Range{0x2648, 0x2653},
    Range{0x26A1, 0x26A1},   Range{0x26BD, 0x26BE},   Range{0x2705, 0x2705},
    Range{0x270A, 0x270B},   Range{0x274C, 0x274C},   Range{0x2753, 0x2755},
    Range{0x2795, 0x2797},   Range{0x2B1B, 0x2B1C},   Range{0x2E80, 0x303E},
    Range{0x3041, 0x33FF},   Range{0x3400, 0x4DBF},   Range{0x4E00, 0x9FFF},
    Range{0xA000, 0xA4CF},   Range{0xAC00, 0xD7A3},   Range{0xF900, 0xFAFF},
    Range{0xFE30, 0xFE6F},   Range{0xFF00, 0xFF60},   Range{0xFFE0, 0xFFE6},
    Range{0x1F300, 0x1F64F}, Range{0x1F680, 0x1F6FF}, Range{0x1F900, 0x1F9FF},
    Range{0x20000, 0x3FFFD},
};
// Characters that reorder or hide what stands beside them.
constexpr std::array kTricky = {
    Range{0x061C, 0x061C}, Range{0x200B, 0x200F}, Range{0x2028, 0x202E},   Range{0x2060, 0x206F},
    Range{0xFEFF, 0xFEFF}, Range{0xFFF9, 0xFFFB}, Range{0xE0000, 0xE007F},
};

template <size_t N>
bool In(const std::array<Range, N>& ranges, uint32_t c) {
  return std::any_of(ranges.begin(), ranges.end(),
                     [c](const Range& r) { return c >= r.first && c <= r.last; });
}

size_t WidthOf(uint32_t c) {
  if (c < 0x300) return 1;
  if (In(kZeroWidth, c)) return 0;
  return In(kWide, c) ? 2 : 1;
}

bool IsControl(uint32_t c) { return c < 0x20 || (c >= 0x7F && c < 0xA0); }

void AppendHarmless(std::string& out, uint32_t c) {
  if (!IsControl(c) && !In(kTricky, c)) {
    AppendUtf8(out, c);
    return;
  }
  char code[16];
  std::snprintf(code, sizeof code, c < 0x100 ? "\\x%02x" : "\\u%04x", c);
  out += code;
}

bool IsBlank(uint32_t c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }

std::string Format(const char* format, double value, const char* unit) {
  char text[48];
  std::snprintf(text, sizeof text, format, value, unit);
  return text;
}

}  // namespace

uint32_t NextCodePoint(std::string_view text, size_t& at) {
  const auto byte = [&](size_t i) { return static_cast<unsigned char>(text[i]); };
  const uint32_t first = byte(at++);
  if (first < 0x80) return first;
  const int more = first >= 0xF0 ? 3 : first >= 0xE0 ? 2 : first >= 0xC2 ? 1 : 0;
  if (more == 0 || first > 0xF4 || at + static_cast<size_t>(more) > text.size()) return 0xFFFD;
  uint32_t code = first & (0x3Fu >> more);
  for (int i = 0; i < more; ++i) {
    const uint32_t next = byte(at + static_cast<size_t>(i));
    if ((next & 0xC0) != 0x80) return 0xFFFD;
    code = code << 6 | (next & 0x3F);
  }
  const bool overlong = (more == 2 && code < 0x800) || (more == 3 && code < 0x10000);
  if (overlong || code > 0x10FFFF || (code >= 0xD800 && code < 0xE000)) return 0xFFFD;
  at += static_cast<size_t>(more);
  return code;
}

void AppendUtf8(std::string& out, uint32_t c) {
  if (c > 0x10FFFF || (c >= 0xD800 && c < 0xE000)) c = 0xFFFD;
  const auto put = [&out](uint32_t byte) { out += static_cast<char>(byte); };
  if (c < 0x80) {
    put(c);
  } else if (c < 0x800) {
    put(0xC0 | c >> 6);
    put(0x80 | (c & 0x3F));
  } else if (c < 0x10000) {
    put(0xE0 | c >> 12);
    put(0x80 | (c >> 6 & 0x3F));
    put(0x80 | (c & 0x3F));
  } else {
    put(0xF0 | c >> 18);
    put(0x80 | (c >> 12 & 0x3F));
    put(0x80 | (c >> 6 & 0x3F));
    put(0x80 | (c & 0x3F));
  }
}

size_t Width(std::string_view text) {
  size_t width = 0;
  for (size_t at = 0; at < text.size();) width += WidthOf(NextCodePoint(text, at));
  return width;
}

std::string OneLine(std::string_view foreign) {
  std::string out;
  bool pending = false;
  for (size_t at = 0; at < foreign.size();) {
    const uint32_t c = NextCodePoint(foreign, at);
    if (IsBlank(c)) {
      pending = !out.empty();
      continue;
    }
    if (pending) out += ' ';
    pending = false;
    AppendHarmless(out, c);
  }
  return out;
}

std::string Typed(std::string_view word) {
  constexpr size_t kColumns = 80;
  constexpr size_t kBytes = 4 * kColumns;  // more is not looked at
  const std::string text = Shorten(OneLine(word.substr(0, kBytes)), kColumns);
  return word.size() > kBytes && !text.ends_with("…") ? text + "…" : text;
}

std::string ManyLines(std::string_view foreign) {
  std::string out;
  for (size_t at = 0; at < foreign.size();) {
    const uint32_t c = NextCodePoint(foreign, at);
    if (c == '\r' && at < foreign.size() && foreign[at] == '\n') continue;
    if (c == '\n') {
      out += '\n';
    } else if (c == '\t') {
      out += "    ";
    } else {
      AppendHarmless(out, c);
    }
  }
  return out;
}

std::string Shorten(std::string_view text, size_t columns) {
  if (Width(text) <= columns) return std::string(text);
  if (columns == 0) return "";
  size_t width = 0;
  size_t end = 0;
  for (size_t at = 0; at < text.size();) {
    width += WidthOf(NextCodePoint(text, at));
    if (width > columns - 1) break;
    end = at;
  }
  return std::string(text.substr(0, end)) + "…";
}

std::string PadRight(std::string_view text, size_t columns) {
  const size_t width = Width(text);
  return std::string(text) + std::string(width < columns ? columns - width : 0, ' ');
}

std::string PadLeft(std::string_view text, size_t columns) {
  const size_t width = Width(text);
  return std::string(width < columns ? columns - width : 0, ' ') + std::string(text);
}

std::vector<std::string> Wrap(std::string_view text, size_t columns) {
  std::vector<std::string> lines;
  std::string line;
  for (size_t at = 0; at < text.size();) {
    const size_t begin = text.find_first_not_of(' ', at);
    if (begin == std::string_view::npos) break;
    const size_t end = std::min(text.find(' ', begin), text.size());
    const std::string_view word = text.substr(begin, end - begin);
    if (!line.empty() && Width(line) + 1 + Width(word) > columns) {
      lines.push_back(std::move(line));
      line.clear();
    }
    if (!line.empty()) line += ' ';
    line += word;
    at = end;
  }
  if (!line.empty()) lines.push_back(std::move(line));
  return lines;
}

std::string Count(int64_t value) {
  std::string digits = std::to_string(value < 0 ? -value : value);
  for (size_t at = digits.size(); at > 3;) digits.insert(at -= 3, " ");
  return (value < 0 ? "-" : "") + digits;
}

std::string Bytes(int64_t bytes) {
  constexpr std::array kUnits = {"B", "kB", "MB", "GB", "TB"};
  if (bytes < 1000) return Count(bytes) + " B";
  auto value = static_cast<double>(bytes);
  size_t unit = 0;
  while (value >= 999.5 && unit + 1 < kUnits.size()) {
    value /= 1000;
    ++unit;
  }
  return Format(value < 9.95 ? "%.1f %s" : "%.0f %s", value, kUnits[unit]);
}

std::string Percent(double rate) { return Format("%.0f %s", std::floor(rate * 100 + 0.5), "%"); }

std::string Plural(int64_t n, std::string_view one, std::string_view many) {
  const std::string plural = many.empty() ? std::string(one) + "s" : std::string(many);
  return Count(n) + " " + (n == 1 ? std::string(one) : plural);
}

std::string UtcNow() {
  struct timespec now = {};
  clock_gettime(CLOCK_REALTIME, &now);
  struct tm utc = {};
  gmtime_r(&now.tv_sec, &utc);
  char day[32];
  strftime(day, sizeof day, "%Y-%m-%dT%H:%M:%S", &utc);
  char text[48];
  std::snprintf(text, sizeof text, "%s.%03ldZ", day, now.tv_nsec / 1'000'000);
  return text;
}

std::string Duration(int64_t ms) {
  if (ms < 1000) return Count(ms) + " ms";
  const double seconds = static_cast<double>(ms) / 1000;
  if (seconds < 120) return Format(seconds < 9.95 ? "%.1f %s" : "%.0f %s", seconds, "s");
  if (seconds < 120 * 60) return Format("%.0f %s", seconds / 60, "min");
  if (seconds < 48 * 3600) return Format("%.1f %s", seconds / 3600, "h");
  return Format("%.0f %s", seconds / 86400, "d");
}

std::optional<int64_t> ParseTime(std::string_view text) {
  int year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0, ms = 0;
  const std::string copy(text);
  if (std::sscanf(copy.c_str(), "%4d-%2d-%2dT%2d:%2d:%2d.%3dZ", &year, &month, &day, &hour, &minute,
                  &second, &ms) < 6) {
    return std::nullopt;
  }
  // Days from the civil calendar, years beginning in March.
  const int y = month <= 2 ? year - 1 : year;
  const int era = (y >= 0 ? y : y - 399) / 400;
  const int of_era = y - era * 400;
  const int of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
  const int64_t days =
      int64_t{era} * 146097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719468;
  return ((days * 24 + hour) * 60 + minute) * 60'000 + second * 1000 + ms;
}

std::string Ago(std::string_view rfc3339, std::string_view now) {
  const auto then = ParseTime(rfc3339);
  const auto here = ParseTime(now);
  if (!then.has_value() || !here.has_value()) return "never";
  const int64_t minutes = (*here - *then) / 60'000;
  const int64_t far = std::abs(minutes);
  if (far < 1) return "just now";
  std::string span = far < 60        ? std::to_string(far) + " min"
                     : far < 48 * 60 ? std::to_string(far / 60) + " h"
                                     : std::to_string(far / (24 * 60)) + " d";
  // By a clock that was wrong, here or there.
  return minutes < 0 ? "in " + span : span + " ago";
}

// Two neighbours swapped are one edit.
size_t Distance(std::string_view a, std::string_view b) {
  std::vector<size_t> before(b.size() + 1), above(b.size() + 1), row(b.size() + 1);
  std::iota(row.begin(), row.end(), size_t{0});
  for (size_t i = 0; i < a.size(); ++i) {
    std::swap(before, above);
    std::swap(above, row);
    row[0] = i + 1;
    for (size_t j = 0; j < b.size(); ++j) {
      const size_t substitute = above[j] + (a[i] == b[j] ? 0 : 1);
      row[j + 1] = std::min({row[j] + 1, above[j + 1] + 1, substitute});
      if (i > 0 && j > 0 && a[i] == b[j - 1] && a[i - 1] == b[j]) {
        row[j + 1] = std::min(row[j + 1], before[j - 1] + 1);
      }
    }
  }
  return row[b.size()];
}

std::string_view Nearest(std::string_view name, const std::vector<std::string_view>& candidates) {
  std::string_view nearest;
  size_t best = name.size() <= 4 ? 2 : 3;  // of one edit or two: short names are all alike
  if (name.size() > 100) return nearest;
  for (const std::string_view candidate : candidates) {
    const size_t distance = Distance(name, candidate);
    if (distance >= best || distance >= name.size()) continue;
    best = distance;
    nearest = candidate;
  }
  return nearest;
}

std::string ShellLine(const std::vector<std::string>& words) {
  constexpr std::string_view kPlain =
      "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_./:=@,+%";
  std::string out;
  for (const std::string& word : words) {
    if (!out.empty()) out += ' ';
    if (!word.empty() && word.find_first_not_of(kPlain) == std::string::npos) {
      out += word;
      continue;
    }
    out += '\'';
    for (const char c : word) out += c == '\'' ? std::string("'\\''") : std::string(1, c);
    out += '\'';
  }
  return out;
}

}  // namespace selftune::cli
