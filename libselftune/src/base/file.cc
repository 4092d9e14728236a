#include "base/file.h"

#include <dirent.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include <absl/cleanup/cleanup.h>

#include "base/crypto.h"
#include "base/error.h"
#include "base/status_macros.h"
#include "base/strings.h"
#include "base/thrown.h"

namespace selftune::base {
namespace {

constexpr size_t kReadBlock = 64 << 10;
constexpr int kTempNameTries = 16;

std::string ErrnoText(int error) { return std::generic_category().message(error); }

// Missing memory is no finding about a file, which a caller might note and go on from.
void MustHaveMemory(int error) {
  if (error == ENOMEM) ThrowNoMemory();
}

const ErrorCode& ReadCode(int error) {
  return error == ENOENT || error == ENOTDIR ? kFileNotFound : kFileUnreadable;
}

const ErrorCode& WriteCode(int error) {
  switch (error) {
    case ENOENT:
    case ENOTDIR:
      return kFileNotFound;
    case EEXIST:
    case ENOTEMPTY:
      return kFileExists;
    case ENOSPC:
    case EDQUOT:
      return kDiskFull;
    default:
      return kWriteFailed;
  }
}

Status ReadError(std::string_view action, std::string_view path, int error) {
  MustHaveMemory(error);
  return Fail(ReadCode(error), "{} {}: {}", action, path, ErrnoText(error));
}

Status WriteError(std::string_view action, std::string_view path, int error) {
  MustHaveMemory(error);
  return Fail(WriteCode(error), "{} {}: {}", action, path, ErrnoText(error));
}

// A path with a NUL byte would silently name another file.
Status CheckPath(const std::string& path) {
  if (path.find('\0') == std::string::npos) return absl::OkStatus();
  return Fail(kFileNotFound, "path with a NUL byte: {}", ReplaceAll(path, {"\0", 1}, "\\0"));
}

int64_t Nanoseconds(const timespec& time) {
  return int64_t{time.tv_sec} * 1'000'000'000 + time.tv_nsec;
}

FileInfo ToInfo(const struct stat& st) {
#if defined(__APPLE__)
  const timespec& mtime = st.st_mtimespec;
  const timespec& ctime = st.st_ctimespec;
#else
  const timespec& mtime = st.st_mtim;
  const timespec& ctime = st.st_ctim;
#endif
  return {
      .dev = static_cast<uint64_t>(st.st_dev),
      .inode = static_cast<uint64_t>(st.st_ino),
      .size = static_cast<uint64_t>(st.st_size),
      .mtime_ns = Nanoseconds(mtime),
      .ctime_ns = Nanoseconds(ctime),
      .mode = static_cast<uint32_t>(st.st_mode),
      .links = static_cast<uint64_t>(st.st_nlink),
  };
}

int OpenRetry(int dir_fd, const char* path, int flags, mode_t mode = 0) {
  int fd;
  do {
    fd = openat(dir_fd, path, flags | O_CLOEXEC, mode);
  } while (fd < 0 && errno == EINTR);
  return fd;
}

// -1 and errno on failure.
ssize_t ReadRetry(int fd, char* out, size_t size) {
  ssize_t n;
  do {
    n = read(fd, out, size);
  } while (n < 0 && errno == EINTR);
  return n;
}

// Creates `path`, which must not exist, with exactly `bytes` and `mode`, on
// stable storage. Removes what it created when a later step does not work.
Status CreateFile(const std::string& path, std::string_view bytes, uint32_t mode) {
  FileHandle file(OpenRetry(AT_FDCWD, path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW,
                            static_cast<mode_t>(mode & 0777)));
  if (!file.valid()) return WriteError("creating", path, errno);
  absl::Cleanup remove = [&path] { unlink(path.c_str()); };
  // The umask must not decide about a mode that was asked for.
  if (fchmod(file.fd(), static_cast<mode_t>(mode & 07777)) != 0) {
    return WriteError("setting the mode of", path, errno);
  }
  ST_RETURN_IF_ERROR(WriteAll(file.fd(), bytes, path));
  ST_RETURN_IF_ERROR(SyncFile(file.fd(), path));
  std::move(remove).Cancel();
  return absl::OkStatus();
}

std::string ParentOf(const std::string& path) {
  const std::string_view dir = DirName(path);
  return dir.empty() ? "." : std::string(dir);
}

std::string TempName(const std::string& dir) {
  unsigned char random[8];
  RandomBytes(random, sizeof random);
  return JoinPath(dir,
                  ".selftune-tmp-" + Hex({reinterpret_cast<const char*>(random), sizeof random}));
}

using DirStream = std::unique_ptr<DIR, int (*)(DIR*)>;

// Removes everything inside the open directory `dir`, which is called `path`.
Status RemoveContents(DIR* dir, const std::string& path);

Status RemoveEntry(int dir_fd, const char* name, const std::string& path) {
  if (unlinkat(dir_fd, name, 0) == 0 || errno == ENOENT) return absl::OkStatus();
  // Linux says EISDIR for a directory, POSIX says EPERM.
  if (errno != EISDIR && errno != EPERM) return WriteError("removing", path, errno);
  const int unlink_error = errno;
  const int fd = OpenRetry(dir_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
  if (fd < 0) {  // a file or link after all: the first error is the telling one
    return WriteError("removing", path, errno == ENOTDIR || errno == ELOOP ? unlink_error : errno);
  }
  const DirStream dir(fdopendir(fd), closedir);
  if (dir == nullptr) {
    const int error = errno;
    close(fd);
    return WriteError("removing", path, error);
  }
  ST_RETURN_IF_ERROR(RemoveContents(dir.get(), path));
  if (unlinkat(dir_fd, name, AT_REMOVEDIR) == 0 || errno == ENOENT) return absl::OkStatus();
  return WriteError("removing", path, errno);
}

Status RemoveContents(DIR* dir, const std::string& path) {
  while (true) {
    errno = 0;
    const dirent* entry = readdir(dir);
    if (entry == nullptr) {
      return errno == 0 ? absl::OkStatus() : WriteError("removing", path, errno);
    }
    const std::string_view name = entry->d_name;
    if (name == "." || name == "..") continue;
    ST_RETURN_IF_ERROR(RemoveEntry(dirfd(dir), entry->d_name, JoinPath(path, name)));
  }
}

// mkdir of one directory; an existing directory (or link to one) is fine.
Status MakeOneDir(const std::string& path, uint32_t mode) {
  if (mkdir(path.c_str(), static_cast<mode_t>(mode & 07777)) == 0) return absl::OkStatus();
  const int error = errno;
  struct stat st;
  if (stat(path.c_str(), &st) == 0) {
    if (S_ISDIR(st.st_mode)) return absl::OkStatus();
    return WithSuggestion(
        Fail(kFileExists, "creating directory {}: there is a file of this name", path),
        "see what it is, and move it away or name another folder",
        JoinCommand({"ls", "-ld", path}));
  }
  return WriteError("creating directory", path, error);
}

}  // namespace

FileHandle& FileHandle::operator=(FileHandle&& other) noexcept {
  if (this != &other) {
    Close();
    fd_ = other.Release();
  }
  return *this;
}

int FileHandle::Release() { return std::exchange(fd_, -1); }

void FileHandle::Close() {
  // After EINTR the descriptor is closed on Linux; retrying could close
  // another thread's.
  if (fd_ >= 0) close(std::exchange(fd_, -1));
}

StatusOr<FileInfo> Stat(const std::string& path) {
  ST_RETURN_IF_ERROR(CheckPath(path));
  struct stat st;
  if (stat(path.c_str(), &st) != 0) return ReadError("reading", path, errno);
  return ToInfo(st);
}

bool Exists(const std::string& path) { return Stat(path).ok(); }

bool HasEntry(const std::string& path) {
  struct stat st;
  return lstat(path.c_str(), &st) == 0;
}

namespace {

// Three calls where realpath() asks about every part of the path. Without /proc, and for
// a file that was removed meanwhile, the long way.
StatusOr<std::string> RealPathOfFd([[maybe_unused]] int fd, const std::string& path) {
#if defined(__linux__)
  char name[PATH_MAX];
  const std::string link = "/proc/self/fd/" + std::to_string(fd);
  const ssize_t n = readlink(link.c_str(), name, sizeof name);
  if (n > 0 && static_cast<size_t>(n) < sizeof name && name[0] == '/') {
    const std::string_view found(name, static_cast<size_t>(n));
    if (!found.ends_with(" (deleted)")) return std::string(found);
  }
#endif
  const std::unique_ptr<char, void (*)(void*)> real(realpath(path.c_str(), nullptr), std::free);
  if (real == nullptr) return ReadError("resolving", path, errno);
  return std::string(real.get());
}

}  // namespace

StatusOr<std::string> RealPath(const std::string& path) {
  ST_RETURN_IF_ERROR(CheckPath(path));
#if defined(__linux__)
  const FileHandle file(OpenRetry(AT_FDCWD, path.c_str(), O_PATH));
  if (!file.valid()) return ReadError("resolving", path, errno);
  return RealPathOfFd(file.fd(), path);
#else
  return RealPathOfFd(-1, path);
#endif
}

StatusOr<std::string> RealPathOf(const OpenedFile& opened, const std::string& path) {
  return RealPathOfFd(opened.file.fd(), path);
}

StatusOr<OpenedFile> OpenAny(const std::string& path) {
  ST_RETURN_IF_ERROR(CheckPath(path));
  // O_NONBLOCK: a FIFO somebody put in the way must not hang us.
  FileHandle file(OpenRetry(AT_FDCWD, path.c_str(), O_RDONLY | O_NONBLOCK | O_NOCTTY));
  if (!file.valid()) return ReadError("opening", path, errno);
  struct stat st;
  if (fstat(file.fd(), &st) != 0) return ReadError("opening", path, errno);
  if (S_ISDIR(st.st_mode)) return ReadError("opening", path, EISDIR);
  if (S_ISFIFO(st.st_mode)) {
    return Fail(kFileUnreadable, "opening {}: expected a file, found a named pipe", path);
  }
  return OpenedFile{std::move(file), ToInfo(st)};
}

StatusOr<FileHandle> OpenRead(const std::string& path) {
  ST_ASSIGN_OR_RETURN(OpenedFile opened, OpenAny(path));
  return std::move(opened.file);
}

StatusOr<OpenedFile> OpenRegular(const std::string& path) {
  ST_RETURN_IF_ERROR(CheckPath(path));
  FileHandle file(OpenRetry(AT_FDCWD, path.c_str(), O_RDONLY | O_NONBLOCK | O_NOCTTY | O_NOFOLLOW));
  if (!file.valid() && errno == ELOOP) {
    return Fail(kFileUnreadable, "opening {}: expected a file, found a link", path);
  }
  if (!file.valid()) return ReadError("opening", path, errno);
  struct stat st;
  if (fstat(file.fd(), &st) != 0) return ReadError("opening", path, errno);
  if (!S_ISREG(st.st_mode)) {
    return Fail(kFileUnreadable, "opening {}: expected a file, found something else", path);
  }
  return OpenedFile{std::move(file), ToInfo(st)};
}

StatusOr<std::string> ReadFile(const std::string& path, uint64_t max_bytes) {
  ST_ASSIGN_OR_RETURN(const OpenedFile opened, OpenAny(path));
  return ReadOpened(opened, max_bytes, path);
}

StatusOr<std::string> ReadOpened(const OpenedFile& opened, uint64_t max_bytes,
                                 const std::string& path) {
  const auto too_large = [&](uint64_t size) {
    return Fail(kFileTooLarge, "reading {}: {} bytes or more, the limit is {}", path, size,
                max_bytes);
  };
  const uint64_t expected = opened.info.size;
  if (expected > max_bytes) return too_large(expected);
  // The size is a hint: the file may grow, and /proc files have none. One byte more than
  // expected: a read that leaves it free has reached the end of a file that did not change.
  std::string bytes(static_cast<size_t>(expected) + 1, '\0');
  size_t used = 0;
  while (true) {
    if (used == bytes.size()) bytes.resize(bytes.size() + std::max(bytes.size() / 2, kReadBlock));
    const ssize_t n = ReadRetry(opened.file.fd(), bytes.data() + used, bytes.size() - used);
    if (n < 0) return ReadError("reading", path, errno);
    if (n == 0) break;
    used += static_cast<size_t>(n);
    if (used > max_bytes) return too_large(used);
    if (used == expected && opened.info.is_file()) break;
  }
  bytes.resize(used);
  return bytes;
}

StatusOr<size_t> ReadAt(int fd, uint64_t offset, char* out, size_t size, const std::string& path) {
  size_t used = 0;
  while (used < size) {
    const ssize_t n = pread(fd, out + used, size - used, static_cast<off_t>(offset + used));
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return Fail(kFileUnreadable, "reading {} at {}: {}", path, offset, ErrnoText(errno));
    if (n == 0) break;
    used += static_cast<size_t>(n);
  }
  return used;
}

Status WriteAll(int fd, std::string_view bytes, const std::string& path) {
  while (!bytes.empty()) {
    const ssize_t n = write(fd, bytes.data(), bytes.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) {
      pollfd wait{.fd = fd, .events = POLLOUT, .revents = 0};
      if (poll(&wait, 1, -1) < 0 && errno != EINTR) return WriteError("writing", path, errno);
      continue;
    }
    if (n < 0) return WriteError("writing", path, errno);
    if (n == 0) return WriteError("writing", path, EIO);
    bytes.remove_prefix(static_cast<size_t>(n));
  }
  return absl::OkStatus();
}

Status SyncFile(int fd, const std::string& path) {
#if defined(__APPLE__)
  if (fcntl(fd, F_FULLFSYNC) == 0) return absl::OkStatus();  // else: not supported there
#endif
  int result;
  do {
    result = fsync(fd);
  } while (result != 0 && errno == EINTR);
  // EINVAL, ENOTSUP: a file system without sync; there is nothing to wait for.
  if (result == 0 || errno == EINVAL || errno == ENOTSUP) return absl::OkStatus();
  return WriteError("syncing", path, errno);
}

Status SyncDir(const std::string& dir) {
  const FileHandle handle(OpenRetry(AT_FDCWD, dir.c_str(), O_RDONLY | O_DIRECTORY));
  if (!handle.valid()) {
    // A directory may be writable and searchable without being readable.
    return errno == EACCES ? absl::OkStatus() : WriteError("syncing", dir, errno);
  }
  return SyncFile(handle.fd(), dir);
}

Status WriteFileAtomic(const std::string& path, std::string_view bytes, uint32_t mode) {
  ST_RETURN_IF_ERROR(CheckPath(path));
  const std::string dir = ParentOf(path);
  for (int attempt = 0;; ++attempt) {
    const std::string temp = TempName(dir);
    const Status created = CreateFile(temp, bytes, mode);
    if (!created.ok()) {
      if (CodeOf(created).name == kFileExists.name && attempt < kTempNameTries) continue;
      return created;
    }
    if (rename(temp.c_str(), path.c_str()) != 0) {
      const int error = errno;
      unlink(temp.c_str());
      return WriteError("replacing", path, error);
    }
    return SyncDir(dir);
  }
}

Status WriteFileNew(const std::string& path, std::string_view bytes, uint32_t mode) {
  ST_RETURN_IF_ERROR(CheckPath(path));
  ST_RETURN_IF_ERROR(CreateFile(path, bytes, mode));
  return SyncDir(ParentOf(path));
}

Status Rename(const std::string& from, const std::string& to) {
  ST_RETURN_IF_ERROR(CheckPath(from));
  ST_RETURN_IF_ERROR(CheckPath(to));
  if (rename(from.c_str(), to.c_str()) == 0) return absl::OkStatus();
  const int error = errno;
  MustHaveMemory(error);
  return Fail(WriteCode(error), "renaming {} to {}: {}", from, to, ErrnoText(error));
}

Status RemoveFile(const std::string& path) {
  ST_RETURN_IF_ERROR(CheckPath(path));
  if (unlink(path.c_str()) == 0 || errno == ENOENT || errno == ENOTDIR) return absl::OkStatus();
  return WriteError("removing", path, errno);
}

Status RemoveTree(const std::string& path) {
  ST_RETURN_IF_ERROR(CheckPath(path));
  std::string trimmed = path;
  while (trimmed.size() > 1 && trimmed.back() == '/') trimmed.pop_back();
  struct stat st;
  if (lstat(trimmed.c_str(), &st) != 0 && (errno == ENOENT || errno == ENOTDIR)) {
    return absl::OkStatus();
  }
  return RemoveEntry(AT_FDCWD, trimmed.c_str(), trimmed);
}

Status MakeDirs(const std::string& path, uint32_t mode) {
  ST_RETURN_IF_ERROR(CheckPath(path));
  struct stat st;
  if (stat(path.c_str(), &st) == 0 && S_ISDIR(st.st_mode)) return absl::OkStatus();
  for (size_t at = path.find_first_not_of('/'); at != std::string::npos;) {
    const size_t slash = path.find('/', at);
    ST_RETURN_IF_ERROR(MakeOneDir(path.substr(0, slash), mode));
    at = slash == std::string::npos ? slash : path.find_first_not_of('/', slash);
  }
  return absl::OkStatus();
}

StatusOr<std::string> MakeTempDir(const std::string& parent, std::string_view prefix) {
  std::string path = JoinPath(parent, std::string(prefix) + "XXXXXX");
  ST_RETURN_IF_ERROR(CheckPath(path));
  if (mkdtemp(path.data()) == nullptr) {
    return WriteError("creating a temporary directory in", parent, errno);
  }
  return path;
}

StatusOr<std::vector<DirEntry>> ListDir(const std::string& path) {
  ST_RETURN_IF_ERROR(CheckPath(path));
  const DirStream dir(opendir(path.c_str()), closedir);
  if (dir == nullptr) return ReadError("listing", path, errno);
  std::vector<DirEntry> entries;
  while (true) {
    errno = 0;
    const dirent* entry = readdir(dir.get());
    if (entry == nullptr) break;
    const std::string_view name = entry->d_name;
    if (name == "." || name == "..") continue;
    const bool unknown = entry->d_type == DT_LNK || entry->d_type == DT_UNKNOWN;
    entries.push_back({.name = std::string(name),
                       .maybe_dir = unknown || entry->d_type == DT_DIR,
                       .maybe_file = unknown || entry->d_type == DT_REG});
  }
  if (errno != 0) return ReadError("listing", path, errno);
  std::sort(entries.begin(), entries.end(),
            [](const DirEntry& a, const DirEntry& b) { return a.name < b.name; });
  return entries;
}

}  // namespace selftune::base
