#include "capi/config_record.h"

#include <algorithm>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "base/crypto.h"
#include "base/file.h"
#include "base/json_writer.h"
#include "base/status_macros.h"
#include "capi/version.h"
#include "config/config.h"
#include "store/write_txn.h"

namespace selftune::capi {
namespace {

using base::JsonValue;

constexpr std::string_view kKind = "other";
constexpr uint64_t kMaxConfig = 1 << 20;

// The file as it is.
struct ConfigFile {
  bool exists = false;
  std::string bytes;
  uint32_t mode = 0600;
};

StatusOr<ConfigFile> ReadConfigFile(const Context& context) {
  constexpr uint32_t kModeBits = 0777;
  const std::string path = config::PathIn(context.paths().state_dir);
  ConfigFile out;
  const auto info = base::Stat(path);
  if (!info.ok()) return out;
  ST_ASSIGN_OR_RETURN(out.bytes, base::ReadFile(path, kMaxConfig));
  out.exists = true;
  out.mode = info->mode & kModeBits;
  return out;
}

const store::InstallRow* RowOf(const std::vector<store::InstallRow>& rows,
                               const std::string& path) {
  const auto found = std::find_if(rows.begin(), rows.end(), [&](const store::InstallRow& row) {
    return row.kind == kKind && row.path == path;
  });
  return found == rows.end() ? nullptr : &*found;
}

// {"before": <hash>, "mode": n, "keys": [...]}: what the file was, and what init added.
std::string OursOf(const ConfigEdit& edit, const ConfigFile& before) {
  base::JsonWriter out;
  out.BeginObject()
      .Field("before", base::Sha256Hex(before.bytes))
      .Field("mode", static_cast<int64_t>(before.mode))
      .Key("keys")
      .BeginArray();
  for (const auto& [key, value] : edit.after.document.members()) {
    if (!edit.before.document.Has(key)) out.String(key);
  }
  out.EndArray().EndObject();
  return std::move(out).Take();
}

// Of the file that init found.
std::string HashBefore(const store::InstallRow& row) {
  const auto ours = JsonValue::Parse(row.ours);
  return ours.ok() ? (*ours)["before"].AsString() : std::string();
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

bool RecordsConfig(const std::vector<store::InstallRow>& rows, const std::string& path) {
  return RowOf(rows, path) != nullptr;
}

Status RecordConfig(Context& context, const ConfigEdit& edit) {
  ST_ASSIGN_OR_RETURN(const ConfigFile before, ReadConfigFile(context));
  ST_ASSIGN_OR_RETURN(store::Db* const db, context.WriteDb());
  ST_ASSIGN_OR_RETURN(const std::vector<store::InstallRow> rows, store::ReadInstalls(*db));
  store::InstallRow row{.path = edit.after.path,
                        .kind = std::string(kKind),
                        .platform = "",
                        .ours = "",
                        .sha256 = edit.receipt.sha256_after.value_or(""),
                        .created_file = !before.exists,
                        .backup_path = "",
                        .version = std::string(kVersion),
                        .installed = context.now()};
  if (const store::InstallRow* const known = RowOf(rows, row.path); known != nullptr) {
    row.ours = known->ours;
    row.created_file = known->created_file;
    row.backup_path = known->backup_path;
    // A person changed it since: the bytes from before init are not theirs any more.
    const std::string now = base::Sha256Hex(before.bytes);
    if (now != known->sha256 && now != HashBefore(*known)) row.sha256 = known->sha256;
  } else {
    row.ours = OursOf(edit, before);
    if (before.exists) {
      const std::string dir = base::JoinPath(context.paths().state_dir, "backups/install");
      ST_RETURN_IF_ERROR(base::MakeDirs(dir, 0700));
      row.backup_path =
          base::JoinPath(dir, fmt::format("{}-{}-config.json", context.now().value,
                                          base::Sha256Hex(before.bytes).substr(0, 8)));
      ST_RETURN_IF_ERROR(base::WriteFileAtomic(row.backup_path, before.bytes, 0600));
    }
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
  if (row->created_file || !ours.ok()) {
    ST_RETURN_IF_ERROR(Forget(world, path));
    return std::optional<std::string>();
  }
  ST_ASSIGN_OR_RETURN(const std::string now, base::ReadFile(path, kMaxConfig));
  auto text = base::ReadFile(row->backup_path, kMaxConfig);
  const bool kept = text.ok() && base::Sha256Hex(*text) == HashBefore(*row);
  const std::string hash = base::Sha256Hex(now);
  if (hash == HashBefore(*row)) {  // init was killed before it wrote
    if (kept && !world.dry_run) ST_RETURN_IF_ERROR(base::RemoveFile(row->backup_path));
    ST_RETURN_IF_ERROR(Forget(world, path));
    return std::optional(path + " is as it was before init");
  }
  const bool as_left = kept && hash == row->sha256;
  if (!as_left) {
    ST_ASSIGN_OR_RETURN(const config::Config current, config::Parse(now, path));
    text = config::TextOf(Without(current.document, (*ours)["keys"], kept ? *text : "{}"));
  }
  const auto mode = static_cast<uint32_t>((*ours)["mode"].AsInt(0600));
  if (!world.dry_run) {
    ST_RETURN_IF_ERROR(base::WriteFileAtomic(path, *text, mode));
    if (kept) ST_RETURN_IF_ERROR(base::RemoveFile(row->backup_path));
  }
  ST_RETURN_IF_ERROR(Forget(world, path));
  return std::optional(path + (as_left ? " is as it was before init" : " is without init's part"));
}

}  // namespace selftune::capi
