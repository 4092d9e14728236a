#include "capi/config_record.h"

#include <algorithm>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/crypto.h"
#include "base/file.h"
#include "base/json_writer.h"
#include "base/status_macros.h"
#include "capi/version.h"
#include "config/config.h"
#include "store/install_rows.h"
#include "store/write_txn.h"

namespace selftune::capi {
namespace {

using base::JsonValue;

constexpr std::string_view kKind = "other";

const store::InstallRow* RowOf(const std::vector<store::InstallRow>& rows,
                               const std::string& path) {
  const auto found = std::find_if(rows.begin(), rows.end(), [&](const store::InstallRow& row) {
    return row.kind == kKind && row.path == path;
  });
  return found == rows.end() ? nullptr : &*found;
}

// {"before": <text or null>, "keys": [...]}: the file as it was, and what init added.
std::string OursOf(const ConfigEdit& edit, const std::string* text) {
  base::JsonWriter out;
  out.BeginObject().Key("before");
  if (text == nullptr) {
    out.Null();
  } else {
    out.String(*text);
  }
  out.Key("keys").BeginArray();
  for (const auto& [key, value] : edit.after.document.members()) {
    if (!edit.before.document.Has(key)) out.String(key);
  }
  out.EndArray().EndObject();
  return std::move(out).Take();
}

Status Forget(install::World& world, const std::string& path) {
  if (world.dry_run || world.db == nullptr) return absl::OkStatus();
  ST_ASSIGN_OR_RETURN(store::WriteTxn txn, store::WriteTxn::Begin(*world.db));
  ST_RETURN_IF_ERROR(store::DropInstall(*world.db, path, kKind));
  return txn.Commit();
}

// The document without what init added; what it made of older settings stays.
JsonValue Without(JsonValue document, const JsonValue& keys, std::string_view before) {
  for (const JsonValue& key : keys.items()) {
    const std::vector<std::string> path = {key.AsString()};
    document = config::WithValueAt(document, path, JsonValue());
  }
  const auto old = JsonValue::Parse(before);
  if (old.ok() && !(*old)["skills"].Has("selftune")) {
    const std::vector<std::string> path = {"skills", "selftune", "autonomy"};
    document = config::WithValueAt(document, path, JsonValue());
  }
  return document;
}

}  // namespace

Status RecordConfig(Context& context, const ConfigEdit& edit) {
  ST_ASSIGN_OR_RETURN(store::Db* const db, context.WriteDb());
  ST_ASSIGN_OR_RETURN(const std::vector<store::InstallRow> rows, store::ReadInstalls(*db));
  store::InstallRow row{.path = edit.after.path,
                        .kind = std::string(kKind),
                        .platform = "",
                        .ours = "",
                        .sha256 = edit.receipt.sha256_after.value_or(""),
                        .created_file = !edit.before.exists,
                        .backup_path = "",
                        .version = std::string(kVersion),
                        .installed = context.now()};
  if (const store::InstallRow* const known = RowOf(rows, row.path); known != nullptr) {
    row.ours = known->ours;
    row.created_file = known->created_file;
  } else {
    const std::string before = config::TextOf(edit.before.document);
    row.ours = OursOf(edit, edit.before.exists ? &before : nullptr);
  }
  ST_ASSIGN_OR_RETURN(store::WriteTxn txn, store::WriteTxn::Begin(*db));
  ST_RETURN_IF_ERROR(store::PutInstall(*db, row));
  return txn.Commit();
}

StatusOr<std::optional<std::string>> RestoreConfig(Context& context, install::World& world) {
  const std::string path = config::PathIn(context.paths().state_dir);
  const store::InstallRow* const row = RowOf(world.rows, path);
  if (row == nullptr) return std::optional<std::string>();
  const auto ours = JsonValue::Parse(row->ours);
  if (row->created_file || !ours.ok() || !(*ours)["before"].is_string()) {
    ST_RETURN_IF_ERROR(Forget(world, path));
    return std::optional<std::string>();
  }
  ST_ASSIGN_OR_RETURN(const std::string now, base::ReadFile(path, 1 << 20));
  const bool as_left = base::Sha256Hex(now) == row->sha256;
  std::string text = (*ours)["before"].AsString();
  if (!as_left) {
    ST_ASSIGN_OR_RETURN(const config::Config current, config::Parse(now, path));
    text = config::TextOf(Without(current.document, (*ours)["keys"], text));
  }
  if (!world.dry_run) ST_RETURN_IF_ERROR(base::WriteFileAtomic(path, text, 0600));
  ST_RETURN_IF_ERROR(Forget(world, path));
  return std::optional(path + (as_left ? " is as it was before init" : " is without init's part"));
}

}  // namespace selftune::capi
