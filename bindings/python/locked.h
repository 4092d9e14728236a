// The interpreter's lock, around calls into the library and callbacks out of
// it. A thread that asks for the lock of an interpreter on its way out is ended
// in the middle of C++ code, which ends the process with an abort; so from
// End() on no thread but the ending one asks for it.
#pragma once

#include <pybind11/pybind11.h>

namespace selftune::python {

// The lock is given up for the time of a block. After End() other threads do
// not come back: they sleep until the process is gone.
class Released {
 public:
  Released() : state_(PyEval_SaveThread()) {}
  Released(const Released&) = delete;
  Released& operator=(const Released&) = delete;
  ~Released();

 private:
  PyThreadState* state_;
};

// The lock is taken by any thread for the time of a block, unless the
// interpreter is ending or gone.
class Locked {
 public:
  Locked();
  Locked(const Locked&) = delete;
  Locked& operator=(const Locked&) = delete;
  ~Locked();
  explicit operator bool() const { return held_; }

 private:
  bool held_;
  PyGILState_STATE state_{};
};

// After End() other threads do not come back from here, as from a block of Released.
void StayIfEnded();

// To be called once, with the lock, by the thread that ends the interpreter,
// before it does. Waits for threads that are about to take the lock, and a
// moment for callbacks that hold it.
void End();

}  // namespace selftune::python
