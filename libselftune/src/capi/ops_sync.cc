// sync.*: bringing the store up to date with the hosts.
#include <algorithm>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "base/file.h"
#include "base/json_writer.h"
#include "base/status_macros.h"
#include "capi/op_spec.h"
#include "capi/readout.h"
#include "capi/schedule_jobs.h"
#include "hosts/moved_homes.h"
#include "hosts/registry.h"
#include "hosts/sources.h"
#include "status/freshness.h"
#include "status/settings.h"
#include "store/db.h"
#include "store/forget.h"
#include "store/queries/merged.h"
#include "sync/sync.h"

namespace selftune::capi::ops {
namespace {

using base::JsonValue;
using base::JsonWriter;

constexpr size_t kProblemsShown = 20;  // of skills, in a reply

sync::SyncOptions OptionsFrom(const JsonValue& params) {
  sync::SyncOptions options;
  for (const JsonValue& platform : params["only"].items()) {
    options.only.push_back(platform.AsString());
  }
  options.force = params["force"].AsBool();
  options.session = params["session"].AsString();
  options.repair_only = params["repair_only"].AsBool();
  if (params["since"].is_string()) options.since = ParseRfc3339(params["since"].AsString());
  if (params["time_budget_ms"].is_int()) options.time_budget_ms = params["time_budget_ms"].AsInt();
  return options;
}

void WriteHost(JsonWriter& out, const sync::HostReport& host) {
  out.Key(host.platform)
      .BeginObject()
      .Field("available", host.available)
      .Field("scanned", host.scanned)
      .Field("changed", host.changed)
      .Field("bytes_read", host.bytes_read)
      .Field("sessions", host.sessions)
      .Field("bad_lines", host.bad_lines)
      .Field("records", host.records)
      .Field("unknown", host.unknown)
      .Field("set_aside", host.set_aside)
      .Field("history_sessions", host.history_sessions)
      .Field("history_prompts", host.history_prompts)
      .Key("warnings")
      .BeginArray();
  for (const std::string& warning : host.warnings) out.String(warning);
  out.EndArray().EndObject();
}

void WritePlace(JsonWriter& out, const store::MergedPlace& place) {
  out.BeginObject().Field("capture", place.capture).Field("outcome", place.outcome);
  TextOrNull(out, "level", place.level);
  TextOrNull(out, "path", place.path);
  out.Field("line", place.line).Field("offset", place.offset).EndObject();
}

void WriteMerged(JsonWriter& out, const std::optional<store::Merged>& merged) {
  if (!merged.has_value()) {
    out.NullField("merged");
    return;
  }
  out.Key("merged").BeginObject().Key("prompts").BeginArray();
  for (const store::MergedPrompts& told : merged->prompts) {
    out.BeginObject()
        .Field("platform", told.platform)
        .Field("hook", told.hook)
        .Field("transcript", told.transcript)
        .Field("prompts", told.prompts)
        .EndObject();
  }
  out.EndArray().Key("outranked").BeginArray();
  for (const store::MergedRows& rows : merged->rows) {
    out.BeginObject().Field("platform", rows.platform).Field("capture", rows.capture);
    out.Field("why", rows.why);
    TextOrNull(out, "counts", rows.counts);
    out.Field("rows", rows.rows).EndObject();
  }
  out.EndArray().Key("examples").BeginArray();
  for (const store::MergedExample& example : merged->examples) {
    out.BeginObject()
        .Field("platform", example.platform)
        .Field("session_id", example.session_id)
        .Field("skill", example.skill);
    TextOrNull(out, "prompt_id", example.prompt_id);
    out.Field("at", example.at).Field("why", example.why);
    WritePlace(out.Key("row"), example.row);
    if (example.counts.has_value()) {
      WritePlace(out.Key("counts"), *example.counts);
    } else {
      out.NullField("counts");
    }
    out.EndObject();
  }
  out.EndArray().EndObject();
}

void WriteSkillProblems(JsonWriter& out, const std::vector<skillfs::DiscoveryProblem>& problems) {
  out.Field("skill_problems_total", static_cast<int64_t>(problems.size()))
      .Key("skill_problems")
      .BeginArray();
  for (size_t i = 0; i < std::min(problems.size(), kProblemsShown); ++i) {
    out.BeginObject()
        .Field("code", problems[i].code)
        .Field("path", problems[i].path)
        .Field("message", problems[i].message)
        .EndObject();
  }
  out.EndArray();
}

std::string ToJson(const sync::SyncReport& report, const store::ForgetReport& forgotten,
                   const std::optional<store::Merged>& merged) {
  JsonWriter out;
  out.BeginObject().Key("sources").BeginObject();
  for (const sync::HostReport& host : report.hosts) WriteHost(out, host);
  out.EndObject().Field("skills_found", report.skills_found);
  WriteSkillProblems(out, report.skill_problems);
  out.Field("forks_settled", report.forks_settled)
      .Key("hooks")
      .BeginObject()
      .Field("events", report.hook_events)
      .Field("rejected", report.hook_rejects)
      .EndObject()
      .Field("spool_drained", report.hook_events)
      .Key("commits")
      .BeginObject()
      .Field("repositories", report.commits.repositories)
      .Field("added", report.commits.added)
      .Field("ambiguous", report.commits.ambiguous)
      .Field("waiting", report.commits.waiting)
      .Field("refused", report.commits.refused)
      .Field("git", report.commits.git)
      .EndObject()
      .Key("resolver")
      .BeginObject()
      .Field("changed", report.links_resolved + report.repaired)
      .EndObject()
      .Key("retention")
      .BeginObject()
      .Field("prompts_erased", forgotten.prompts)
      .EndObject();
  WriteMerged(out, merged);
  out.Field("complete", report.complete).Field("elapsed_ms", report.elapsed_ms).EndObject();
  return std::move(out).Take();
}

void WarnAndAdvise(Context& context, std::string_view code, std::string message,
                   std::vector<std::string> argv, std::string reason) {
  context.Warn(code, std::move(message), argv);
  context.AddAlternative({.argv = std::move(argv), .reason = std::move(reason)});
}

// Folders a person may expect to be read, and that are not.
void WarnAboutFolders(Context& context, const base::Environment& env,
                      const config::Config& config) {
  for (const hosts::MovedHome& moved : hosts::FindMovedHomes(env)) {
    WarnAndAdvise(context, "HOST_FOLDER_IGNORED", hosts::Describe(moved), hosts::CommandFor(moved),
                  "read " + moved.folder + " from now on");
  }
  for (const hosts::HostRow& row : hosts::Rows()) {
    const auto folder = env.HostHome(row.platform);
    if (!folder.has_value() || base::Exists(*folder)) continue;
    WarnAndAdvise(context, "HOST_FOLDER_MISSING",
                  "hosts." + std::string(row.platform) + ".home: there is no folder " + *folder,
                  {"selftune", "config", "get", "hosts." + std::string(row.platform) + ".home"},
                  "see what is configured");
  }
  for (const config::Problem& problem : status::SettingProblems(config)) {
    if (!problem.key.starts_with("hosts")) continue;
    WarnAndAdvise(context, "CONFIG_VALUE_IGNORED", problem.key + ": " + problem.message,
                  {"selftune", "config", "validate"}, "the default folder was read instead");
  }
  if (const auto former = status::FindFormerStateDir(env, context.paths().db)) {
    WarnAndAdvise(context, "STATE_FOLDER_IGNORED",
                  "SELFTUNE_CONFIG_DIR names " + *former +
                      ", whose store is not used: SELFTUNE_HOME is the variable that counts",
                  {"selftune", "status", "--home", *former}, "look at that store");
  }
}

std::vector<std::string> SourcesOf(const std::string& platform) {
  return {"selftune", "evidence", "--sources", "--platform", platform};
}

// What is stored of them stays; data.sources has every one.
void WarnAboutSources(Context& context, const sync::SyncReport& report) {
  for (const sync::HostReport& host : report.hosts) {
    if (host.warnings.empty()) continue;
    std::string message = host.platform + ": " + host.warnings.front();
    if (host.warnings.size() > 1) {
      message += " (and " + std::to_string(host.warnings.size() - 1) + " more)";
    }
    context.Warn("SOURCE_UNREADABLE", std::move(message), SourcesOf(host.platform));
  }
}

// Nothing understood of a store that is not empty is a failure, not silence.
void WarnAbout(Context& context, const sync::SyncReport& report) {
  for (const std::string& problem : report.hook_problems) {
    context.Warn("HOOKS_UNREADABLE", "hook events: " + problem,
                 {"selftune", "doctor", "--only", "hooks.spool"});
  }
  for (const std::string& problem : report.commits.warnings) {
    context.Warn("COMMITS_UNREADABLE", problem,
                 {"selftune", "doctor", "--only", "evidence.commits"});
  }
  for (const sync::HostReport& host : report.hosts) {
    if (host.bad_lines > 0) {
      context.Warn(
          "BAD_LINES",
          host.platform + ": " + std::to_string(host.bad_lines) + " lines could not be read",
          {"selftune", "evidence", "--bad-lines"});
    }
    // A few are a new kind of record that says nothing; many are a host that was updated.
    constexpr int64_t kFewOf = 100;
    if (host.unknown * kFewOf > host.records) {
      context.Warn("RECORDS_UNKNOWN",
                   fmt::format("{}: {} of {} records are of kinds that nobody knows", host.platform,
                               host.unknown, host.records),
                   SourcesOf(host.platform));
    }
    if (host.changed > 0 && host.bytes_read > 0 && host.sessions == 0) {
      context.Warn("NOTHING_UNDERSTOOD",
                   host.platform + ": " + std::to_string(host.changed) +
                       " files were read and no session was found in them",
                   SourcesOf(host.platform));
    }
  }
}

// Read when all is settled; without being asked nobody looks at every row.
StatusOr<std::optional<store::Merged>> Explained(store::Db* db, const JsonValue& params) {
  if (db == nullptr || !params["explain"].AsBool()) return std::optional<store::Merged>();
  ST_ASSIGN_OR_RETURN(store::Merged merged, store::ReadMerged(*db));
  return std::optional(std::move(merged));
}

// What is older than the person wants to keep.
StatusOr<store::ForgetReport> Retain(Context& context, store::Db& db,
                                     const config::Config& config) {
  const std::optional<int64_t> days = status::RetentionDays(config);
  if (!days.has_value()) return store::ForgetReport{};
  ST_ASSIGN_OR_RETURN(const store::ForgetReport report,
                      store::ApplyRetention(db, *days, context.now(), &context.cancel()));
  if (report.changed()) context.SetChanged();
  return report;
}

}  // namespace

StatusOr<std::string> SyncRun(Context& context, const JsonValue& params) {
  sync::SyncOptions options = OptionsFrom(params);
  options.progress = [&context](std::string_view stage, int64_t done, int64_t total,
                                std::string_view what) {
    context.Progress(stage, done, total, std::string(what));
  };
  ST_ASSIGN_OR_RETURN(const base::Environment* const env, context.hosts_env());
  const sync::SyncWorld world{.env = env,
                              .clock = &context.clock(),
                              .cancel = &context.cancel(),
                              .sources = hosts::Sources()};
  ST_ASSIGN_OR_RETURN(const config::Config* const config, context.config());
  WarnAboutFolders(context, *env, *config);
  if (context.dry_run()) {
    ST_ASSIGN_OR_RETURN(store::Db* const db, context.DbIfThere());
    ST_ASSIGN_OR_RETURN(const sync::SyncReport preview, sync::Preview(db, world, options));
    WarnAboutSources(context, preview);
    ST_ASSIGN_OR_RETURN(const auto merged, Explained(db, params));
    return ToJson(preview, {}, merged);
  }
  ST_ASSIGN_OR_RETURN(store::Db * db, context.WriteDb());
  BoundJobLogs(context);
  const bool all = options.only.empty() && options.session.empty() && !options.repair_only &&
                   !options.since.has_value();
  options.finish = [&](const sync::SyncReport& report) {
    return report.complete && all ? status::WriteLastSync(*db, context.now()) : absl::OkStatus();
  };
  ST_ASSIGN_OR_RETURN(const sync::SyncReport report, sync::Run(*db, world, options));
  if (report.changed) context.SetChanged();
  ST_ASSIGN_OR_RETURN(const store::ForgetReport forgotten, Retain(context, *db, *config));
  WarnAboutSources(context, report);
  WarnAbout(context, report);
  ST_ASSIGN_OR_RETURN(const auto merged, Explained(db, params));
  return ToJson(report, forgotten, merged);
}

}  // namespace selftune::capi::ops
