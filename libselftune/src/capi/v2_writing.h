// What the two operations of the v2 interface share: its cursors, its rates,
// its words.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/error.h"
#include "base/json_value.h"
#include "base/json_writer.h"
#include "capi/context.h"
#include "store/db.h"
#include "store/ids.h"
#include "store/queries/v2.h"

namespace selftune::capi::v2 {

// Lists without paging hold so many; the reference's 1,000 and 2,000 are too
// much for a page that shows a few.
inline constexpr int64_t kUnpaged = 200;
// As the column is_live of the view sessions has it.
inline constexpr int64_t kLiveMs = 600'000;
[[nodiscard]] inline store::LiveWindow LiveAt(UtcMillis now) {
  return {.from = UtcMillis{now.value - kLiveMs}, .to = UtcMillis{now.value + kLiveMs}};
}

// The place a cursor names, `{"timestamp","id"}` as text; the beginning for
// anything else, which is what the reference does.
[[nodiscard]] store::V2Place PlaceOf(const base::JsonValue& cursor);
// Between 1 and 10,000.
[[nodiscard]] int64_t LimitOf(const base::JsonValue& limit, int64_t fallback);

// "next_cursor" and "has_more" behind the last shown item.
void WriteNext(base::JsonWriter& out, bool more, std::optional<UtcMillis> at, int64_t id);

// k of n; 0 of nothing.
[[nodiscard]] double Share(int64_t k, int64_t n);

// JSON kept as text, as JSON; null for what is none.
void RawOrNull(base::JsonWriter& out, std::string_view key, const std::string& json);

[[nodiscard]] std::string_view KindOf(const store::V2Usage& row);

// timestamp session_id query triggered source; without the object around them.
void WriteInvocation(base::JsonWriter& out, const store::V2Usage& row, const Context& context);

// "commit_summary": what tools committed in sessions that used the skill; null if nothing.
[[nodiscard]] Status WriteCommits(base::JsonWriter& out, store::Db& db, store::SkillId skill);

}  // namespace selftune::capi::v2
