// Rows of the reference as text: whole, what of them has no column here, and
// their digest.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/time.h"
#include "store/loose_db.h"

namespace selftune::upstream {

// Columns whose names begin with this are ours: notes on a scratch table.
inline constexpr std::string_view kOwnColumn = "_st_";

// {"row":{...}}: every column. Bytes that are no text become {"$hex":"..."}.
[[nodiscard]] std::string WholeNote(const store::LooseRow& row);
// {"left":{...}}: columns that are not NULL and not in `carried`, those in `spoiled`
// all the same; "" when nothing is left.
[[nodiscard]] std::string LeftNote(const store::LooseRow& row,
                                   std::span<const std::string_view> carried,
                                   std::span<const std::string_view> spoiled = {});
// 16 bytes.
[[nodiscard]] std::string DigestOf(const store::LooseRow& row);

// Text as ours: valid UTF-8.
[[nodiscard]] std::string TextOf(const store::LooseValue& value);
// The same without a copy of what needs no mending: texts may be many megabytes. Whom it
// is made of must outlive it.
class TextIn {
 public:
  TextIn() = default;
  explicit TextIn(std::string_view text) : text_(text) {}
  explicit TextIn(const store::LooseValue& value);
  [[nodiscard]] std::string_view view() const {
    return made_.has_value() ? std::string_view(*made_) : text_;
  }

 private:
  std::string_view text_;
  std::optional<std::string> made_;
};
// ISO 8601 (also a day alone, or without seconds), SQLite's own form, or milliseconds or
// seconds since the epoch, also spelled out: a column for text makes text of numbers.
[[nodiscard]] std::optional<UtcMillis> TimeOf(const store::LooseValue& value);
// JSON as JSON.stringify writes it: halves of a pair of surrogates, which a cut through the
// pair leaves, become U+FFFD. nullopt when it has none.
[[nodiscard]] std::optional<std::string> WithoutLoneSurrogates(std::string_view json);
[[nodiscard]] bool IsBoolean(const store::LooseValue& value);

}  // namespace selftune::upstream
