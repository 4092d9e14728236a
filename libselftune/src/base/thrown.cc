#include "base/thrown.h"

#include <exception>
#include <new>
#include <system_error>

namespace selftune::base {
namespace {

Status Describe() {
  try {
    throw;
  } catch (const std::bad_alloc&) {
    return OutOfMemory();
  } catch (const std::system_error& e) {
    // What std::thread throws when no thread can be started.
    if (e.code() == std::errc::resource_unavailable_try_again ||
        e.code() == std::errc::not_enough_memory) {
      return OutOfMemory();
    }
    return Fail(kInternal, "unexpected exception: {}", e.what());
  } catch (const std::exception& e) {
    return Fail(kInternal, "unexpected exception: {}", e.what());
  } catch (...) {
    return Fail(kInternal, "unexpected exception");
  }
}

}  // namespace

Status Thrown() noexcept {
  try {
    return Describe();
  } catch (...) {
    return OutOfMemory();  // for the words
  }
}

void ThrowNoMemory() { throw std::bad_alloc(); }

}  // namespace selftune::base
