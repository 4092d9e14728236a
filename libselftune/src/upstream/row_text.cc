#include "upstream/row_text.h"

#include <algorithm>
#include <cmath>
#include <optional>
#include <span>
#include <string>
#include <string_view>

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

std::string DigestOf(const LooseRow& row) {
  return base::FieldHash("row").Add(WholeNote(row)).Key16();
}

std::string TextOf(const LooseValue& value) {
  std::string text = value.AsText();
  return base::IsValidUtf8(text) ? text : base::ToValidUtf8(text);
}

std::optional<UtcMillis> TimeOf(const LooseValue& value) {
  if (value.is_number()) {
    const std::optional<int64_t> millis = value.AsInt();
    if (!millis.has_value() || *millis < kMinMillis || *millis > kMaxMillis) return std::nullopt;
    return UtcMillis{*millis};
  }
  std::string text(base::Trim(value.bytes));
  if (const auto time = ParseRfc3339(text)) return time;
  constexpr size_t kDate = 10;
  if (text.size() > kDate && text[kDate] == ' ') text[kDate] = 'T';
  return ParseRfc3339(text + "Z");
}

bool IsBoolean(const LooseValue& value) {
  const std::optional<int64_t> number = value.AsInt();
  return number.has_value() && (*number == 0 || *number == 1);
}

}  // namespace selftune::upstream
