#include "upstream/row_text.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <system_error>

#include "base/crypto.h"
#include "base/json_writer.h"
#include "base/strings.h"
#include "base/utf8.h"

namespace selftune::upstream {
namespace {

using store::LooseRow;
using store::LooseValue;

constexpr int64_t kMinMillis = 100'000'000'000;      // 1973; less are seconds or nonsense
constexpr int64_t kMaxMillis = 100'000'000'000'000;  // 5138
constexpr int64_t kMinSeconds = 100'000'000;         // 1973
constexpr double kMsPerSecond = 1000;
constexpr size_t kDate = 10;     // "2026-03-01"
constexpr size_t kMinutes = 16;  // "2026-03-01T10:00"
constexpr size_t kEscape = 6;    // \ud800
constexpr size_t kPiece = size_t{64} << 10;

void WriteValue(base::JsonWriter& out, const LooseValue& value) {
  switch (value.type) {
    case LooseValue::Type::kNull:
      out.Null();
      return;
    case LooseValue::Type::kInt:
      out.Int(value.integer);
      return;
    case LooseValue::Type::kReal:
      if (std::isfinite(value.real)) {
        out.Double(value.real);
      } else {
        out.BeginObject().Field("$real", value.real > 0 ? "inf" : "-inf").EndObject();
      }
      return;
    case LooseValue::Type::kText:
      if (base::IsValidUtf8(value.bytes)) {
        out.String(value.bytes);
        return;
      }
      [[fallthrough]];
    case LooseValue::Type::kBlob:
      out.BeginObject();
      out.Field(value.type == LooseValue::Type::kText ? "$text_hex" : "$hex",
                base::Hex(value.bytes));
      out.EndObject();
  }
}

// As WriteValue writes it, piece by piece.
void HashValue(base::FieldHash& hash, const LooseValue& value) {
  std::string_view rest = value.bytes;
  if (value.type != LooseValue::Type::kText || rest.size() <= kPiece || !base::IsValidUtf8(rest)) {
    base::JsonWriter out;
    WriteValue(out, value);
    hash.More(out.view());
    return;
  }
  hash.More("\"");
  while (!rest.empty()) {
    size_t end = std::min(kPiece, rest.size());
    while (end < rest.size() && (static_cast<unsigned char>(rest[end]) & 0xC0) == 0x80) --end;
    const std::string quoted = base::JsonQuote(rest.substr(0, end));
    hash.More(std::string_view(quoted).substr(1, quoted.size() - 2));
    rest.remove_prefix(end);
  }
  hash.More("\"");
}

std::optional<UtcMillis> TimeOfNumber(const LooseValue& value) {
  const std::optional<double> number = value.AsReal();
  if (!number.has_value() || *number < kMinSeconds) return std::nullopt;
  if (*number < static_cast<double>(kMinMillis)) {
    return UtcMillis{std::llround(*number * kMsPerSecond)};
  }
  const std::optional<int64_t> millis = value.AsInt();
  if (!millis.has_value() || *millis > kMaxMillis) return std::nullopt;
  return UtcMillis{*millis};
}

// The code unit that is escaped at `at`; nullopt when none is.
std::optional<uint32_t> EscapedAt(std::string_view json, size_t at) {
  if (at + kEscape > json.size() || json[at] != '\\' || json[at + 1] != 'u') return std::nullopt;
  uint32_t unit = 0;
  const char* const begin = json.data() + at + 2;
  const char* const end = json.data() + at + kEscape;
  constexpr int kHex = 16;
  const auto read = std::from_chars(begin, end, unit, kHex);
  return read.ec == std::errc() && read.ptr == end ? std::optional(unit) : std::nullopt;
}

bool IsHigh(uint32_t unit) { return unit >= 0xD800 && unit < 0xDC00; }
bool IsLow(uint32_t unit) { return unit >= 0xDC00 && unit < 0xE000; }

bool In(std::span<const std::string_view> names, std::string_view name) {
  return std::ranges::find(names, name) != names.end();
}

}  // namespace

std::string WholeNote(const LooseRow& row) {
  base::JsonWriter out;
  out.BeginObject().Key("row").BeginObject();
  for (size_t i = 0; i < row.size(); ++i) {
    if (row.name(i).starts_with(kOwnColumn)) continue;
    out.Key(row.name(i));
    WriteValue(out, row.value(i));
  }
  out.EndObject().EndObject();
  return std::move(out).Take();
}

std::string LeftNote(const LooseRow& row, std::span<const std::string_view> carried,
                     std::span<const std::string_view> spoiled) {
  base::JsonWriter out;
  bool any = false;
  out.BeginObject().Key("left").BeginObject();
  for (size_t i = 0; i < row.size(); ++i) {
    const std::string& name = row.name(i);
    const LooseValue& value = row.value(i);
    if (name.starts_with(kOwnColumn) || value.is_null()) continue;
    const bool exact = value.type != LooseValue::Type::kText || base::IsValidUtf8(value.bytes);
    if (In(carried, name) && !In(spoiled, name) && exact) continue;
    any = true;
    out.Key(name);
    WriteValue(out, value);
  }
  out.EndObject().EndObject();
  return any ? std::move(out).Take() : std::string();
}

// Of the whole note, which is never held: its texts may be many megabytes.
std::string DigestOf(const LooseRow& row) {
  base::FieldHash hash("row");
  hash.Add(R"({"row":{)");
  std::string_view comma;
  for (size_t i = 0; i < row.size(); ++i) {
    if (row.name(i).starts_with(kOwnColumn)) continue;
    hash.More(comma).More(base::JsonQuote(row.name(i))).More(":");
    comma = ",";
    HashValue(hash, row.value(i));
  }
  return hash.More("}}").Key16();
}

std::string TextOf(const LooseValue& value) {
  std::string text = value.AsText();
  return base::IsValidUtf8(text) ? text : base::ToValidUtf8(text);
}

TextIn::TextIn(const LooseValue& value) {
  if (!value.is_number() && base::IsValidUtf8(value.bytes)) {
    text_ = value.bytes;
  } else {
    made_ = TextOf(value);
  }
}

std::optional<UtcMillis> TimeOf(const LooseValue& value) {
  if (value.is_number()) return TimeOfNumber(value);
  std::string text(base::Trim(value.bytes));
  if (const auto time = ParseRfc3339(text)) return time;
  if (text.size() == kDate && text.find('-') != text.npos) text += "T00:00:00";
  if (text.size() > kDate && text[kDate] == ' ') text[kDate] = 'T';
  const bool no_seconds = text.size() >= kMinutes && text[kDate] == 'T' &&
                          (text.size() == kMinutes || text[kMinutes] != ':');
  if (no_seconds) text.insert(kMinutes, ":00");
  if (const auto time = ParseRfc3339(text)) return time;
  if (const auto time = ParseRfc3339(text + "Z")) return time;
  return TimeOfNumber(value);
}

std::optional<std::string> WithoutLoneSurrogates(std::string_view json) {
  std::string out;
  size_t done = 0;
  for (size_t at = json.find('\\'); at < json.size(); at = json.find('\\', at)) {
    const std::optional<uint32_t> unit = EscapedAt(json, at);
    if (!unit.has_value() || (!IsHigh(*unit) && !IsLow(*unit))) {
      at += 2;  // another escape, perhaps of a backslash
      continue;
    }
    const std::optional<uint32_t> next = EscapedAt(json, at + kEscape);
    if (IsHigh(*unit) && next.has_value() && IsLow(*next)) {
      at += 2 * kEscape;
      continue;
    }
    out.append(json.substr(done, at - done)).append("\\ufffd");
    done = at += kEscape;
  }
  if (done == 0) return std::nullopt;
  return out.append(json.substr(done));
}

bool IsBoolean(const LooseValue& value) {
  const std::optional<int64_t> number = value.AsInt();
  return number.has_value() && (*number == 0 || *number == 1);
}

}  // namespace selftune::upstream
