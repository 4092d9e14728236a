// store.*: the database itself.
#include <cmath>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include <fmt/format.h>

#include "base/file.h"
#include "base/json_writer.h"
#include "base/status_macros.h"
#include "capi/ops.h"
#include "capi/receipt.h"
#include "store/backup.h"
#include "store/db.h"
#include "store/forget.h"
#include "store/integrity.h"
#include "store/migrate.h"
#include "store/queries/overview.h"
#include "store/sql_query.h"

namespace selftune::capi::ops {
namespace {

using base::JsonValue;
using base::JsonWriter;

Status NeedStore(const Context& context) {
  if (context.HasStore()) return absl::OkStatus();
  return WithSuggestion(Fail(kStoreMissing, "opening {}: no such file", context.paths().db),
                        "read the transcripts of the agents first", "selftune sync");
}

int64_t SizeOf(const std::string& path) {
  const StatusOr<base::FileInfo> info = base::Stat(path);
  return info.ok() ? static_cast<int64_t>(info->size) : 0;
}

void WriteBackup(JsonWriter& out, const store::BackupInfo& backup) {
  out.Field("id", backup.id)
      .Field("at", backup.at)
      .Field("path", backup.path)
      .Field("bytes", backup.bytes);
}

// Bound values are scalars; anything else has no place in a statement.
StatusOr<store::SqlCell> ToCell(const JsonValue& value) {
  if (value.is_null()) return store::SqlCell();
  if (value.is_int()) return store::SqlCell(value.AsInt());
  if (value.is_number()) return store::SqlCell(value.AsDouble());
  if (value.is_bool()) return store::SqlCell(int64_t{value.AsBool()});
  if (value.is_string()) return store::SqlCell(value.AsString());
  return Fail(kInvalidRequest, "store.query: args must be strings, numbers, booleans or null");
}

void WriteCell(JsonWriter& out, const store::SqlCell& cell) {
  if (const auto* integer = std::get_if<int64_t>(&cell)) {
    out.Int(*integer);
  } else if (const auto* real = std::get_if<double>(&cell)) {
    out.Double(*real);
  } else if (const auto* text = std::get_if<std::string>(&cell)) {
    out.String(*text);
  } else {
    out.Null();
  }
}

// "receipt" of what wrote the file `target`; null where nothing was written.
void WriteStoreReceipt(JsonWriter& out, const Context& context, const std::string& target,
                       std::optional<std::string> kept = std::nullopt) {
  out.Key("receipt");
  if (!context.changed()) {
    out.Null();
    return;
  }
  WriteReceipt(out,
               {.operation = context.op(), .targets = {target}, .backup_path = std::move(kept)});
}

}  // namespace

StatusOr<std::string> StoreInfo(Context& context, const JsonValue& params) {
  ST_ASSIGN_OR_RETURN(store::Db * db, context.ReadDb());
  ST_ASSIGN_OR_RETURN(const store::StoreInfo info,
                      store::ReadStoreInfo(*db, params["counts"].AsBool()));
  ST_ASSIGN_OR_RETURN(const auto backups, store::ListBackups(context.paths().db));
  JsonWriter out;
  out.BeginObject()
      .Field("path", info.path)
      .Field("schema_version", info.schema_version)
      .Field("sqlite", info.sqlite_version)
      .Field("size_bytes", info.size_bytes)
      .Field("wal_bytes", info.wal_bytes)
      .Field("change_version", info.change_version);
  out.Key("counts").BeginObject();
  for (const auto& [table, rows] : info.counts) out.Field(table, rows);
  out.EndObject();
  out.Key("backups").BeginObject().Field("n", static_cast<int64_t>(backups.size()));
  if (backups.empty()) {
    out.NullField("newest");
  } else {
    out.Field("newest", backups.front().at);
  }
  out.EndObject().EndObject();
  return std::move(out).Take();
}

StatusOr<std::string> StoreCheck(Context& context, const JsonValue& params) {
  ST_ASSIGN_OR_RETURN(store::Db * db, context.ReadDb());
  store::CheckOptions options;
  options.deep = params["deep"].AsBool();
  options.seed = static_cast<uint64_t>(context.now().value);  // other cells each time
  ST_ASSIGN_OR_RETURN(const store::CheckReport report, store::CheckStore(*db, options));
  JsonWriter out;
  out.BeginObject()
      .Field("quick_check", report.quick_check)
      .Field("foreign_keys", report.foreign_keys);
  out.Key("rollups").BeginObject();
  out.Field("checked", report.rollups_checked).Field("bad", report.rollups_bad).EndObject();
  out.Field("hash_chain", report.hash_chain).Key("problems").BeginArray();
  for (const store::Problem& problem : report.problems) {
    out.BeginObject().Field("check", problem.check).Field("message", problem.message).EndObject();
  }
  out.EndArray().EndObject();
  if (!report.ok()) {
    const Status verdict =
        Fail(kCheckFailed, "{}: {}", context.paths().db, report.problems.front().message);
    const bool audit = report.quick_check && report.foreign_keys && !report.hash_chain;
    if (report.reading_helps()) {
      context.SetVerdict(
          WithSuggestion(verdict, "read the transcripts again", "selftune sync --force"));
    } else if (audit) {  // nothing but a copy from before can tell what it was
      context.SetVerdict(WithSuggestion(verdict, "restore a backup", "selftune backup list"));
    } else {
      context.SetVerdict(WithSuggestion(
          verdict, "make the store anew of its rows; the file is kept", "selftune recover"));
    }
  }
  return std::move(out).Take();
}

StatusOr<std::string> StoreMigrate(Context& context, const JsonValue&) {
  ST_RETURN_IF_ERROR(NeedStore(context));
  store::MigrateReport report;
  if (context.dry_run()) {
    ST_ASSIGN_OR_RETURN(store::Db * db, context.ReadDb());
    report.from = db->schema_version();
    report.to = store::kSchemaVersion;
  } else {
    ST_RETURN_IF_ERROR(context.CheckWritable());
    ST_ASSIGN_OR_RETURN(report, store::Migrate(context.paths().db));
    if (report.from != report.to) context.SetChanged();
  }
  JsonWriter out;
  out.BeginObject().Field("from", report.from).Field("to", report.to).Key("backup_path");
  if (report.backup_path.empty()) {
    out.Null();
  } else {
    out.String(report.backup_path);
  }
  std::optional<std::string> kept;
  if (!report.backup_path.empty()) kept = report.backup_path;
  WriteStoreReceipt(out, context, context.paths().db, kept);
  out.EndObject();
  return std::move(out).Take();
}

StatusOr<std::string> StoreVacuum(Context& context, const JsonValue&) {
  ST_RETURN_IF_ERROR(NeedStore(context));
  const int64_t before = SizeOf(context.paths().db);
  if (!context.dry_run()) {
    ST_ASSIGN_OR_RETURN(store::Db * db, context.WriteDb());
    ST_RETURN_IF_ERROR(db->Vacuum());
    ST_RETURN_IF_ERROR(db->Checkpoint(/*truncate=*/true));
    context.SetChanged();
  }
  JsonWriter out;
  out.BeginObject().Field("before_bytes", before).Field("after_bytes", SizeOf(context.paths().db));
  WriteStoreReceipt(out, context, context.paths().db);
  out.EndObject();
  return std::move(out).Take();
}

StatusOr<std::string> StoreBackup(Context& context, const JsonValue&) {
  ST_RETURN_IF_ERROR(NeedStore(context));
  JsonWriter out;
  out.BeginObject();
  std::vector<std::string> removed;
  std::string made;
  if (context.dry_run()) {
    out.NullField("id").NullField("path").Field("bytes", SizeOf(context.paths().db));
    out.NullField("sha256");
  } else {
    ST_RETURN_IF_ERROR(context.CheckWritable());
    ST_ASSIGN_OR_RETURN(const store::BackupReport report,
                        store::CreateBackup(context.paths().db, context.now(), &context.cancel()));
    context.SetChanged();
    ST_ASSIGN_OR_RETURN(removed, store::PruneBackups(context.paths().db, context.now()));
    made = report.backup.path;
    out.Field("id", report.backup.id).Field("path", report.backup.path);
    out.Field("bytes", report.backup.bytes).Field("sha256", report.sha256);
  }
  out.Key("removed").BeginArray();
  for (const std::string& path : removed) out.String(path);
  out.EndArray();
  WriteStoreReceipt(out, context, made);
  out.EndObject();
  return std::move(out).Take();
}

StatusOr<std::string> StoreBackupList(Context& context, const JsonValue&) {
  ST_ASSIGN_OR_RETURN(const auto backups, store::ListBackups(context.paths().db));
  JsonWriter out;
  out.BeginObject().Key("backups").BeginArray();
  for (const store::BackupInfo& backup : backups) {
    out.BeginObject();
    WriteBackup(out, backup);
    out.EndObject();
  }
  out.EndArray().EndObject();
  return std::move(out).Take();
}

StatusOr<std::string> StoreBackupVerify(Context& context, const JsonValue& params) {
  std::vector<std::string> ids;
  if (params["id"].is_null()) {
    ST_ASSIGN_OR_RETURN(const auto backups, store::ListBackups(context.paths().db));
    for (const store::BackupInfo& backup : backups) ids.push_back(backup.id);
  } else {
    ids.push_back(params["id"].AsString());
  }
  JsonWriter out;
  out.BeginObject().Key("backups").BeginArray();
  std::string bad;
  for (const std::string& id : ids) {
    ST_RETURN_IF_ERROR(context.cancel().Check());
    ST_ASSIGN_OR_RETURN(const store::BackupCheck check,
                        store::VerifyBackup(context.paths().db, id));
    if (!check.ok && bad.empty()) bad = fmt::format("{}: {}", id, check.problem);
    out.BeginObject();
    WriteBackup(out, check.backup);
    out.Field("ok", check.ok).Key("problem");
    if (check.problem.empty()) {
      out.Null();
    } else {
      out.String(check.problem);
    }
    out.EndObject();
  }
  out.EndArray().EndObject();
  if (!bad.empty()) {
    context.SetVerdict(WithSuggestion(Fail(kCheckFailed, "backup {}", bad), "make a new one",
                                      "selftune backup create"));
  }
  return std::move(out).Take();
}

namespace {

// A backup may hold words that were forgotten after it was made.
Status ForgetWhatWasForgotten(Context& context, const std::string& former) {
  if (former.empty()) return absl::OkStatus();
  const StatusOr<bool> more = store::ForgotMore(former, context.paths().db);
  if (!more.ok()) {
    // A damaged store does not say what it remembered.
    context.Warn("FORGOTTEN_UNKNOWN",
                 fmt::format("what was forgotten after the backup was made is not known, and may "
                             "be back: {}",
                             Message(more.status())),
                 {"selftune", "help", "forget"});
    return absl::OkStatus();
  }
  if (!*more) return absl::OkStatus();
  ST_ASSIGN_OR_RETURN(store::Db* const db, context.WriteDb());
  ST_ASSIGN_OR_RETURN(const store::ForgetReport again,
                      store::ForgetAgain(*db, former, context.now(), &context.cancel()));
  if (again.prompts + again.eval_entries > 0) {
    context.Warn("FORGOTTEN_AGAIN",
                 fmt::format("{} prompts and {} eval entries of the backup were forgotten after "
                             "it was made: their words are gone again; the backup itself has "
                             "them still",
                             again.prompts, again.eval_entries),
                 {"selftune", "backup", "list"});
  }
  return absl::OkStatus();
}

}  // namespace

StatusOr<std::string> StoreRestore(Context& context, const JsonValue& params) {
  const std::string& id = params["id"].AsString();
  store::RestoreReport report;
  if (context.dry_run()) {
    ST_ASSIGN_OR_RETURN(const store::BackupCheck check,
                        store::VerifyBackup(context.paths().db, id));
    if (!check.ok) return Fail(kStoreCorrupt, "backup {}: {}", id, check.problem);
    report.restored = check.backup.path;
  } else {
    ST_RETURN_IF_ERROR(context.CheckWritable());
    context.CloseConnections();
    ST_ASSIGN_OR_RETURN(report, store::RestoreBackup(context.paths().db, id, context.now()));
    context.SetChanged();
    ST_RETURN_IF_ERROR(ForgetWhatWasForgotten(context, report.moved_aside));
  }
  JsonWriter out;
  out.BeginObject().Field("restored", report.restored).Key("moved_aside");
  if (report.moved_aside.empty()) {
    out.Null();
  } else {
    out.String(report.moved_aside);
  }
  std::optional<std::string> kept;
  if (!report.moved_aside.empty()) kept = report.moved_aside;
  WriteStoreReceipt(out, context, context.paths().db, kept);
  out.EndObject();
  return std::move(out).Take();
}

StatusOr<std::string> StoreQuery(Context& context, const JsonValue& params) {
  ST_RETURN_IF_ERROR(NeedStore(context));
  std::vector<store::SqlCell> args;
  for (const JsonValue& value : params["args"].items()) {
    ST_ASSIGN_OR_RETURN(store::SqlCell cell, ToCell(value));
    args.push_back(std::move(cell));
  }
  store::SqlOptions options;
  options.max_rows = params["limit"].AsInt();
  options.cancel = &context.cancel();
  // The views say what hooks have told, too: opening takes it in.
  ST_RETURN_IF_ERROR(context.ReadDb().status());
  ST_ASSIGN_OR_RETURN(
      const store::SqlResult result,
      store::RunUserSql(context.paths().db, params["sql"].AsString(), args, options));
  JsonWriter out;
  out.BeginObject().Key("columns").BeginArray();
  for (const std::string& column : result.columns) out.String(column);
  out.EndArray().Key("rows").BeginArray();
  for (const auto& row : result.rows) {
    out.BeginArray();
    for (const store::SqlCell& cell : row) WriteCell(out, cell);
    out.EndArray();
  }
  out.EndArray().Field("truncated", result.truncated).EndObject();
  return std::move(out).Take();
}

}  // namespace selftune::capi::ops
