// about.* and schema.*: what this library is.
#include <algorithm>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/json_writer.h"
#include "base/status_macros.h"
#include "capi/op_spec.h"
#include "capi/params.h"
#include "capi/version.h"
#include "store/db.h"
#include "store/sqlite_library.h"

namespace selftune::capi::ops {
namespace {

using base::JsonValue;
using base::JsonWriter;

// Version of the store's schema; null when there is no store that we can read.
std::optional<int64_t> StoreVersion(Context& context) {
  if (!context.HasStore()) return std::nullopt;
  const StatusOr<store::Db*> db = context.ReadDb();
  if (db.ok()) return (*db)->schema_version();
  context.Warn(CodeOf(db.status()).name, std::string(Message(db.status())));
  return std::nullopt;
}

// "selftune/status@1" is also "status".
bool IsShortFor(std::string_view id, std::string_view whole) {
  constexpr std::string_view kOurs = "selftune/";
  if (!whole.starts_with(kOurs)) return false;
  whole.remove_prefix(kOurs.size());
  return whole.substr(0, whole.rfind('@')) == id;
}

const SchemaRow* FindSchema(std::string_view id) {
  const std::span<const SchemaRow> all = AllSchemas();
  const auto by_id = std::find_if(all.begin(), all.end(), [&](const SchemaRow& row) {
    return row.id == id || (row.kind == "reply" && row.op == id) || IsShortFor(id, row.id);
  });
  return by_id == all.end() ? nullptr : &*by_id;
}

}  // namespace

StatusOr<std::string> AboutVersion(Context& context, const JsonValue&) {
  const std::string_view commit = SourceCommit();
  JsonWriter out;
  out.BeginObject().Field("version", kVersion);
  out.Key("commit");
  if (commit.empty()) {
    out.Null();
  } else {
    out.String(commit);
  }
  out.Field("abi", static_cast<int64_t>(AbiVersion()));
  out.Field("schema_version", StoreVersion(context));
  out.Field("state_dir", context.paths().state_dir);
  out.Field("sqlite", store::SqliteVersion());
  out.Key("features").BeginArray();
  for (const std::string_view feature : Features()) out.String(feature);
  out.EndArray().EndObject();
  return std::move(out).Take();
}

StatusOr<std::string> SchemaList(Context&, const JsonValue&) {
  JsonWriter out;
  out.BeginObject().Key("schemas").BeginArray();
  for (const SchemaRow& row : AllSchemas()) {
    out.BeginObject().Field("id", row.id).Field("kind", row.kind).Key("op");
    if (row.op.empty()) {
      out.Null();
    } else {
      out.String(row.op);
    }
    out.EndObject();
  }
  out.EndArray().EndObject();
  return std::move(out).Take();
}

StatusOr<std::string> SchemaGet(Context&, const JsonValue& params) {
  const std::string& id = params["id"].AsString();
  const SchemaRow* row = FindSchema(id);
  if (row == nullptr) {
    std::vector<std::string_view> known;
    for (const SchemaRow& each : AllSchemas()) known.push_back(each.id);
    const Status near = UnknownName("schema", id, known);
    return WithSuggestion(Fail(kNotFound, "schema.get: {}", Message(near)),
                          known.size() > 20 ? "list them" : Suggestion(near),
                          "selftune schema --list");
  }
  JsonWriter out;
  out.BeginObject().Field("id", row->id).Key("schema").Raw(row->json).EndObject();
  return std::move(out).Take();
}

}  // namespace selftune::capi::ops
