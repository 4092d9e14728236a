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

// Opens for `flags`; a missing folder is made first.
int OpenFile(const std::string& state_dir, const std::string& folder, const std::string& path,
             int flags) {
  constexpr mode_t kMode = 0600;
  const int fd = open(path.c_str(), flags | O_WRONLY | O_CREAT | O_CLOEXEC, kMode);
  if (fd >= 0 || errno != ENOENT) return fd;
  if (mkdir(state_dir.c_str(), 0700) != 0 && errno != EEXIST) return -1;
  if (mkdir(folder.c_str(), 0700) != 0 && errno != EEXIST) return -1;
  return open(path.c_str(), flags | O_WRONLY | O_CREAT | O_CLOEXEC, kMode);
}

int CloseWith(int fd, int error) {
  if (close(fd) != 0 && error == 0) return errno;
  return error;
}

// Whole lines longer than one append appear under their name at once.
int WriteOwnFile(const std::string& state_dir, const std::string& folder, const std::string& path,
                 std::string_view bytes) {
  const std::string part = path + ".tmp";
  const int fd = OpenFile(state_dir, folder, part, O_EXCL);
  if (fd < 0) return errno;
  int error = 0;
  while (!bytes.empty() && error == 0) {
    const ssize_t wrote = write(fd, bytes.data(), bytes.size());
    if (wrote >= 0) {
      bytes.remove_prefix(static_cast<size_t>(wrote));
    } else if (errno != EINTR) {
      error = errno;
    }
  }
  error = CloseWith(fd, error);
  if (error == 0 && rename(part.c_str(), path.c_str()) != 0) error = errno;
  if (error != 0) unlink(part.c_str());
  return error;
}

}  // namespace

int AppendToSpool(const std::string& state_dir, UtcMillis at, std::string_view id,
                  std::string_view line) {
  const std::string folder = state_dir + "/spool";
  std::string path = folder + "/" + FormatRfc3339(at).substr(0, 10);
  std::string bytes;
  bytes.reserve(line.size() + 2);
  bytes.append("\n").append(line).append("\n");
  if (bytes.size() > kMaxSpoolAppend) {
    path.append("-").append(id).append(".jsonl");
    return WriteOwnFile(state_dir, folder, path, bytes);
  }
  const int fd = OpenFile(state_dir, folder, path.append(".jsonl"), O_APPEND);
  if (fd < 0) return errno;
  return CloseWith(fd, WriteOnce(fd, bytes));
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
