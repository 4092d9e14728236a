#include "schedule/render.h"

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "base/crypto.h"
#include "base/file.h"
#include "base/json_writer.h"
#include "base/strings.h"
#include "base/xml.h"
#include "schedule/crontab.h"

namespace selftune::schedule {
namespace {

constexpr std::string_view kManaged = "managed by selftune, hash ";
constexpr int kNice = 10;

// A word of a unit file. `dollar`: it stands in a command line, where $ begins a variable.
std::string UnitWord(std::string_view word, bool dollar) {
  std::string out = "\"";
  for (const char c : word) {
    if (c == '"' || c == '\\') out += '\\';
    if (c == '%' || (c == '$' && dollar)) out += c;
    out += c;
  }
  return out + "\"";
}

std::string String(std::string_view text) {
  return "<string>" + base::XmlEscaped(text) + "</string>";
}

// A word of a shell; % ends a command of cron.
std::string CronWord(std::string_view word) {
  std::string out = "'";
  for (const char c : word) {
    if (c == '\'') {
      out += R"('\'')";
    } else {
      if (c == '%') out += '\\';
      out += c;
    }
  }
  return out + "'";
}

std::string Marked(std::string_view head, std::string_view begin, std::string_view end,
                   std::string_view body) {
  return fmt::format("{}{}{}{}{}\n{}", head, begin, kManaged, base::Sha256Hex(body), end, body);
}

std::string Times(const Schedule& schedule) {
  std::string out;
  const auto one = [&](int minute, const int* hour) {
    out += "    <dict>";
    if (hour != nullptr) out += fmt::format("<key>Hour</key><integer>{}</integer>", *hour);
    out += fmt::format("<key>Minute</key><integer>{}</integer></dict>\n", minute);
  };
  for (const int minute : schedule.Minutes()) {
    const std::vector<int> hours = schedule.Hours();
    if (hours.empty()) one(minute, nullptr);
    for (const int hour : hours) one(minute, &hour);
  }
  return out;
}

}  // namespace

std::string Places::Units() const { return base::JoinPath(config_home, "systemd/user"); }
std::string Places::Agents() const { return base::JoinPath(home, "Library/LaunchAgents"); }
std::string Places::LogOf(Platform platform, const Job& job) const {
  return platform == Platform::kLaunchd
             ? base::JoinPath(home, "Library/Logs/selftune/" + job.id + ".log")
             : base::JoinPath(state_dir, "logs/" + job.id + ".log");
}

Places PlacesOf(const Machine& machine) {
  const std::string home = machine.env->Home();
  const std::string config = machine.env->GetOr("XDG_CONFIG_HOME", "");
  return {.home = home,
          .state_dir = machine.state_dir,
          .config_home = config.starts_with('/') ? config : base::JoinPath(home, ".config")};
}

std::vector<Artifact> RenderSystemd(const Places& places, const Job& job,
                                    const JobEnvironment& env) {
  std::string exec;
  for (const std::string& word : job.argv) {
    exec += (exec.empty() ? "" : " ") + UnitWord(word, /*dollar=*/true);
  }
  std::string variables;
  for (const auto& [name, value] : env) {
    variables += "Environment=" + UnitWord(name + "=" + value, /*dollar=*/false) + "\n";
  }
  const std::string timer = fmt::format(
      "[Unit]\nDescription={}\n\n[Timer]\nOnCalendar={}\nRandomizedDelaySec={}\nPersistent=true\n"
      "AccuracySec=1min\nUnit={}.service\n\n[Install]\nWantedBy=timers.target\n",
      job.description, job.schedule.Calendar(), job.jitter.count(), job.name());
  const std::string service = fmt::format(
      "[Unit]\nDescription={}\n\n[Service]\nType=oneshot\nExecStart={}\n{}Nice={}\n"
      "IOSchedulingClass=idle\nTimeoutStartSec={}\nNoNewPrivileges=yes\nStandardOutput=journal\n",
      job.description, exec, variables, kNice, job.timeout.count());
  const std::string path = base::JoinPath(places.Units(), job.name());
  return {{path + ".service", Marked("", "# ", "", service)},
          {path + ".timer", Marked("", "# ", "", timer)}};
}

std::string LabelOf(const Job& job) { return "com.selftune." + job.id; }

std::vector<Artifact> RenderLaunchd(const Places& places, const Job& job,
                                    const JobEnvironment& env) {
  std::string arguments, variables;
  for (const std::string& word : job.argv) arguments += "    " + String(word) + "\n";
  for (const auto& [name, value] : env) {
    variables += fmt::format("    <key>{}</key>{}\n", base::XmlEscaped(name), String(value));
  }
  const std::string log = places.LogOf(Platform::kLaunchd, job);
  const std::string body = fmt::format(
      "<plist version=\"1.0\">\n<dict>\n  <key>Label</key>{}\n"
      "  <key>ProgramArguments</key>\n  <array>\n{}  </array>\n"
      "  <key>EnvironmentVariables</key>\n  <dict>\n{}  </dict>\n"
      "  <key>StartCalendarInterval</key>\n  <array>\n{}  </array>\n"
      "  <key>ProcessType</key><string>Background</string>\n  <key>LowPriorityIO</key><true/>\n"
      "  <key>Nice</key><integer>{}</integer>\n"
      "  <key>StandardOutPath</key>{}\n  <key>StandardErrorPath</key>{}\n</dict>\n</plist>\n",
      String(LabelOf(job)), arguments, variables, Times(job.schedule), kNice, String(log),
      String(log));
  constexpr std::string_view kHead =
      "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
      "<!DOCTYPE plist PUBLIC \"-//Apple//DTD PLIST 1.0//EN\" "
      "\"http://www.apple.com/DTDs/PropertyList-1.0.dtd\">\n";
  return {{base::JoinPath(places.Agents(), LabelOf(job) + ".plist"),
           Marked(kHead, "<!-- ", " -->", body)}};
}

StatusOr<std::string> RenderCron(const Places& places, const std::vector<Job>& jobs,
                                 const JobEnvironment& env) {
  std::string out;
  for (const Job& job : jobs) {
    std::string line = job.schedule.Cron() + " env";
    for (const auto& [name, value] : env) line += " " + CronWord(name + "=" + value);
    for (const std::string& word : job.argv) line += " " + CronWord(word);
    line += " >>" + CronWord(places.LogOf(Platform::kCron, job)) + " 2>&1";
    const std::string problem = ProblemOfLine(line);
    if (!problem.empty()) {
      return Fail(kInvalidConfig, "cron would not take the line of {}: {}", job.name(), problem);
    }
    out += fmt::format("# {}, {}\n{}\n", job.description, job.schedule.Words(), line);
  }
  return out;
}

std::vector<std::string> RenderOpenclaw(const Job& job, const JobEnvironment& env,
                                        std::string_view zone) {
  base::JsonWriter argv;
  argv.BeginArray().String("/usr/bin/env");
  for (const auto& [name, value] : env) argv.String(name + "=" + value);
  for (const std::string& word : job.argv) argv.String(word);
  argv.EndArray();
  std::vector<std::string> out = {"openclaw",         "cron", "add", "--name", job.name(), "--cron",
                                  job.schedule.Cron()};
  if (!zone.empty()) {
    out.emplace_back("--tz");
    out.emplace_back(zone);
  }
  for (std::string word :
       {std::string("--command-argv"), std::move(argv).Take(), std::string("--timeout-seconds"),
        std::to_string(job.timeout.count()), std::string("--declaration-key"), job.name(),
        std::string("--no-deliver"), std::string("--json")}) {
    out.push_back(std::move(word));
  }
  return out;
}

Mark MarkOf(std::string_view contents) {
  const size_t at = contents.find(kManaged);
  if (at == contents.npos) return Mark::kNone;
  const size_t hash = at + kManaged.size();
  const size_t end = contents.find('\n', hash);
  if (end == contents.npos) return Mark::kEdited;
  const std::string_view told = contents.substr(hash, contents.find_first_of(" \n", hash) - hash);
  return told == base::Sha256Hex(contents.substr(end + 1)) ? Mark::kOurs : Mark::kEdited;
}

}  // namespace selftune::schedule
