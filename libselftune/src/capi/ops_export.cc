// store.export, sync.status.
#include <string>
#include <utility>
#include <vector>

#include "base/json_writer.h"
#include "base/status_macros.h"
#include "capi/ops.h"
#include "capi/readout.h"
#include "capi/receipt.h"
#include "hosts/sources.h"
#include "status/freshness.h"
#include "store/db.h"
#include "store/export.h"
#include "store/queries/doctor.h"
#include "sync/sync.h"

namespace selftune::capi::ops {
namespace {

using base::JsonValue;
using base::JsonWriter;

// Over all stores of the host.
store::SourceHealth SumOf(const std::vector<store::SourceHealth>& known,
                          std::string_view platform) {
  store::SourceHealth sum;
  for (const store::SourceHealth& one : known) {
    if (one.platform != platform) continue;
    sum.files += one.files;
    sum.records += one.records;
    sum.bad_lines += one.bad_lines;
  }
  return sum;
}

}  // namespace

StatusOr<std::string> StoreExport(Context& context, const JsonValue& params) {
  ST_ASSIGN_OR_RETURN(store::Db * db, context.ReadDb());
  const std::string& dir = params["dir"].AsString();
  store::ExportOptions options;
  options.format = params["format"].AsString() == "sqlite" ? store::ExportFormat::kSqlite
                                                           : store::ExportFormat::kJsonl;
  for (const JsonValue& table : params["tables"].items())
    options.tables.push_back(table.AsString());
  options.window = WindowOf(params);
  options.cancel = &context.cancel();
  store::ExportReport report;
  if (context.dry_run()) {
    ST_ASSIGN_OR_RETURN(report, store::PlanExport(*db, dir, options));
  } else {
    ST_ASSIGN_OR_RETURN(report, store::ExportStore(*db, dir, options, context.now()));
    context.SetChanged();
  }
  JsonWriter out;
  out.BeginObject().Field("dir", dir).Key("manifest").Raw(report.manifest);
  out.Key("files").BeginArray();
  Receipt receipt{.operation = "store.export", .targets = {}};
  for (const store::ExportFile& file : report.files) {
    out.BeginObject();
    TextOrNull(out, "table", file.table);
    out.Field("path", file.path).Field("rows", file.rows);
    TextOrNull(out, "sha256", file.sha256);
    out.EndObject();
    receipt.targets.push_back(file.path);
  }
  out.EndArray().Key("receipt");
  if (context.dry_run()) {
    out.Null();
  } else {
    WriteReceipt(out, receipt);
  }
  out.EndObject();
  return std::move(out).Take();
}

StatusOr<std::string> SyncStatus(Context& context, const JsonValue&) {
  ST_ASSIGN_OR_RETURN(store::Db * db, context.ReadDb());
  ST_ASSIGN_OR_RETURN(const status::Freshness freshness, status::ReadFreshness(*db, context.now()));
  ST_ASSIGN_OR_RETURN(const auto known, store::ReadSourceHealth(*db));
  ST_ASSIGN_OR_RETURN(const base::Environment* const env, context.hosts_env());
  const sync::SyncWorld world{.env = env,
                              .clock = &context.clock(),
                              .cancel = &context.cancel(),
                              .sources = hosts::Sources()};
  ST_ASSIGN_OR_RETURN(const sync::SyncReport plan, sync::Preview(db, world, {}));
  JsonWriter out;
  out.BeginObject()
      .Field("last_sync", freshness.last_sync)
      .Field("lag_ms", freshness.lag_ms)
      .Field("stale", freshness.stale)
      .Key("hosts")
      .BeginArray();
  int64_t waiting = 0;
  for (const sync::HostReport& host : plan.hosts) {
    const store::SourceHealth read = SumOf(known, host.platform);
    waiting += host.changed;
    out.BeginObject()
        .Field("platform", host.platform)
        .Field("available", host.available)
        .Field("files", host.scanned)
        .Field("waiting", host.changed)
        .Field("files_read", read.files)
        .Field("records", read.records)
        .Field("bad_lines", read.bad_lines);
    Strings(out, "warnings", host.warnings);
    out.EndObject();
  }
  out.EndArray().Field("waiting", waiting).EndObject();
  if (waiting > 0 || freshness.stale) {
    context.SetNext({.argv = {"selftune", "sync"},
                     .reason = waiting > 0 ? std::to_string(waiting) + " files are new or grew"
                                           : "the last sync is more than a day ago"});
  }
  return std::move(out).Take();
}

}  // namespace selftune::capi::ops
