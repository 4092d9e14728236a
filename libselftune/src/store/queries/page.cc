#include "store/queries/page.h"

#include <algorithm>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "base/status_macros.h"
#include "base/strings.h"

namespace selftune::store {

StatusOr<PageKey> ParsePageKey(std::string_view cursor) {
  if (cursor.empty()) return PageKey{};
  const size_t colon = cursor.find(':');
  if (colon != cursor.npos) {
    const auto order = base::ParseInt(cursor.substr(0, colon));
    const auto key = base::ParseInt(cursor.substr(colon + 1));
    if (order.has_value() && key.has_value()) return PageKey{*order, *key};
  }
  return Fail(kInvalidRequest, "reading a page: cursor \"{}\" is not one of a page before",
              cursor.substr(0, 64));
}

std::string FormatPageKey(const PageKey& key) { return fmt::format("{}:{}", key.order, key.key); }

WindowBounds BoundsOf(const TimeWindow& window) {
  WindowBounds bounds;
  if (window.from.has_value()) bounds.from = window.from->value;
  if (window.to.has_value()) bounds.to = window.to->value;
  return bounds;
}

int64_t PageLimit(const PageRequest& page) { return std::clamp<int64_t>(page.limit, 1, 1000); }

std::string CutPage(std::vector<PageKey>& keys, int64_t limit) {
  if (static_cast<int64_t>(keys.size()) <= limit) return "";
  keys.resize(static_cast<size_t>(limit));
  return FormatPageKey(keys.back());
}

StatusOr<std::vector<PageKey>> ReadPageKeys(StatusOr<Cursor> query) {
  ST_ASSIGN_OR_RETURN(Cursor rows, std::move(query));
  std::vector<PageKey> keys;
  for (;;) {
    ST_ASSIGN_OR_RETURN(const bool more, rows.Next());
    if (!more) return keys;
    keys.push_back({.order = rows.Int(1), .key = rows.Int(0)});
  }
}

}  // namespace selftune::store
