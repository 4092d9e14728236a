#include "store/backup.h"

#include <fcntl.h>
#include <sqlite3.h>
#include <sys/statvfs.h>

#include <algorithm>
#include <chrono>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "base/file.h"
#include "base/status_macros.h"
#include "base/strings.h"
#include "store/archive.h"
#include "store/db.h"
#include "store/swap.h"

namespace selftune::store {
namespace {

constexpr int kPagesPerStep = 256;
constexpr auto kStepPause = std::chrono::milliseconds(5);
constexpr auto kBusyLimit = std::chrono::seconds(30);
constexpr std::string_view kPrefix = "selftune-";
constexpr std::string_view kSuffix = ".db";
constexpr std::string_view kHalf = ".tmp";  // while it is made
constexpr int kDailyBackups = 7;
constexpr int64_t kFreshMs = int64_t{60} * 60 * 1000;
constexpr int kWeeklyBackups = 4;
constexpr uint64_t kMaxBackupBytes = uint64_t{1} << 40;

constexpr char kQuickCheck[] = "PRAGMA quick_check(1)";
constexpr char kForeignKeys[] = "PRAGMA foreign_key_check";
constexpr char kApplicationIdSql[] = "PRAGMA application_id";

std::string Folder(const std::string& store_path) {
  return base::JoinPath(base::DirName(store_path), "backups");
}

// 2026-11-25T21:04:05.123Z -> 20261125T210405123Z
std::string IdOf(UtcMillis at) {
  std::string id;
  for (const char c : FormatRfc3339(at)) {
    if (c != '-' && c != ':' && c != '.') id.push_back(c);
  }
  return id;
}

std::optional<UtcMillis> TimeOf(std::string_view id) {
  if (id.size() != 19) return std::nullopt;
  const std::string text(id);
  return ParseRfc3339(text.substr(0, 4) + "-" + text.substr(4, 2) + "-" + text.substr(6, 5) + ":" +
                      text.substr(11, 2) + ":" + text.substr(13, 2) + "." + text.substr(15));
}

std::string PathOf(const std::string& store_path, std::string_view id) {
  return base::JoinPath(Folder(store_path),
                        std::string(kPrefix) + std::string(id) + std::string(kSuffix));
}

struct CloseBackup {
  void operator()(sqlite3_backup* backup) const { sqlite3_backup_finish(backup); }
};

Status CopyPages(Db& from, Db& to, const base::Cancel* cancel) {
  std::unique_ptr<sqlite3_backup, CloseBackup> backup(
      sqlite3_backup_init(to.handle(), "main", from.handle(), "main"));
  if (backup == nullptr) return to.Error(sqlite3_errcode(to.handle()), "starting a backup in");
  auto waited = std::chrono::milliseconds(0);
  for (;;) {
    if (cancel != nullptr) ST_RETURN_IF_ERROR(cancel->Check());
    const int code = sqlite3_backup_step(backup.get(), kPagesPerStep);
    if (code == SQLITE_DONE) return absl::OkStatus();
    const bool busy = (code & 0xff) == SQLITE_BUSY || (code & 0xff) == SQLITE_LOCKED;
    if (code != SQLITE_OK && !busy) return to.Error(code, "copying the store to");
    waited = busy ? waited + kStepPause : std::chrono::milliseconds(0);
    if (waited > kBusyLimit) return to.Error(code, "copying the store to");
    std::this_thread::sleep_for(kStepPause);
  }
}

StatusOr<std::string> FirstText(Db& db, const char* sql) {
  ST_ASSIGN_OR_RETURN(Cursor row, db.Query(sql));
  ST_ASSIGN_OR_RETURN(const bool found, row.Next());
  return found ? row.String(0) : std::string();
}

// "" when the file is a sound store of ours.
StatusOr<std::string> ProblemOf(const std::string& path) {
  ST_ASSIGN_OR_RETURN(const std::unique_ptr<Db> db, Db::OpenUnchecked(path, /*read_only=*/true));
  const StatusOr<int64_t> mark = db->QueryInt(kApplicationIdSql, 0);
  if (!mark.ok()) return std::string(Message(mark.status()));
  if (*mark != kApplicationId) return std::string("not a store of selftune");
  const StatusOr<std::string> pages = FirstText(*db, kQuickCheck);
  if (!pages.ok()) return std::string(Message(pages.status()));
  if (*pages != "ok") return "pages: " + *pages;
  ST_ASSIGN_OR_RETURN(const std::string orphan, FirstText(*db, kForeignKeys));
  return orphan.empty() ? std::string() : "foreign keys: a row of " + orphan + " has no parent";
}

// Connections leave their log and its index in place; a copy needs none.
Status RemoveLog(const std::string& path) {
  ST_RETURN_IF_ERROR(base::RemoveFile(path + "-wal"));
  return base::RemoveFile(path + "-shm");
}

// What was put aside is put back byte for byte: it may be damaged, that is why it is there.
// Its log is folded in where that can be done, and stays beside the kept file anyway.
Status CopyAside(const std::string& from, const std::string& to) {
  for (const char* part : {"-wal", "-shm", ""}) ST_RETURN_IF_ERROR(base::RemoveFile(to + part));
  ST_RETURN_IF_ERROR(CopyBytes(from, to));
  if (!base::Exists(from + "-wal")) return absl::OkStatus();
  ST_RETURN_IF_ERROR(CopyBytes(from + "-wal", to + "-wal"));
  if (MakeSingleFile(to).ok()) return absl::OkStatus();
  for (const char* part : {"-wal", "-shm", ""}) ST_RETURN_IF_ERROR(base::RemoveFile(to + part));
  return CopyBytes(from, to);
}

// A database of somebody else in the store's place is not put aside. One that
// cannot be read is damaged, that is what backups are for.
Status CheckReplaceable(const std::string& path) {
  if (!base::Exists(path)) return absl::OkStatus();
  const StatusOr<std::unique_ptr<Db>> db = Db::OpenUnchecked(path, /*read_only=*/true);
  if (!db.ok()) return absl::OkStatus();
  const StatusOr<int64_t> mark = (*db)->QueryInt(kApplicationIdSql, 0);
  const StatusOr<int64_t> tables = (*db)->QueryInt("SELECT count(*) FROM sqlite_schema", 0);
  if (!mark.ok() || !tables.ok() || *mark == kApplicationId || *tables == 0) {
    return absl::OkStatus();
  }
  return ForeignStore(path);
}

StatusOr<BackupInfo> Find(const std::string& store_path, std::string_view id) {
  ST_ASSIGN_OR_RETURN(const std::vector<BackupInfo> all, ListBackups(store_path));
  for (const BackupInfo& backup : all) {
    if (backup.id == id) return backup;
  }
  return WithSuggestion(Fail(kNotFound, "finding backup {}: there is none of that name", id),
                        "see which there are", "selftune backup list");
}

}  // namespace

namespace {

// `to` is an empty file of the caller's own.
Status FillCopy(const std::string& from, const std::string& to, const base::Cancel* cancel) {
  {
    ST_ASSIGN_OR_RETURN(const std::unique_ptr<Db> source,
                        Db::OpenUnchecked(from, /*read_only=*/true));
    ST_ASSIGN_OR_RETURN(const int64_t mark, source->QueryInt(kApplicationIdSql, 0));
    if (mark != kApplicationId) return ForeignStore(from);
    ST_ASSIGN_OR_RETURN(const std::unique_ptr<Db> target, Db::OpenUnchecked(to));
    ST_RETURN_IF_ERROR(CopyPages(*source, *target, cancel));
    // A copy is one file: no log beside it that could be left behind.
    ST_RETURN_IF_ERROR(target->Execute("PRAGMA journal_mode=DELETE"));
  }
  ST_RETURN_IF_ERROR(RemoveLog(to));
  ST_ASSIGN_OR_RETURN(const std::string problem, ProblemOf(to));
  ST_RETURN_IF_ERROR(RemoveLog(to));
  if (!problem.empty()) return Fail(kStoreCorrupt, "checking the backup {}: {}", to, problem);
  ST_ASSIGN_OR_RETURN(const base::FileHandle file, base::OpenRead(to));
  return base::SyncFile(file.fd(), to);
}

// Takes the name of the next free millisecond, also from others who do so now:
// the file that is filled is made by one of them only, and a finished backup has
// its name before that file is gone.
StatusOr<BackupReport> Reserve(const std::string& store_path, UtcMillis now) {
  for (;; ++now.value) {
    BackupReport report;
    report.backup = {.id = IdOf(now), .path = PathOf(store_path, IdOf(now)), .at = now};
    const Status made = base::WriteFileNew(report.backup.path + std::string(kHalf), "", 0600);
    if (CodeOf(made).name == kFileExists.name) continue;
    ST_RETURN_IF_ERROR(made);
    if (!base::Exists(report.backup.path)) return report;
    ST_RETURN_IF_ERROR(base::RemoveFile(report.backup.path + std::string(kHalf)));
  }
}

Status RemoveHalf(const std::string& path) {
  for (const char* part : {"", "-wal", "-shm", "-journal"}) {
    ST_RETURN_IF_ERROR(base::RemoveFile(path + part));
  }
  return absl::OkStatus();
}

}  // namespace

Status CopyStore(const std::string& from, const std::string& to, const base::Cancel* cancel) {
  ST_RETURN_IF_ERROR(base::RemoveFile(to));
  ST_RETURN_IF_ERROR(base::WriteFileNew(to, "", 0600));
  return FillCopy(from, to, cancel);
}

StatusOr<BackupReport> CreateBackup(const std::string& store_path, UtcMillis now,
                                    const base::Cancel* cancel) {
  const std::string folder = Folder(store_path);
  ST_RETURN_IF_ERROR(base::MakeDirs(folder, 0700));
  ST_ASSIGN_OR_RETURN(BackupReport report, Reserve(store_path, now));
  const std::string temporary = report.backup.path + std::string(kHalf);
  const Status copied = FillCopy(store_path, temporary, cancel);
  if (!copied.ok()) {
    const Status ignored = RemoveHalf(temporary);  // the copy's failure is the news
    (void)ignored;
    return copied;
  }
  ST_ASSIGN_OR_RETURN(report.sha256, FileSha256(temporary));
  ST_RETURN_IF_ERROR(base::Rename(temporary, report.backup.path));
  ST_RETURN_IF_ERROR(base::SyncDir(folder));
  ST_ASSIGN_OR_RETURN(const base::FileInfo info, base::Stat(report.backup.path));
  report.backup.bytes = static_cast<int64_t>(info.size);
  return report;
}

StatusOr<std::vector<BackupInfo>> ListBackups(const std::string& store_path) {
  const std::string folder = Folder(store_path);
  std::vector<BackupInfo> out;
  if (!base::Exists(folder)) return out;
  ST_ASSIGN_OR_RETURN(const std::vector<base::DirEntry> entries, base::ListDir(folder));
  for (const base::DirEntry& entry : entries) {
    std::string_view id = entry.name;
    if (!id.starts_with(kPrefix) || !id.ends_with(kSuffix)) continue;
    id.remove_prefix(kPrefix.size());
    id.remove_suffix(kSuffix.size());
    const std::optional<UtcMillis> at = TimeOf(id);
    if (!at.has_value()) continue;
    const std::string path = base::JoinPath(folder, entry.name);
    const StatusOr<base::FileInfo> info = base::Stat(path);
    if (!info.ok() && CodeOf(info.status()).name == kFileNotFound.name) continue;  // just pruned
    ST_RETURN_IF_ERROR(info.status());
    out.push_back({.id = std::string(id),
                   .path = path,
                   .at = *at,
                   .bytes = static_cast<int64_t>(info->size)});
  }
  std::reverse(out.begin(), out.end());  // names sort by time
  return out;
}

bool IsAsideId(std::string_view id) {
  constexpr std::string_view kKinds[] = {"before-recover-", "before-restore-"};
  return std::any_of(std::begin(kKinds), std::end(kKinds), [&](std::string_view kind) {
    return id.starts_with(kind) && id.size() > kind.size() &&
           std::all_of(id.begin() + static_cast<std::ptrdiff_t>(kind.size()), id.end(), [](char c) {
             return (c >= '0' && c <= '9') || c == 'T' || c == 'Z' || c == '-';
           });
  });
}

StatusOr<BackupCheck> VerifyBackup(const std::string& store_path, std::string_view id) {
  if (IsAsideId(id)) {
    const std::string path = ResolveStore(store_path) + "." + std::string(id);
    ST_ASSIGN_OR_RETURN(const base::FileInfo info, base::Stat(path));
    return BackupCheck{.backup = {.id = std::string(id),
                                  .path = path,
                                  .at = UtcMillis{info.mtime_ns / 1'000'000},
                                  .bytes = static_cast<int64_t>(info.size)},
                       .ok = true,
                       .problem = {}};
  }
  ST_ASSIGN_OR_RETURN(BackupInfo backup, Find(store_path, id));
  ST_ASSIGN_OR_RETURN(std::string problem, ProblemOf(backup.path));
  const bool ok = problem.empty();
  return BackupCheck{std::move(backup), ok, std::move(problem)};
}

StatusOr<RestoreReport> RestoreBackup(const std::string& store_path, std::string_view id,
                                      UtcMillis now, std::chrono::milliseconds wait) {
  // A whole new file beside the old one first: only renames lie between.
  const std::string real = ResolveStore(store_path);
  ST_RETURN_IF_ERROR(CheckReplaceable(real));
  const std::string fresh = real + ".restoring";
  RestoreReport report;
  if (IsAsideId(id)) {
    report.restored = real + "." + std::string(id);
    ST_RETURN_IF_ERROR(CopyAside(report.restored, fresh));
  } else {
    ST_ASSIGN_OR_RETURN(const BackupCheck check, VerifyBackup(store_path, id));
    if (!check.ok) return Fail(kStoreCorrupt, "restoring backup {}: {}", id, check.problem);
    report.restored = check.backup.path;
    ST_RETURN_IF_ERROR(CopyStore(report.restored, fresh, nullptr));
    ST_RETURN_IF_ERROR(MakeSingleFile(fresh));
  }
  ST_ASSIGN_OR_RETURN(StoreSwap swap, StoreSwap::Begin(store_path, {.wait = wait}));
  if (base::Exists(store_path)) {
    report.moved_aside = real + ".before-restore-" + IdOf(now);
  }
  ST_RETURN_IF_ERROR(swap.Finish(fresh, report.moved_aside));
  return report;
}

namespace {

// Half backups of processes that died; one that is being made is younger.
Status DropHalves(const std::string& folder, UtcMillis now) {
  if (!base::Exists(folder)) return absl::OkStatus();
  ST_ASSIGN_OR_RETURN(const std::vector<base::DirEntry> entries, base::ListDir(folder));
  for (const base::DirEntry& entry : entries) {
    if (!entry.name.starts_with(kPrefix) ||
        entry.name.find(std::string(kSuffix) + std::string(kHalf)) == std::string::npos) {
      continue;
    }
    const std::string path = base::JoinPath(folder, entry.name);
    const StatusOr<base::FileInfo> info = base::Stat(path);
    if (!info.ok() || now.value - info->mtime_ns / 1'000'000 < kDayMs) continue;
    ST_RETURN_IF_ERROR(base::RemoveFile(path));
  }
  return absl::OkStatus();
}

}  // namespace

StatusOr<std::vector<std::string>> PruneBackups(const std::string& store_path, UtcMillis now) {
  ST_ASSIGN_OR_RETURN(const std::vector<BackupInfo> all, ListBackups(store_path));
  struct statvfs disk{};
  uint64_t limit = kMaxBackupBytes;
  if (statvfs(Folder(store_path).c_str(), &disk) == 0) {
    limit = uint64_t{disk.f_bavail} * disk.f_frsize / 5;
  }
  ST_RETURN_IF_ERROR(DropHalves(Folder(store_path), now));
  std::set<int64_t> days, weeks;
  std::vector<std::string> removed;
  uint64_t kept_bytes = 0;
  for (size_t i = 0; i < all.size(); ++i) {
    const int64_t day = DayOf(all[i].at);
    const int64_t age = DayOf(now) - day;
    const bool daily = age < kDailyBackups && !days.contains(day);
    const bool weekly = age < 7 * kWeeklyBackups && !weeks.contains(day / 7);
    // Whoever made it has only just been told its name.
    const bool fresh = now.value - all[i].at.value < kFreshMs;
    kept_bytes += static_cast<uint64_t>(all[i].bytes);
    if (i == 0 || fresh || ((daily || weekly) && kept_bytes <= limit)) {
      days.insert(day);
      weeks.insert(day / 7);
      continue;
    }
    kept_bytes -= static_cast<uint64_t>(all[i].bytes);
    ST_RETURN_IF_ERROR(base::RemoveFile(all[i].path));
    removed.push_back(all[i].path);
  }
  return removed;
}

}  // namespace selftune::store
