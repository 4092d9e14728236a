#include "install/settings_place.h"

#include <algorithm>

#include <fmt/format.h>

#include "base/json_value.h"

namespace selftune::install {

std::string FoundAt(std::string_view text, size_t at) {
  if (at >= text.size()) return "the end of the file";
  const unsigned char c = static_cast<unsigned char>(text[at]);
  if (c == '\n' || c == '\r') return "the end of the line";
  if (c < 0x20 || c >= 0x7f) return fmt::format("byte 0x{:02x}", c);
  return fmt::format("'{}'", static_cast<char>(c));
}

Status InvalidSettings(std::string_view path, std::string_view text, size_t at,
                       std::string_view expected, std::string_view found) {
  // At its end the last line with something on it: of the empty one behind that an editor
  // shows nothing.
  const size_t last = text.find_last_not_of(" \t\r\n");
  const size_t end = last == text.npos ? 0 : last + 1;
  const std::string_view before = text.substr(0, at < text.size() ? at : end);
  const auto line = 1 + std::count(before.begin(), before.end(), '\n');
  const size_t start = before.rfind('\n') == before.npos ? 0 : before.rfind('\n') + 1;
  const size_t column = before.size() - start + 1;
  Status status =
      WithSuggestion(Fail(kSettingsInvalid, "reading {}: line {}, column {}: expected {}, found {}",
                          path, line, column, expected, found),
                     "correct the file: it was left as it is", "selftune hooks status");
  return WithDetails(std::move(status), fmt::format("{{\"line\":{},\"column\":{}}}", line, column));
}

int64_t LineOf(const Status& status) {
  const auto details = base::JsonValue::Parse(DetailsJson(status));
  return details.ok() ? (*details)["line"].AsInt() : 0;
}

}  // namespace selftune::install
