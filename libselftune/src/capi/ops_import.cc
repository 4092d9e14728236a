// store.import_reference: what another program's store recorded.
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/json_writer.h"
#include "base/status_macros.h"
#include "base/strings.h"
#include "capi/ops.h"
#include "capi/receipt.h"
#include "capi/reference.h"
#include "store/db.h"
#include "upstream/import.h"

namespace selftune::capi::ops {
namespace {

using base::JsonValue;
using base::JsonWriter;

void WriteText(JsonWriter& out, std::string_view key, const std::string& text) {
  if (text.empty()) {
    out.NullField(key);
  } else {
    out.Field(key, text);
  }
}

void WriteList(JsonWriter& out, std::string_view key, const std::vector<std::string>& list) {
  out.Key(key).BeginArray();
  for (const std::string& text : list) out.String(text);
  out.EndArray();
}

void WriteTables(JsonWriter& out, const upstream::ImportReport& report) {
  out.Key("tables").BeginArray();
  for (const upstream::TableCount& table : report.tables) {
    out.BeginObject()
        .Field("table", table.name)
        .Field("source", table.source)
        .Field("imported", table.imported)
        .Field("merged", table.merged)
        .Field("kept", table.kept)
        .Field("rejected", table.rejected)
        .EndObject();
  }
  out.EndArray().Field("reconciled", report.reconciled).Key("rejected").BeginArray();
  for (const store::ImportRows::Row& row : report.rejected.first) {
    out.BeginObject()
        .Field("table", row.table)
        .Field("id", row.id)
        .Field("reason", row.reason)
        .EndObject();
  }
  out.EndArray();
}

void WriteImportReceipt(JsonWriter& out, const Context& context,
                        const upstream::ImportReport& report) {
  out.Key("receipt");
  if (!report.changed) {
    out.Null();
    return;
  }
  Receipt receipt{.operation = "store.import_reference", .targets = {context.paths().db}};
  if (!report.moved_aside.empty()) receipt.targets.push_back(report.moved_aside);
  if (!report.backup_id.empty()) {
    receipt.backup_path = report.backup_path;
    receipt.undo = {"selftune", "backup", "restore", report.backup_id, "--yes"};
  }
  WriteReceipt(out, receipt);
}

std::string ToJson(const Context& context, const upstream::ImportReport& report) {
  JsonWriter out;
  out.BeginObject();
  WriteList(out, "databases", report.databases);
  WriteList(out, "logs", report.logs);
  WriteTables(out, report);
  WriteText(out, "moved_aside", report.moved_aside);
  out.Key("leftovers").BeginArray();
  for (const upstream::Leftover& left : report.leftovers) {
    out.BeginObject()
        .Field("kind", left.kind)
        .Field("path", left.path)
        .Field("detail", left.detail)
        .EndObject();
  }
  out.EndArray();
  WriteImportReceipt(out, context, report);
  out.EndObject();
  return std::move(out).Take();
}

// What lists all such rows.
std::vector<std::string> ListOf(const std::string& where) {
  return {"selftune", "query",
          "SELECT table_name, row_id, reason FROM imported_rows WHERE " + where +
              " ORDER BY table_name, row_id"};
}

// The first of them by name; how many more, and the command that lists all.
void Tell(Context& context, const char* code, std::string_view what, const store::ImportRows& rows,
          const std::string& where) {
  if (rows.count == 0) return;
  std::vector<std::string> told;
  for (const store::ImportRows::Row& row : rows.first) {
    told.push_back(fmt::format("{} {} ({})", row.table, row.id, row.reason));
  }
  std::string message = std::string(what) + base::Join(told, ", ");
  if (rows.more() == 0) return context.Warn(code, std::move(message));
  context.Warn(code, fmt::format("{}, and {} more", message, rows.more()), ListOf(where));
}

void Advise(Context& context, const upstream::ImportReport& report) {
  // init tells of them at its end, when its own steps have replaced the hooks.
  if (context.op() == "store.import_reference") WarnOfReference(context);
  std::vector<std::string> kept;
  for (const upstream::TableCount& table : report.tables) {
    if (table.kept > 0) kept.push_back(fmt::format("{} ({})", table.name, table.kept));
  }
  if (!kept.empty()) {
    context.Warn("KEPT_UNSEEN", "kept whole, to be read by `selftune query` in imported_rows: " +
                                    base::Join(kept, ", "));
  }
  if (report.rejected.more() > 0) {
    context.Warn("MORE_REJECTED",
                 fmt::format("{} rows were rejected; the first {} of them are named",
                             report.rejected.count, report.rejected.first.size()),
                 ListOf("verdict='rejected'"));
  }
  const std::string taken = "verdict IN('imported','merged') AND reason IS NOT NULL";
  Tell(context, "PARTLY_TAKEN", "not all of it, or not as it was: ", report.partly, taken);
  Tell(context, "TAKEN_NOT_USED", "taken over, and not in use: ", report.unused, taken);
  for (const upstream::TableCount& table : report.tables) {
    if (table.reconciled()) continue;
    context.SetVerdict(WithSuggestion(
        Fail(kInternal, "importing {}: {} rows there, {} accounted for{}{}", table.name,
             table.source, table.imported + table.merged + table.kept + table.rejected,
             table.forgotten.empty() ? "" : "; not ", table.forgotten),
        "a mistake of selftune, and its database is as it was: please report it with what this "
        "says and with the row",
        "selftune import upstream --dry-run"));
    return;
  }
  if (!context.dry_run() && report.changed) {
    context.SetNext({.argv = {"selftune", "sync"},
                     .reason = "transcripts that are still there say more than what was imported"});
  }
}

}  // namespace

StatusOr<std::string> StoreImportReference(Context& context, const JsonValue& params) {
  upstream::ImportOptions options{.db = params["db"].AsString(),
                                  .logs = params["logs"].AsString(),
                                  .dry_run = context.dry_run()};
  if (!options.dry_run) ST_RETURN_IF_ERROR(context.CheckWritable());
  upstream::ImportWorld world{.env = &context.env(),
                              .now = context.now(),
                              .cancel = &context.cancel(),
                              .state_dir = context.paths().state_dir,
                              .store_path = context.paths().db};
  world.progress = [&context](std::string_view what, int64_t done, int64_t total) {
    context.Progress("import", done, total, std::string(what));
  };
  // It may put another file in the place of the store.
  if (!options.dry_run) context.CloseConnections();
  ST_ASSIGN_OR_RETURN(const upstream::ImportReport report,
                      upstream::ImportUpstream(world, options));
  if (report.changed && !options.dry_run) context.SetChanged();
  Advise(context, report);
  return ToJson(context, report);
}

}  // namespace selftune::capi::ops
