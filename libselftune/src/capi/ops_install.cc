// install.hooks*: selftune's hooks in the settings of the hosts.
#include <algorithm>
#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "base/file.h"
#include "base/json_writer.h"
#include "base/status_macros.h"
#include "base/strings.h"
#include "base/utf8.h"
#include "capi/hooked_agents.h"
#include "capi/install_world.h"
#include "capi/ops.h"
#include "capi/readout.h"
#include "install/installer.h"
#include "install/twice.h"
#include "install/verify.h"
#include "store/install_rows.h"

namespace selftune::capi::ops {
namespace {

using base::JsonValue;
using base::JsonWriter;

Status NothingThere(const HostHere& host) {
  return WithSuggestion(Fail(kUnsupportedType,
                             "installing hooks: {} needs none, its own records "
                             "say everything",
                             host.row->title),
                        "read its records", "selftune sync");
}

Status ApplyScope(const Context& context, const JsonValue& params, std::string_view instead,
                  std::vector<HostHere>& hosts) {
  const bool named = !params["platforms"].items().empty();
  const std::string& scope = params["scope"].AsString();
  if (scope.empty()) return absl::OkStatus();
  for (HostHere& host : hosts) host.place.only_here = true;
  if (scope == "user") return absl::OkStatus();
  const bool local = scope == "local";
  std::erase_if(hosts, [&](const HostHere& host) {
    const bool has =
        !host.target->project_dir.empty() && !(local && host.target->local_file.empty());
    return !has && !named;
  });
  for (const HostHere& host : hosts) {
    const std::string_view dir = host.target->project_dir;
    if (dir.empty() || (local && host.target->local_file.empty())) {
      return WithSuggestion(
          Fail(kUnsupportedType, "installing hooks: {} has no settings of scope {}",
               host.row->title, scope),
          "leave --scope out", "selftune hooks status");
    }
  }
  ST_ASSIGN_OR_RETURN(const std::string project, ProjectHere(context, instead));
  for (HostHere& host : hosts) {
    MoveToProject(host, project);
    if (local) host.place.settings_file = host.target->local_file;
  }
  return absl::OkStatus();
}

// Without names: the hosts that are here. With names: those, or an error.
// `instead` of a project that is not here.
StatusOr<std::vector<HostHere>> Chosen(Context& context, const JsonValue& params,
                                       const std::string& shim, bool all,
                                       std::string_view instead) {
  ST_ASSIGN_OR_RETURN(
      std::vector<HostHere> found,
      HostsHere(context, params["platforms"], shim, all ? Broken::kPassBy : Broken::kFail));
  const bool named = !params["platforms"].items().empty();
  std::vector<HostHere> out;
  for (HostHere& host : found) {
    if (host.target == nullptr) {
      if (named) return NothingThere(host);
      continue;
    }
    if (named || all || host.detected) out.push_back(std::move(host));
  }
  ST_RETURN_IF_ERROR(ApplyScope(context, params, instead, out));
  return out;
}

StatusOr<std::string> Finish(Context& context, const JsonValue& params, const HostsDone& done,
                             std::string_view undo_verb) {
  std::vector<std::string> undo = {"selftune", "hooks", std::string(undo_verb)};
  for (const install::HostResult& host : done.hosts) {
    if (host.did != install::Did::kNothing) undo.push_back(host.platform);
  }
  if (params["scope"].is_string()) {
    undo.insert(undo.end(), {"--scope", params["scope"].AsString()});
  }
  JsonWriter out;
  out.BeginObject().Key("platforms");
  WriteHostResults(out, done, context.dry_run());
  const auto receipt = ReceiptOf(context, done, undo);
  out.Key("receipt");
  if (receipt.has_value()) {
    WriteReceipt(out, *receipt);
    context.SetChanged();
  } else {
    out.Null();
  }
  out.EndObject();
  if (!done.failed.empty()) context.SetVerdict(done.failed.front().second);
  return std::move(out).Take();
}

}  // namespace

StatusOr<std::string> InstallHooks(Context& context, const JsonValue& params) {
  ST_ASSIGN_OR_RETURN(const std::string shim, ShimFor(context, params["hook_program"].AsString()));
  ST_ASSIGN_OR_RETURN(
      const std::vector<HostHere> chosen,
      Chosen(context, params, shim, /*all=*/false, "selftune hooks install --scope user"));
  if (chosen.empty()) {
    return WithSuggestion(Fail(kNotFound, "installing hooks: no agent was found on this machine"),
                          "name one: selftune hooks install claude", "selftune hooks status");
  }
  ST_ASSIGN_OR_RETURN(Installing installing, Installing::Begin(context, Installing::For::kPutting));
  HostsDone done;
  for (const HostHere& given : chosen) {
    HostHere host = given;
    // A file that a team shares knows no place of this machine.
    const bool shared = params["scope"].AsString() == "project";
    if (shared) host.place.shim = install::kShimName;
    auto result = install::InstallHooks(installing.world(), *host.target, host.place);
    if (result.ok()) {
      WarnOfTwo(context, host, installing.world().rows, /*planned=*/true);
      done.hosts.push_back(*std::move(result));
    } else {
      done.failed.emplace_back(host.row->platform, result.status());
    }
  }
  WarnOfMovedHomes(context);
  RecordHooked(context, installing.world().rows);
  return Finish(context, params, done, "uninstall");
}

StatusOr<std::string> InstallHooksRemove(Context& context, const JsonValue& params) {
  ST_ASSIGN_OR_RETURN(const std::vector<HostHere> chosen,
                      Chosen(context, params, install::FindShim(context.env().GetOr("PATH", "")),
                             /*all=*/true, "selftune hooks status"));
  ST_ASSIGN_OR_RETURN(Installing installing,
                      Installing::Begin(context, Installing::For::kRemoving));
  HostsDone done;
  for (const HostHere& host : chosen) {
    auto result = install::RemoveHooks(installing.world(), *host.target, host.place);
    if (!result.ok()) {
      done.failed.emplace_back(host.row->platform, result.status());
    } else if (result->did != install::Did::kNothing || !result->afterwards.empty() ||
               !params["platforms"].items().empty()) {
      done.hosts.push_back(*std::move(result));
    }
  }
  if (installing.world().db != nullptr) RecordHooked(context, installing.world().rows);
  return Finish(context, params, done, "install");
}

StatusOr<std::string> InstallHooksStatus(Context& context, const JsonValue& params) {
  std::vector<store::InstallRow> rows;
  if (context.HasStore()) {
    // Hooks are looked at all the same where the store cannot be read.
    if (const auto db = context.ReadDb(); db.ok()) {
      ST_ASSIGN_OR_RETURN(rows, store::ReadInstalls(**db));
    }
  }
  // Whichever program they start: doctor says whether it is there.
  ST_ASSIGN_OR_RETURN(std::vector<HostHere> hosts, HostsHere(context, params["platforms"], ""));
  const std::string& scope = params["scope"].AsString();
  if (!scope.empty() && scope != "user") {
    std::erase_if(hosts, [](const HostHere& host) { return host.target == nullptr; });
    ST_RETURN_IF_ERROR(ApplyScope(context, params, "selftune hooks status", hosts));
  }
  JsonWriter out;
  out.BeginObject().Key("platforms").BeginArray();
  for (const HostHere& host : hosts) {
    install::HostHooks hooks;
    if (host.target != nullptr) {
      hooks = install::LookAtHooks(*host.target, host.place);
      WarnOfTwo(context, host, rows, /*planned=*/false);
    }
    out.BeginObject()
        .Field("id", host.row->platform)
        .Field("title", host.row->title)
        .Field("detected", host.detected)
        .Field("state", host.target == nullptr  ? std::string_view("unsupported")
                        : hooks.problem.empty() ? install::Word(hooks.state)
                                                : std::string_view("unreadable"));
    TextOrNull(out, "path", hooks.path);
    TextOrNull(out, "hook_program", hooks.shim);
    TextOrNull(out, "problem", hooks.problem);
    std::vector<std::string> needs;
    for (const install::Hindrance& one : hooks.hindrances) needs.push_back(one.remedy);
    TextOrNull(out, "needs", base::Join(needs, "; "));
    out.Key("events").BeginArray();
    for (const std::string& event : hooks.wanted) {
      const auto ours =
          std::count_if(hooks.found.begin(), hooks.found.end(),
                        [&](const auto& hook) { return hook.ours && hook.event == event; });
      out.BeginObject().Field("event", event).Field("installed", ours > 0).EndObject();
    }
    out.EndArray().Key("foreign").BeginArray();
    for (const install::FoundHook& hook : hooks.found) {
      if (hook.ours) continue;
      out.BeginObject().Field("event", hook.event);
      TextOrNull(out, "matcher", hook.matcher);
      out.Field("command", hook.command).EndObject();
    }
    out.EndArray().EndObject();
  }
  out.EndArray().EndObject();
  return std::move(out).Take();
}

StatusOr<std::string> InstallHooksVerify(Context& context, const JsonValue& params) {
  constexpr std::chrono::milliseconds kSlow{250};
  const std::string shim = install::FindShim(context.env().GetOr("PATH", ""));
  ST_ASSIGN_OR_RETURN(const std::vector<HostHere> chosen,
                      Chosen(context, params, shim, /*all=*/true, "selftune hooks status"));
  const std::string temp = context.env().GetOr("TMPDIR", "/tmp");
  ST_ASSIGN_OR_RETURN(const std::string scratch,
                      base::MakeTempDir(temp.starts_with('/') ? temp : "/tmp", "selftune-verify-"));
  JsonWriter out;
  out.BeginObject().Key("platforms").BeginArray();
  Status worst = absl::OkStatus();
  size_t tried = 0;
  for (const HostHere& host : chosen) {
    const std::string dir = base::JoinPath(scratch, host.row->platform);
    const auto results =
        install::VerifyHooks(*host.target, host.place, context.env(), dir, context.cancel());
    if (results.ok() && results->empty()) continue;
    out.BeginObject().Field("id", host.row->platform).Field("title", host.row->title);
    TextOrNull(out, "problem", results.ok() ? "" : std::string(Message(results.status())));
    out.Key("hooks").BeginArray();
    if (!results.ok() && worst.ok()) worst = results.status();
    for (const install::TrialResult& one :
         results.ok() ? *results : std::vector<install::TrialResult>()) {
      ++tried;
      out.BeginObject()
          .Field("event", one.event)
          .Field("command", one.command)
          .Field("ok", one.problem.empty())
          .Field("exit_code", one.exit_code < 0 ? std::nullopt : std::optional(one.exit_code))
          .Field("elapsed_ms", int64_t{one.elapsed.count()})
          .Field("slow", one.elapsed > kSlow);
      TextOrNull(out, "reply", base::ToValidUtf8(one.reply));
      TextOrNull(out, "problem", base::ToValidUtf8(one.problem));
      out.EndObject();
      if (one.problem.empty() || !worst.ok()) continue;
      worst = WithSuggestion(
          Fail(kUnhealthy, "{}, {}: {}", host.row->title, one.event, one.problem),
          "put the hooks in order", fmt::format("selftune hooks install {}", host.row->command));
    }
    out.EndArray().EndObject();
  }
  ST_RETURN_IF_ERROR(base::RemoveTree(scratch));
  out.EndArray().EndObject();
  if (tried == 0 && worst.ok()) {
    context.SetNext({.argv = {"selftune", "hooks", "install"},
                     .reason = "no hooks are installed; this puts them in"});
  }
  context.SetVerdict(worst);
  return std::move(out).Take();
}

StatusOr<std::string> InstallList(Context& context, const JsonValue&) {
  std::vector<store::InstallRow> rows;
  if (context.HasStore()) {
    ST_ASSIGN_OR_RETURN(store::Db* const db, context.ReadDb());
    ST_ASSIGN_OR_RETURN(rows, store::ReadInstalls(*db));
  }
  JsonWriter out;
  out.BeginObject().Key("items").BeginArray();
  for (const store::InstallRow& row : rows) {
    out.BeginObject().Field("path", row.path).Field("kind", row.kind);
    TextOrNull(out, "platform", row.platform);
    out.Field("drift", install::DriftOf(row))
        .Field("created_file", row.created_file)
        .Field("version", row.version)
        .Field("installed_at", row.installed);
    TextOrNull(out, "backup_path", row.backup_path);
    out.EndObject();
  }
  out.EndArray().EndObject();
  return std::move(out).Take();
}

}  // namespace selftune::capi::ops
