// cron (alias schedule): what runs by itself.
#include "cli/commands.h"
#include "cli/flags.h"
#include "cli/render.h"
#include "cli/text.h"

namespace selftune::cli {
namespace {

std::string Argv(const Json& row) {
  std::string out;
  for (const Json& word : row["argv"].items()) out += (out.empty() ? "" : " ") + word.Text();
  return OneLine(out);
}

std::string Jobs(const Json& data, const Screen& screen) {
  Table table({{"job"},
               {"by"},
               {"when", Table::Align::kLeft, true},
               {"next"},
               {"state", Table::Align::kLeft, true}});
  for (const Json& job : data["jobs"].items()) {
    const bool bad = !job["problem"].is_null();
    table.Add({{OneLine(job["id"].Text())},
               {OneLine(job["platform"].Text())},
               {OneLine(job["schedule"].Text())},
               {job["next_run"].is_null() ? "-" : OneLine(job["next_run"].Text())},
               {bad ? OneLine(job["problem"].Text()) : "ok", bad ? Style::kBad : Style::kGood}});
  }
  return table.empty() ? "" : table.Draw(screen);
}

std::string Files(const Json& data, const Screen& screen) {
  std::string out;
  for (const Json& file : data["files"].items()) {
    out += screen.Paint(Style::kDim, OneLine(file["action"].Text())) + " " +
           OneLine(file["path"].Text()) + "\n";
  }
  return out;
}

std::string RenderSetup(const Reply& reply, const Screen& screen) {
  const Json& data = reply.data();
  std::string out = Jobs(data, screen) + "\n" + Files(data, screen);
  if (reply.dry_run()) {
    for (const Json& row : data["commands"].items()) out += "would run: " + Argv(row) + "\n";
    return out + "Dry run: nothing was changed.\n";
  }
  return out + (data["receipt"].is_null() ? "Everything was in place already.\n" : "Installed.\n");
}

std::string RenderPreview(const Reply& reply, const Screen& screen) {
  const Json& data = reply.data();
  std::string out;
  for (const Json& file : data["contents"].items()) {
    out += screen.Paint(Style::kDim, "# " + OneLine(file["path"].Text())) + "\n";
    out += ManyLines(file["text"].Text()) + "\n";
  }
  for (const Json& row : data["commands"].items()) out += "$ " + Argv(row) + "\n";
  return out;
}

std::string RenderJobs(const Reply& reply, const Screen& screen) {
  const std::string table = Jobs(reply.data(), screen);
  return table.empty() ? "No job is installed: nothing runs by itself.\n" : table;
}

std::string RenderRemove(const Reply& reply, const Screen& screen) {
  const std::string files = Files(reply.data(), screen);
  if (files.empty()) return "Nothing was installed.\n";
  return files + (reply.dry_run() ? "Dry run: nothing was changed.\n" : "");
}

std::string RenderRunNow(const Reply& reply, const Screen& screen) {
  const Json& data = reply.data();
  if (reply.dry_run()) return "would run: " + Argv(data) + "\n";
  const bool good = !data["exit_code"].is_null() && data["exit_code"].Int() == 0;
  std::string out =
      OneLine(data["job"].Text()) + ": " +
      screen.Paint(good ? Style::kGood : Style::kBad, good ? "ended well" : "failed") + " after " +
      Duration(data["elapsed_ms"].Int()) + "\n";
  if (!good && !data["problem"].is_null()) out += ManyLines(data["problem"].Text()) + "\n";
  return out;
}

constexpr std::string_view kPlatforms[] = {"cron", "launchd", "systemd", "openclaw"};
constexpr std::string_view kJobs[] = {"sync", "health", "run"};
constexpr Flag kPreviewFlags[] = {
    {"platform", "instead of what this machine has", FlagType::kText, {}, 0, kPlatforms},
    {"jobs", "sync, health, run; all if left out", FlagType::kList, "job", 0, kJobs},
    {"every-hours", "between two runs: 1 2 3 4 6 8 12 24", FlagType::kInt, "n"},
    {"every", "the same", FlagType::kInt, "hours", 0, {}, "every_hours", true},
    {"tz", "zone for OpenClaw, as Europe/Berlin", FlagType::kText, "zone"},
};
constexpr Flag kSetupFlags[] = {
    {"platform", "instead of what this machine has", FlagType::kText, {}, 0, kPlatforms},
    {"jobs", "sync, health, run; all if left out", FlagType::kList, "job", 0, kJobs},
    {"every-hours", "between two runs: 1 2 3 4 6 8 12 24", FlagType::kInt, "n"},
    {"every", "the same", FlagType::kInt, "hours", 0, {}, "every_hours", true},
    {"tz", "zone for OpenClaw, as Europe/Berlin", FlagType::kText, "zone"},
    {"again", "what `cron remove` last took out of several schedulers", FlagType::kSwitch},
    {"force", "also over files that somebody edited", FlagType::kSwitch},
};
constexpr Example kSetupExamples[] = {
    {"selftune cron setup --dry-run", "what would be installed?"},
    {"selftune cron setup", "sync every 30 minutes, status at 8, the loop every 6 hours"},
    {"selftune cron setup --platform cron --every-hours 12", "by the crontab, twice a day"},
};
constexpr Example kPreviewExamples[] = {
    {"selftune cron preview --platform systemd", "the units, and the commands that start them"},
};

constexpr Command MakeSetup(std::string_view path, std::string_view group,
                            std::string_view alias_of) {
  return {
      .path = path,
      .summary = "Let the machine's scheduler run sync, status and the loop",
      .group = group,
      .op = "schedule.setup",
      .flags = kSetupFlags,
      .examples = kSetupExamples,
      .render = RenderSetup,
      .alias_of = alias_of,
  };
}

constexpr Command MakePreview(std::string_view path, std::string_view group,
                              std::string_view alias_of) {
  return {
      .path = path,
      .summary = "Show what would be installed for the scheduler",
      .group = group,
      .op = "schedule.preview",
      .flags = kPreviewFlags,
      .examples = kPreviewExamples,
      .render = RenderPreview,
      .alias_of = alias_of,
      .verbatim = true,
  };
}

constexpr Example kListExamples[] = {
    {"selftune cron list", "each job, with its schedule and its place"},
};

constexpr Command MakeList(std::string_view path, std::string_view group,
                           std::string_view alias_of) {
  return {
      .path = path,
      .summary = "List the installed jobs",
      .group = group,
      .op = "schedule.list",
      .examples = kListExamples,
      .render = RenderJobs,
      .alias_of = alias_of,
      .exit_zero = true,
  };
}

constexpr Example kStatusExamples[] = {
    {"selftune cron status", "next run, last run, and what is wrong"},
};

constexpr Command MakeStatus(std::string_view path, std::string_view group,
                             std::string_view alias_of) {
  return {
      .path = path,
      .summary = "Ask the scheduler whether the jobs are in order",
      .group = group,
      .op = "schedule.status",
      .examples = kStatusExamples,
      .render = RenderJobs,
      .alias_of = alias_of,
      .exit_zero = true,
  };
}

constexpr Example kRemoveExamples[] = {
    {"selftune cron remove --dry-run", "what would go"},
    {"selftune cron remove", "nothing runs by itself any more"},
};

constexpr Command MakeRemove(std::string_view path, std::string_view group,
                             std::string_view alias_of) {
  return {
      .path = path,
      .summary = "Take the jobs out of every scheduler",
      .group = group,
      .op = "schedule.remove",
      .examples = kRemoveExamples,
      .render = RenderRemove,
      .alias_of = alias_of,
  };
}

constexpr Positional kJob[] = {
    {"job", "sync, health or run", /*required=*/true, /*many=*/false, {}, kJobs},
};
constexpr Example kRunNowExamples[] = {
    {"selftune cron run-now sync", "does the scheduled command work in its environment?"},
};

constexpr Command MakeRunNow(std::string_view path, std::string_view group,
                             std::string_view alias_of) {
  return {
      .path = path,
      .summary = "Run a job as the scheduler would, and wait for it",
      .group = group,
      .op = "schedule.run_now",
      .positionals = kJob,
      .examples = kRunNowExamples,
      .render = RenderRunNow,
      .alias_of = alias_of,
  };
}

}  // namespace

extern const Command kCronSetupCommand = MakeSetup("cron setup", "Improve", {});
extern const Command kCronPreviewCommand = MakePreview("cron preview", "", {});
extern const Command kCronListCommand = MakeList("cron list", "", {});
extern const Command kCronStatusCommand = MakeStatus("cron status", "Improve", {});
extern const Command kCronRemoveCommand = MakeRemove("cron remove", "Improve", {});
extern const Command kCronRunNowCommand = MakeRunNow("cron run-now", "", {});
extern const Command kScheduleRunNowCommand = MakeRunNow("schedule run-now", "", "cron run-now");
extern const Command kScheduleInstallCommand = MakeSetup("schedule install", "", "cron setup");
extern const Command kSchedulePreviewCommand = MakePreview("schedule preview", "", "cron preview");
extern const Command kScheduleListCommand = MakeList("schedule list", "", "cron list");
extern const Command kScheduleStatusCommand = MakeStatus("schedule status", "", "cron status");
extern const Command kScheduleRemoveCommand = MakeRemove("schedule remove", "", "cron remove");

}  // namespace selftune::cli
