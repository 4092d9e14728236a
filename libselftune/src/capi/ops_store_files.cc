// store.forget, store.import, store.rebuild: what goes from the store, and files
// that become the store.
#include <algorithm>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/file.h"
#include "base/json_writer.h"
#include "base/status_macros.h"
#include "capi/ops.h"
#include "capi/receipt.h"
#include "hosts/sources.h"
#include "store/backup.h"
#include "store/db.h"
#include "store/forget.h"
#include "store/import.h"
#include "store/rebuild.h"
#include "sync/sync.h"

namespace selftune::capi::ops {
namespace {

using base::JsonValue;
using base::JsonWriter;

// A folder for the copies that a dry run makes; gone afterwards.
class Scratch {
 public:
  Scratch() = default;
  ~Scratch() {
    if (path_.empty()) return;
    try {
      const Status removed = base::RemoveTree(path_);
      (void)removed;  // the system clears its temporary folder
    } catch (...) {   // NOLINT(bugprone-empty-catch): no memory for the names
    }
  }
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;
  Status Make(const Context& context) {
    const std::string temp = context.env().GetOr("TMPDIR", "");
    ST_ASSIGN_OR_RETURN(
        path_, base::MakeTempDir(temp.starts_with('/') ? temp : "/tmp", "selftune-dry-run-"));
    return absl::OkStatus();
  }
  [[nodiscard]] const std::string& path() const { return path_; }

 private:
  std::string path_;
};

// For a new file in the store's place; in a dry run it is made elsewhere.
Status MakeWay(Context& context, Scratch& scratch) {
  if (context.dry_run()) return scratch.Make(context);
  context.CloseConnections();
  return absl::OkStatus();
}

void TextOr(JsonWriter& out, std::string_view key, const std::string& text) {
  out.Key(key);
  if (text.empty()) {
    out.Null();
  } else {
    out.String(text);
  }
}

std::string ImportJson(const Context& context, const store::ImportReport& report) {
  JsonWriter out;
  out.BeginObject().Key("tables").BeginArray();
  bool reconciled = true;
  for (const store::ImportedTable& table : report.tables) {
    reconciled &= table.rows == table.imported + table.present;
    out.BeginObject()
        .Field("name", table.name)
        .Field("rows", table.rows)
        .Field("imported", table.imported)
        .Field("present", table.present)
        .EndObject();
  }
  out.EndArray().Field("replaced", report.replaced).Field("reconciled", reconciled);
  out.Key("receipt");
  if (context.dry_run() || !report.changed()) {
    out.Null();
  } else {
    Receipt receipt{.operation = "store.import", .targets = {context.paths().db}};
    if (!report.backup_id.empty()) {
      receipt.backup_path = report.backup_path;
      receipt.undo = {"selftune", "backup", "restore", report.backup_id, "--yes"};
    }
    WriteReceipt(out, receipt);
  }
  out.EndObject();
  return std::move(out).Take();
}

int64_t LostRows(const store::RebuiltTable& table) {
  return std::max(table.rejected + table.unreadable, table.missing.value_or(0));
}

using Counts = std::map<std::string, int64_t>;

// Reads everything that is still on the disk; how many rows there are then.
StatusOr<Counts> ReadAgain(Context& context) {
  ST_ASSIGN_OR_RETURN(const base::Environment* const env, context.hosts_env());
  ST_ASSIGN_OR_RETURN(store::Db * db, context.WriteDb());
  const sync::SyncWorld world{.env = env,
                              .clock = &context.clock(),
                              .cancel = &context.cancel(),
                              .sources = hosts::Sources()};
  sync::SyncOptions options;
  options.progress = [&context](std::string_view stage, int64_t done, int64_t total,
                                std::string_view what) {
    context.Progress(stage, done, total, std::string(what));
  };
  ST_RETURN_IF_ERROR(sync::Run(*db, world, options).status());
  return store::CountTables(*db);
}

void WriteTables(JsonWriter& out, const store::RebuildReport& report, const Counts& now) {
  out.Key("tables").BeginArray();
  for (const store::RebuiltTable& table : report.tables) {
    out.BeginObject()
        .Field("name", table.name)
        .Field("rows", table.rows)
        .Field("adopted", table.adopted)
        .Field("made", table.made)
        .Field("rejected", table.rejected)
        .Field("unreadable", table.unreadable)
        .Field("lost_pages", table.lost_pages)
        .Field("missing", table.missing)
        .Key("read_again");
    const auto counted = now.find(table.name);
    if (counted == now.end()) {
      out.Null();
    } else {
      out.Int(std::max<int64_t>(0, counted->second - table.rows));
    }
    out.EndObject();
  }
  out.EndArray();
}

// selftune.db.before-recover-... is put back under what follows the store's name.
std::vector<std::string> UndoOf(const std::string& aside) {
  const size_t at = aside.rfind(".before-");
  if (at == aside.npos) return {};
  return {"selftune", "backup", "restore", aside.substr(at + 1), "--yes"};
}

std::string RebuildJson(const Context& context, const store::RebuildReport& report,
                        const Counts& now) {
  int64_t saved = 0, lost = 0, pages = 0;
  for (const store::RebuiltTable& table : report.tables) {
    saved += table.rows;
    lost += LostRows(table);
    pages += table.lost_pages;
  }
  JsonWriter out;
  out.BeginObject().Field("damaged", report.damaged).Field("swapped", !report.aside.empty());
  TextOr(out, "moved_aside", report.aside);
  WriteTables(out, report, now);
  out.Field("saved", saved).Field("lost", lost).Field("lost_pages", pages);
  out.Field("lost_log_pages", report.lost_frames).Field("forgotten_lost", report.forgotten_lost);
  out.Field("read_again", !now.empty()).Key("problems").BeginArray();
  for (const std::string& problem : report.problems) out.String(problem);
  out.EndArray().Key("receipt");
  if (context.dry_run()) {
    out.Null();
  } else {
    WriteReceipt(out, {.operation = "store.rebuild",
                       .targets = {context.paths().db},
                       .backup_path = report.aside,
                       .undo = UndoOf(report.aside)});
  }
  out.EndObject();
  return std::move(out).Take();
}

// What no transcript tells may be in a backup.
void AdviseBackups(Context& context, const store::RebuildReport& report) {
  const bool lost = std::any_of(report.tables.begin(), report.tables.end(), [](const auto& table) {
    return LostRows(table) > 0 || table.lost_pages > 0;
  });
  if (!lost) return;
  const auto backups = store::ListBackups(context.paths().db);
  if (!backups.ok() || backups->empty()) return;
  context.AddAlternative({.argv = {"selftune", "backup", "list"},
                          .reason = "a backup may have decisions that were lost"});
}

// Copies that were made before; nobody can take words out of them.
std::vector<std::string> OtherFiles(const Context& context) {
  const std::string& db = context.paths().db;
  std::vector<std::string> out;
  if (const auto backups = store::ListBackups(db); backups.ok()) {
    for (const store::BackupInfo& backup : *backups) out.push_back(backup.path);
  }
  const std::string dir(base::DirName(db));
  // What was put aside, the reference's file, and what a crash left half made.
  const std::string prefix = std::string(base::BaseName(db)) + ".";
  if (const auto entries = base::ListDir(dir); entries.ok()) {
    for (const base::DirEntry& entry : *entries) {
      if (entry.name.starts_with(prefix)) out.push_back(base::JoinPath(dir, entry.name));
    }
  }
  const std::string spool = base::JoinPath(context.paths().state_dir, "spool");
  if (const auto entries = base::ListDir(spool); entries.ok()) {
    for (const base::DirEntry& entry : *entries) {
      if (entry.maybe_file) out.push_back(base::JoinPath(spool, entry.name));
    }
  }
  return out;
}

store::ForgetOptions ForgetOptionsOf(Context& context, const JsonValue& params) {
  store::ForgetOptions options;
  options.session = params["session"].AsString();
  options.workspace = params["workspace"].AsString();
  options.skill = params["skill"].AsString();
  options.match = params["match"].AsString();
  if (params["before"].is_string()) options.before = ParseRfc3339(params["before"].AsString());
  options.cancel = &context.cancel();
  return options;
}

// What would be forgotten, found out on a copy.
StatusOr<store::ForgetReport> TryForget(Context& context, const store::ForgetOptions& options) {
  Scratch scratch;
  ST_RETURN_IF_ERROR(scratch.Make(context));
  const std::string copy = base::JoinPath(scratch.path(), "selftune.db");
  ST_RETURN_IF_ERROR(store::CopyStore(context.paths().db, copy, &context.cancel()));
  ST_ASSIGN_OR_RETURN(const std::unique_ptr<store::Db> db,
                      store::Db::Open(copy, {.mode = store::OpenMode::kReadWrite}));
  return store::Forget(*db, options, context.now());
}

}  // namespace

StatusOr<std::string> StoreForget(Context& context, const JsonValue& params) {
  const store::ForgetOptions options = ForgetOptionsOf(context, params);
  if (options.empty()) {
    return Fail(kInvalidRequest,
                "store.forget: name a session, a workspace, a skill, a time or words");
  }
  ST_RETURN_IF_ERROR(context.ReadDb().status());  // there is a store, and it is ours
  store::ForgetReport report;
  if (context.dry_run()) {
    ST_ASSIGN_OR_RETURN(report, TryForget(context, options));
  } else {
    ST_ASSIGN_OR_RETURN(store::Db * db, context.WriteDb());
    ST_ASSIGN_OR_RETURN(report, store::Forget(*db, options, context.now()));
    if (report.changed()) context.SetChanged();
  }
  std::vector<std::string> files = OtherFiles(context);
  if (report.left_in_log) files.insert(files.begin(), context.paths().db + "-wal");
  JsonWriter out;
  out.BeginObject()
      .Field("sessions", report.sessions)
      .Field("prompts", report.prompts)
      .Field("arguments", report.arguments)
      .Field("bodies_erased", report.texts)
      .Field("eval_entries", report.eval_entries)
      .Field("cached_replies", report.cached_replies)
      .Field("audit_steps", report.audit_steps)
      .Field("outbox_deletes", 0)
      .Key("still_in")
      .BeginArray();
  for (const std::string& file : files) out.String(file);
  out.EndArray().Key("receipt");
  if (context.dry_run() || !report.changed()) {
    out.Null();
  } else {
    WriteReceipt(out, {.operation = "store.forget", .targets = {context.paths().db}});
  }
  out.EndObject();
  if (!files.empty() && report.changed()) {
    context.Warn("STILL_IN_FILES", "older copies may have the words: " + files.front() +
                                       (files.size() > 1 ? " and others, see still_in" : ""));
  }
  return std::move(out).Take();
}

StatusOr<std::string> StoreImport(Context& context, const JsonValue& params) {
  ST_RETURN_IF_ERROR(context.CheckWritable());
  Scratch scratch;
  ST_RETURN_IF_ERROR(MakeWay(context, scratch));
  const store::ImportOptions options{
      .dry_run = context.dry_run(), .scratch_dir = scratch.path(), .cancel = &context.cancel()};
  ST_ASSIGN_OR_RETURN(
      const store::ImportReport report,
      store::ImportArchive(context.paths().db, params["dir"].AsString(), options, context.now()));
  if (!context.dry_run() && report.changed()) context.SetChanged();
  return ImportJson(context, report);
}

StatusOr<std::string> StoreRebuild(Context& context, const JsonValue& params) {
  ST_RETURN_IF_ERROR(context.CheckWritable());
  Scratch scratch;
  ST_RETURN_IF_ERROR(MakeWay(context, scratch));
  const store::RebuildOptions options{
      .dry_run = context.dry_run(), .scratch_dir = scratch.path(), .cancel = &context.cancel()};
  ST_ASSIGN_OR_RETURN(const store::RebuildReport report,
                      store::RebuildStore(context.paths().db, options, context.now()));
  Counts now;
  if (!context.dry_run()) {
    context.SetChanged();
    if (report.reread && params["read_again"].AsBool()) {
      StatusOr<Counts> counts = ReadAgain(context);
      if (counts.ok()) {
        now = *std::move(counts);
      } else {
        context.Warn("NOT_READ_AGAIN", std::string(Message(counts.status())));
      }
    }
    if (report.forgotten_lost) {
      context.Warn("FORGOTTEN_LOST",
                   "words that were forgotten may come back when transcripts are read from their "
                   "start, so they were not; sessions with erased words stay forgotten");
      context.AddAlternative({.argv = {"selftune", "sync", "--force"},
                              .reason = "read everything that is there, also what was forgotten"});
    }
    if (report.reread && now.empty()) {
      context.SetNext({.argv = {"selftune", "sync"}, .reason = "the transcripts have more"});
    }
  }
  AdviseBackups(context, report);
  return RebuildJson(context, report, now);
}

}  // namespace selftune::capi::ops
