#include "install/file_change.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

#include "base/crypto.h"
#include "base/file.h"
#include "base/status_macros.h"
#include "deploy/journal.h"
#include "deploy/swap.h"

namespace selftune::install {
namespace {

constexpr uint64_t kMaxBytes = 8 << 20;
// Part of the names of temporary files: one writer at a time has the lock.
constexpr std::string_view kChangeId = "install";

Status Changed(const std::string& path) {
  return WithSuggestion(
      Fail(kFileChanged, "writing {}: somebody else wrote it at the same time", path),
      "their text was kept; run it again", "selftune hooks install");
}

// A new file appears whole, or not at all.
Status CreateFile(const std::string& path, std::string_view bytes, uint32_t mode) {
  const std::string part = deploy::PartPath(path, kChangeId);
  ST_RETURN_IF_ERROR(base::WriteFileNew(part, bytes, mode));
  const int linked = ::link(part.c_str(), path.c_str());
  const int error = errno;
  ST_RETURN_IF_ERROR(base::RemoveFile(part));
  if (linked != 0) {
    if (error == EEXIST) return Changed(path);
    return Fail(kWriteFailed, "creating {}: {}", path, std::generic_category().message(error));
  }
  return base::SyncDir(std::string(base::DirName(path)));
}

StatusOr<deploy::IntentTarget> TargetOf(const FileText& before, std::string_view new_bytes) {
  ST_ASSIGN_OR_RETURN(const base::FileInfo info, base::Stat(before.real_path));
  return deploy::IntentTarget{.path = before.real_path,
                              .dev = info.dev,
                              .inode = info.inode,
                              .mode = info.mode & 07777,
                              .old_sha256 = before.sha256,
                              .new_sha256 = base::Sha256Hex(new_bytes),
                              .old_size = before.bytes.size(),
                              .new_size = new_bytes.size(),
                              .git_head = "",
                              .git_blob = ""};
}

}  // namespace

std::vector<std::string> MissingDirs(const std::string& path) {
  std::vector<std::string> out;
  for (std::string dir(base::DirName(path)); dir.size() > 1 && !base::Exists(dir);
       dir = std::string(base::DirName(dir))) {
    out.insert(out.begin(), dir);
  }
  return out;
}

StatusOr<FileText> ReadFileText(const std::string& path) {
  FileText out{.path = path, .real_path = path};
  struct stat info{};
  if (::lstat(path.c_str(), &info) != 0) {
    if (errno == ENOENT || errno == ENOTDIR) return out;
    return Fail(kFileUnreadable, "reading {}: {}", path, std::generic_category().message(errno));
  }
  out.is_link = S_ISLNK(info.st_mode);
  auto real = base::RealPath(path);
  if (!real.ok()) return Fail(kFileUnreadable, "reading {}: the link leads nowhere", path);
  out.real_path = *std::move(real);
  ST_ASSIGN_OR_RETURN(const base::OpenedFile file, base::OpenRegular(out.real_path));
  if (file.info.size > kMaxBytes) {
    return Fail(kFileTooLarge, "reading {}: {} bytes", path, file.info.size);
  }
  ST_ASSIGN_OR_RETURN(out.bytes, base::ReadFile(out.real_path, kMaxBytes));
  out.exists = true;
  out.sha256 = base::Sha256Hex(out.bytes);
  return out;
}

Status ClearLeftovers(const FileText& file, const std::vector<std::string>& known_sha256) {
  const std::string& path = file.real_path;
  const std::string temp = deploy::TempPath(path, kChangeId);
  ST_RETURN_IF_ERROR(base::RemoveFile(deploy::PartPath(path, kChangeId)));
  if (!base::Exists(temp)) return absl::OkStatus();
  ST_ASSIGN_OR_RETURN(const std::string bytes, base::ReadFile(temp, kMaxBytes));
  const std::string hash = base::Sha256Hex(bytes);
  if (std::find(known_sha256.begin(), known_sha256.end(), hash) != known_sha256.end()) {
    return base::RemoveFile(temp);
  }
  return base::Rename(temp, path + ".selftune-conflict-" + hash.substr(0, 8));
}

Status WriteFileText(const FileText& before, std::string_view bytes, uint32_t mode,
                     std::vector<std::string>& made_dirs,
                     const std::vector<std::string>& known_sha256) {
  if (bytes.size() > kMaxBytes) {
    return Fail(kFileTooLarge, "writing {}: {} bytes", before.path, bytes.size());
  }
  if (!before.exists) {
    made_dirs = MissingDirs(before.real_path);
    ST_RETURN_IF_ERROR(base::MakeDirs(std::string(base::DirName(before.real_path)), 0755));
    ST_RETURN_IF_ERROR(ClearLeftovers(before, known_sha256));
    return CreateFile(before.real_path, bytes, mode);
  }
  // A folder we may write to is not yet a file we may replace.
  if (::access(before.real_path.c_str(), W_OK) != 0) {
    return Fail(kWriteFailed, "writing {}: {}", before.path,
                std::generic_category().message(errno));
  }
  ST_RETURN_IF_ERROR(ClearLeftovers(before, known_sha256));
  ST_ASSIGN_OR_RETURN(const deploy::IntentTarget target, TargetOf(before, bytes));
  Status done = deploy::PrepareTarget(target, kChangeId, bytes);
  if (done.ok()) done = deploy::SwapTarget(target, kChangeId, before.bytes);
  if (!done.ok()) {
    const Status dropped = deploy::DropTemp(target, kChangeId);
    if (CodeOf(done).name == kFileChanged.name) return Changed(before.path);
    if (!dropped.ok()) return dropped;
    return done;
  }
  ST_ASSIGN_OR_RETURN(const std::string conflict, deploy::FinishTarget(target, kChangeId, 0));
  if (!conflict.empty()) return Changed(before.path);
  return absl::OkStatus();
}

Status RemoveFileText(const FileText& before) {
  if (!before.exists) return absl::OkStatus();
  // Moved aside first: what we look at is then what we remove.
  const std::string aside = deploy::TempPath(before.real_path, kChangeId);
  ST_RETURN_IF_ERROR(ClearLeftovers(before, {before.sha256}));
  ST_RETURN_IF_ERROR(base::Rename(before.real_path, aside));
  const auto bytes = base::ReadFile(aside, kMaxBytes);
  if (bytes.ok() && *bytes == before.bytes) {
    ST_RETURN_IF_ERROR(base::RemoveFile(aside));
    return base::SyncDir(std::string(base::DirName(before.real_path)));
  }
  if (::renameat2(AT_FDCWD, aside.c_str(), AT_FDCWD, before.real_path.c_str(), RENAME_NOREPLACE) !=
      0) {
    return Fail(kConflicted, "removing {}: its last text is kept in {}", before.path, aside);
  }
  return Changed(before.path);
}

std::string InTheWay(const std::string& folder) {
  for (std::string dir = folder; dir.size() > 1; dir = std::string(base::DirName(dir))) {
    struct stat info;
    if (::lstat(dir.c_str(), &info) != 0) continue;
    const bool is_folder = ::stat(dir.c_str(), &info) == 0 && S_ISDIR(info.st_mode);
    return is_folder ? "" : dir;
  }
  return "";
}

void RemoveEmptyDirs(const std::vector<std::string>& dirs) {
  // One that holds something stays, and so do those above it.
  for (auto dir = dirs.rbegin(); dir != dirs.rend(); ++dir)
    static_cast<void>(::rmdir(dir->c_str()));
}

}  // namespace selftune::install
