// Memory that is free but still held for the process.
#pragma once

namespace selftune::base {

// Gives freed memory back to the system, where the C library can: what threads that
// ended had used stays with it otherwise. Takes a millisecond; any thread.
void GiveBackFreeMemory();

}  // namespace selftune::base
