#include "capi/install_world.h"

#include <algorithm>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "base/executable.h"
#include "base/file.h"
#include "base/status_macros.h"
#include "base/strings.h"
#include "capi/readout.h"
#include "capi/state_lock.h"
#include "capi/version.h"
#include "hosts/moved_homes.h"
#include "install/twice.h"
#include "store/install_rows.h"

namespace selftune::capi {
namespace {

using base::JsonValue;
using base::JsonWriter;

void WriteFileResult(JsonWriter& out, const install::FileResult& file, bool with_diff) {
  out.BeginObject().Field("path", file.path).Field("action", install::Word(file.did));
  TextOrNull(out, "backup_path", file.backup_path);
  TextOrNull(out, "sha256_before", file.sha256_before);
  TextOrNull(out, "sha256_after", file.sha256_after);
  TextOrNull(out, "diff",
             with_diff && file.did != install::Did::kNothing ? LineDiff(file.before, file.after)
                                                             : std::string());
  out.EndObject();
}

std::string_view TitleOf(std::string_view platform) {
  const hosts::HostRow* const row = hosts::FindRow(platform);
  return row == nullptr ? platform : row->title;
}

// A store that cannot tell what we installed: hooks are then known by their looks.
bool SaysNothing(const Status& status) {
  const std::string_view code = CodeOf(status).name;
  return code == kStoreForeign.name || code == kStoreCorrupt.name || code == kSchemaNewer.name;
}

bool IsAsked(const JsonValue& platforms, std::string_view platform) {
  return std::any_of(platforms.items().begin(), platforms.items().end(),
                     [&](const JsonValue& name) { return name.AsString() == platform; });
}

}  // namespace

StatusOr<std::vector<HostHere>> HostsHere(Context& context, const JsonValue& platforms,
                                          const std::string& shim, Broken broken) {
  const auto configured = context.hosts_env();
  if (!configured.ok() && broken == Broken::kFail) return configured.status();
  const base::Environment* const env = configured.ok() ? *configured : &context.env();
  const std::string path_list = env->GetOr("PATH", "");
  std::vector<HostHere> out;
  for (const hosts::HostRow& row : hosts::Rows()) {
    if (!platforms.items().empty() && !IsAsked(platforms, row.platform)) continue;
    HostHere host{.row = &row, .target = install::FindTarget(row.platform)};
    host.place = {
        .home = context.paths().home, .config_dir = hosts::ConfigDir(row, *env), .shim = shim};
    if (!row.command.empty()) host.binary = base::FindExecutable(row.command, path_list);
    host.detected = !host.binary.empty() || base::Exists(host.place.config_dir);
    out.push_back(std::move(host));
  }
  return out;
}

StatusOr<std::string> ProjectHere(const Context& context, std::string_view instead) {
  const std::string here = base::RealPath(".").value_or("");
  const std::string home = base::RealPath(context.paths().home).value_or(context.paths().home);
  const auto refused = [&](std::string_view why) {
    return WithSuggestion(Fail(kNotFound, "looking for the project: {} {}", here, why),
                          "go into a project, or leave --scope out", instead);
  };
  std::string top = install::RepositoryAround(here, home);
  if (!top.empty()) return top;
  if ((here + "/").starts_with(home + "/")) {
    return refused("is in your home, and in no project there");
  }
  return refused("is in no project: no folder above it has .git");
}

void MoveToProject(HostHere& host, const std::string& project) {
  host.place.only_here = true;
  host.place.config_dir = base::JoinPath(project, host.target->project_dir);
  host.place.project = project;
}

void WarnOfTwo(Context& context, const HostHere& host, const std::vector<store::InstallRow>& rows,
               bool planned) {
  const auto env = context.hosts_env();
  if (!env.ok()) return;
  const install::Place& here = host.place;
  install::Place person = here;
  person.config_dir = hosts::ConfigDir(*host.row, **env);
  person.settings_file.clear();
  person.project.clear();
  person.shim.clear();
  const std::string project = here.project.empty() ? install::ProjectAround() : here.project;
  std::vector<install::HooksPlace> places =
      install::PlacesOfHooks(*host.row, *host.target, person, project, rows);
  if (planned && host.target->hooks != nullptr) {
    const std::string path = install::SettingsPath(*host.target, here);
    const auto wanted = host.target->hooks(here.shim);
    std::erase_if(places, [&](const install::HooksPlace& one) { return one.path == path; });
    const auto& handler = wanted.front().group["hooks"].items().front();
    places.push_back({.scope = here.project.empty()         ? "user"
                               : here.settings_file.empty() ? "project"
                                                            : "local",
                      .path = path,
                      .command = handler["command"].AsString(),
                      .project = here.project,
                      .here = true});
  }
  const auto twice = install::FindTwice(*host.row, std::move(places));
  if (!twice.has_value()) return;
  const std::string command = base::JoinCommand(twice->command);
  context.Warn("HOOKS_TWICE", fmt::format("{}: {}; {} takes some of them out", host.row->title,
                                          twice->what, command));
  context.AddAlternative({.argv = twice->command, .reason = "each event is told once then"});
}

void WarnOfMovedHomes(Context& context) {
  const auto env = context.hosts_env();
  if (!env.ok()) return;
  for (const hosts::MovedHome& moved : hosts::FindMovedHomes(**env)) {
    context.Warn("HOST_FOLDER_IGNORED", hosts::Describe(moved));
    context.AddAlternative(
        {.argv = hosts::CommandFor(moved), .reason = "use " + moved.folder + " from now on"});
  }
}

StatusOr<std::string> ShimFor(const Context& context, const std::string& given) {
  std::string shim = install::FindShim(context.env().GetOr("PATH", ""));
  if (!given.empty()) {
    const auto refused = [&](const Status& status) {
      if (shim.empty()) {
        return WithSuggestion(status, "name a selftune-hook that is there", "selftune help init");
      }
      return WithSuggestion(
          status, fmt::format("leave --hook-program out: {} is found without it", shim),
          context.op() == "install.hooks" ? "selftune hooks install" : "selftune init");
    };
    const auto info = base::Stat(given);
    if (!info.ok() || !info->is_file() || ::access(given.c_str(), X_OK) != 0) {
      return refused(Fail(kFileNotFound, "installing hooks: {} is no program", given));
    }
    // By its name hooks are found again.
    if (base::BaseName(given) == install::kShimName) return given;
    return refused(
        Fail(kInvalidRequest, "installing hooks: {} is not called {}", given, install::kShimName));
  }
  if (!shim.empty()) return shim;
  return WithSuggestion(
      Fail(kFileNotFound,
           "installing hooks: selftune-hook is neither beside this program nor on "
           "PATH"),
      "install it, or name it with --hook-program", "selftune hooks status");
}

StatusOr<Installing> Installing::Begin(Context& context, For what) {
  ST_RETURN_IF_ERROR(context.CheckWritable());
  Installing out;
  if (!context.dry_run()) {
    ST_ASSIGN_OR_RETURN(out.lock_, TakeStateLock(context, "install"));
    if (what == For::kPutting || context.HasStore()) {
      const StatusOr<store::Db*> db = context.WriteDb();
      if (!db.ok() && !(what == For::kRemoving && SaysNothing(db.status()))) return db.status();
      if (db.ok()) out.world_.db = *db;
    }
  } else {
    const StatusOr<store::Db*> db = context.DbIfThere();
    if (!db.ok() && !SaysNothing(db.status())) return db.status();
    if (db.ok()) out.world_.db = *db;
  }
  out.world_.state_dir = context.paths().state_dir;
  out.world_.version = kVersion;
  out.world_.now = context.now();
  out.world_.dry_run = context.dry_run();
  if (out.world_.db != nullptr) {
    ST_ASSIGN_OR_RETURN(out.world_.rows, store::ReadInstalls(*out.world_.db));
  }
  return out;
}

void WriteHostResults(JsonWriter& out, const HostsDone& done, bool with_diff) {
  out.BeginArray();
  for (const install::HostResult& host : done.hosts) {
    out.BeginObject()
        .Field("id", host.platform)
        .Field("title", TitleOf(host.platform))
        .Field("action", install::Word(host.did))
        .Key("files")
        .BeginArray();
    for (const install::FileResult& file : host.files) WriteFileResult(out, file, with_diff);
    out.EndArray().Key("needs").BeginArray();
    for (const std::string& need : host.afterwards) out.String(need);
    out.EndArray().NullField("error").EndObject();
  }
  for (const auto& [platform, status] : done.failed) {
    out.BeginObject()
        .Field("id", platform)
        .Field("title", TitleOf(platform))
        .Field("action", "failed")
        .Key("files")
        .BeginArray()
        .EndArray()
        .Key("needs")
        .BeginArray()
        .EndArray()
        .Field("error", Message(status))
        .EndObject();
  }
  out.EndArray();
}

std::optional<Receipt> ReceiptOf(const Context& context, const HostsDone& done,
                                 std::vector<std::string> undo) {
  if (context.dry_run()) return std::nullopt;
  Receipt receipt{.operation = context.op(), .undo = std::move(undo)};
  const install::FileResult* only = nullptr;
  for (const install::HostResult& host : done.hosts) {
    bool changed = false, had_ours = false;
    for (const install::FileResult& file : host.files) {
      had_ours = had_ours || file.had_ours;
      if (file.did == install::Did::kNothing) continue;
      changed = true;
      receipt.targets.push_back(file.path);
      only = &file;
    }
    if (changed && had_ours) receipt.undo.clear();
  }
  if (receipt.targets.empty()) return std::nullopt;
  if (only != nullptr && receipt.targets.size() == 1) {
    const auto hash = [](const std::string& text) {
      return text.empty() ? std::nullopt : std::optional(text);
    };
    receipt.sha256_before = hash(only->sha256_before);
    receipt.sha256_after = hash(only->sha256_after);
    receipt.backup_path = hash(only->backup_path);
  }
  return receipt;
}

std::string LineDiff(std::string_view before, std::string_view after) {
  std::vector<std::string_view> old_lines = base::Split(before, '\n');
  std::vector<std::string_view> new_lines = base::Split(after, '\n');
  size_t head = 0;
  const size_t least = std::min(old_lines.size(), new_lines.size());
  while (head < least && old_lines[head] == new_lines[head]) ++head;
  size_t tail = 0;
  while (tail < least - head &&
         old_lines[old_lines.size() - 1 - tail] == new_lines[new_lines.size() - 1 - tail]) {
    ++tail;
  }
  std::string out;
  for (size_t i = head; i + tail < old_lines.size(); ++i) {
    out += "-" + std::string(old_lines[i]) + "\n";
  }
  for (size_t i = head; i + tail < new_lines.size(); ++i) {
    out += "+" + std::string(new_lines[i]) + "\n";
  }
  return out;
}

}  // namespace selftune::capi
