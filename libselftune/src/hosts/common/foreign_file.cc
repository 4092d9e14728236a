#include "hosts/common/foreign_file.h"

#include <fcntl.h>
#include <sqlite3.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace selftune::hosts {
namespace {

constexpr char kName[] = "selftune-foreign";

// fd -1: a log that does not exist, which reads as an empty one.
struct File {
  sqlite3_file base;
  int fd;
  bool database;  // no log and no journal
};

// Reads of whole pages are at least that long.
constexpr size_t kSmallestPage = 512;

File& Of(sqlite3_file* file) { return *reinterpret_cast<File*>(file); }

int Close(sqlite3_file* file) {
  if (Of(file).fd >= 0) ::close(Of(file).fd);
  Of(file).fd = -1;
  return SQLITE_OK;
}

int Read(sqlite3_file* file, void* out, int amount, sqlite3_int64 offset) {
  auto* to = static_cast<char*>(out);
  const auto want = static_cast<size_t>(amount);
  size_t got = 0;
  while (Of(file).fd >= 0 && got < want) {
    const ssize_t n = ::pread(Of(file).fd, to + got, want - got,
                              static_cast<off_t>(offset) + static_cast<off_t>(got));
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return SQLITE_IOERR_READ;
    if (n == 0) break;
    got += static_cast<size_t>(n);
  }
  if (got == want) return SQLITE_OK;
  // SQLite takes what is missing of a page for zeros: texts would lose their
  // ends unnoticed. Only what is in no file yet has no first page either.
  const bool begun = got > 0 || offset > 0;
  if (Of(file).database && begun && want >= kSmallestPage) return SQLITE_CORRUPT;
  std::memset(to + got, 0, want - got);
  return SQLITE_IOERR_SHORT_READ;
}

int Size(sqlite3_file* file, sqlite3_int64* size) {
  *size = 0;
  if (Of(file).fd < 0) return SQLITE_OK;
  struct stat info{};
  if (::fstat(Of(file).fd, &info) != 0) return SQLITE_IOERR_FSTAT;
  *size = info.st_size;
  return SQLITE_OK;
}

int Write(sqlite3_file* /*file*/, const void* /*bytes*/, int /*amount*/, sqlite3_int64 /*at*/) {
  return SQLITE_READONLY;
}
int Truncate(sqlite3_file* /*file*/, sqlite3_int64 /*size*/) { return SQLITE_READONLY; }
int Sync(sqlite3_file* /*file*/, int /*flags*/) { return SQLITE_OK; }
int Lock(sqlite3_file* /*file*/, int /*level*/) { return SQLITE_OK; }
int CheckReserved(sqlite3_file* /*file*/, int* reserved) {
  *reserved = 0;
  return SQLITE_OK;
}
int Control(sqlite3_file* /*file*/, int /*op*/, void* /*arg*/) { return SQLITE_NOTFOUND; }
int SectorSize(sqlite3_file* /*file*/) { return 4096; }
int Characteristics(sqlite3_file* /*file*/) { return 0; }

// Version 1: no shared memory, no mapping of the file.
constexpr sqlite3_io_methods kMethods = {
    .iVersion = 1,
    .xClose = Close,
    .xRead = Read,
    .xWrite = Write,
    .xTruncate = Truncate,
    .xSync = Sync,
    .xFileSize = Size,
    .xLock = Lock,
    .xUnlock = Lock,
    .xCheckReservedLock = CheckReserved,
    .xFileControl = Control,
    .xSectorSize = SectorSize,
    .xDeviceCharacteristics = Characteristics,
    .xShmMap = nullptr,
    .xShmLock = nullptr,
    .xShmBarrier = nullptr,
    .xShmUnmap = nullptr,
    .xFetch = nullptr,
    .xUnfetch = nullptr,
};

int Open(sqlite3_vfs* /*vfs*/, const char* name, sqlite3_file* file, int flags, int* out_flags) {
  file->pMethods = nullptr;
  Of(file).fd = -1;
  constexpr int kKnown = SQLITE_OPEN_MAIN_DB | SQLITE_OPEN_WAL | SQLITE_OPEN_MAIN_JOURNAL;
  if (name == nullptr || (flags & kKnown) == 0) return SQLITE_CANTOPEN;  // temporary files
  const int fd = ::open(name, O_RDONLY | O_CLOEXEC | O_NOCTTY);
  if (fd < 0 && !((flags & SQLITE_OPEN_WAL) != 0 && errno == ENOENT)) return SQLITE_CANTOPEN;
  Of(file).fd = fd;
  Of(file).database = (flags & SQLITE_OPEN_MAIN_DB) != 0;
  file->pMethods = &kMethods;
  if (out_flags != nullptr) {
    *out_flags = (flags & ~(SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE)) | SQLITE_OPEN_READONLY;
  }
  return SQLITE_OK;
}

int Delete(sqlite3_vfs* /*vfs*/, const char* /*name*/, int /*sync*/) { return SQLITE_READONLY; }

int Access(sqlite3_vfs* /*vfs*/, const char* name, int flags, int* result) {
  if (flags == SQLITE_ACCESS_READWRITE) {
    *result = 0;
    return SQLITE_OK;
  }
  struct stat info{};
  // As the system's own: an empty file does not exist.
  const bool there = ::stat(name, &info) == 0 && (!S_ISREG(info.st_mode) || info.st_size > 0);
  *result = there ? 1 : 0;
  return SQLITE_OK;
}

}  // namespace

const char* ReadOnlyFiles() {
  // Registered once and for the life of the process.
  static const char* const name = [] {
    static sqlite3_vfs vfs = *sqlite3_vfs_find(nullptr);
    vfs.iVersion = 1;
    vfs.szOsFile = sizeof(File);
    vfs.pNext = nullptr;
    vfs.zName = kName;
    vfs.xOpen = Open;
    vfs.xDelete = Delete;
    vfs.xAccess = Access;
    return sqlite3_vfs_register(&vfs, /*makeDflt=*/0) == SQLITE_OK ? kName : "";
  }();
  return name;
}

}  // namespace selftune::hosts
