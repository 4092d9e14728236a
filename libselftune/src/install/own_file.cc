#include "install/own_file.h"

#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include "base/crypto.h"
#include "base/file.h"
#include "base/status_macros.h"
#include "install/file_change.h"
#include "install/ours.h"
#include "install/record.h"

namespace selftune::install {
namespace {

using store::InstallRow;

constexpr uint32_t kModeBits = 0777;

// Not as we left it, nor as it was before a run that was killed.
bool IsEdited(const InstallRow& row, const FileText& file) { return !IsAsLeft(row, file.sha256); }

// Theirs, put back by hand where ours was.
bool IsTheirs(const InstallRow& row, const FileText& file) {
  return file.exists && HoldsTheirs(row) && file.sha256 == OursOf(row).before;
}

// Ours is written: in its place a person's text is from now on one that they put there.
Status EndReplacing(World& world, const std::string& path, std::string_view kind) {
  const InstallRow* const found = FindRow(world.rows, path, kind);
  if (found == nullptr || !HoldsTheirs(*found)) return absl::OkStatus();
  InstallRow row = *found;
  Ours ours = OursOf(row);
  if (ours.former.empty()) return absl::OkStatus();
  ours.former.clear();
  row.ours = ToJson(ours);
  return PutRow(world, row);
}

// The command that shows what became of files of this kind.
std::string_view ListOf(std::string_view kind) {
  return kind == "skill" || kind == "agent" ? "selftune skill status" : "selftune hooks list";
}

// A person's file, or one that a link puts in this place: neither is written to.
Status NotOurs(const FileText& file, std::string_view kind) {
  return WithSuggestion(
      Fail(kFileExists, "writing {}: {}", file.path,
           file.is_link ? "it is a link to " + file.real_path + ", which is not selftune's"
                        : std::string("a file that is not selftune's has this name")),
      "move it away if you do not need it, then install again", ListOf(kind));
}

// Keeps the text of `file` beside it, under a name that nobody has.
StatusOr<std::string> KeepAsOrig(const World& world, const FileText& file) {
  ST_ASSIGN_OR_RETURN(std::string path, OrigPath(file.path, file.bytes));
  if (world.dry_run || base::Exists(path)) return path;
  ST_ASSIGN_OR_RETURN(const FileText free, ReadFileText(path));
  ST_ASSIGN_OR_RETURN(const base::FileInfo info, base::Stat(file.real_path));
  std::vector<std::string> dirs;
  ST_RETURN_IF_ERROR(WriteFileText(free, file.bytes, info.mode & kModeBits, dirs, {file.sha256}));
  return path;
}

// The file is as we would write it; only the row may be missing or older.
Status Adopt(World& world, std::string_view kind, std::string_view platform, const FileText& file) {
  if (const InstallRow* const row = FindRow(world.rows, file.path, kind)) {
    ST_RETURN_IF_ERROR(ClearLeftovers(file, KnownOf(*row, file)));
    if (row->version == world.version && row->sha256 == file.sha256) {
      return EndReplacing(world, file.path, kind);
    }
    InstallRow renewed = *row;  // this version writes the same
    renewed.version = world.version;
    renewed.sha256 = file.sha256;
    ST_RETURN_IF_ERROR(PutRow(world, renewed));
    return EndReplacing(world, file.path, kind);
  }
  const MovedRow moved = FindMovedRow(world.rows, kind, file);
  if (!moved.former_path.empty()) {
    ST_RETURN_IF_ERROR(PutRow(world, moved.row));
    return DropRow(world, moved.former_path, kind);
  }
  // Without a mark of ours nobody knows who wrote it.
  return PutRow(world, {.path = file.path,
                        .kind = std::string(kind),
                        .platform = std::string(platform),
                        .ours = ToJson({}),
                        .sha256 = file.sha256,
                        .created_file = IsManaged(file.bytes),
                        .backup_path = "",
                        .version = world.version,
                        .installed = world.now});
}

// What holds a folder of agents or of skills: ".claude" of ".claude/skills/selftune/SKILL.md".
std::string Above(const InstallRow& row) {
  const size_t skills = row.kind == "skill" ? row.path.rfind("/skills/") : row.path.npos;
  if (skills != row.path.npos) return row.path.substr(0, skills);
  return std::string(base::DirName(base::DirName(row.path)));
}

Status GiveMode(const std::string& path, uint32_t mode) {
  ST_ASSIGN_OR_RETURN(const base::FileInfo info, base::Stat(path));
  if ((info.mode & kModeBits) == mode || ::chmod(path.c_str(), mode) == 0) return absl::OkStatus();
  return Fail(kWriteFailed, "giving {} its mode from before: {}", path,
              std::generic_category().message(errno));
}

// Theirs is in its place again.
Status EndKeeping(World& world, const InstallRow& row, const FileText& file) {
  if (world.dry_run) return absl::OkStatus();
  ST_RETURN_IF_ERROR(ClearLeftovers(file, KnownOf(row, file)));
  const std::string backup = row.backup_path;
  ST_RETURN_IF_ERROR(DropRow(world, row.path, row.kind));
  // Stores of before have one for several places.
  const bool needed = std::any_of(world.rows.begin(), world.rows.end(),
                                  [&](const InstallRow& one) { return one.backup_path == backup; });
  return needed ? absl::OkStatus() : base::RemoveFile(backup);
}

// The file was there before us: its bytes from then come back, also when ours is gone.
Status PutBack(World& world, const InstallRow& row, const FileText& file, std::string kept_as,
               HostResult& out) {
  if (row.backup_path.empty()) {
    out.afterwards.push_back(row.path + " was there before selftune and was kept");
    return DropRow(world, row.path, row.kind);
  }
  ST_ASSIGN_OR_RETURN(const std::string bytes, base::ReadFile(row.backup_path, kMaxBackup));
  out.files.push_back(ResultOf(file, Did::kUpdated, bytes));
  out.files.back().kept_as = std::move(kept_as);
  if (world.dry_run) return absl::OkStatus();
  const uint32_t mode = OursOf(row).mode;
  // First: the exchange of the bytes keeps it, and ends what a kill may cut off.
  if (file.exists && mode != 0) ST_RETURN_IF_ERROR(GiveMode(file.real_path, mode));
  std::vector<std::string> dirs;
  ST_RETURN_IF_ERROR(
      WriteFileText(file, bytes, mode != 0 ? mode : OwnFile{}.mode, dirs, KnownOf(row, file)));
  return EndKeeping(world, row, file);
}

// What is in the place of our file stays there; so does what ours replaced.
Status Keep(const InstallRow* row, std::string why, HostResult& out) {
  if (row != nullptr && HoldsTheirs(*row)) {
    why += "; the file that selftune's replaced there is kept as " + row->backup_path;
    out.unreturned.push_back(row->backup_path);
  }
  out.afterwards.push_back(std::move(why));
  return absl::OkStatus();
}

}  // namespace

StatusOr<std::string> OrigPath(const std::string& path, std::string_view bytes) {
  constexpr int kMost = 1000;
  for (int i = 1; i <= kMost; ++i) {
    std::string name = path + ".orig" + (i == 1 ? std::string() : fmt::format(".{}", i));
    const auto file = ReadFileText(name);
    if (!file.ok()) continue;  // no file, but something of this name
    if (!file->exists || (!file->is_link && file->bytes == bytes)) return name;
  }
  return WithSuggestion(
      Fail(kFileExists, "keeping your edits of {}: {} names are taken", path, kMost),
      "remove files *.orig that you do not need", "selftune skill status");
}

StatusOr<FileResult> InstallFile(World& world, std::string_view kind, std::string_view platform,
                                 const OwnFile& own, Edits edits) {
  ST_ASSIGN_OR_RETURN(const FileText file, ReadFileText(own.path));
  const InstallRow* const row = FindRow(world.rows, own.path, kind);
  const bool same = file.exists && file.bytes == own.bytes;
  const Did did = same ? Did::kNothing : file.exists ? Did::kUpdated : Did::kInstalled;
  FileResult result = ResultOf(file, did, own.bytes);
  const bool foreign = file.exists && !same && row == nullptr && !IsManaged(file.bytes);
  result.had_ours = file.exists && !foreign;
  result.replaced = foreign;
  const bool edited = file.exists && !same && row != nullptr && IsEdited(*row, file);
  // Our mark, but no row: of another version, or somebody's edits of it.
  const bool unknown = file.exists && !same && row == nullptr && !foreign;
  if (foreign && (edits != Edits::kReplace || file.is_link)) return NotOurs(file, kind);
  if ((edited || unknown) && file.is_link) return NotOurs(file, kind);
  if (edited && edits == Edits::kRefuse) {
    return WithSuggestion(
        Fail(kFileChanged, "writing {}: it was edited since it was installed", own.path),
        "move it away, then install again", ListOf(kind));
  }
  if (edited && IsTheirs(*row, file) && base::Exists(row->backup_path)) {
    result.kept_as = row->backup_path;  // comes back from there; no second copy beside ours
  } else if (edited || unknown) {
    ST_ASSIGN_OR_RETURN(result.kept_as, KeepAsOrig(world, file));
  }
  if (world.dry_run) return result;
  if (same) {
    ST_RETURN_IF_ERROR(Adopt(world, kind, platform, file));
    return result;
  }
  Ours ours = row == nullptr ? Ours{} : OursOf(*row);
  ours.former = foreign || (row != nullptr && !edited) ? file.sha256 : "";
  // Ours may be gone meanwhile: what it replaced stays in our keeping.
  const bool theirs = foreign || (row != nullptr && HoldsTheirs(*row));
  InstallRow next{.path = own.path,
                  .kind = std::string(kind),
                  .platform = std::string(platform),
                  .ours = "",
                  .sha256 = "",
                  .created_file = !theirs && (row == nullptr || row->created_file || !file.exists),
                  .backup_path = row == nullptr ? "" : row->backup_path,
                  .version = "",
                  .installed = {}};
  if (row == nullptr || (!next.created_file && next.backup_path.empty())) {
    if (next.created_file) {
      ST_ASSIGN_OR_RETURN(next.backup_path, Backup(world, file, platform));
    } else {
      ST_ASSIGN_OR_RETURN(const base::FileInfo info, base::Stat(file.real_path));
      ST_ASSIGN_OR_RETURN(next.backup_path, BackupTheirs(world, file, platform));
      ours.before = file.sha256;
      ours.mode = info.mode & kModeBits;
    }
  }
  result.backup_path = next.backup_path;
  ST_RETURN_IF_ERROR(Write(world, next, ours, file, own.bytes, own.mode));
  ST_RETURN_IF_ERROR(EndReplacing(world, own.path, kind));
  return result;
}

Status RemoveOwn(World& world, const std::string& path, std::string_view kind,
                 std::string_view ours_now, HostResult& out, Edits edits) {
  const StatusOr<FileText> read = ReadFileText(path);
  const InstallRow* const found = FindRow(world.rows, path, kind);
  if (!read.ok()) {  // a folder, a link to nowhere, one that nobody may read: not what we wrote
    return Keep(found, fmt::format("{}; it was kept: remove it yourself", Message(read.status())),
                out);
  }
  const FileText& file = *read;
  if (!file.exists && (found == nullptr || !HoldsTheirs(*found))) {
    return Forget(world, path, kind, file);
  }
  if (found == nullptr && !IsManaged(file.bytes)) return absl::OkStatus();
  if (file.is_link) {  // a person's: what it leads to is theirs, whatever is in it
    return Keep(
        found,
        fmt::format("{} is a link to {} and was kept; remove it yourself", path, file.real_path),
        out);
  }
  if (found == nullptr && file.bytes != ours_now) {
    return Keep(
        nullptr,
        fmt::format("{} says it is selftune's, is not as it was written and was kept", path), out);
  }
  InstallRow row = found == nullptr ? InstallRow{.created_file = true} : *found;
  if (HoldsTheirs(row) && !base::Exists(row.backup_path)) {
    out.afterwards.push_back(fmt::format(
        "what selftune's {} replaced cannot be put back: {} is gone", path, row.backup_path));
    if (!file.exists) return Forget(world, path, kind, file);
    row.created_file = true;
    row.backup_path.clear();
  }
  const std::string way = file.exists ? std::string() : InTheWay(std::string(base::DirName(path)));
  if (!way.empty()) return Keep(&row, way + " is no folder and was kept", out);
  if (!file.exists && !base::Exists(Above(row))) {  // as when a disk or a project is elsewhere
    return Keep(&row, fmt::format("{} is gone, and so is {}", path, Above(row)), out);
  }
  std::string kept_as;
  if (IsTheirs(row, file)) return EndKeeping(world, row, file);
  const bool edited = found != nullptr && file.exists && IsEdited(row, file);
  if (edited) {
    if (edits == Edits::kRefuse) {
      return Keep(
          &row,
          fmt::format("{} was edited since it was installed and was kept; remove it yourself",
                      path),
          out);
    }
    ST_ASSIGN_OR_RETURN(kept_as, KeepAsOrig(world, file));
  }
  if (HoldsTheirs(row) || (!row.created_file && !edited)) {
    return PutBack(world, row, file, std::move(kept_as), out);
  }
  out.files.push_back(ResultOf(file, Did::kRemoved, ""));
  if (kept_as.empty() && base::Exists(path + ".orig")) {
    out.afterwards.push_back(path + ".orig has your edits and was kept");
  }
  out.files.back().kept_as = std::move(kept_as);
  if (world.dry_run) return absl::OkStatus();
  ST_RETURN_IF_ERROR(ClearLeftovers(file, KnownOf(row, file)));
  ST_RETURN_IF_ERROR(RemoveFileText(file));
  Merge(out.made_dirs, found == nullptr ? std::vector<std::string>() : OursOf(row).dirs);
  return DropRowAndDirs(world, path, kind);
}

StatusOr<HostResult> RemoveStale(World& world, std::string_view kind, const std::string& folder,
                                 const std::vector<OwnFile>& wanted, Edits edits) {
  HostResult out;
  const std::vector<InstallRow> rows = world.rows;
  for (const InstallRow& row : rows) {
    if (row.kind != kind || !row.path.starts_with(folder + "/")) continue;
    const bool needed = std::any_of(wanted.begin(), wanted.end(),
                                    [&](const OwnFile& file) { return file.path == row.path; });
    if (!needed) ST_RETURN_IF_ERROR(RemoveOwn(world, row.path, kind, "", out, edits));
  }
  ST_RETURN_IF_ERROR(LeaveDirs(world, out.made_dirs));
  if (!out.files.empty()) out.did = Did::kRemoved;
  return out;
}

StatusOr<HostResult> RemoveFiles(World& world, std::string_view kind) {
  HostResult out;
  const std::vector<InstallRow> rows = world.rows;
  for (const InstallRow& row : rows) {
    if (row.kind == kind) ST_RETURN_IF_ERROR(RemoveOwn(world, row.path, kind, "", out));
  }
  ST_RETURN_IF_ERROR(LeaveDirs(world, out.made_dirs));
  if (!out.files.empty()) out.did = Did::kRemoved;
  return out;
}

}  // namespace selftune::install
