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
// it needs.
void KeepLittleMemory() {
#ifdef __GLIBC__
  constexpr int kLargeBlock = 512 * 1024;
  mallopt(M_MMAP_THRESHOLD, kLargeBlock);
  mallopt(M_TRIM_THRESHOLD, kLargeBlock);
#endif
}

}  // namespace

// Exceptions of the standard library (no memory) end here, not in a core file.
int main(int argc, char** argv) {
  KeepLittleMemory();
  try {
    return selftune::cli::Dispatch(std::vector<std::string>(argv, argv + argc));
  } catch (const std::exception& e) {
    std::fprintf(stderr, "selftune: INTERNAL: %s\n", e.what());
    return 70;
  }
}
