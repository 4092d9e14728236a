// Files and directories. Errors carry FILE_NOT_FOUND, FILE_UNREADABLE,
// FILE_EXISTS, FILE_TOO_LARGE, DISK_FULL or WRITE_FAILED and name the path.
#pragma once

#include <sys/stat.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <absl/functional/function_ref.h>

#include "base/error.h"

namespace selftune::base {

struct FileInfo {
  uint64_t dev = 0;
  uint64_t inode = 0;
  uint64_t size = 0;     // bytes
  int64_t mtime_ns = 0;  // since the epoch
  int64_t ctime_ns = 0;
  uint32_t mode = 0;  // st_mode
  uint64_t links = 0;
  [[nodiscard]] bool is_dir() const { return (mode & S_IFMT) == S_IFDIR; }
  [[nodiscard]] bool is_file() const { return (mode & S_IFMT) == S_IFREG; }
};

// An open descriptor, closed on destruction. Movable.
class FileHandle {
 public:
  FileHandle() = default;
  explicit FileHandle(int fd) : fd_(fd) {}
  ~FileHandle() { Close(); }
  FileHandle(FileHandle&& other) noexcept : fd_(other.Release()) {}
  FileHandle& operator=(FileHandle&& other) noexcept;
  [[nodiscard]] int fd() const { return fd_; }
  [[nodiscard]] bool valid() const { return fd_ >= 0; }
  [[nodiscard]] int Release();
  void Close();

 private:
  int fd_ = -1;
};

// Follows symbolic links.
[[nodiscard]] StatusOr<FileInfo> Stat(const std::string& path);
[[nodiscard]] bool Exists(const std::string& path);
// Whether there is anything of that name: a link that leads nowhere is.
[[nodiscard]] bool HasEntry(const std::string& path);
[[nodiscard]] StatusOr<std::string> RealPath(const std::string& path);

[[nodiscard]] StatusOr<FileHandle> OpenRead(const std::string& path);
struct OpenedFile {
  FileHandle file;
  FileInfo info;
};
// The file itself: FILE_UNREADABLE for a link and for whatever is no regular
// file. Never waits.
[[nodiscard]] StatusOr<OpenedFile> OpenRegular(const std::string& path);
// The same, links followed, devices too: what ReadFile reads.
[[nodiscard]] StatusOr<OpenedFile> OpenAny(const std::string& path);
// Whole file; FILE_TOO_LARGE above `max_bytes`.
[[nodiscard]] StatusOr<std::string> ReadFile(const std::string& path, uint64_t max_bytes);
// Of a file that was opened for nothing else, as `path`.
[[nodiscard]] StatusOr<std::string> ReadOpened(const OpenedFile& opened, uint64_t max_bytes,
                                               const std::string& path);
[[nodiscard]] StatusOr<std::string> RealPathOf(const OpenedFile& opened, const std::string& path);
// Up to `size` bytes at `offset` into `out`; returns the number read (0 at the end).
[[nodiscard]] StatusOr<size_t> ReadAt(int fd, uint64_t offset, char* out, size_t size,
                                      const std::string& path);

[[nodiscard]] Status WriteAll(int fd, std::string_view bytes, const std::string& path);
[[nodiscard]] Status SyncFile(int fd, const std::string& path);
[[nodiscard]] Status SyncDir(const std::string& dir);
// Temporary file in the same directory, fsync, rename, fsync of the directory.
[[nodiscard]] Status WriteFileAtomic(const std::string& path, std::string_view bytes,
                                     uint32_t mode);
// O_CREAT|O_EXCL, write, fsync; FILE_EXISTS if there is one.
[[nodiscard]] Status WriteFileNew(const std::string& path, std::string_view bytes, uint32_t mode);
[[nodiscard]] Status Rename(const std::string& from, const std::string& to);
[[nodiscard]] Status RemoveFile(const std::string& path);  // absent is fine
[[nodiscard]] Status RemoveTree(const std::string& path);  // absent is fine; never follows links
// Creates missing parents, each with `mode`.
[[nodiscard]] Status MakeDirs(const std::string& path, uint32_t mode);
[[nodiscard]] StatusOr<std::string> MakeTempDir(const std::string& parent, std::string_view prefix);

struct DirEntry {
  std::string name;
  bool maybe_dir = false;  // a directory, or a link or unknown type that may be one
  bool maybe_file = false;
};
// Entries without "." and "..", sorted by name. Absent directory: FILE_NOT_FOUND.
[[nodiscard]] StatusOr<std::vector<DirEntry>> ListDir(const std::string& path);

// Joins with one slash; an absolute `b` wins.
[[nodiscard]] std::string JoinPath(std::string_view a, std::string_view b);
[[nodiscard]] std::string_view BaseName(std::string_view path);
[[nodiscard]] std::string_view DirName(std::string_view path);  // "" when there is no slash
// Lexical: resolves ".", "..", "//"; `path` relative to `base` unless absolute.
[[nodiscard]] std::string NormalizePath(std::string_view base, std::string_view path);

}  // namespace selftune::base
