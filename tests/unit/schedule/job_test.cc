#include "schedule/job.h"

#include <cstdlib>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "base/time.h"
#include "schedule/render.h"

namespace selftune::schedule {
namespace {

TEST_SUITE("schedule/job") {
  TEST_CASE("the next time is one of the schedule's, also where clocks are put forward and back") {
    const Schedule run{.every = 6, .minute = 20};
    const Schedule sync{.kind = Schedule::Kind::kMinutes, .every = 30, .minute = 7};
    const Schedule health{.kind = Schedule::Kind::kDaily, .minute = 0, .hour = 8};
    const UtcMillis begin = *ParseRfc3339("2026-03-28T00:00:00Z");
    for (int i = 0; i < 1000; ++i) {
      const UtcMillis now{begin.value + i * int64_t{613'000}};
      for (const Schedule& schedule : {run, sync, health}) {
        const UtcMillis next = schedule.Next(now);
        REQUIRE(next > now);
        const std::time_t seconds = next.value / 1000;
        std::tm local{};
        REQUIRE(localtime_r(&seconds, &local) != nullptr);
        if (schedule.kind == Schedule::Kind::kDaily) {
          REQUIRE(local.tm_hour == 8);
          REQUIRE(local.tm_min == 0);
        } else if (schedule.every == 6) {
          REQUIRE(local.tm_hour % 6 == 0);
          REQUIRE(local.tm_min == 20);
        } else {
          REQUIRE(local.tm_min % 30 == 7);
        }
        // Nothing lies between.
        REQUIRE(schedule.Next(UtcMillis{next.value - 60'000}) == next);
      }
    }
  }

  TEST_CASE("words of each scheduler") {
    CHECK(Schedule{.every = 6, .minute = 20}.Cron() == "20 */6 * * *");
    CHECK(Schedule{.every = 6, .minute = 20}.Calendar() == "*-*-* 00/6:20:00");
    CHECK(Schedule{.every = 24, .minute = 5}.Cron() == "5 0 * * *");
    CHECK(Schedule{.every = 24, .minute = 5}.Calendar() == "*-*-* 00:05:00");
    CHECK(Schedule{.every = 1, .minute = 5}.Cron() == "5 * * * *");
    const Schedule sync{.kind = Schedule::Kind::kMinutes, .every = 30, .minute = 7};
    CHECK(sync.Cron() == "7,37 * * * *");
    CHECK(sync.Calendar() == "*-*-* *:07/30:00");
    const Schedule health{.kind = Schedule::Kind::kDaily, .minute = 0, .hour = 8};
    CHECK(health.Cron() == "0 8 * * *");
    CHECK(health.Calendar() == "*-*-* 08:00:00");
    CHECK(health.Words() == "daily at 08:00");
    for (const int hours : {0, 5, 7, 25, -6}) CHECK(!IsEveryHours(hours));
  }

  TEST_CASE("the jobs are those of the contract, one command each") {
    struct Want {
      const char* id;
      std::vector<std::string> argv;
      const char* cron;
      int jitter, timeout;  // seconds
    };
    const Want wanted[] = {
        {"sync", {"/s", "sync", "--quiet", "--json"}, "7,37 * * * *", 120, 600},
        {"health", {"/s", "status", "--refresh", "--json", "--quiet"}, "0 8 * * *", 600, 600},
        {"run",
         {"/s", "orchestrate", "--max-skills", "3", "--scheduled", "--json"},
         "20 */12 * * *",
         900,
         3600},
    };
    const std::vector<Job> jobs = DefaultJobs("/s", 12);
    REQUIRE(jobs.size() == std::size(wanted));
    for (size_t i = 0; i < jobs.size(); ++i) {
      CAPTURE(wanted[i].id);
      CHECK(jobs[i].id == wanted[i].id);
      CHECK(jobs[i].argv == wanted[i].argv);
      CHECK(jobs[i].schedule.Cron() == wanted[i].cron);
      CHECK(jobs[i].jitter.count() == wanted[i].jitter);
      CHECK(jobs[i].timeout.count() == wanted[i].timeout);
    }
    CHECK(JobNames() == "sync, health, run");
  }

  TEST_CASE("a text of ours says when it was changed") {
    const Places places{.home = "/h", .state_dir = "/h/.selftune", .config_home = "/h/.config"};
    for (const Job& job : DefaultJobs("/bin/selftune", 6)) {
      for (const auto& files : {RenderSystemd(places, job, {{"PATH", "/bin"}}),
                                RenderLaunchd(places, job, {{"PATH", "/bin"}})}) {
        for (const Artifact& file : files) {
          CHECK(MarkOf(file.contents) == Mark::kOurs);
          CHECK(MarkOf(file.contents + "\n") == Mark::kEdited);
          CHECK(MarkOf("[Timer]\n") == Mark::kNone);
        }
      }
    }
  }
}

}  // namespace
}  // namespace selftune::schedule
