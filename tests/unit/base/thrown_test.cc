#include "base/thrown.h"

#include <doctest/doctest.h>

#include <functional>
#include <new>
#include <stdexcept>
#include <system_error>

namespace selftune::base {
namespace {

Status OfWhatThrows(const std::function<void()>& body) {
  try {
    body();
  } catch (...) {
    return Thrown();
  }
  return absl::OkStatus();
}

}  // namespace

TEST_SUITE("base/thrown") {
  TEST_CASE("out of memory has a name and words without allocating any") {
    const Status status = OutOfMemory();
    CHECK(CodeOf(status).name == "OUT_OF_MEMORY");
    CHECK(Message(status) == "out of memory");
    // Other failures of the same kind keep what they say.
    CHECK(CodeOf(Fail(kBudgetExhausted, "spent")).name == "BUDGET_EXHAUSTED");
    CHECK(CodeOf(absl::ResourceExhaustedError("of somebody else")).name == "INTERNAL");
  }

  TEST_CASE("what is thrown for want of memory or threads is OUT_OF_MEMORY") {
    using std::errc;
    const std::function<void()> bodies[] = {
        [] { throw std::bad_alloc(); },
        [] { ThrowNoMemory(); },
        [] { throw std::system_error(make_error_code(errc::resource_unavailable_try_again)); },
        [] { throw std::system_error(make_error_code(errc::not_enough_memory)); },
    };
    for (const auto& body : bodies) CHECK(CodeOf(OfWhatThrows(body)).name == "OUT_OF_MEMORY");
  }

  TEST_CASE("anything else is INTERNAL and told") {
    const Status status = OfWhatThrows([] { throw std::out_of_range("no such row"); });
    CHECK(CodeOf(status).name == "INTERNAL");
    CHECK(Message(status) == "unexpected exception: no such row");
    CHECK(CodeOf(OfWhatThrows([] { throw 7; })).name == "INTERNAL");
    CHECK(CodeOf(OfWhatThrows([] {
            throw std::system_error(make_error_code(std::errc::address_in_use));
          })).name == "INTERNAL");
  }
}

}  // namespace selftune::base
