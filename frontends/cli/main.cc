#include <fcntl.h>

#include <cerrno>
#include <cstdio>
#include <exception>
#include <string>
#include <vector>

#include "cli/dispatch.h"

#ifdef __GLIBC__
#include <malloc.h>
#endif

namespace {

// What is given back goes back to the system. Left to itself glibc keeps more the
// larger a block it has seen, and a sync of many files ends with twice the memory
// it needs. One arena: those of other threads grow by a call to the system a page.
void KeepLittleMemory() {
#ifdef __GLIBC__
  constexpr int kLargeBlock = 512 * 1024;
  mallopt(M_MMAP_THRESHOLD, kLargeBlock);
  mallopt(M_TRIM_THRESHOLD, kLargeBlock);
#ifdef M_ARENA_MAX
  mallopt(M_ARENA_MAX, 1);
#endif
#endif
}

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
  KeepLittleMemory();
  FillStandardStreams();
  try {
    return selftune::cli::Dispatch(std::vector<std::string>(argv, argv + argc));
  } catch (const std::exception& e) {
    std::fprintf(stderr, "selftune: INTERNAL: %s\n", e.what());
    return 70;
  }
}
