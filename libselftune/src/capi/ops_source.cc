// source.*: what evidence is read from.
#include <algorithm>
#include <optional>
#include <string>
#include <utility>

#include "base/json_writer.h"
#include "base/status_macros.h"
#include "base/strings.h"
#include "capi/ops.h"
#include "capi/readout.h"
#include "store/db.h"
#include "store/queries/sources.h"

namespace selftune::capi::ops {
namespace {

using base::JsonValue;
using base::JsonWriter;

void TextOrNull(JsonWriter& out, std::string_view key, const std::string& text) {
  if (text.empty()) {
    out.NullField(key);
  } else {
    out.Field(key, text);
  }
}

// How much older the last reading is than the last change; 0 when it is not.
std::optional<int64_t> LagOf(const store::SourceItem& source) {
  if (!source.last_read.has_value()) return std::nullopt;
  return std::max<int64_t>(0, source.mtime.value - source.last_read->value);
}

void WriteSource(JsonWriter& out, const store::SourceItem& source) {
  out.BeginObject()
      .Field("source_id", source.id.value)
      .Field("platform", source.platform)
      .Field("kind", source.kind)
      .Field("path", source.path)
      .Field("state", source.state)
      .Field("lag_ms", LagOf(source))
      .Field("size_bytes", source.size)
      .Field("offset", source.offset)
      .Field("records", source.records_seen)
      .Field("understood", source.records_used)
      .Field("skipped", std::max<int64_t>(0, source.records_seen - source.records_used))
      .Field("unknown", source.records_unknown)
      .Field("bad_lines", source.bad_lines)
      .Field("last_read", source.last_read);
  TextOrNull(out, "schema", source.host_schema);
  TextOrNull(out, "last_error", source.last_error);
  out.EndObject();
}

}  // namespace

StatusOr<std::string> SourceList(Context& context, const JsonValue& params) {
  ST_ASSIGN_OR_RETURN(store::Db * db, context.ReadDb());
  store::SourceRequest request{.platform = params["platform"].AsString(),
                               .state = params["state"].AsString()};
  const int64_t limit = params["limit"].AsInt(0);  // 0: all
  if (limit > 0) request.limit = limit + 1;        // one more says whether there are more
  if (params["cursor"].is_string()) {
    const auto behind = base::ParseInt(params["cursor"].AsString());
    if (!behind.has_value() || *behind < 1) {
      return Fail(kInvalidRequest, "source.list: cursor is not one of a page before");
    }
    request.behind = store::SourceId{*behind};
  }
  ST_ASSIGN_OR_RETURN(auto sources, store::ListSources(*db, request));
  const bool more = limit > 0 && static_cast<int64_t>(sources.size()) > limit;
  if (more) sources.pop_back();
  JsonWriter out;
  out.BeginObject().Key("sources").BeginArray();
  for (const store::SourceItem& source : sources) WriteSource(out, source);
  out.EndArray();
  TextOrNull(out, "next_cursor", more ? std::to_string(sources.back().id.value) : std::string());
  out.EndObject();
  return std::move(out).Take();
}

StatusOr<std::string> SourceBadLines(Context& context, const JsonValue& params) {
  ST_ASSIGN_OR_RETURN(store::Db * db, context.ReadDb());
  std::optional<store::SourceId> source;
  if (!params["source_id"].is_null()) source = store::SourceId{params["source_id"].AsInt()};
  ST_ASSIGN_OR_RETURN(
      const store::BadLinePage page,
      store::ListBadLines(
          *db, source, {.limit = params["limit"].AsInt(), .cursor = params["cursor"].AsString()}));
  JsonWriter out;
  out.BeginObject().Key("items").BeginArray();
  for (const store::BadLineItem& line : page.items) {
    out.BeginObject()
        .Field("source_id", line.source.value)
        .Field("platform", line.platform)
        .Field("path", line.path)
        .Field("generation", line.generation)
        .Field("offset", line.offset)
        .Field("line", line.line_no)
        .Field("reason", line.reason)
        .Field("excerpt", line.excerpt)
        .Field("seen", line.seen)
        .EndObject();
  }
  out.EndArray();
  TextOrNull(out, "next_cursor", page.next);
  out.EndObject();
  return std::move(out).Take();
}

}  // namespace selftune::capi::ops
