// Makes allocations of this process fail, one or all from one on.
//
//   failing::Arm(17, failing::Mode::kOnce);
//   ... calls of the library ...
//   if (!failing::Disarm()) ...  // fewer than 18 allocations: nothing failed
//
// Linked into a test program it replaces malloc and its relatives, and with
// them operator new and what SQLite and libc take. Under a sanitizer, whose
// malloc must stay, only operator new and SQLite's memory fail.
#pragma once

#include <cstdint>

namespace failing {

enum class Mode {
  kOnce,    // the nth allocation
  kOnward,  // the nth and everything after it
};

// Before any use of SQLite in this process.
void Install();

// Counts from 0, over all threads but those with an Exempt.
void Arm(int64_t nth, Mode mode);
// True when something failed since Arm().
bool Disarm();
// Allocations asked for since Arm().
int64_t Count();

// While it lives this thread's allocations succeed and are not counted.
class Exempt {
 public:
  Exempt();
  ~Exempt();
  Exempt(const Exempt&) = delete;
  Exempt& operator=(const Exempt&) = delete;
};

}  // namespace failing
