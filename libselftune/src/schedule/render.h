// What each scheduler reads: files of units and agents, lines of a crontab, arguments.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "schedule/job.h"
#include "schedule/place.h"

namespace selftune::schedule {

struct Artifact {
  std::string path;
  std::string contents;  // with the mark of MarkText
};

// Folders that files go to.
struct Places {
  std::string home, state_dir, config_home;  // config_home: $XDG_CONFIG_HOME or ~/.config
  [[nodiscard]] std::string Units() const;   // of systemd
  [[nodiscard]] std::string Agents() const;  // of launchd
  [[nodiscard]] std::string LogOf(Platform platform, const Job& job) const;
};
[[nodiscard]] Places PlacesOf(const Machine& machine);

// Two files a job.
[[nodiscard]] std::vector<Artifact> RenderSystemd(const Places& places, const Job& job,
                                                  const JobEnvironment& env);
// One file a job.
[[nodiscard]] std::vector<Artifact> RenderLaunchd(const Places& places, const Job& job,
                                                  const JobEnvironment& env);
// Comment and line of each job, with line ends. INVALID_CONFIG when cron would not take one.
[[nodiscard]] StatusOr<std::string> RenderCron(const Places& places, const std::vector<Job>& jobs,
                                               const JobEnvironment& env);
// A command of the OpenClaw gateway, no request to a model.
[[nodiscard]] std::vector<std::string> RenderOpenclaw(const Job& job, const JobEnvironment& env,
                                                      std::string_view zone);

[[nodiscard]] std::string LabelOf(const Job& job);  // of launchd: com.selftune.run

// What a file says of itself.
enum class Mark { kNone, kOurs, kEdited };
[[nodiscard]] Mark MarkOf(std::string_view contents);

}  // namespace selftune::schedule
