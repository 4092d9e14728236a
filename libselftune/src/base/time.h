// Points in time are UTC milliseconds; local time exists nowhere in the store.
#pragma once

#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace selftune {

// Milliseconds since 1970-01-01T00:00:00Z.
struct UtcMillis {
  int64_t value = 0;
  friend auto operator<=>(const UtcMillis&, const UtcMillis&) = default;
};

inline constexpr int64_t kDayMs = 86'400'000;

// Days since the epoch, UTC.
[[nodiscard]] int64_t DayOf(UtcMillis time);

// "YYYY-MM-DDTHH:MM:SS.mmmZ", always 24 characters.
[[nodiscard]] std::string FormatRfc3339(UtcMillis time);

// Accepts RFC 3339 with any fraction and offset ("Z", "+01:00"); nullopt on
// anything else. Digits beyond milliseconds are cut. Does not allocate.
[[nodiscard]] std::optional<UtcMillis> ParseRfc3339(std::string_view text);

// The injected source of "now". Thread-safe.
class Clock {
 public:
  virtual ~Clock() = default;
  [[nodiscard]] virtual UtcMillis Now() const = 0;
};

[[nodiscard]] const Clock& SystemClock();

}  // namespace selftune
