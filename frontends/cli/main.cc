#include <fcntl.h>

#include <cerrno>
#include <cstdio>
#include <exception>
#include <string>
#include <vector>

#include "cli/dispatch.h"
#include "cli/memory.h"

namespace {

// A standard stream that is closed would be whatever is opened first. Its place is
// taken by something that reads as empty, and that cannot be written to.
void FillStandardStreams() {
  for (int fd = 0; fd <= 2; ++fd) {
    if (fcntl(fd, F_GETFD) >= 0 || errno != EBADF) continue;
    if (open("/dev/null", O_RDONLY) != fd) return;
  }
}

}  // namespace

// Exceptions of the standard library (no memory) end here, not in a core file.
int main(int argc, char** argv) {
  selftune::cli::KeepLittleMemory();
  FillStandardStreams();
  try {
    return selftune::cli::Dispatch(std::vector<std::string>(argv, argv + argc));
  } catch (const std::exception& e) {
    std::fprintf(stderr, "selftune: INTERNAL: %s\n", e.what());
    return 70;
  }
}
