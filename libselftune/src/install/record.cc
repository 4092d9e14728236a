#include "install/record.h"

#include <algorithm>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/crypto.h"
#include "base/file.h"
#include "base/free_path.h"
#include "base/status_macros.h"
#include "store/write_txn.h"

namespace selftune::install {
namespace {

using store::InstallRow;

constexpr size_t kBackupsKept = 10;

std::string BackupDir(const World& world) {
  return base::JoinPath(world.state_dir, "backups/install");
}

std::string BackupPath(const World& world, const FileText& file, const std::string& dir,
                       std::string_view ending) {
  return base::JoinPath(dir,
                        fmt::format("{}-{}{}", world.now.value, file.sha256.substr(0, 8), ending));
}

StatusOr<std::string> WriteBackup(const std::string& path, const FileText& file) {
  ST_RETURN_IF_ERROR(base::MakeDirs(std::string(base::DirName(path)), 0700));
  ST_RETURN_IF_ERROR(base::WriteFileAtomic(path, file.bytes, 0600));
  return path;
}

std::string EndingOf(const FileText& file, std::string_view platform) {
  return fmt::format("-{}-{}", platform, base::BaseName(file.path));
}

// What a run copied that was killed before a row knew of it; "" without one.
std::string SpareOf(const World& world, const FileText& file, const std::string& dir,
                    std::string_view ending) {
  const auto entries = base::ListDir(dir);
  if (!entries.ok()) return "";
  const std::string same = "-" + file.sha256.substr(0, 8);
  for (const base::DirEntry& entry : *entries) {
    if (entry.name.find(same + std::string(ending)) == entry.name.npos) continue;
    std::string path = base::JoinPath(dir, entry.name);
    const bool known = std::any_of(world.rows.begin(), world.rows.end(),
                                   [&](const InstallRow& row) { return row.backup_path == path; });
    if (known) continue;
    const auto bytes = base::ReadFile(path, kMaxBackup);
    if (bytes.ok() && *bytes == file.bytes) return path;
  }
  return "";
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

}  // namespace

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

StatusOr<std::string> Backup(const World& world, const FileText& file, std::string_view platform) {
  if (!file.exists) return std::string();
  const std::string ending = EndingOf(file, platform);
  ST_ASSIGN_OR_RETURN(std::string path,
                      WriteBackup(BackupPath(world, file, BackupDir(world), ending), file));
  ST_RETURN_IF_ERROR(DropOldBackups(world, ending));
  return path;
}

StatusOr<std::string> BackupTheirs(const World& world, const FileText& file,
                                   std::string_view platform) {
  const std::string dir = base::JoinPath(world.state_dir, kReplacedDir);
  const std::string spare = SpareOf(world, file, dir, EndingOf(file, platform));
  if (!spare.empty()) return spare;
  // One a place: the same text may have been in several, and each is put back by itself.
  return WriteBackup(base::FreePath(BackupPath(world, file, dir, EndingOf(file, platform))), file);
}

void Merge(std::vector<std::string>& into, const std::vector<std::string>& more) {
  for (const std::string& word : more) {
    if (std::find(into.begin(), into.end(), word) == into.end()) into.push_back(word);
  }
}

Status Write(World& world, InstallRow row, Ours ours, const FileText& before,
             std::string_view bytes, uint32_t mode) {
  const InstallRow* const old = FindRow(world.rows, row.path, row.kind);
  const std::optional<InstallRow> was = old == nullptr ? std::nullopt : std::optional(*old);
  row.sha256 = base::Sha256Hex(bytes);
  row.version = world.version;
  row.installed = world.now;
  // Before they are made: whoever is killed in between leaves none that nobody knows.
  if (!before.exists) Merge(ours.dirs, MissingDirs(before.real_path));
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
  return absl::OkStatus();
}

FileResult ResultOf(const FileText& file, Did did, std::string after) {
  FileResult out{.path = file.path, .did = did, .sha256_before = file.sha256};
  out.sha256_after = did == Did::kRemoved && after.empty() ? "" : base::Sha256Hex(after);
  out.before = file.bytes;
  out.after = std::move(after);
  return out;
}

std::vector<std::string> KnownOf(const InstallRow& row, const FileText& file) {
  const Ours ours = OursOf(row);
  return {file.sha256, row.sha256, ours.before, ours.former};
}

Status LeaveDirs(World& world, const std::vector<std::string>& dirs, std::string_view leaving) {
  RemoveEmptyDirs(dirs);
  for (auto dir = dirs.rbegin(); dir != dirs.rend(); ++dir) {
    const auto heir =
        std::find_if(world.rows.begin(), world.rows.end(), [&](const InstallRow& row) {
          return row.path != leaving && row.path.starts_with(*dir + "/") && base::Exists(row.path);
        });
    if (heir == world.rows.end()) continue;
    InstallRow row = *heir;
    Ours ours = OursOf(row);
    std::vector<std::string> all = {*dir};  // those above first
    Merge(all, ours.dirs);
    ours.dirs = std::move(all);
    row.ours = ToJson(ours);
    ST_RETURN_IF_ERROR(PutRow(world, row));
  }
  return absl::OkStatus();
}

Status DropRowAndDirs(World& world, const std::string& path, std::string_view kind) {
  const InstallRow* const row = FindRow(world.rows, path, kind);
  if (world.dry_run || row == nullptr) return absl::OkStatus();
  const std::vector<std::string> dirs = OursOf(*row).dirs;
  ST_RETURN_IF_ERROR(LeaveDirs(world, dirs, path));
  return DropRow(world, path, kind);
}

Status Forget(World& world, const std::string& path, std::string_view kind, const FileText& file) {
  const InstallRow* const row = FindRow(world.rows, path, kind);
  if (world.dry_run || row == nullptr) return absl::OkStatus();
  ST_RETURN_IF_ERROR(ClearLeftovers(file, KnownOf(*row, file)));
  return DropRowAndDirs(world, path, kind);
}

}  // namespace selftune::install
