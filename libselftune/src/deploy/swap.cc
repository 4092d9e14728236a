#include "deploy/swap.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <string>
#include <string_view>
#include <system_error>
#include <thread>

#include <fmt/format.h>

#include "base/crypto.h"
#include "base/file.h"
#include "base/status_macros.h"

namespace selftune::deploy {
namespace {

constexpr uint64_t kMaxSkillBytes = 8 << 20;
constexpr size_t kMaxAttributeNames = 64 << 10, kMaxAttribute = 64 << 10;  // of the kernel

enum class Exchange { kDone, kUnsupported };

// Both names keep existing at every instant.
StatusOr<Exchange> ExchangeFiles(const std::string& a, const std::string& b) {
  if (::renameat2(AT_FDCWD, a.c_str(), AT_FDCWD, b.c_str(), RENAME_EXCHANGE) == 0) {
    return Exchange::kDone;
  }
  if (errno == EINVAL || errno == ENOSYS || errno == ENOTSUP) return Exchange::kUnsupported;
  const int error = errno;
  return Fail(error == ENOENT ? kFileChanged : kWriteFailed, "exchanging {} and {}: {}", a, b,
              std::generic_category().message(error));
}

StatusOr<std::string> HashOf(const std::string& path) {
  ST_ASSIGN_OR_RETURN(const std::string bytes, base::ReadFile(path, kMaxSkillBytes));
  return base::Sha256Hex(bytes);
}

std::string ConflictPath(const std::string& target_path, std::string_view deploy_id) {
  return fmt::format("{}.selftune-conflict-{}", target_path, deploy_id);
}

Status Changed(const std::string& path, std::string_view what) {
  return WithSuggestion(Fail(kFileChanged, "replacing {}: {}", path, what),
                        "the file was edited meanwhile and was left as it is; run again",
                        "selftune orchestrate");
}

// Someone wrote between our last look and the exchange: their bytes now lie at
// `temp`, ours at the path. Puts theirs back unless a third writer came by.
Status GiveBack(const IntentTarget& target, const std::string& temp, std::string_view deploy_id) {
  ST_ASSIGN_OR_RETURN(const std::string at_path, HashOf(target.path));
  if (at_path == target.new_sha256) {
    ST_ASSIGN_OR_RETURN(const Exchange back, ExchangeFiles(temp, target.path));
    static_cast<void>(back);
    ST_RETURN_IF_ERROR(base::RemoveFile(temp));
    ST_RETURN_IF_ERROR(base::SyncDir(std::string(base::DirName(target.path))));
    return Changed(target.path, "it no longer held the bytes the change was made for");
  }
  const std::string conflict = ConflictPath(target.path, deploy_id);
  ST_RETURN_IF_ERROR(base::Rename(temp, conflict));
  ST_RETURN_IF_ERROR(base::SyncDir(std::string(base::DirName(target.path))));
  return Changed(target.path, fmt::format("two writers at once; one text is kept in {}", conflict));
}

// File systems that cannot exchange: look once more, then rename. The old
// bytes are safe in the journal.
Status RenameOver(const IntentTarget& target, const std::string& temp) {
  ST_ASSIGN_OR_RETURN(const std::string now, HashOf(target.path));
  if (now != target.old_sha256) {
    ST_RETURN_IF_ERROR(base::RemoveFile(temp));
    return Changed(target.path, "it no longer held the bytes the change was made for");
  }
  ST_RETURN_IF_ERROR(base::Rename(temp, target.path));
  return base::SyncDir(std::string(base::DirName(target.path)));
}

// Whether what an earlier exchange displaced lies beside the target of `back`
// (whose new bytes are the old ones): those, or what an editor wrote to them
// late. Bytes that the path holds as well are not needed and are removed.
StatusOr<bool> HasDisplaced(const IntentTarget& back, std::string_view deploy_id) {
  const std::string temp = TempPath(back.path, deploy_id);
  const auto hash = HashOf(temp);
  if (!hash.ok()) {
    if (CodeOf(hash.status()).name == kFileNotFound.name) return false;
    return hash.status();
  }
  ST_ASSIGN_OR_RETURN(const base::FileInfo info, base::Stat(temp));
  const bool other_mode = *hash == back.new_sha256 && (info.mode & 07777) != back.mode;
  if (*hash != back.old_sha256 && !other_mode) return true;
  ST_RETURN_IF_ERROR(base::RemoveFile(temp));
  return false;
}

// Tags and access lists of people and their tools; a hidden one of the system
// (security.*) may be out of reach, and then the system sets its own.
Status CopyAttributes(const std::string& from, int fd, const std::string& path) {
  std::string names(kMaxAttributeNames, '\0');
  const ssize_t listed = ::listxattr(from.c_str(), names.data(), names.size());
  if (listed < 0 && errno != ENOTSUP && errno != ENOENT) {
    return Fail(kWriteFailed, "listing the attributes of {}: {}", from,
                std::generic_category().message(errno));
  }
  names.resize(listed < 0 ? 0 : static_cast<size_t>(listed));
  for (std::string_view rest = names; !rest.empty();) {
    const std::string name(rest.substr(0, rest.find('\0')));
    rest.remove_prefix(std::min(rest.size(), name.size() + 1));
    std::string value(kMaxAttribute, '\0');
    const ssize_t size = ::getxattr(from.c_str(), name.c_str(), value.data(), value.size());
    const bool set =
        size >= 0 && ::fsetxattr(fd, name.c_str(), value.data(), static_cast<size_t>(size), 0) == 0;
    const bool of_system = !name.starts_with("user.") && !name.starts_with("system.posix_acl");
    if (set || errno == ENODATA || of_system) continue;
    return Fail(kWriteFailed, "copying attribute {} of {} to {}: {}", name, from, path,
                std::generic_category().message(errno));
  }
  return absl::OkStatus();
}

// Same owner, where we may, same mode and same attributes as the target.
Status TakeOver(const IntentTarget& target, int fd, const std::string& path) {
  struct stat now{};
  if (::stat(target.path.c_str(), &now) == 0) {
    // Only a privileged process may give files away; failing that is fine.
    if (::fchown(fd, now.st_uid, now.st_gid) != 0 && errno != EPERM) {
      return Fail(kWriteFailed, "setting the owner of {}: {}", path,
                  std::generic_category().message(errno));
    }
  }
  if (::fchmod(fd, target.mode & 07777) != 0) {
    return Fail(kWriteFailed, "setting the mode of {}: {}", path,
                std::generic_category().message(errno));
  }
  return CopyAttributes(target.path, fd, path);
}

}  // namespace

std::string TempPath(const std::string& target_path, std::string_view deploy_id) {
  return fmt::format("{}/.{}.selftune-{}", base::DirName(target_path), base::BaseName(target_path),
                     deploy_id);
}

std::string PartPath(const std::string& target_path, std::string_view deploy_id) {
  return TempPath(target_path, deploy_id) + ".part";
}

Status PrepareTarget(const IntentTarget& target, std::string_view deploy_id,
                     std::string_view new_bytes) {
  const std::string temp = TempPath(target.path, deploy_id);
  const std::string part = PartPath(target.path, deploy_id);
  // The deploy lock is ours: nobody else makes files of this name.
  if (base::Exists(temp)) return Fail(kWriteFailed, "creating {}: it exists", temp);
  ST_RETURN_IF_ERROR(base::RemoveFile(part));
  base::FileHandle file(
      ::open(part.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600));
  if (!file.valid()) {
    return Fail(errno == ENOSPC ? kDiskFull : kWriteFailed, "creating {}: {}", part,
                std::generic_category().message(errno));
  }
  ST_RETURN_IF_ERROR(base::WriteAll(file.fd(), new_bytes, part));
  ST_RETURN_IF_ERROR(TakeOver(target, file.fd(), part));
  ST_RETURN_IF_ERROR(base::SyncFile(file.fd(), part));
  return base::Rename(part, temp);
}

Status SwapTarget(const IntentTarget& target, std::string_view deploy_id,
                  std::string_view old_bytes) {
  const std::string temp = TempPath(target.path, deploy_id);
  ST_ASSIGN_OR_RETURN(const Exchange done, ExchangeFiles(temp, target.path));
  if (done == Exchange::kUnsupported) return RenameOver(target, temp);
  ST_ASSIGN_OR_RETURN(const std::string displaced, base::ReadFile(temp, kMaxSkillBytes));
  if (displaced != old_bytes) return GiveBack(target, temp, deploy_id);
  return base::SyncDir(std::string(base::DirName(target.path)));
}

StatusOr<std::string> FinishTarget(const IntentTarget& target, std::string_view deploy_id,
                                   int settle_ms) {
  const std::string temp = TempPath(target.path, deploy_id);
  if (!base::Exists(temp)) return std::string();
  if (settle_ms > 0) std::this_thread::sleep_for(std::chrono::milliseconds(settle_ms));
  ST_ASSIGN_OR_RETURN(const std::string displaced, HashOf(temp));
  if (displaced != target.old_sha256 && displaced != target.new_sha256) {
    const std::string conflict = ConflictPath(target.path, deploy_id);
    ST_RETURN_IF_ERROR(base::Rename(temp, conflict));
    ST_RETURN_IF_ERROR(base::SyncDir(std::string(base::DirName(target.path))));
    return conflict;
  }
  ST_RETURN_IF_ERROR(base::RemoveFile(temp));
  ST_RETURN_IF_ERROR(base::SyncDir(std::string(base::DirName(target.path))));
  return std::string();
}

Status DropTemp(const IntentTarget& target, std::string_view deploy_id) {
  ST_RETURN_IF_ERROR(base::RemoveFile(PartPath(target.path, deploy_id)));
  return FinishTarget(target, deploy_id, 0).status();
}

Status RevertTarget(const IntentTarget& target, std::string_view deploy_id,
                    std::string_view old_bytes) {
  // The same exchange with the roles of old and new turned around.
  IntentTarget back = target;
  std::swap(back.old_sha256, back.new_sha256);
  ST_ASSIGN_OR_RETURN(const bool whole, HasDisplaced(back, deploy_id));
  if (!whole) ST_RETURN_IF_ERROR(PrepareTarget(back, deploy_id, old_bytes));
  ST_ASSIGN_OR_RETURN(const std::string now, base::ReadFile(target.path, kMaxSkillBytes));
  if (base::Sha256Hex(now) != target.new_sha256) {
    return Changed(target.path, "it was edited after the change");
  }
  return SwapTarget(back, deploy_id, now);
}

StatusOr<Ending> TakeBackTarget(const IntentTarget& target, std::string_view deploy_id,
                                std::string_view old_bytes) {
  Ending ending = Ending::kAborted;
  ST_ASSIGN_OR_RETURN(const Found found, Inspect(target.path, target));
  if (found == Found::kNew) {
    const Status reverted = RevertTarget(target, deploy_id, old_bytes);
    if (!reverted.ok() && CodeOf(reverted).name != kFileChanged.name) return reverted;
    if (!reverted.ok()) ending = Ending::kConflicted;
  }
  ST_RETURN_IF_ERROR(DropTemp(target, deploy_id));
  return ending;
}

StatusOr<Found> Inspect(const std::string& path, const IntentTarget& target) {
  const auto hash = HashOf(path);
  if (!hash.ok()) {
    if (CodeOf(hash.status()).name == kFileNotFound.name) return Found::kMissing;
    return hash.status();
  }
  if (*hash == target.new_sha256) return Found::kNew;
  if (*hash == target.old_sha256) return Found::kOld;
  return Found::kOther;
}

}  // namespace selftune::deploy
