// What runs by itself, and when. Times are the machine's local times, as every scheduler
// has them.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/time.h"

namespace selftune::schedule {

// No free cron strings: what each scheduler writes in its own way, and nothing else.
struct Schedule {
  enum class Kind { kMinutes, kHours, kDaily };
  Kind kind = Kind::kHours;
  int every = 6;    // minutes, a divisor of 60; or hours, a divisor of 24; not of kDaily
  int minute = 20;  // past the hour; of kMinutes the first one
  int hour = 0;     // of kDaily

  [[nodiscard]] std::vector<int> Minutes() const;  // of the hour
  [[nodiscard]] std::vector<int> Hours() const;    // empty = each
  [[nodiscard]] std::string Cron() const;          // "20 */6 * * *"
  [[nodiscard]] std::string Calendar() const;      // of systemd: "*-*-* 00/6:20:00"
  [[nodiscard]] std::string Words() const;         // "every 6 hours at :20"
  // The first time after `now`, by the zone of the process.
  [[nodiscard]] UtcMillis Next(UtcMillis now) const;
};

struct Job {
  std::string id;  // "run"
  std::vector<std::string> argv;
  Schedule schedule;
  std::chrono::seconds jitter{0}, timeout{0};
  std::string description;
  [[nodiscard]] std::string name() const { return "selftune-" + id; }
};

// Hours that a day is a multiple of.
[[nodiscard]] bool IsEveryHours(int64_t hours);
// sync, health and run, in this order.
[[nodiscard]] std::vector<Job> DefaultJobs(const std::string& program, int every_hours);
// "sync, health, run"
[[nodiscard]] std::string JobNames();

}  // namespace selftune::schedule
