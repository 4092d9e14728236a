#include "install/installer.h"

#include <algorithm>
#include <array>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/crypto.h"
#include "base/file.h"
#include "base/status_macros.h"
#include "base/strings.h"
#include "install/file_change.h"
#include "install/hook_list.h"
#include "install/ours.h"
#include "store/write_txn.h"

namespace selftune::install {
namespace {

using store::InstallRow;

constexpr std::string_view kHookKind = "hook";
constexpr std::string_view kPluginKind = "plugin";
constexpr uint32_t kSettingsMode = 0600;
constexpr uint64_t kMaxBackup = 8 << 20;
constexpr size_t kBackupsKept = 10;

Status PutRow(World& world, const InstallRow& row) {
  ST_ASSIGN_OR_RETURN(store::WriteTxn txn, store::WriteTxn::Begin(*world.db));
  ST_RETURN_IF_ERROR(store::PutInstall(*world.db, row));
  ST_RETURN_IF_ERROR(txn.Commit());
  ST_ASSIGN_OR_RETURN(world.rows, store::ReadInstalls(*world.db));
  return absl::OkStatus();
}

Status DropRow(World& world, const std::string& path, std::string_view kind) {
  if (world.dry_run || FindRow(world.rows, path, kind) == nullptr) return absl::OkStatus();
  ST_ASSIGN_OR_RETURN(store::WriteTxn txn, store::WriteTxn::Begin(*world.db));
  ST_RETURN_IF_ERROR(store::DropInstall(*world.db, path, kind));
  ST_RETURN_IF_ERROR(txn.Commit());
  ST_ASSIGN_OR_RETURN(world.rows, store::ReadInstalls(*world.db));
  return absl::OkStatus();
}

std::string BackupDir(const World& world) {
  return base::JoinPath(world.state_dir, "backups/install");
}

// The newest stay, and those that a row needs.
Status DropOldBackups(const World& world, std::string_view ending) {
  const std::string dir = BackupDir(world);
  ST_ASSIGN_OR_RETURN(const std::vector<base::DirEntry> entries, base::ListDir(dir));
  std::vector<std::string> old;
  for (const base::DirEntry& entry : entries) {
    if (entry.name.ends_with(ending)) old.push_back(base::JoinPath(dir, entry.name));
  }
  for (size_t i = 0; i + kBackupsKept < old.size(); ++i) {
    const bool needed =
        std::any_of(world.rows.begin(), world.rows.end(),
                    [&](const InstallRow& row) { return row.backup_path == old[i]; });
    if (!needed) ST_RETURN_IF_ERROR(base::RemoveFile(old[i]));
  }
  return absl::OkStatus();
}

// "" for a file that is not there.
StatusOr<std::string> Backup(const World& world, const FileText& file, std::string_view platform) {
  if (!file.exists) return std::string();
  const std::string dir = BackupDir(world);
  ST_RETURN_IF_ERROR(base::MakeDirs(dir, 0700));
  const std::string ending = fmt::format("-{}-{}", platform, base::BaseName(file.path));
  std::string path = base::JoinPath(
      dir, fmt::format("{}-{}{}", world.now.value, file.sha256.substr(0, 8), ending));
  ST_RETURN_IF_ERROR(base::WriteFileAtomic(path, file.bytes, 0600));
  ST_RETURN_IF_ERROR(DropOldBackups(world, ending));
  return path;
}

void Merge(std::vector<std::string>& into, const std::vector<std::string>& more) {
  for (const std::string& word : more) {
    if (std::find(into.begin(), into.end(), word) == into.end()) into.push_back(word);
  }
}

// Writes, with the row first: a run that is killed in between leaves a row that
// says more than there is, never a file that no row knows.
Status Write(World& world, InstallRow row, Ours ours, const FileText& before,
             std::string_view bytes, uint32_t mode) {
  const InstallRow* const old = FindRow(world.rows, row.path, row.kind);
  const std::optional<InstallRow> was = old == nullptr ? std::nullopt : std::optional(*old);
  row.sha256 = base::Sha256Hex(bytes);
  row.version = world.version;
  row.installed = world.now;
  row.ours = ToJson(ours);
  ST_RETURN_IF_ERROR(PutRow(world, row));
  std::vector<std::string> dirs;
  std::vector<std::string> known = {before.sha256, row.sha256};
  if (was.has_value()) known.push_back(was->sha256);
  Status done = WriteFileText(before, bytes, mode, dirs, known);
  if (!done.ok()) {
    RemoveEmptyDirs(dirs);
    ST_RETURN_IF_ERROR(was.has_value() ? PutRow(world, *was) : DropRow(world, row.path, row.kind));
    return done;
  }
  if (dirs.empty()) return absl::OkStatus();
  Merge(ours.dirs, dirs);
  row.ours = ToJson(ours);
  return PutRow(world, row);
}

StatusOr<bool> HoldsOurs(std::string_view text, const HookFileRules& rules, std::string_view path) {
  ST_ASSIGN_OR_RETURN(const std::vector<FoundHook> hooks, FindHooks(text, rules, path));
  return std::any_of(hooks.begin(), hooks.end(), [](const FoundHook& hook) { return hook.ours; });
}

FileResult ResultOf(const FileText& file, Did did, std::string after) {
  FileResult out{.path = file.path, .did = did, .sha256_before = file.sha256};
  out.sha256_after = did == Did::kRemoved && after.empty() ? "" : base::Sha256Hex(after);
  out.before = file.bytes;
  out.after = std::move(after);
  return out;
}

// Texts that a run of ours may have left beside a file.
std::vector<std::string> KnownOf(const InstallRow& row, const FileText& file) {
  return {file.sha256, row.sha256, OursOf(row).before};
}

// Nothing of ours is in the file any more.
Status Forget(World& world, const std::string& path, std::string_view kind, const FileText& file) {
  const InstallRow* const row = FindRow(world.rows, path, kind);
  if (world.dry_run || row == nullptr) return absl::OkStatus();
  ST_RETURN_IF_ERROR(ClearLeftovers(file, KnownOf(*row, file)));
  return DropRow(world, path, kind);
}

StatusOr<FileResult> InstallSettings(World& world, const Target& target, const Place& place) {
  const std::string path = SettingsPath(target, place);
  ST_ASSIGN_OR_RETURN(const FileText file, ReadFileText(path));
  ST_ASSIGN_OR_RETURN(const HookEdit edit,
                      WithHooks(file.bytes, target.hooks(place.shim), target.rules, path));
  const InstallRow* row = FindRow(world.rows, path, kHookKind);
  const MovedRow moved = row == nullptr ? FindMovedRow(world.rows, kHookKind, file) : MovedRow{};
  if (!moved.former_path.empty()) row = &moved.row;
  if (row != nullptr && row->sha256 != file.sha256) {
    // Somebody wrote the file anew: what we know of the former one is over.
    ST_ASSIGN_OR_RETURN(const bool same_file, HoldsOurs(file.bytes, target.rules, path));
    if (!same_file) row = nullptr;
  }
  const bool known = row != nullptr;
  const Did did = !edit.changed                     ? Did::kNothing
                  : edit.updated + edit.removed > 0 ? Did::kUpdated
                                                    : Did::kInstalled;
  FileResult result = ResultOf(file, did, edit.text);
  if (world.dry_run) return result;
  if (!edit.changed && known) {
    ST_RETURN_IF_ERROR(ClearLeftovers(file, KnownOf(*row, file)));
    if (moved.former_path.empty()) return result;
    ST_RETURN_IF_ERROR(PutRow(world, moved.row));
    ST_RETURN_IF_ERROR(DropRow(world, moved.former_path, kHookKind));
    return result;
  }
  InstallRow next{.path = path,
                  .kind = std::string(kHookKind),
                  .platform = std::string(target.platform),
                  .ours = "",
                  .sha256 = "",
                  .created_file = known ? row->created_file : !file.exists,
                  .backup_path = known ? row->backup_path : "",
                  .version = "",
                  .installed = {}};
  Ours ours = known ? OursOf(*row) : Ours{};
  if (!edit.changed) {  // somebody else wrote exactly this
    next.sha256 = file.sha256;
    next.version = world.version;
    next.installed = world.now;
    next.created_file = false;
    next.ours = ToJson(ours);
    ST_RETURN_IF_ERROR(PutRow(world, next));
    return result;
  }
  Merge(ours.made, edit.made);
  if (!known || row->sha256 != file.sha256) {
    ST_ASSIGN_OR_RETURN(const bool had_ours, HoldsOurs(file.bytes, target.rules, path));
    ST_ASSIGN_OR_RETURN(next.backup_path, Backup(world, file, target.platform));
    ours.before = known || had_ours ? "" : file.sha256;
  }
  result.backup_path = next.backup_path;
  ST_RETURN_IF_ERROR(Write(world, next, ours, file, edit.text, kSettingsMode));
  ST_RETURN_IF_ERROR(DropRow(world, moved.former_path, kHookKind));
  return result;
}

// An empty document and nothing else, such as a person's comment.
bool IsEmptyDocument(std::string_view text) {
  constexpr std::string_view kByteOrderMark = "\xef\xbb\xbf";
  if (text.starts_with(kByteOrderMark)) text.remove_prefix(kByteOrderMark.size());
  std::string rest(text);
  std::erase_if(rest, [](char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n'; });
  return rest == "{}";
}

// The bytes from before our first change, when the file is as we left it.
std::optional<std::string> BytesBefore(const InstallRow& row, const FileText& file,
                                       const Ours& ours) {
  if (row.sha256 != file.sha256 || row.backup_path.empty() || ours.before.empty()) {
    return std::nullopt;
  }
  auto bytes = base::ReadFile(row.backup_path, kMaxBackup);
  if (!bytes.ok() || base::Sha256Hex(*bytes) != ours.before) return std::nullopt;
  return *std::move(bytes);
}

// Takes the person's approvals of hooks that are gone out of the host's list.
StatusOr<std::optional<FileResult>> RemoveApprovals(const World& world, const Target& target,
                                                    const Place& place,
                                                    std::string_view settings_text) {
  if (target.without_approvals == nullptr) return std::optional<FileResult>();
  const std::string path = base::JoinPath(place.config_dir, target.approvals_file);
  ST_ASSIGN_OR_RETURN(const FileText file, ReadFileText(path));
  if (!file.exists) return std::optional<FileResult>();
  const std::string after = target.without_approvals(place, settings_text, file.bytes);
  if (after == file.bytes) return std::optional<FileResult>();
  FileResult result = ResultOf(file, Did::kUpdated, after);
  if (!world.dry_run) {
    ST_ASSIGN_OR_RETURN(result.backup_path, Backup(world, file, target.platform));
    std::vector<std::string> dirs;
    ST_RETURN_IF_ERROR(WriteFileText(file, after, kSettingsMode, dirs, {file.sha256}));
  }
  return std::optional(std::move(result));
}

// A file that cannot be read and that we never wrote to is nobody's business here.
bool IsForeign(const World& world, const std::string& path, const StatusOr<FileText>& file,
               const HookFileRules& rules) {
  if (FindRow(world.rows, path, kHookKind) != nullptr) return false;
  if (!file.ok()) return true;
  return file->bytes.find(kShimName) == file->bytes.npos &&
         !FindHooks(file->bytes, rules, path).ok();
}

Status RemoveFromSettings(World& world, const Target& target, const Place& place,
                          const std::string& path, HostResult& out) {
  const StatusOr<FileText> read = ReadFileText(path);
  if (IsForeign(world, path, read, target.rules)) {
    out.afterwards.push_back(path + " could not be read; nothing of selftune is known to be in it");
    return absl::OkStatus();
  }
  if (!read.ok()) return read.status();
  const FileText& file = *read;
  if (!file.exists) return Forget(world, path, kHookKind, file);
  const InstallRow* row = FindRow(world.rows, path, kHookKind);
  const MovedRow moved = row == nullptr ? FindMovedRow(world.rows, kHookKind, file) : MovedRow{};
  if (!moved.former_path.empty()) row = &moved.row;
  const Ours ours = row == nullptr ? Ours{} : OursOf(*row);
  ST_ASSIGN_OR_RETURN(HookEdit edit, WithoutHooks(file.bytes, target.rules,
                                                  row == nullptr ? nullptr : &ours.made, path));
  if (!edit.changed) return Forget(world, path, kHookKind, file);
  if (row != nullptr) {
    if (auto bytes = BytesBefore(*row, file, ours)) edit.text = *std::move(bytes);
  }
  const bool gone =
      row != nullptr && row->created_file && !file.is_link && IsEmptyDocument(edit.text);
  FileResult result = ResultOf(file, Did::kRemoved, gone ? "" : edit.text);
  if (!world.dry_run) {
    std::vector<std::string> dirs;
    if (gone) {
      ST_RETURN_IF_ERROR(RemoveFileText(file));
      RemoveEmptyDirs(ours.dirs);
    } else {
      ST_ASSIGN_OR_RETURN(result.backup_path, Backup(world, file, target.platform));
      ST_RETURN_IF_ERROR(WriteFileText(file, edit.text, kSettingsMode, dirs,
                                       {file.sha256, ours.before, base::Sha256Hex(edit.text)}));
    }
    const std::string& at = moved.former_path.empty() ? path : moved.former_path;
    ST_RETURN_IF_ERROR(DropRow(world, at, kHookKind));
  }
  out.files.push_back(std::move(result));
  // Of hooks that are gone: left there, they do no harm.
  const auto approvals = RemoveApprovals(world, target, place, file.bytes);
  if (!approvals.ok()) {
    out.afterwards.push_back("their approvals were kept: " +
                             std::string(Message(approvals.status())));
  } else if (approvals->has_value()) {
    out.files.push_back(**approvals);
  }
  return absl::OkStatus();
}

// `ours_now`: what we would write there, "" = unknown.
Status RemoveOwn(World& world, const std::string& path, std::string_view kind,
                 std::string_view ours_now, HostResult& out) {
  const StatusOr<FileText> read = ReadFileText(path);
  if (!read.ok()) {  // a folder, a link to nowhere, one that nobody may read: not what we wrote
    out.afterwards.push_back(
        fmt::format("{}; it was kept: remove it yourself", Message(read.status())));
    return absl::OkStatus();
  }
  const FileText& file = *read;
  const InstallRow* const row = FindRow(world.rows, path, kind);
  if (!file.exists) return Forget(world, path, kind, file);
  if (row == nullptr && !IsManaged(file.bytes)) return absl::OkStatus();
  if (row == nullptr && file.bytes != ours_now) {
    out.afterwards.push_back(
        fmt::format("{} says it is selftune's, is not as it was written and was kept", path));
    return absl::OkStatus();
  }
  if (row != nullptr && !IsAsLeft(*row, file.sha256)) {
    out.afterwards.push_back(
        fmt::format("{} was edited since it was installed and was kept; remove it yourself", path));
    return absl::OkStatus();
  }
  const Ours ours = row == nullptr ? Ours{} : OursOf(*row);
  out.files.push_back(ResultOf(file, Did::kRemoved, ""));
  if (world.dry_run) return absl::OkStatus();
  ST_RETURN_IF_ERROR(RemoveFileText(file));
  Merge(out.made_dirs, ours.dirs);
  return DropRow(world, path, kind);
}

}  // namespace

std::string_view Word(Did did) {
  constexpr std::array<std::string_view, 4> kWords = {"none", "removed", "updated", "installed"};
  return kWords[static_cast<size_t>(did)];
}

StatusOr<FileResult> InstallFile(World& world, std::string_view kind, std::string_view platform,
                                 const OwnFile& own) {
  ST_ASSIGN_OR_RETURN(const FileText file, ReadFileText(own.path));
  const InstallRow* const row = FindRow(world.rows, own.path, kind);
  const bool same = file.exists && file.bytes == own.bytes;
  const Did did = same ? Did::kNothing : file.exists ? Did::kUpdated : Did::kInstalled;
  FileResult result = ResultOf(file, did, own.bytes);
  if (file.exists && !same && row == nullptr && !IsManaged(file.bytes)) {
    return WithSuggestion(
        Fail(kFileExists, "writing {}: a file that is not selftune's has this name", own.path),
        "move it away if you do not need it", "selftune hooks list");
  }
  if (file.exists && !same && row != nullptr && !IsAsLeft(*row, file.sha256)) {
    return WithSuggestion(
        Fail(kFileChanged, "writing {}: it was edited since it was installed", own.path),
        "move it away, then install again", "selftune hooks list");
  }
  if (world.dry_run) return result;
  if (same && row != nullptr) {
    if (row->version == world.version && row->sha256 == file.sha256) return result;
    InstallRow renewed = *row;  // this version writes the same
    renewed.version = world.version;
    renewed.sha256 = file.sha256;  // whoever wrote it
    ST_RETURN_IF_ERROR(PutRow(world, renewed));
    return result;
  }
  Ours ours = row == nullptr ? Ours{} : OursOf(*row);
  ours.former = same ? "" : file.sha256;
  InstallRow next{.path = own.path,
                  .kind = std::string(kind),
                  .platform = std::string(platform),
                  .ours = ToJson(ours),
                  .sha256 = base::Sha256Hex(own.bytes),
                  .created_file = true,
                  .backup_path = "",
                  .version = world.version,
                  .installed = world.now};
  if (same) {
    ST_RETURN_IF_ERROR(PutRow(world, next));
    return result;
  }
  if (row == nullptr) {
    ST_ASSIGN_OR_RETURN(next.backup_path, Backup(world, file, platform));
  }
  result.backup_path = next.backup_path;
  ST_RETURN_IF_ERROR(Write(world, next, ours, file, own.bytes, own.mode));
  return result;
}

StatusOr<HostResult> RemoveStale(World& world, std::string_view kind, const std::string& folder,
                                 const std::vector<OwnFile>& wanted) {
  HostResult out;
  const std::vector<InstallRow> rows = world.rows;
  for (const InstallRow& row : rows) {
    if (row.kind != kind || !row.path.starts_with(folder + "/")) continue;
    const bool needed = std::any_of(wanted.begin(), wanted.end(),
                                    [&](const OwnFile& file) { return file.path == row.path; });
    if (!needed) ST_RETURN_IF_ERROR(RemoveOwn(world, row.path, kind, "", out));
  }
  RemoveEmptyDirs(out.made_dirs);
  if (!out.files.empty()) out.did = Did::kRemoved;
  return out;
}

StatusOr<HostResult> RemoveFiles(World& world, std::string_view kind) {
  HostResult out;
  const std::vector<InstallRow> rows = world.rows;
  for (const InstallRow& row : rows) {
    if (row.kind == kind) ST_RETURN_IF_ERROR(RemoveOwn(world, row.path, kind, "", out));
  }
  RemoveEmptyDirs(out.made_dirs);
  if (!out.files.empty()) out.did = Did::kRemoved;
  return out;
}

StatusOr<HostResult> InstallHooks(World& world, const Target& target, const Place& place) {
  HostResult out{.platform = std::string(target.platform)};
  if (target.hooks != nullptr) {
    ST_ASSIGN_OR_RETURN(FileResult file, InstallSettings(world, target, place));
    out.did = std::max(out.did, file.did);
    out.files.push_back(std::move(file));
  }
  if (target.files != nullptr) {
    for (const OwnFile& own : target.files(place)) {
      ST_ASSIGN_OR_RETURN(FileResult file, InstallFile(world, kPluginKind, target.platform, own));
      out.did = std::max(out.did, file.did);
      out.files.push_back(std::move(file));
    }
  }
  if (target.unapproved != nullptr) {
    const std::string& text = out.files.front().after;
    ST_ASSIGN_OR_RETURN(const size_t waiting, target.unapproved(place, text));
    if (waiting > 0) out.afterwards.emplace_back(target.approve);
  }
  if (out.did != Did::kNothing && !target.afterwards.empty()) {
    out.afterwards.emplace_back(target.afterwards);
  }
  return out;
}

StatusOr<HostResult> RemoveHooks(World& world, const Target& target, const Place& place) {
  HostResult out{.platform = std::string(target.platform)};
  std::vector<std::string> settings, plugins;
  std::vector<OwnFile> files;
  if (target.hooks != nullptr) settings.push_back(SettingsPath(target, place));
  if (target.files != nullptr) files = target.files(place);
  for (const OwnFile& own : files) plugins.push_back(own.path);
  // Where the host was when they were installed.
  for (const InstallRow& row : world.rows) {
    if (row.platform != target.platform || place.only_here) continue;
    if (row.kind == kHookKind && target.hooks != nullptr) Merge(settings, {row.path});
    if (row.kind == kPluginKind) Merge(plugins, {row.path});
  }
  for (const std::string& path : settings) {
    ST_RETURN_IF_ERROR(RemoveFromSettings(world, target, place, path, out));
  }
  for (const std::string& path : plugins) {
    const auto own = std::find_if(files.begin(), files.end(),
                                  [&](const OwnFile& file) { return file.path == path; });
    ST_RETURN_IF_ERROR(RemoveOwn(world, path, kPluginKind,
                                 own == files.end() ? std::string_view() : own->bytes, out));
  }
  RemoveEmptyDirs(out.made_dirs);
  if (!out.files.empty()) out.did = Did::kRemoved;
  return out;
}

}  // namespace selftune::install
