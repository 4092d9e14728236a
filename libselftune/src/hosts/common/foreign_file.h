// The file system as a foreign SQLite store is read through: nothing can be
// written, created, locked or removed by it.
#pragma once

namespace selftune::hosts {

// Name of a virtual file system that opens files for reading only. The library
// builds the index of a write-ahead log in its own memory, so that neither -wal
// nor -shm is made or touched. Locks are not taken: the host never waits, and
// who reads has to find out whether the host wrote (ForeignDb::CheckUnchanged).
[[nodiscard]] const char* ReadOnlyFiles();

}  // namespace selftune::hosts
