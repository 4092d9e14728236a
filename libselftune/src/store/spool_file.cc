#include "store/spool_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <string>
#include <string_view>

#include "base/json_writer.h"

namespace selftune::store {
namespace {

// Writes everything at once; what is left of a full disk stays torn.
int WriteOnce(int fd, std::string_view bytes) {
  ssize_t wrote;
  do {
    wrote = write(fd, bytes.data(), bytes.size());
  } while (wrote < 0 && errno == EINTR);
  if (wrote < 0) return errno;
  return static_cast<size_t>(wrote) == bytes.size() ? 0 : ENOSPC;
}

// A folder that is open as long as this lives.
struct OpenFolder {
  int fd = -1;

  OpenFolder() = default;
  OpenFolder(const OpenFolder&) = delete;
  OpenFolder& operator=(const OpenFolder&) = delete;
  ~OpenFolder() {
    if (fd >= 0) close(fd);
  }

  // 0 or an errno. A missing folder is made first; a link is not followed.
  int Open(const std::string& state_dir, const std::string& path) {
    constexpr int kFlags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
    fd = open(path.c_str(), kFlags);
    if (fd < 0 && errno == ENOENT) {
      if (mkdir(state_dir.c_str(), 0700) != 0 && errno != EEXIST) return errno;
      if (mkdir(path.c_str(), 0700) != 0 && errno != EEXIST) return errno;
      fd = open(path.c_str(), kFlags);
    }
    return fd < 0 ? errno : 0;
  }
};

// Prompts are nobody else's business: what was there with wider rights is
// closed. 0 or an errno.
int MakePrivate(int fd, mode_t type, mode_t mode) {
  struct stat info;
  if (fstat(fd, &info) != 0) return errno;
  if ((info.st_mode & S_IFMT) != type) return ENXIO;
  if ((info.st_mode & 0777) == mode) return 0;
  return fchmod(fd, mode) != 0 ? errno : 0;
}

int CloseWith(int fd, int error) {
  if (close(fd) != 0 && error == 0) return errno;
  return error;
}

struct OpenResult {
  int fd = -1;
  int error = 0;
};

// A file of the folder for writing. Neither a link nor a pipe, which would wait
// for its reader.
OpenResult OpenFile(const OpenFolder& folder, const std::string& name, int flags) {
  constexpr mode_t kMode = 0600;
  const int fd = openat(folder.fd, name.c_str(),
                        flags | O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, kMode);
  if (fd < 0) return {.error = errno};
  const int error = MakePrivate(fd, S_IFREG, kMode);
  if (error == 0) return {.fd = fd};
  close(fd);
  return {.error = error};
}

// Whole lines longer than one append appear under their name at once.
int WriteOwnFile(const OpenFolder& folder, const std::string& name, std::string_view bytes) {
  const std::string part = name + ".tmp";
  const OpenResult file = OpenFile(folder, part, O_EXCL);
  if (file.error != 0) return file.error;
  int error = 0;
  while (!bytes.empty() && error == 0) {
    const ssize_t wrote = write(file.fd, bytes.data(), bytes.size());
    if (wrote >= 0) {
      bytes.remove_prefix(static_cast<size_t>(wrote));
    } else if (errno != EINTR) {
      error = errno;
    }
  }
  error = CloseWith(file.fd, error);
  if (error == 0 && renameat(folder.fd, part.c_str(), folder.fd, name.c_str()) != 0) error = errno;
  if (error != 0) unlinkat(folder.fd, part.c_str(), 0);
  return error;
}

}  // namespace

int AppendToSpool(const std::string& state_dir, UtcMillis at, std::string_view id,
                  std::string_view line) {
  OpenFolder folder;
  int error = folder.Open(state_dir, state_dir + "/spool");
  if (error == 0) error = MakePrivate(folder.fd, S_IFDIR, 0700);
  if (error != 0) return error;
  std::string name = FormatRfc3339(at).substr(0, 10);
  std::string bytes;
  bytes.reserve(line.size() + 2);
  bytes.append("\n").append(line).append("\n");
  if (bytes.size() > kMaxSpoolAppend) {
    return WriteOwnFile(folder, name.append("-").append(id).append(".jsonl"), bytes);
  }
  const OpenResult file = OpenFile(folder, name.append(".jsonl"), O_APPEND);
  if (file.error != 0) return file.error;
  return CloseWith(file.fd, WriteOnce(file.fd, bytes));
}

std::string SpoolLine(std::string_view id, std::string_view kind, UtcMillis at,
                      std::string_view payload) {
  base::JsonWriter out;
  out.BeginObject()
      .Field("v", 1)
      .Field("id", id)
      .Field("kind", kind)
      .Field("at_ms", at.value)
      .Key("payload")
      .Raw(payload.empty() ? "{}" : payload)
      .EndObject();
  return std::move(out).Take();
}

}  // namespace selftune::store
