// install.skill*: the skill that agents operate selftune by, in the folders where they
// look for skills.
#include <algorithm>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/json_writer.h"
#include "base/status_macros.h"
#include "base/strings.h"
#include "capi/install_steps.h"
#include "capi/install_world.h"
#include "capi/ops.h"
#include "capi/own_skill.h"
#include "capi/readout.h"
#include "capi/version.h"
#include "install/file_change.h"

namespace selftune::capi::ops {
namespace {

using base::JsonValue;
using base::JsonWriter;
using Rows = std::vector<store::InstallRow>;

// What was done in one place.
struct PlaceDone {
  SkillPlace place;
  SkillDone done;
  bool anew = false;  // nothing of ours was known to be there
};

// Those of the hosts that are here, or that were named.
std::vector<HostHere> Here(const std::vector<HostHere>& hosts, bool named) {
  std::vector<HostHere> out;
  for (const HostHere& host : hosts) {
    if (named || host.detected) out.push_back(host);
  }
  return out;
}

StatusOr<std::vector<SkillPlace>> PlacesOf(const Context& context, const JsonValue& params,
                                           const std::vector<HostHere>& hosts,
                                           std::string_view instead) {
  if (params["scope"].AsString() != "project") return UserSkillPlaces(hosts);
  ST_ASSIGN_OR_RETURN(const std::string project, ProjectHere(context, instead));
  return ProjectSkillPlaces(hosts, project, !params["platforms"].items().empty());
}

// Where something of ours is known to be, as far as the request goes.
StatusOr<std::vector<SkillPlace>> KnownPlaces(Context& context, const JsonValue& params,
                                              const Rows& rows) {
  ST_ASSIGN_OR_RETURN(const std::vector<HostHere> hosts,
                      HostsHere(context, params["platforms"], "", Broken::kPassBy));
  ST_ASSIGN_OR_RETURN(std::vector<SkillPlace> out,
                      PlacesOf(context, params, hosts, "selftune skill status"));
  UseKnownNames(rows, out);
  if (params["scope"].AsString().empty() && params["platforms"].items().empty()) {
    for (SkillPlace& place : OtherSkillPlaces(rows, out)) out.push_back(std::move(place));
  }
  std::erase_if(out, [&](const SkillPlace& place) { return !HasRows(rows, place); });
  return out;
}

// With something that helps, whatever stood in the way.
Status Helped(const PlaceDone& one) {
  const Status& status = one.done.status;
  if (!status.ok() && one.done.foreign) {
    return WithSuggestion(status, "put selftune's there; what is there now is kept",
                          base::JoinCommand(ReplaceArgv(one.place, one.done.kept.front(), status)));
  }
  if (status.ok() || !NextCommand(status).empty()) return status;
  return WithSuggestion(status, "see what is in the places of the skill", "selftune skill status");
}

void WritePlace(JsonWriter& out, const SkillPlace& place) {
  out.Field("path", place.folder).Field("kind", place.kind).Field("scope", place.scope);
  out.Key("platforms").BeginArray();
  for (const std::string& platform : place.platforms) out.String(platform);
  out.EndArray();
}

JsonWriter Begun(const std::vector<PlaceDone>& all) {
  JsonWriter out;
  out.BeginObject().Key("places").BeginArray();
  for (const PlaceDone& one : all) {
    out.BeginObject();
    WritePlace(out, one.place);
    out.Field("action",
              one.done.status.ok() ? install::Word(one.done.files.did) : std::string_view("failed"))
        .Field("files", one.done.there + static_cast<int64_t>(one.done.files.files.size()));
    TextOrNull(out, "error", std::string(Message(one.done.status)));
    out.EndObject();
  }
  out.EndArray().Key("files").BeginArray();
  for (const PlaceDone& one : all) {
    for (const install::FileResult& file : one.done.files.files) {
      out.BeginObject().Field("path", file.path).Field("action", install::Word(file.did));
      out.EndObject();
    }
  }
  out.EndArray();
  return out;
}

void WriteKept(JsonWriter& out, const std::vector<PlaceDone>& all) {
  out.Key("kept_as_orig").BeginArray();
  for (const PlaceDone& one : all) {
    for (const install::FileResult& file : one.done.files.files) {
      const std::string& kept = file.replaced ? file.backup_path : file.kept_as;
      if (kept.empty()) continue;
      out.BeginObject().Field("path", file.path).Field("kept_as", kept).EndObject();
    }
  }
  out.EndArray();
}

// "--agent claude_code --scope project" for those places in which something happened.
std::vector<std::string> Where(const std::vector<PlaceDone>& all, const JsonValue& params) {
  std::vector<std::string> out;
  for (const PlaceDone& one : all) {
    if (one.done.files.files.empty() || one.place.platforms.empty()) continue;
    const std::string& platform = one.place.platforms.front();
    if (std::find(out.begin(), out.end(), platform) != out.end()) continue;
    out.insert(out.end(), {"--agent", platform});
  }
  const std::string& scope = params["scope"].AsString();
  if (!out.empty()) out.insert(out.end(), {"--scope", scope.empty() ? "user" : scope});
  return out;
}

std::string Finish(Context& context, JsonWriter out, const std::vector<PlaceDone>& all,
                   std::vector<std::string> undo) {
  out.Key("needs").BeginArray();
  for (const PlaceDone& one : all) {
    for (const std::string& what : one.done.files.afterwards) out.String(what);
  }
  out.EndArray();
  HostsDone done;
  Status worst = absl::OkStatus();
  for (const PlaceDone& one : all) {
    done.hosts.push_back(one.done.files);
    if (worst.ok()) worst = Helped(one);
  }
  const auto receipt = ReceiptOf(context, done, std::move(undo));
  WriteReceiptOrNull(out, receipt);
  out.EndObject();
  if (receipt.has_value()) context.SetChanged();
  context.SetVerdict(worst);
  return std::move(out).Take();
}

// Only what was put where nothing was can be taken out again as if it had not been.
bool IsAnew(const PlaceDone& one) {
  const auto& files = one.done.files.files;
  return one.anew && std::all_of(files.begin(), files.end(), [](const install::FileResult& file) {
           return file.did == install::Did::kInstalled || file.replaced;
         });
}

// "skill install ..." that brings back just what was taken out; empty where nothing does.
StatusOr<std::vector<std::string>> PutInAgain(Context& context, const Rows& rows,
                                              const std::vector<PlaceDone>& all,
                                              const JsonValue& params) {
  const std::vector<std::string> none;
  std::vector<std::string> out = {"selftune", "skill", "install"};
  const auto where = Where(all, params);
  out.insert(out.end(), where.begin(), where.end());
  // It would also go where nothing of ours was.
  ST_ASSIGN_OR_RETURN(const std::vector<HostHere> hosts,
                      HostsHere(context, params["platforms"], "", Broken::kPassBy));
  ST_ASSIGN_OR_RETURN(const std::vector<SkillPlace> places,
                      PlacesOf(context, params, hosts, "selftune skill status"));
  for (const SkillPlace& place : places) {
    const bool named = std::any_of(
        place.platforms.begin(), place.platforms.end(), [&](const std::string& platform) {
          return std::find(where.begin(), where.end(), platform) != where.end();
        });
    const bool known = std::any_of(all.begin(), all.end(), [&](const PlaceDone& one) {
      return one.place.folder == place.folder && one.place.kind == place.kind;
    });
    if (named && !known) return none;
  }
  bool replaces = false;
  for (const PlaceDone& one : all) {
    const auto& files = one.done.files.files;
    if (!files.empty() && one.place.platforms.empty()) return none;  // no command names it
    const auto put_back = [&](const std::string& path) {
      return std::any_of(files.begin(), files.end(), [&](const install::FileResult& file) {
        return file.path == path && file.did == install::Did::kUpdated;
      });
    };
    for (const SkillDrift& drift : LookAtSkill(rows, one.place).drift) {
      if (drift.state == "missing") continue;
      if (!put_back(drift.path)) return none;  // it would stand in the way, or give way
      replaces = true;
    }
  }
  if (replaces) out.emplace_back("--replace");
  return out;
}

StatusOr<std::vector<SkillPlace>> PlacesToInstall(Context& context, const JsonValue& params) {
  const bool named = !params["platforms"].items().empty();
  ST_ASSIGN_OR_RETURN(const std::vector<HostHere> hosts,
                      HostsHere(context, params["platforms"], ""));
  const std::vector<HostHere> here = Here(hosts, named);
  if (here.empty()) {
    return WithSuggestion(
        Fail(kNotFound, "installing the skill: no agent was found on this machine"),
        "name one with --agent", "selftune skill install --agent claude");
  }
  return PlacesOf(context, params, here, "selftune skill install --scope user");
}

std::string_view StateOf(const SkillPlace& place, const SkillLook& look) {
  const auto has = [&](std::string_view state) {
    return std::any_of(look.drift.begin(), look.drift.end(),
                       [&](const SkillDrift& drift) { return drift.state == state; });
  };
  if (look.absent) return "absent";
  if (IsGone(place)) return "gone";
  if (has("outdated") || has("dropped") || (!look.version.empty() && look.version != kVersion)) {
    return "outdated";
  }
  if (look.drift.empty()) return "current";
  const bool all = std::all_of(look.drift.begin(), look.drift.end(),
                               [](const SkillDrift& drift) { return drift.state == "foreign"; });
  return all ? "foreign" : "changed";
}

// The command that helps, and why; both empty when nothing is amiss.
struct Help {
  std::string text;
  std::vector<std::string> argv;

  [[nodiscard]] std::string command() const { return base::JoinCommand(argv); }
};

Help HelpFor(const SkillPlace& place, const SkillDrift& drift) {
  const std::vector<std::string> update = {"selftune", "skill", "update"};
  if (drift.state == "outdated" || drift.state == "dropped") {
    return {"of another version of selftune", update};
  }
  if (drift.state == "edited" && !drift.is_link) {
    return {"edited since it was installed; your text would be kept as .orig", update};
  }
  if (drift.state == "missing") return {"it is gone; this puts it back", InstallArgv(place)};
  if (drift.state == "foreign" && !drift.is_link) {
    return {"not selftune's; this puts ours there, and keeps it until ours is taken out again",
            ReplaceArgv(place, drift.path, absl::OkStatus())};
  }
  return {drift.is_link ? "a link to what is not selftune's: this keeps it under another name, "
                          "then install"
                        : "no file that can be read: this keeps it under another name, then "
                          "install",
          ReplaceArgv(place, drift.path, absl::OkStatus())};
}

Help HelpFor(const SkillPlace& place, std::string_view state, const SkillLook& look) {
  if (state == "absent") return {"not installed", InstallArgv(place)};
  if (state == "current" || state == "gone") return {};
  return HelpFor(
      place, look.drift.empty() ? SkillDrift{.path = "", .state = "outdated"} : look.drift.front());
}

// Each place in which the skill belongs or is known to be.
StatusOr<std::vector<SkillPlace>> PlacesToLookAt(Context& context, const Rows& rows) {
  ST_ASSIGN_OR_RETURN(const std::vector<HostHere> hosts,
                      HostsHere(context, JsonValue(), "", Broken::kPassBy));
  const std::vector<HostHere> here = Here(hosts, /*named=*/false);
  std::vector<SkillPlace> out = UserSkillPlaces(here);
  UseKnownNames(rows, out);
  std::vector<SkillPlace> known = UserSkillPlaces(hosts);
  UseKnownNames(rows, known);
  if (const auto project = ProjectHere(context, ""); project.ok()) {
    ST_ASSIGN_OR_RETURN(std::vector<SkillPlace> places,
                        ProjectSkillPlaces(hosts, *project, /*named=*/false));
    UseKnownNames(rows, places);
    for (const SkillPlace& place : places) {
      if (HasRows(rows, place) || !LookAtSkill(rows, place).absent) known.push_back(place);
    }
  }
  for (const SkillPlace& place : known) {
    const bool listed = std::any_of(out.begin(), out.end(), [&](const SkillPlace& other) {
      return other.folder == place.folder && other.kind == place.kind;
    });
    if (listed || (place.scope == "user" && !HasRows(rows, place))) continue;
    out.push_back(place);
  }
  for (SkillPlace& place : OtherSkillPlaces(rows, out)) out.push_back(std::move(place));
  return out;
}

}  // namespace

StatusOr<std::string> InstallSkill(Context& context, const JsonValue& params) {
  const bool update = params["update"].AsBool();
  std::vector<SkillPlace> places;
  if (!update) {
    ST_ASSIGN_OR_RETURN(places, PlacesToInstall(context, params));
  }
  // An update makes no store: without one nothing was installed.
  ST_ASSIGN_OR_RETURN(
      Installing installing,
      Installing::Begin(context, update ? Installing::For::kRemoving : Installing::For::kPutting));
  install::World& world = installing.world();
  UseKnownNames(world.rows, places);
  if (update) {
    ST_ASSIGN_OR_RETURN(places, KnownPlaces(context, params, world.rows));
    std::erase_if(places, [&](const SkillPlace& place) { return !IsThere(world.rows, place); });
  }
  const auto edits =
      params["replace"].AsBool() ? install::Edits::kReplace : install::Edits::kKeepAsOrig;
  std::vector<PlaceDone> all;
  for (const SkillPlace& place : places) {
    const bool anew = !HasRows(world.rows, place);
    all.push_back({place, InstallSkillAt(world, place, edits), anew});
  }
  if (update && places.empty()) {
    context.SetNext({.argv = {"selftune", "skill", "install"},
                     .reason = "the skill is installed nowhere; this puts it where agents look"});
  }
  std::vector<std::string> undo;
  const bool anew = std::all_of(all.begin(), all.end(), [](const PlaceDone& one) {
    return one.done.files.files.empty() || IsAnew(one);
  });
  if (const auto where = Where(all, params); anew && !where.empty()) {
    undo = {"selftune", "skill", "uninstall"};
    undo.insert(undo.end(), where.begin(), where.end());
  }
  JsonWriter out = Begun(all);
  WriteKept(out, all);
  return Finish(context, std::move(out), all, std::move(undo));
}

StatusOr<std::string> InstallSkillRemove(Context& context, const JsonValue& params) {
  ST_ASSIGN_OR_RETURN(Installing installing,
                      Installing::Begin(context, Installing::For::kRemoving));
  install::World& world = installing.world();
  ST_ASSIGN_OR_RETURN(const std::vector<SkillPlace> places,
                      KnownPlaces(context, params, world.rows));
  std::vector<PlaceDone> all;
  for (const SkillPlace& place : places) {
    SkillDone done;
    auto result = install::RemoveStale(world, place.kind, place.folder, {});
    if (result.ok()) {
      done.files = *std::move(result);
    } else {
      done.status = result.status();
    }
    all.push_back({place, std::move(done)});
  }
  ST_ASSIGN_OR_RETURN(std::vector<std::string> undo, PutInAgain(context, world.rows, all, params));
  return Finish(context, Begun(all), all, std::move(undo));
}

StatusOr<std::string> InstallSkillStatus(Context& context, const JsonValue&) {
  Rows rows;
  if (context.HasStore()) {
    ST_ASSIGN_OR_RETURN(store::Db* const db, context.ReadDb());
    ST_ASSIGN_OR_RETURN(rows, store::ReadInstalls(*db));
  }
  ST_ASSIGN_OR_RETURN(const std::vector<SkillPlace> places, PlacesToLookAt(context, rows));
  JsonWriter out, drifts;
  drifts.BeginArray();
  out.BeginObject().Field("version", kVersion).Key("installed").BeginArray();
  std::vector<std::string> advice;
  for (const SkillPlace& place : places) {
    const SkillLook look = LookAtSkill(rows, place);
    const std::string_view state = StateOf(place, look);
    out.BeginObject();
    WritePlace(out, place);
    out.Field("state", state);
    TextOrNull(out, "version", look.version);
    out.Field("files", look.files).Field("unmodified", look.unmodified);
    const Help help = HelpFor(place, state, look);
    TextOrNull(out, "help", help.text);
    TextOrNull(out, "command", help.command());
    out.EndObject();
    if (advice.empty()) advice = help.argv;
    if (state == "gone") continue;
    for (const SkillDrift& drift : look.drift) {
      const Help one = HelpFor(place, drift);
      drifts.BeginObject()
          .Field("path", drift.path)
          .Field("state", drift.state)
          .Field("help", one.text)
          .Field("command", one.command())
          .EndObject();
    }
  }
  drifts.EndArray();
  out.EndArray().Key("drift").Raw(drifts.view()).EndObject();
  if (!advice.empty()) {
    context.SetNext({.argv = advice, .reason = "put the skill in order"});
  }
  return std::move(out).Take();
}

}  // namespace selftune::capi::ops
