// How the C library keeps memory for this process. Before there are threads.
#pragma once

namespace selftune::cli {

void KeepLittleMemory();

// For a command whose threads hold little and would wait for each other: there are two places to
// allocate from.
void AllocateApart();

}  // namespace selftune::cli
