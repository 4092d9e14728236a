#include "hooks/small_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <string>

namespace selftune::hooks {

std::string ReadSmall(const std::string& path, size_t most) {
  const int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (fd < 0) return "";
  std::string out;
  struct stat info;
  if (fstat(fd, &info) == 0 && S_ISREG(info.st_mode) && info.st_size > 0 &&
      info.st_size <= static_cast<off_t>(most)) {
    out.resize(static_cast<size_t>(info.st_size));
    const ssize_t got = read(fd, out.data(), out.size());
    out.resize(got > 0 ? static_cast<size_t>(got) : 0);
  }
  close(fd);
  return out;
}

}  // namespace selftune::hooks
