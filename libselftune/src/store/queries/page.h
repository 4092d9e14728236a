// Windows and pages of list queries.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "base/error.h"
#include "base/status_macros.h"
#include "base/time.h"
#include "store/db.h"

namespace selftune::store {

// Half-open range of time; unset ends are open.
struct TimeWindow {
  std::optional<UtcMillis> from = {}, to = {};
};

struct PageRequest {
  int64_t limit = 50;       // 1..1000
  std::string cursor = {};  // "" = first page; else `next` of the page before
};

// Place between two items of a list sorted by a number and a key, newest first.
struct PageKey {
  int64_t order = INT64_MAX;
  int64_t key = INT64_MAX;
};

// Bounds of a window as numbers that hold for every stored time; rows without
// a time count as 0 and are inside an open window only.
struct WindowBounds {
  int64_t from = INT64_MIN;
  int64_t to = INT64_MAX;  // exclusive
};

// INVALID_REQUEST for a cursor that no page gave out.
[[nodiscard]] StatusOr<PageKey> ParsePageKey(std::string_view cursor);
[[nodiscard]] std::string FormatPageKey(const PageKey& key);
[[nodiscard]] WindowBounds BoundsOf(const TimeWindow& window);
// Rows of (key, order), as the queries of pages give them.
[[nodiscard]] StatusOr<std::vector<PageKey>> ReadPageKeys(StatusOr<Cursor> query);
// Keys of one more row than `limit`: cuts that one off; `next` of the page.
[[nodiscard]] std::string CutPage(std::vector<PageKey>& keys, int64_t limit);

// A page of the rows of `query`, which gives one more than `limit`.
// `read(row, item)` fills an item and returns its key, or what went wrong.
template <typename Page, typename Read>
[[nodiscard]] StatusOr<Page> ReadPage(StatusOr<Cursor> query, int64_t limit, Read&& read) {
  ST_ASSIGN_OR_RETURN(Cursor rows, std::move(query));
  Page out;
  using Item = typename decltype(out.items)::value_type;
  std::invoke_result_t<Read, const Cursor&, Item&> last;
  for (;;) {
    ST_ASSIGN_OR_RETURN(const bool more, rows.Next());
    if (!more) return out;
    if (static_cast<int64_t>(out.items.size()) == limit) {
      out.next = FormatPageKey(*last);
      return out;
    }
    last = read(rows, out.items.emplace_back());
    if (!last.ok()) return last.status();
  }
}
// Between 1 and 1000.
[[nodiscard]] int64_t PageLimit(const PageRequest& page);

}  // namespace selftune::store
