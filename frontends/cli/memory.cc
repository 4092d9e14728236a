#include "cli/memory.h"

#include <cstdlib>  // says whether the C library is glibc

#ifdef __GLIBC__
#include <malloc.h>
#endif

namespace selftune::cli {
namespace {

void Arenas([[maybe_unused]] int most) {
#if defined(__GLIBC__) && defined(M_ARENA_MAX)
  mallopt(M_ARENA_MAX, most);
#endif
}

}  // namespace

// What is given back goes back to the system. Left to itself glibc keeps more the
// larger a block it has seen, and a sync of many files ends with twice the memory
// it needs. One arena: those of other threads grow by a call to the system a page.
void KeepLittleMemory() {
#ifdef __GLIBC__
  constexpr int kLargeBlock = 512 * 1024;
  mallopt(M_MMAP_THRESHOLD, kLargeBlock);
  mallopt(M_TRIM_THRESHOLD, kLargeBlock);
#endif
  Arenas(1);
}

void AllocateApart() { Arenas(2); }

}  // namespace selftune::cli
