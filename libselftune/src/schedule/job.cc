#include "schedule/job.h"

#include <algorithm>
#include <ctime>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace selftune::schedule {
namespace {

constexpr int kHour = 60;
constexpr int kDay = 24;
constexpr int64_t kMinuteMs = 60'000;

constexpr Schedule kSyncTimes{.kind = Schedule::Kind::kMinutes, .every = 30, .minute = 7};
constexpr Schedule kHealthTimes{.kind = Schedule::Kind::kDaily, .minute = 0, .hour = 8};
constexpr int kRunMinute = 20;

}  // namespace

std::vector<int> Schedule::Minutes() const {
  if (kind != Kind::kMinutes) return {minute};
  std::vector<int> out;
  for (int at = minute % every; at < kHour; at += every) out.push_back(at);
  return out;
}

std::vector<int> Schedule::Hours() const {
  std::vector<int> out;
  if (kind == Kind::kMinutes) return out;
  if (kind == Kind::kDaily) return {hour};
  for (int at = 0; at < kDay; at += every) out.push_back(at);
  return out;
}

std::string Schedule::Cron() const {
  if (kind == Kind::kMinutes) return fmt::format("{} * * * *", fmt::join(Minutes(), ","));
  if (kind == Kind::kDaily) return fmt::format("{} {} * * *", minute, hour);
  if (every == kDay) return fmt::format("{} 0 * * *", minute);
  return every == 1 ? fmt::format("{} * * * *", minute)
                    : fmt::format("{} */{} * * *", minute, every);
}

std::string Schedule::Calendar() const {
  if (kind == Kind::kMinutes) return fmt::format("*-*-* *:{:02}/{}:00", minute % every, every);
  if (kind == Kind::kDaily) return fmt::format("*-*-* {:02}:{:02}:00", hour, minute);
  if (every == kDay) return fmt::format("*-*-* 00:{:02}:00", minute);
  return fmt::format("*-*-* 00/{}:{:02}:00", every, minute);
}

std::string Schedule::Words() const {
  if (kind == Kind::kMinutes) return fmt::format("every {} minutes", every);
  if (kind == Kind::kDaily) return fmt::format("daily at {:02}:{:02}", hour, minute);
  if (every == kDay) return fmt::format("daily at 00:{:02}", minute);
  return every == 1 ? fmt::format("every hour at :{:02}", minute)
                    : fmt::format("every {} hours at :{:02}", every, minute);
}

// Minute by minute: what the clock shows decides, also where it is put forward or back.
UtcMillis Schedule::Next(UtcMillis now) const {
  const std::vector<int> minutes = Minutes(), hours = Hours();
  constexpr int kMost = 3 * kDay * kHour;
  int64_t at = (now.value / kMinuteMs + 1) * kMinuteMs;
  for (int i = 0; i < kMost; ++i, at += kMinuteMs) {
    const std::time_t seconds = at / 1000;
    std::tm local{};
    if (localtime_r(&seconds, &local) == nullptr) break;
    const bool then = hours.empty() || std::ranges::find(hours, local.tm_hour) != hours.end();
    if (then && std::ranges::find(minutes, local.tm_min) != minutes.end()) break;
  }
  return UtcMillis{at};
}

bool IsEveryHours(int64_t hours) { return hours >= 1 && hours <= kDay && kDay % hours == 0; }

std::vector<Job> DefaultJobs(const std::string& program, int every_hours) {
  using std::chrono::minutes;
  using std::chrono::seconds;
  return {{.id = "sync",
           .argv = {program, "sync", "--quiet", "--json"},
           .schedule = kSyncTimes,
           .jitter = minutes(2),
           .timeout = minutes(10),
           .description = "selftune: read what the agents wrote"},
          {.id = "health",
           .argv = {program, "status", "--refresh", "--json", "--quiet"},
           .schedule = kHealthTimes,
           .jitter = minutes(10),
           .timeout = minutes(10),
           .description = "selftune: note how the skills are doing"},
          {.id = "run",
           .argv = {program, "orchestrate", "--max-skills", "3", "--scheduled", "--json"},
           .schedule = {.kind = Schedule::Kind::kHours, .every = every_hours, .minute = kRunMinute},
           .jitter = minutes(15),
           .timeout = minutes(60),
           .description = "selftune: improve skills that need it"}};
}

std::string JobNames() {
  std::string out;
  for (const Job& job : DefaultJobs("", kDay)) out += (out.empty() ? "" : ", ") + job.id;
  return out;
}

}  // namespace selftune::schedule
