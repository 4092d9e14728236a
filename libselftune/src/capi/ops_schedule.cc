// schedule.*: what runs by itself.
#include <algorithm>
#include <iterator>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/json_writer.h"
#include "base/process.h"
#include "base/status_macros.h"
#include "base/strings.h"
#include "base/utf8.h"
#include "capi/context.h"
#include "capi/ops.h"
#include "capi/receipt.h"
#include "capi/reference.h"
#include "capi/schedule_jobs.h"
#include "schedule/installer.h"
#include "schedule/record.h"
#include "store/queries/runs.h"

namespace selftune::capi::ops {
namespace {

using base::JsonValue;
using base::JsonWriter;

StatusOr<schedule::SetupOptions> OptionsOf(Context& context, const JsonValue& params) {
  schedule::SetupOptions options;
  if (params["platform"].is_string()) {
    options.platform = schedule::ParsePlatform(params["platform"].AsString());
  }
  for (const JsonValue& id : params["jobs"].items()) options.jobs.push_back(id.AsString());
  ST_ASSIGN_OR_RETURN(options.every_hours, EveryHoursOf(context, params));
  options.zone = params["tz"].AsString();
  options.force = params["force"].AsBool();
  options.dry_run = context.dry_run();
  return options;
}

void TextOrNull(JsonWriter& out, std::string_view key, const std::string& text) {
  if (text.empty()) {
    out.NullField(key);
  } else {
    out.Field(key, text);
  }
}

void WriteJob(JsonWriter& out, const schedule::JobState& job) {
  out.Field("id", job.id)
      .Field("platform", job.platform)
      .Field("schedule", job.schedule)
      .Field("next_run", job.next_run);
}

void WriteArgv(JsonWriter& out, const std::vector<std::string>& argv) {
  out.Key("argv").BeginArray();
  for (const std::string& word : argv) out.String(word);
  out.EndArray();
}

void WriteFiles(JsonWriter& out, const schedule::SetupReport& report) {
  out.Key("files").BeginArray();
  for (const schedule::FileChange& file : report.files) {
    out.BeginObject().Field("path", file.path).Field("action", file.action);
    TextOrNull(out, "sha256", file.sha256);
    out.EndObject();
  }
  out.EndArray().Key("commands").BeginArray();
  for (const schedule::Ran& ran : report.commands) {
    out.BeginObject();
    WriteArgv(out, ran.argv);
    out.Key("exit_code");
    if (ran.exit_code < 0) {
      out.Null();
    } else {
      out.Int(ran.exit_code);
    }
    out.EndObject();
  }
  out.EndArray();
}

void Finish(JsonWriter& out, Context& context, const schedule::SetupReport& report,
            std::vector<std::string> undo) {
  for (const std::string& warning : report.warnings) context.Warn("SCHEDULER", warning);
  out.Key("receipt");
  if (context.dry_run() || !report.changed()) {
    out.Null();
    return;
  }
  context.SetChanged();
  Receipt receipt{.operation = context.op(), .undo = std::move(undo)};
  for (const schedule::FileChange& file : report.files) receipt.targets.push_back(file.path);
  WriteReceipt(out, receipt);
}

// Jobs on several schedulers: no one command line says what they were. A record that cannot be
// read tells nothing that could be brought back.
Status NoteRemoved(const Context& context) {
  const std::string& state_dir = context.paths().state_dir;
  const StatusOr<schedule::Record> installed = schedule::ReadRecord(state_dir);
  if (!installed.ok() || installed->entries.empty()) return absl::OkStatus();
  const bool several = schedule::OptionsToRenew(*installed).size() > 1;
  return schedule::WriteRemoved(state_dir, several ? *installed : schedule::Record());
}

void Append(const schedule::SetupReport& one, schedule::SetupReport& all) {
  std::ranges::copy(one.jobs, std::back_inserter(all.jobs));
  std::ranges::copy(one.files, std::back_inserter(all.files));
  std::ranges::copy(one.commands, std::back_inserter(all.commands));
  std::ranges::copy(one.warnings, std::back_inserter(all.warnings));
  all.activated = all.activated && one.activated;
  all.verified = all.verified && one.verified;
}

void KeepOf(const schedule::Record& removed, schedule::Platform platform, schedule::Record& left) {
  std::ranges::copy_if(
      removed.entries, std::back_inserter(left.entries),
      [&](const schedule::Record::Entry& entry) { return entry.platform == platform; });
}

// What the first of some failures is, and what each of them says.
Status OneOf(const std::vector<Status>& failed) {
  if (failed.size() == 1) return failed.front();
  std::vector<std::string> said;
  said.reserve(failed.size());
  for (const Status& one : failed) said.emplace_back(Message(one));
  return WithSuggestion(MakeError(CodeOf(failed.front()), base::Join(said, "; ")),
                        Suggestion(failed.front()), NextCommand(failed.front()));
}

// On each scheduler as it was there, also where another one fails. What is there already stays as
// it is, and what failed is left to the same command.
StatusOr<schedule::SetupReport> SetUpAgain(Context& context, const schedule::SetupOptions& how) {
  const std::string& state_dir = context.paths().state_dir;
  ST_ASSIGN_OR_RETURN(const schedule::Record removed, schedule::ReadRemoved(state_dir));
  if (removed.entries.empty()) {
    return WithSuggestion(
        Fail(kNotFound, "bringing jobs back: none were removed from several schedulers"),
        "install the usual ones", "selftune cron setup");
  }
  std::optional<schedule::SetupReport> all;
  schedule::Record left{.entries = {}, .version = removed.version};
  std::vector<Status> failed;
  for (schedule::SetupOptions& options : schedule::OptionsToRenew(removed)) {
    options.force = how.force;
    options.dry_run = how.dry_run;
    StatusOr<schedule::SetupReport> one = SetUpJobs(context, options);
    if (!one.ok()) {
      KeepOf(removed, *options.platform, left);
      failed.push_back(one.status());
    } else if (!all.has_value()) {
      all = *std::move(one);
    } else {
      Append(*one, *all);
    }
  }
  if (!all.has_value()) return OneOf(failed);  // as it was
  if (!how.dry_run) ST_RETURN_IF_ERROR(schedule::WriteRemoved(state_dir, left));
  if (!failed.empty()) context.SetVerdict(OneOf(failed));
  return *std::move(all);
}

// The newest run of the loop that a timer started; nullopt without one.
StatusOr<std::optional<store::RunItem>> LastRun(Context& context) {
  constexpr int64_t kLookedAt = 50;
  if (!context.HasStore()) return std::optional<store::RunItem>();
  ST_ASSIGN_OR_RETURN(store::Db * db, context.ReadDb());
  ST_ASSIGN_OR_RETURN(store::RunPage page,
                      store::ListRuns(*db, "orchestrate", {.limit = kLookedAt}));
  for (store::RunItem& run : page.items) {
    if (run.trigger == "cron") return std::optional(std::move(run));
  }
  return std::optional<store::RunItem>();
}

StatusOr<std::string> ListJobs(Context& context, bool ask) {
  ST_ASSIGN_OR_RETURN(const std::optional<store::RunItem> last, LastRun(context));
  ST_ASSIGN_OR_RETURN(const std::vector<schedule::Installed> jobs,
                      schedule::List(MachineOf(context), context.now(), ask));
  JsonWriter out;
  out.BeginObject().Field("installed", !jobs.empty()).Key("jobs").BeginArray();
  const schedule::Installed* first = nullptr;
  for (const schedule::Installed& one : jobs) {
    out.BeginObject();
    WriteJob(out, one.job);
    out.Field("path", one.path).Field("program", one.program);
    TextOrNull(out, "problem", one.problem);
    out.Key("drift").BeginArray();
    for (const std::string& command : one.drift) out.String(command);
    out.EndArray();
    const bool ran = one.job.id == "run" && last.has_value();
    out.Field("last_run", ran ? std::optional(last->started) : std::nullopt);
    TextOrNull(out, "last_status", ran ? last->status : "");
    out.EndObject();
    if (first == nullptr && !one.problem.empty()) first = &one;
    if (one.job.id == "run" && !one.drift.empty()) {
      context.Warn("AGENT_NOT_IN_JOBS",
                   one.job.platform + ": the jobs would not find " + base::Join(one.drift, ", ") +
                       ", which lies in another folder than when they were installed",
                   schedule::RenewArgv(jobs, one.job.platform));
    }
  }
  out.EndArray().EndObject();
  WarnOfReference(context, "timer");
  if (jobs.empty()) {
    context.SetNext({.argv = {"selftune", "cron", "setup"},
                     .reason = "nothing runs by itself; this installs it"});
  } else if (first != nullptr) {
    std::vector<std::string> again = schedule::RenewArgv(jobs, first->job.platform);
    again.emplace_back("--force");
    context.SetVerdict(WithSuggestion(Fail(kUnhealthy, "{}", first->problem), "install it anew",
                                      base::JoinCommand(again)));
  } else if (const auto old = std::ranges::find_if(jobs, &schedule::Installed::before_health);
             old != jobs.end()) {
    context.SetNext(
        {.argv = schedule::RenewArgv(jobs, old->job.platform),
         .reason = "these are of a version without the daily job health; this adds it"});
  }
  return std::move(out).Take();
}

}  // namespace

StatusOr<std::string> ScheduleSetup(Context& context, const JsonValue& params) {
  ST_ASSIGN_OR_RETURN(const schedule::SetupOptions options, OptionsOf(context, params));
  if (!options.dry_run) ST_RETURN_IF_ERROR(context.CheckWritable());
  ST_ASSIGN_OR_RETURN(const schedule::SetupReport report, params["again"].AsBool()
                                                              ? SetUpAgain(context, options)
                                                              : SetUpJobs(context, options));
  JsonWriter out;
  out.BeginObject()
      .Field("platform", schedule::Word(report.platform))
      .Field("installed", !options.dry_run)
      .Field("activated", report.activated)
      .Field("verified", report.verified)
      .Key("jobs")
      .BeginArray();
  for (const schedule::JobState& job : report.jobs) {
    out.BeginObject();
    WriteJob(out, job);
    out.EndObject();
  }
  out.EndArray();
  WriteFiles(out, report);
  // Where some were there before, taking them out is more than an undo.
  const bool all_new = std::ranges::all_of(
      report.files, [](const schedule::FileChange& file) { return file.action == "created"; });
  Finish(out, context, report,
         all_new ? std::vector<std::string>{"selftune", "cron", "remove"}
                 : std::vector<std::string>{});
  out.EndObject();
  return std::move(out).Take();
}

StatusOr<std::string> SchedulePreview(Context& context, const JsonValue& params) {
  ST_ASSIGN_OR_RETURN(const schedule::SetupOptions options, OptionsOf(context, params));
  std::vector<std::string> warnings;
  ST_ASSIGN_OR_RETURN(const schedule::Plan plan,
                      schedule::MakePlan(MachineOf(context), options, warnings));
  for (std::string& warning : warnings) context.Warn("SCHEDULER", std::move(warning));
  JsonWriter out;
  out.BeginObject().Field("platform", schedule::Word(plan.platform)).Key("contents").BeginArray();
  for (const schedule::Artifact& file : plan.artifacts) {
    out.BeginObject().Field("path", file.path).Field("text", file.contents).EndObject();
  }
  out.EndArray().Key("commands").BeginArray();
  for (const auto& argv : plan.commands) {
    out.BeginObject();
    WriteArgv(out, argv);
    out.EndObject();
  }
  out.EndArray().EndObject();
  return std::move(out).Take();
}

StatusOr<std::string> ScheduleList(Context& context, const JsonValue& /*params*/) {
  return ListJobs(context, /*ask=*/false);
}

StatusOr<std::string> ScheduleStatus(Context& context, const JsonValue& /*params*/) {
  return ListJobs(context, /*ask=*/true);
}

StatusOr<std::string> ScheduleRemove(Context& context, const JsonValue& /*params*/) {
  if (!context.dry_run()) ST_RETURN_IF_ERROR(context.CheckWritable());
  const schedule::Machine machine = MachineOf(context);
  const auto before = schedule::List(machine, context.now(), /*ask=*/false);
  if (!context.dry_run()) ST_RETURN_IF_ERROR(NoteRemoved(context));
  ST_ASSIGN_OR_RETURN(const schedule::SetupReport report,
                      schedule::Remove(machine, context.dry_run()));
  if (!context.dry_run() && context.HasStore()) {
    ST_ASSIGN_OR_RETURN(store::Db* const db, context.WriteDb());
    ST_RETURN_IF_ERROR(ForgetJobs(*db));
  }
  JsonWriter out;
  out.BeginObject();
  WriteFiles(out, report);
  std::vector<std::string> undo;
  if (before.ok() && !before->empty()) {
    const std::string& first = before->front().job.platform;
    const bool one = std::ranges::all_of(
        *before, [&](const schedule::Installed& job) { return job.job.platform == first; });
    undo = one ? schedule::RenewArgv(*before, first)
               : std::vector<std::string>{"selftune", "cron", "setup", "--again"};
  }
  Finish(out, context, report, std::move(undo));
  out.EndObject();
  return std::move(out).Take();
}

StatusOr<std::string> ScheduleRunNow(Context& context, const JsonValue& params) {
  constexpr size_t kTail = 4000;  // bytes of what it said
  if (!context.dry_run()) ST_RETURN_IF_ERROR(context.CheckWritable());
  const schedule::Machine machine = MachineOf(context);
  ST_ASSIGN_OR_RETURN(const int hours, EveryHoursOf(context, params));
  ST_ASSIGN_OR_RETURN(const std::string program, schedule::FindProgram(machine));
  ST_ASSIGN_OR_RETURN(const auto installed, schedule::List(machine, context.now(), /*ask=*/false));
  const std::string id = params["job"].AsString();
  std::string starts = program;
  for (const schedule::Installed& one : installed) {
    if (one.job.id == id) starts = one.program;
  }
  const std::vector<schedule::Job> jobs = schedule::DefaultJobs(starts, hours);
  const auto job =
      std::find_if(jobs.begin(), jobs.end(), [&](const schedule::Job& j) { return j.id == id; });
  if (job == jobs.end()) {
    return WithSuggestion(Fail(kNotFound, "running {}: there is no such job", id),
                          "there are " + schedule::JobNames(), "selftune help cron run-now");
  }
  // As the scheduler starts it: with what it has of the environment, and no more.
  ST_ASSIGN_OR_RETURN(const schedule::JobEnvironment env,
                      schedule::CaptureEnvironment(machine, starts));
  base::ProcessOptions options{.argv = job->argv, .cwd = context.paths().home};
  options.env.insert(env.begin(), env.end());
  options.env.emplace("HOME", context.paths().home);
  options.timeout = job->timeout;
  options.cancel = &context.cancel();
  context.CloseConnections();
  base::ProcessResult ran;
  if (!context.dry_run()) {
    ST_ASSIGN_OR_RETURN(ran, base::RunProcess(options));
    context.SetChanged();
  }
  JsonWriter out;
  out.BeginObject().Field("job", id);
  WriteArgv(out, job->argv);
  out.Key("exit_code");
  if (ran.exit_code < 0) {
    out.Null();
  } else {
    out.Int(ran.exit_code);
  }
  const std::string_view said = ran.stdout_text;
  out.Field("elapsed_ms", int64_t{ran.duration.count()})
      .Field("output", base::ToValidUtf8(said.substr(said.size() - std::min(said.size(), kTail))));
  TextOrNull(out, "problem",
             ran.timed_out ? "it did not end in its time" : base::ToValidUtf8(ran.stderr_text));
  out.NullField("receipt").EndObject();
  if (!context.dry_run() && ran.exit_code != 0) {
    context.SetVerdict(WithSuggestion(
        Fail(kProcessFailed, "running {}: {}", id,
             ran.timed_out ? "it did not end in its time"
                           : fmt::format("exit code {}", ran.exit_code)),
        "see what it says when it is started by hand", base::JoinCommand(job->argv)));
  }
  return std::move(out).Take();
}

}  // namespace selftune::capi::ops
