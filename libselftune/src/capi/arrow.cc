// selftune_export_arrow: datasets and queries as Arrow streams.
#include <algorithm>
#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/status_macros.h"
#include "base/time.h"
#include "capi/call.h"
#include "capi/next_step.h"
#include "capi/op_spec.h"
#include "capi/params.h"
#include "hosts/registry.h"
#include "jobs/process_end.h"
#include "store/arrow_stream.h"

namespace selftune::capi {
namespace {

using base::JsonValue;
using store::ColumnKind;
using store::Relation;
using store::RelationColumn;
using store::SqlCell;

constexpr int64_t kMaxDeadlineMs = int64_t{30} * 24 * 3600 * 1000;
constexpr size_t kMaxArgs = 10'000;

// A dataset request is checked as the parameters of an operation are.
constexpr ParamSpec kParams[] = {
    {.name = "dataset"},
    {.name = "sql"},
    {.name = "args", .type = ParamType::kAny, .list = true},
    {.name = "where", .type = ParamType::kObject},
    {.name = "columns", .list = true},
    {.name = "since", .type = ParamType::kTime},
    {.name = "until", .type = ParamType::kTime},
    {.name = "order", .list = true},
    {.name = "limit", .type = ParamType::kInt, .minimum = 1},
    {.name = "types", .type = ParamType::kObject},
    {.name = "whole", .type = ParamType::kBool},
    {.name = "deadline_ms", .type = ParamType::kInt, .minimum = 1, .maximum = kMaxDeadlineMs},
};
constexpr OpSpec kSpec{.name = "export", .schema = "", .flags = "", .params = kParams};

StatusOr<SqlCell> ToCell(std::string_view what, const JsonValue& value) {
  if (value.is_null()) return SqlCell();
  if (value.is_int()) return SqlCell(value.AsInt());
  if (value.is_wide_int()) {
    return WithSuggestion(Fail(kInvalidRequest, "export: {} hold an integer beyond 64 bits", what),
                          "give it as a text, or as a real number (1e19)", "");
  }
  if (value.is_number()) return SqlCell(value.AsDouble());
  if (value.is_bool()) return SqlCell(int64_t{value.AsBool()});
  if (value.is_string()) return SqlCell(value.AsString());
  return Fail(kInvalidRequest, "export: {} must be strings, numbers, booleans or null", what);
}

// The value as the view spells it.
StatusOr<SqlCell> ToCell(const RelationColumn& column, const JsonValue& value) {
  if (column.kind == ColumnKind::kTimestamp && value.is_string()) {
    const auto time = ParseRfc3339(value.AsString());
    if (time.has_value()) return SqlCell(FormatRfc3339(*time));
    return Fail(kInvalidRequest, "export: where.{} must be a time (2026-01-31T08:00:00Z)",
                column.name);
  }
  if (column.name == "platform" && value.is_string()) {
    const hosts::HostRow* row = hosts::FindRow(value.AsString());
    if (row != nullptr) return SqlCell(std::string(row->platform));
  }
  return ToCell("conditions", value);
}

// A SELECT on one relation. Every name in the text is one of views.toml; what
// the caller gave is bound.
class Select {
 public:
  explicit Select(const Relation& relation) : relation_(relation) {}

  Status Columns(const JsonValue& columns) {
    for (const JsonValue& item : columns.items()) {
      ST_ASSIGN_OR_RETURN(const RelationColumn* column, Column(item.AsString()));
      if (std::find(columns_.begin(), columns_.end(), column) == columns_.end()) {
        columns_.push_back(column);
      }
    }
    if (!columns_.empty()) return absl::OkStatus();
    for (const RelationColumn& column : relation_.columns) columns_.push_back(&column);
    return absl::OkStatus();
  }

  Status Where(const JsonValue& conditions) {
    for (const auto& [name, value] : conditions.members()) {
      ST_ASSIGN_OR_RETURN(const RelationColumn* column, Column(name));
      if (value.is_null()) {
        Add(Quoted(*column) + " IS NULL");
      } else if (value.is_array()) {
        ST_RETURN_IF_ERROR(OneOf(*column, value));
      } else {
        ST_ASSIGN_OR_RETURN(SqlCell cell, ToCell(*column, value));
        Add(Quoted(*column) + "=" + Bound(std::move(cell)));
      }
    }
    return absl::OkStatus();
  }

  Status Window(const JsonValue& since, const JsonValue& until) {
    for (const auto& [value, sign] : {std::pair(&since, ">="), std::pair(&until, "<")}) {
      if (value->is_null()) continue;
      if (relation_.time.empty()) {
        return Fail(kInvalidRequest, "export: {} has no time to compare with since and until",
                    relation_.name);
      }
      Add(std::string(relation_.time) + sign + Bound(SqlCell(value->AsString())));
    }
    return absl::OkStatus();
  }

  Status Order(const JsonValue& order) {
    for (const JsonValue& item : order.items()) {
      std::string_view name = item.AsString();
      const bool descending = name.starts_with('-');
      if (descending) name.remove_prefix(1);
      ST_ASSIGN_OR_RETURN(const RelationColumn* column, Column(name));
      order_ += (order_.empty() ? " ORDER BY " : ",") + Quoted(*column);
      if (descending) order_ += " DESC";
    }
    return absl::OkStatus();
  }

  void Limit(const JsonValue& limit) {
    if (!limit.is_null()) limit_ = " LIMIT " + Bound(SqlCell(limit.AsInt()));
  }

  store::ArrowQuery Take() && {
    std::string sql;
    for (const RelationColumn* column : columns_) {
      sql += (sql.empty() ? "SELECT " : ",") + Quoted(*column);
      // What a dataset computes has no type of its own.
      if (relation_.source.starts_with('(')) {
        query_.types.emplace_back(column->name, column->kind);
      }
    }
    sql += " FROM " + std::string(relation_.source) + where_ + order_ + limit_;
    query_.sql = std::move(sql);
    return std::move(query_);
  }

 private:
  StatusOr<const RelationColumn*> Column(std::string_view name) const {
    const RelationColumn* column = relation_.Find(name);
    if (column != nullptr) return column;
    std::vector<std::string_view> known;
    for (const RelationColumn& row : relation_.columns) known.push_back(row.name);
    return UnknownName(fmt::format("column of {}:", relation_.name), name, known);
  }

  Status OneOf(const RelationColumn& column, const JsonValue& values) {
    std::string list;
    for (const JsonValue& value : values.items()) {
      ST_ASSIGN_OR_RETURN(SqlCell cell, ToCell(column, value));
      list += (list.empty() ? "" : ",") + Bound(std::move(cell));
    }
    Add(Quoted(column) + " IN (" + list + ")");
    if (query_.args.size() <= kMaxArgs) return absl::OkStatus();
    return Fail(kInvalidRequest, "export: more than {} values in conditions", kMaxArgs);
  }

  static std::string Quoted(const RelationColumn& column) {
    return "\"" + std::string(column.name) + "\"";
  }
  std::string Bound(SqlCell cell) {
    query_.args.push_back(std::move(cell));
    return "?" + std::to_string(query_.args.size());
  }
  void Add(const std::string& condition) {
    where_ += (where_.empty() ? " WHERE " : " AND ") + condition;
  }

  const Relation& relation_;
  std::vector<const RelationColumn*> columns_;
  std::string where_, order_, limit_;
  store::ArrowQuery query_;
};

StatusOr<store::ArrowQuery> DatasetQuery(const JsonValue& params) {
  const std::string& name = params["dataset"].AsString();
  const Relation* relation = store::FindRelation(name);
  if (relation == nullptr) {
    std::vector<std::string_view> known;
    for (const Relation& row : store::Relations()) known.push_back(row.name);
    return UnknownName("dataset", name, known);
  }
  if (!params["args"].is_null()) return Fail(kInvalidRequest, "export: args belong to sql");
  Select select(*relation);
  ST_RETURN_IF_ERROR(select.Columns(params["columns"]));
  ST_RETURN_IF_ERROR(select.Where(params["where"]));
  ST_RETURN_IF_ERROR(select.Window(params["since"], params["until"]));
  ST_RETURN_IF_ERROR(select.Order(params["order"]));
  select.Limit(params["limit"]);
  return std::move(select).Take();
}

StatusOr<store::ArrowQuery> SqlQuery(const JsonValue& params) {
  for (const char* key : {"where", "columns", "since", "until", "order", "limit"}) {
    if (params[key].is_null()) continue;
    return Fail(kInvalidRequest, "export: {} belongs to dataset; say it in the sql", key);
  }
  store::ArrowQuery query;
  query.sql = params["sql"].AsString();
  for (const JsonValue& value : params["args"].items()) {
    ST_ASSIGN_OR_RETURN(SqlCell cell, ToCell("args", value));
    query.args.push_back(std::move(cell));
  }
  return query;
}

Status ReadTypes(const JsonValue& types, store::ArrowQuery& query) {
  for (const auto& [name, value] : types.members()) {
    const ColumnKind kind = store::KindByName(value.AsString());
    if (kind == ColumnKind::kUnknown) {
      const auto names = store::KindNames();
      return UnknownName("type", value.AsString(), {names.begin(), names.end()});
    }
    // What the caller says comes first.
    query.types.insert(query.types.begin(), {name, kind});
  }
  return absl::OkStatus();
}

Status Export(Engine& engine, std::string_view request, store::Interrupt interrupt,
              ArrowArrayStream* out) {
  base::Cancel unused;  // `interrupt` is what stops it
  const jobs::WorkInProgress work(unused);
  ST_RETURN_IF_ERROR(work.Check());
  const auto now = std::chrono::steady_clock::now();
  ST_ASSIGN_OR_RETURN(const JsonValue document, JsonValue::Parse(request));
  ST_ASSIGN_OR_RETURN(const JsonValue params, CheckParams(kSpec, document, engine));
  if (params["dataset"].is_null() == params["sql"].is_null()) {
    return Fail(kInvalidRequest, "export: give either dataset or sql");
  }
  ST_ASSIGN_OR_RETURN(store::ArrowQuery query,
                      params["sql"].is_null() ? DatasetQuery(params) : SqlQuery(params));
  ST_RETURN_IF_ERROR(ReadTypes(params["types"], query));
  query.whole = params["whole"].AsBool();
  if (!params["deadline_ms"].is_null()) {
    interrupt.deadline = now + std::chrono::milliseconds(params["deadline_ms"].AsInt());
  }
  return store::ExportArrow(engine.paths().db, query, interrupt, out);
}

}  // namespace
}  // namespace selftune::capi

extern "C" {

selftune_code_t selftune_export_arrow(selftune_engine_t* engine, selftune_str_t dataset_request,
                                      struct ArrowArrayStream* out, selftune_error_t** error) {
  return selftune_export_arrow_until(engine, dataset_request, nullptr, nullptr, out, error);
}

selftune_code_t selftune_export_arrow_until(selftune_engine_t* engine,
                                            selftune_str_t dataset_request,
                                            int32_t (*stop)(void* user), void* user,
                                            struct ArrowArrayStream* out,
                                            selftune_error_t** error) {
  using namespace selftune;
  return capi::Call(error, [&]() -> Status {
    if (engine == nullptr || out == nullptr) {
      return Fail(kInvalidRequest, "engine and out must not be NULL");
    }
    ST_RETURN_IF_ERROR(engine->impl->Check());
    const Status status =
        capi::Export(*engine->impl, capi::View(dataset_request), {.stop = stop, .user = user}, out);
    return status.ok() ? status : capi::InPlace(status, engine->impl->paths());
  });
}

}  // extern "C"
