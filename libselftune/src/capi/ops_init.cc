// install.init, install.uninstall: everything selftune needs on a machine, step by
// step. Each step looks at what is there first, so a run that was cut off is simply
// started again.
#include <array>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/file.h"
#include "base/json_writer.h"
#include "base/status_macros.h"
#include "base/strings.h"
#include "capi/config_edit.h"
#include "capi/install_world.h"
#include "capi/ops.h"
#include "capi/state_files.h"
#include "install/file_change.h"
#include "install/skill.h"
#include "status/settings.h"

namespace selftune::capi::ops {
namespace {

using base::JsonValue;
using base::JsonWriter;

struct Step {
  std::string id;
  std::string_view status = "done";  // done skipped failed
  bool changed = false;
  std::string detail;
  std::vector<std::string> needs = {};
};

// What a run of init or uninstall did so far.
class Steps {
 public:
  explicit Steps(Context& context) : context_(context) {}

  void Done(std::string id, bool changed, std::string detail, std::vector<std::string> needs = {}) {
    list_.push_back({std::move(id), "done", changed, std::move(detail), std::move(needs)});
  }
  void Skipped(std::string id, std::string detail) {
    list_.push_back({std::move(id), "skipped", false, std::move(detail)});
  }
  void Failed(std::string id, const Status& status) {
    list_.push_back({std::move(id), "failed", false, std::string(Message(status))});
    if (first_.ok()) first_ = status;
  }
  [[nodiscard]] const Status& first_failure() const { return first_; }
  [[nodiscard]] bool changed() const {
    for (const Step& step : list_) {
      if (step.changed) return true;
    }
    return false;
  }

  void Write(JsonWriter& out, bool with_needs) const {
    out.Key("steps").BeginArray();
    for (const Step& step : list_) {
      out.BeginObject()
          .Field("id", step.id)
          .Field("status", step.status)
          .Field("changed", step.changed && !context_.dry_run())
          .Field("detail", step.detail);
      if (with_needs) {
        out.Key("needs").BeginArray();
        for (const std::string& need : step.needs) out.String(need);
        out.EndArray();
      }
      out.EndObject();
    }
    out.EndArray();
  }

 private:
  Context& context_;
  std::vector<Step> list_;
  Status first_;
};

// The agents that answer model calls, in the order they are asked.
constexpr std::array<std::string_view, 4> kAnswering = {"claude_code", "codex", "opencode", "pi"};

struct Init {
  std::vector<HostHere> hosts;  // those that are set up
  bool hooks_installed = false;
  HostsDone done;
};

std::string AgentCli(const std::vector<HostHere>& hosts) {
  for (const std::string_view platform : kAnswering) {
    for (const HostHere& host : hosts) {
      if (host.row->platform == platform && !host.binary.empty()) {
        return std::string(host.row->command);
      }
    }
  }
  return "";
}

bool Exists(const Context& context, const std::string& name) {
  return base::Exists(base::JoinPath(context.paths().state_dir, name));
}

JsonValue WithPlain(const JsonValue& document, std::string_view key, const std::string& value) {
  return config::WithValue(document, key, JsonValue::Text(value));
}

// What is recorded about the machine, and what the person chose; every other key
// is kept.
JsonValue Configured(const Context& context, const JsonValue& params, const Init& init,
                     const config::Config& before) {
  const bool anew = params["force"].AsBool();
  JsonValue document = before.document.is_object() ? before.document : JsonValue::Object({});
  const std::string type =
      init.hosts.empty() ? "unknown" : std::string(init.hosts.front().row->platform);
  const auto missing = [&](std::string_view key) { return anew || !document.Has(key); };
  if (missing("agent_type")) document = WithPlain(document, "agent_type", type);
  const auto path = base::RealPath("/proc/self/exe");
  if (missing("cli_path") && path.ok()) document = WithPlain(document, "cli_path", *path);
  if (missing("llm_mode")) document = WithPlain(document, "llm_mode", "agent");
  const std::string cli = AgentCli(init.hosts);
  if (missing("agent_cli") && !cli.empty()) document = WithPlain(document, "agent_cli", cli);
  document = config::WithValue(document, "hooks_installed", JsonValue::Bool(init.hooks_installed));
  if (missing("initialized_at")) {
    document = WithPlain(document, "initialized_at", FormatRfc3339(context.now()));
  }
  if (params["autonomy"].is_string()) {
    document = WithPlain(document, "autonomy", params["autonomy"].AsString());
  } else if (!document.Has("autonomy")) {
    document = WithPlain(document, "autonomy", "deploy");
  }
  std::vector<JsonValue> agents;
  for (const HostHere& host : init.hosts) {
    agents.push_back(JsonValue::Object(
        {{"type", JsonValue::Text(std::string(host.row->platform))},
         {"binary", host.binary.empty() ? JsonValue() : JsonValue::Text(host.binary)},
         {"home", JsonValue::Text(host.place.config_dir)}}));
  }
  document = config::WithValue(document, "agents", JsonValue::Array(std::move(agents)));
  // Its own skill is not improved from what happens on this machine.
  if (!before.AutonomyOf("selftune").has_value()) {
    document = config::WithSkillAutonomy(document, "selftune", config::SkillAutonomy::kLocked);
  }
  return document;
}

// A config.json in which nothing is selftune's belongs to the folder's other owner.
Status CheckOurs(const config::Config& config) {
  const auto& members = config.document.members();
  if (members.empty() || config.document.Has("config_version") ||
      status::UnknownSettings(config).size() < members.size()) {
    return absl::OkStatus();
  }
  return WithSuggestion(
      Fail(kInvalidConfig, "setting up: {} is not selftune's", config.path),
      "give selftune a folder of its own with SELFTUNE_HOME, or move the file away",
      "selftune config path");
}

void Import(Context& context, const JsonValue& params, Steps& steps) {
  if (!params["import"].AsBool()) return steps.Skipped("import", "not asked for");
  const auto done = StoreImportReference(context, JsonValue::Object({}));
  if (done.ok()) {
    const auto reply = JsonValue::Parse(*done);
    const bool changed = reply.ok() && (*reply)["receipt"].is_object();
    return steps.Done("import", changed,
                      changed ? "what the TypeScript selftune recorded was taken over"
                              : "nothing new of the TypeScript selftune");
  }
  if (CodeOf(done.status()).name == kNotFound.name) {
    return steps.Skipped("import", "no TypeScript selftune on this machine");
  }
  // What looks like its database is our own store, with its mark in its log as yet.
  const bool foreign = CodeOf(done.status()).name == kStoreForeign.name;
  if (foreign && context.HasStore() && context.ReadDb().ok()) {
    return steps.Skipped("import", "the store is selftune's own");
  }
  steps.Failed("import", done.status());
}

std::string Said(const install::HostResult& result) {
  std::string out;
  for (const install::FileResult& file : result.files) {
    if (!out.empty()) out += ", ";
    out += file.did == install::Did::kNothing ? file.path + " has them"
                                              : file.path + " " + std::string(Word(file.did));
  }
  return out;
}

void InstallHooksStep(Context& context, const JsonValue& params, Init& init, Steps& steps) {
  if (!params["hooks"].AsBool()) return steps.Skipped("hooks", "not asked for");
  auto shim = ShimFor(context, params["hook_program"].AsString());
  if (!shim.ok()) return steps.Failed("hooks", shim.status());
  auto installing = Installing::Begin(context, Installing::For::kPutting);
  if (!installing.ok()) return steps.Failed("hooks", installing.status());
  for (HostHere& host : init.hosts) {
    const std::string id = "hooks." + std::string(host.row->platform);
    if (host.target == nullptr) {
      steps.Skipped(id, "its own records say everything");
      continue;
    }
    host.place.shim = *shim;
    auto result = install::InstallHooks(installing->world(), *host.target, host.place);
    if (!result.ok()) {
      steps.Failed(id, result.status());
      continue;
    }
    init.hooks_installed = true;
    steps.Done(id, result->did != install::Did::kNothing, Said(*result), result->afterwards);
    init.done.hosts.push_back(*std::move(result));
  }
}

// Where an agent that is here looks for a person's skills, or specialists.
struct SkillPlace {
  std::string folder;
  std::string_view part;  // of the files: those below it; "" = all but the specialists
  std::string_view kind;  // as in the rows of what was installed
};

constexpr std::string_view kSpecialists = "agents/";

std::vector<SkillPlace> SkillPlaces(const std::vector<HostHere>& hosts) {
  std::vector<SkillPlace> out;
  bool shared = false;
  for (const HostHere& host : hosts) {
    const bool own = host.row->platform == "claude_code";
    if (!own && shared) continue;
    shared = shared || !own;
    const std::string dir =
        own ? host.place.config_dir : base::JoinPath(host.place.home, ".agents");
    out.push_back({base::JoinPath(dir, "skills/selftune"), "", "skill"});
    if (own) out.push_back({base::JoinPath(dir, "agents"), kSpecialists, "agent"});
  }
  return out;
}

std::vector<install::OwnFile> FilesOf(const SkillPlace& place) {
  std::vector<install::OwnFile> out;
  for (const install::SkillFile& file : install::SkillFiles()) {
    if (file.path.starts_with(kSpecialists) != !place.part.empty()) continue;
    out.push_back({.path = base::JoinPath(place.folder, file.path.substr(place.part.size())),
                   .bytes = std::string(file.text)});
  }
  return out;
}

// Files of the person's own stay: of a skill that has their SKILL.md all of it.
Status InstallSkillAt(install::World& world, const SkillPlace& place, install::HostResult& files,
                      std::string& detail) {
  size_t written = 0, there = 0;
  if (!detail.empty()) detail += ", ";
  for (const install::OwnFile& own : FilesOf(place)) {
    auto file = install::InstallFile(world, place.kind, "", own);
    if (!file.ok()) {
      const std::string_view code = CodeOf(file.status()).name;
      if (code != kFileExists.name && code != kFileChanged.name) return file.status();
      detail += own.path + " is yours and was kept; ";
      if (place.part.empty() && written + there == 0) break;
      continue;
    }
    ++(file->did == install::Did::kNothing ? there : written);
    files.did = std::max(files.did, file->did);
    files.files.push_back(*std::move(file));
  }
  detail += fmt::format("{}: {} files installed, {} were there", place.folder, written, there);
  return absl::OkStatus();
}

void InstallSkillStep(Context& context, const JsonValue& params, Init& init, Steps& steps) {
  if (!params["skill"].AsBool()) return steps.Skipped("skill", "not asked for");
  auto installing = Installing::Begin(context, Installing::For::kPutting);
  if (!installing.ok()) return steps.Failed("skill", installing.status());
  install::HostResult files;
  std::string detail;
  for (const SkillPlace& place : SkillPlaces(init.hosts)) {
    const Status status = InstallSkillAt(installing->world(), place, files, detail);
    if (!status.ok()) return steps.Failed("skill", status);
  }
  if (detail.empty()) return steps.Skipped("skill", "no agent was found");
  steps.Done("skill", files.did != install::Did::kNothing, detail);
  init.done.hosts.push_back(std::move(files));
}

void Sync(Context& context, const JsonValue& params, Steps& steps) {
  if (!params["sync"].AsBool()) return steps.Skipped("sync", "not asked for");
  const auto done = SyncRun(context, JsonValue::Object({}));
  if (!done.ok()) return steps.Failed("sync", done.status());
  const auto reply = JsonValue::Parse(*done);
  int64_t sessions = 0;
  if (reply.ok()) {
    for (const auto& [platform, host] : (*reply)["sources"].members()) {
      sessions += host["sessions"].AsInt();
    }
  }
  steps.Done("sync", sessions > 0, fmt::format("{} sessions read", sessions));
}

StatusOr<std::vector<HostHere>> HostsToSetUp(Context& context, const JsonValue& params) {
  ST_ASSIGN_OR_RETURN(std::vector<HostHere> found, HostsHere(context, params["agents"], ""));
  std::vector<HostHere> out;
  for (HostHere& host : found) {
    if (host.detected || !params["agents"].items().empty()) out.push_back(std::move(host));
  }
  return out;
}

std::optional<Receipt> ReceiptOfInit(const Context& context, const Init& init,
                                     const ConfigEdit* edit) {
  auto receipt = ReceiptOf(context, init.done, {"selftune", "uninstall", "--yes"});
  if (edit == nullptr || !edit->written) return receipt;
  if (!receipt.has_value()) {
    receipt = Receipt{.operation = context.op(), .undo = {"selftune", "uninstall", "--yes"}};
  }
  receipt->targets.push_back(edit->before.path);
  return receipt;
}

void WriteReceiptOrNull(JsonWriter& out, const std::optional<Receipt>& receipt) {
  out.Key("receipt");
  if (receipt.has_value()) {
    WriteReceipt(out, *receipt);
  } else {
    out.Null();
  }
}

void Advise(Context& context, const Init& init, const config::Config& config) {
  if (init.hosts.empty()) {
    context.Warn("NO_AGENT",
                 "no agent was found on this machine: evidence can be read, nothing "
                 "can be improved");
  }
  if (config.autonomy == config::Autonomy::kDeploy) {
    context.Warn("AUTONOMY",
                 "validated changes are deployed by themselves and watched; to be asked first: "
                 "selftune config set autonomy propose");
  }
  context.SetNext({.argv = {"selftune", "status"}, .reason = "see what your skills did"});
}

}  // namespace

StatusOr<std::string> InstallInit(Context& context, const JsonValue& params) {
  ST_RETURN_IF_ERROR(context.CheckWritable());
  ST_ASSIGN_OR_RETURN(const config::Config* const found, context.config());
  ST_RETURN_IF_ERROR(CheckOurs(*found));
  Steps steps(context);
  Init init;
  ST_ASSIGN_OR_RETURN(init.hosts, HostsToSetUp(context, params));
  if (!context.dry_run()) {
    ST_RETURN_IF_ERROR(base::MakeDirs(context.paths().state_dir, 0700));
  }
  Import(context, params, steps);
  // A store that cannot be opened holds up what writes into it, nothing else.
  Status store = absl::OkStatus();
  const bool there = context.HasStore();
  if (!context.dry_run()) store = context.WriteDb().status();
  if (store.ok()) {
    steps.Done("store", !there, context.paths().db);
    InstallHooksStep(context, params, init, steps);
    InstallSkillStep(context, params, init, steps);
  } else {
    steps.Failed("store", store);
  }
  auto edit = EditConfig(context, [&](const config::Config& before) -> StatusOr<JsonValue> {
    return Configured(context, params, init, before);
  });
  if (edit.ok()) {
    steps.Done("config", edit->written, edit->before.path);
  } else {
    steps.Failed("config", edit.status());
  }
  if (store.ok()) Sync(context, params, steps);
  if (steps.changed() && !context.dry_run()) context.SetChanged();

  ST_ASSIGN_OR_RETURN(const config::Config* const now, context.config());
  const config::Config& config = edit.ok() ? edit->after : *now;
  JsonWriter out;
  out.BeginObject();
  steps.Write(out, /*with_needs=*/true);
  out.Field("agent_type", config.Get("agent_type").AsString());
  out.Key("agent_cli");
  if (config.agent_cli.empty()) {
    out.Null();
  } else {
    out.String(config.agent_cli);
  }
  out.Field("autonomy", config::Word(config.autonomy));
  WriteReceiptOrNull(out, ReceiptOfInit(context, init, edit.ok() ? &*edit : nullptr));
  out.EndObject();
  Advise(context, init, config);
  if (!steps.first_failure().ok()) context.SetVerdict(steps.first_failure());
  return std::move(out).Take();
}

namespace {

void RemoveHooksStep(Context& context, install::World& world, HostsDone& done,
                     std::vector<std::string>& manual, Steps& steps) {
  const auto hosts = HostsHere(context, JsonValue::Array({}),
                               install::FindShim(context.env().GetOr("PATH", "")), Broken::kPassBy);
  if (!hosts.ok()) return steps.Failed("hooks", hosts.status());
  for (const HostHere& host : *hosts) {
    if (host.target == nullptr) continue;
    const std::string id = "hooks." + std::string(host.row->platform);
    auto result = install::RemoveHooks(world, *host.target, host.place);
    if (!result.ok()) {
      steps.Failed(id, result.status());
      continue;
    }
    manual.insert(manual.end(), result->afterwards.begin(), result->afterwards.end());
    if (result->files.empty()) continue;
    std::vector<std::string> paths;
    for (const install::FileResult& file : result->files) paths.push_back(file.path);
    steps.Done(id, true, base::Join(paths, ", "));
    done.hosts.push_back(*std::move(result));
  }
}

void RemoveSkillStep(install::World& world, HostsDone& done, std::vector<std::string>& manual,
                     Steps& steps) {
  for (const std::string_view kind : {"skill", "agent"}) {
    auto result = install::RemoveFiles(world, kind);
    if (!result.ok()) return steps.Failed(std::string(kind), result.status());
    manual.insert(manual.end(), result->afterwards.begin(), result->afterwards.end());
    std::vector<std::string> paths;
    for (const install::FileResult& file : result->files) paths.push_back(file.path);
    if (!paths.empty()) steps.Done(std::string(kind), true, base::Join(paths, ", "));
    done.hosts.push_back(*std::move(result));
  }
}

// The file is ours when we wrote it and nobody keeps settings of another program in
// it.
void RemoveConfigStep(Context& context, const JsonValue& params, std::vector<std::string>& manual,
                      Steps& steps) {
  const auto config = config::Load(context.paths().state_dir);
  if (!config.ok()) return steps.Skipped("config", std::string(Message(config.status())));
  if (!config->exists) return;
  if (params["keep_config"].AsBool()) return steps.Skipped("config", config->path + " is kept");
  if (!config->document.Has("config_version")) {
    return steps.Skipped("config", config->path + " is not selftune's and is kept");
  }
  if (const auto unknown = status::UnknownSettings(*config); !unknown.empty()) {
    manual.push_back(config->path +
                     " has settings that are not selftune's: " + base::Join(unknown, ", "));
    return steps.Skipped("config", config->path + " is kept");
  }
  if (!context.dry_run()) {
    const Status removed = base::RemoveFile(config->path);
    if (!removed.ok()) return steps.Failed("config", removed);
  }
  steps.Done("config", true, config->path);
}

Status RemoveAll(const std::vector<std::string>& paths) {
  for (const std::string& path : paths) {
    const auto info = base::Stat(path);
    const bool dir = info.ok() && info->is_dir();
    ST_RETURN_IF_ERROR(dir ? base::RemoveTree(path) : base::RemoveFile(path));
  }
  return absl::OkStatus();
}

// Only beside a store that carries our mark: whose else the files are, nobody knows.
void PurgeStep(Context& context, const JsonValue& params, Steps& steps) {
  if (!context.HasStore()) return;
  if (!params["purge_evidence"].AsBool()) {
    return steps.Skipped("evidence", context.paths().db + " is kept");
  }
  if (const Status ours = context.ReadDb().status(); !ours.ok()) {
    return steps.Failed("evidence", ours);
  }
  context.CloseConnections();
  const auto files = FindStateFiles(context.paths().state_dir, context.paths().db);
  if (!files.ok()) return steps.Failed("evidence", files.status());
  if (!context.dry_run()) {
    const Status removed = RemoveAll(files->evidence);
    if (!removed.ok()) return steps.Failed("evidence", removed);
  }
  steps.Done("evidence", true, base::Join(files->evidence, ", "));
}

// The locks, which we held until now, and folders that are empty.
Status RemoveLocks(const Context& context) {
  ST_ASSIGN_OR_RETURN(const StateFiles files,
                      FindStateFiles(context.paths().state_dir, context.paths().db));
  ST_RETURN_IF_ERROR(RemoveAll(files.locks));
  for (auto dir = files.dirs.rbegin(); dir != files.dirs.rend(); ++dir) {
    install::RemoveEmptyDirs({*dir});
  }
  return absl::OkStatus();
}

}  // namespace

StatusOr<std::string> InstallUninstall(Context& context, const JsonValue& params) {
  Steps steps(context);
  HostsDone done;
  std::vector<std::string> manual;
  {
    ST_ASSIGN_OR_RETURN(Installing installing,
                        Installing::Begin(context, Installing::For::kRemoving));
    RemoveHooksStep(context, installing.world(), done, manual, steps);
    RemoveSkillStep(installing.world(), done, manual, steps);
    // What cannot be taken out must be found again.
    if (steps.first_failure().ok()) {
      RemoveConfigStep(context, params, manual, steps);
      PurgeStep(context, params, steps);
    }
  }
  const bool purged = params["purge_evidence"].AsBool() && !context.HasStore();
  if (purged && steps.first_failure().ok() && !context.dry_run()) {
    ST_RETURN_IF_ERROR(RemoveLocks(context));
  }
  if (Exists(context, "selftune.db.reference")) {
    manual.push_back(base::JoinPath(context.paths().state_dir, "selftune.db.reference") +
                     " is what the TypeScript selftune recorded");
  }
  if (purged) {
    manual.push_back("sessions that still run may leave events in " +
                     base::JoinPath(context.paths().state_dir, "spool") + " until they end");
  }
  manual.emplace_back("the programs selftune and selftune-hook, the way they were installed");
  if (steps.changed() && !context.dry_run()) context.SetChanged();
  JsonWriter out;
  out.BeginObject();
  steps.Write(out, /*with_needs=*/false);
  out.Key("manual").BeginArray();
  for (const std::string& what : manual) out.String(what);
  out.EndArray();
  WriteReceiptOrNull(out, ReceiptOf(context, done, {"selftune", "init"}));
  out.EndObject();
  if (!steps.first_failure().ok()) context.SetVerdict(steps.first_failure());
  return std::move(out).Take();
}

}  // namespace selftune::capi::ops
