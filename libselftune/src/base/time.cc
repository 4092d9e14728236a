#include "base/time.h"

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace selftune {
namespace {

constexpr int64_t kFirstMillis = -62'167'219'200'000;  // 0000-01-01T00:00:00.000Z
constexpr int64_t kLastMillis = 253'402'300'799'999;   // 9999-12-31T23:59:59.999Z

// Days since 1970-01-01 of a proleptic Gregorian date (Hinnant's algorithm).
constexpr int64_t DaysFromCivil(int64_t year, int64_t month, int64_t day) {
  year -= month <= 2 ? 1 : 0;
  const int64_t era = (year >= 0 ? year : year - 399) / 400;
  const int64_t year_of_era = year - era * 400;
  const int64_t day_of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
  const int64_t day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
  return era * 146'097 + day_of_era - 719'468;
}

struct Civil {
  int64_t year, month, day;
};

constexpr Civil CivilFromDays(int64_t days) {
  days += 719'468;
  const int64_t era = (days >= 0 ? days : days - 146'096) / 146'097;
  const int64_t day_of_era = days - era * 146'097;
  const int64_t year_of_era =
      (day_of_era - day_of_era / 1460 + day_of_era / 36'524 - day_of_era / 146'096) / 365;
  const int64_t day_of_year =
      day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
  const int64_t mp = (5 * day_of_year + 2) / 153;
  const int64_t month = mp < 10 ? mp + 3 : mp - 9;
  return {year_of_era + era * 400 + (month <= 2 ? 1 : 0), month,
          day_of_year - (153 * mp + 2) / 5 + 1};
}

constexpr int kDaysInMonth[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};

bool IsLeap(int64_t year) { return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0; }

// Reads fixed-width fields off the front of a text.
class Scanner {
 public:
  explicit Scanner(std::string_view text) : rest_(text) {}

  bool Digits(size_t count, int64_t& out) {
    if (rest_.size() < count) return false;
    out = 0;
    for (size_t i = 0; i < count; ++i) {
      if (rest_[i] < '0' || rest_[i] > '9') return false;
      out = out * 10 + (rest_[i] - '0');
    }
    rest_.remove_prefix(count);
    return true;
  }
  // One of a few characters.
  bool Any(std::string_view accepted) {
    if (rest_.empty()) return false;
    for (const char c : accepted) {  // a search by memchr doubles what a time costs
      if (c != rest_.front()) continue;
      rest_.remove_prefix(1);
      return true;
    }
    return false;
  }
  [[nodiscard]] char Peek() const { return rest_.empty() ? '\0' : rest_.front(); }
  [[nodiscard]] bool done() const { return rest_.empty(); }

 private:
  std::string_view rest_;
};

// ".123456" as whole milliseconds; absent is 0.
bool Fraction(Scanner& scan, int64_t& ms) {
  ms = 0;
  if (!scan.Any(".,")) return true;
  int64_t digit = 0;
  int64_t scale = 100;
  size_t count = 0;
  while (scan.Digits(1, digit)) {
    ms += digit * scale;
    scale /= 10;
    ++count;
  }
  return count > 0;
}

// Offset from UTC in milliseconds.
bool Offset(Scanner& scan, int64_t& offset_ms) {
  offset_ms = 0;
  if (scan.Any("zZ")) return true;
  const char sign = scan.Peek();
  int64_t hours = 0;
  int64_t minutes = 0;
  if (!scan.Any("+-") || !scan.Digits(2, hours)) return false;
  static_cast<void>(scan.Any(":"));
  if (!scan.Digits(2, minutes) || hours > 23 || minutes > 59) return false;
  offset_ms = (hours * 60 + minutes) * 60'000 * (sign == '-' ? -1 : 1);
  return true;
}

class RealClock final : public Clock {
 public:
  [[nodiscard]] UtcMillis Now() const override {
    const auto since = std::chrono::system_clock::now().time_since_epoch();
    return {std::chrono::duration_cast<std::chrono::milliseconds>(since).count()};
  }
};

void PutDigits(char* out, int64_t value, int count) {
  for (int i = count - 1; i >= 0; --i) {
    out[i] = static_cast<char>('0' + value % 10);
    value /= 10;
  }
}

}  // namespace

int64_t DayOf(UtcMillis time) {
  return time.value >= 0 ? time.value / kDayMs : (time.value + 1) / kDayMs - 1;
}

std::string FormatRfc3339(UtcMillis time) {
  // The form has four digits for the year; a damaged value must not spoil it.
  time.value = std::clamp(time.value, kFirstMillis, kLastMillis);
  const int64_t day = DayOf(time);
  const int64_t ms = time.value - day * kDayMs;
  const Civil date = CivilFromDays(day);
  std::string out = "0000-00-00T00:00:00.000Z";
  PutDigits(&out[0], date.year, 4);
  PutDigits(&out[5], date.month, 2);
  PutDigits(&out[8], date.day, 2);
  PutDigits(&out[11], ms / 3'600'000, 2);
  PutDigits(&out[14], ms / 60'000 % 60, 2);
  PutDigits(&out[17], ms / 1000 % 60, 2);
  PutDigits(&out[20], ms % 1000, 3);
  return out;
}

std::optional<UtcMillis> ParseRfc3339(std::string_view text) {
  Scanner scan(text);
  int64_t year = 0;
  int64_t month = 0;
  int64_t day = 0;
  int64_t hour = 0;
  int64_t minute = 0;
  int64_t second = 0;
  int64_t ms = 0;
  int64_t offset_ms = 0;
  if (!scan.Digits(4, year) || !scan.Any("-") || !scan.Digits(2, month) || !scan.Any("-") ||
      !scan.Digits(2, day) || !scan.Any("Tt ") || !scan.Digits(2, hour) || !scan.Any(":") ||
      !scan.Digits(2, minute) || !scan.Any(":") || !scan.Digits(2, second) || !Fraction(scan, ms) ||
      !Offset(scan, offset_ms) || !scan.done()) {
    return std::nullopt;
  }
  if (month < 1 || month > 12 || hour > 23 || minute > 59 || second > 60) return std::nullopt;
  const int days = kDaysInMonth[month - 1] + (month == 2 && IsLeap(year) ? 1 : 0);
  if (day < 1 || day > days) return std::nullopt;
  const int64_t in_day = ((hour * 60 + minute) * 60 + second) * 1000 + ms;
  return UtcMillis{DaysFromCivil(year, month, day) * kDayMs + in_day - offset_ms};
}

const Clock& SystemClock() {
  // Never destroyed: threads may ask it when the process ends.
  static const RealClock& clock = *new const RealClock;
  return clock;
}

}  // namespace selftune
