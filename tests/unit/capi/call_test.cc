#include "capi/call.h"

#include <doctest/doctest.h>

#include <new>
#include <string>

#include "base/thrown.h"

namespace selftune::capi {

TEST_SUITE("capi/call") {
  TEST_CASE("the error kept ready for missing memory says what a made one would") {
    selftune_error_t* ready = nullptr;
    selftune_error_t* made = nullptr;
    CHECK(ReportNoMemory(&ready) == Report(base::OutOfMemory(), &made));
    REQUIRE(ready != nullptr);
    REQUIRE(made != nullptr);
    CHECK(selftune_error_code(ready) == selftune_error_code(made));
    CHECK(std::string(selftune_error_name(ready)) == selftune_error_name(made));
    CHECK(std::string(selftune_error_message(ready)) == selftune_error_message(made));
    CHECK(std::string(selftune_error_json(ready)) == selftune_error_json(made));
    selftune_error_free(made);
    selftune_error_free(ready);
    selftune_error_free(ready);  // as often as it was handed out
  }

  TEST_CASE("nothing that is thrown leaves a call") {
    selftune_error_t* error = nullptr;
    CHECK(Call(&error, []() -> Status { throw std::bad_alloc(); }) ==
          SELFTUNE_E_RESOURCE_EXHAUSTED);
    CHECK(std::string(selftune_error_name(error)) == "OUT_OF_MEMORY");
    selftune_error_free(error);
    CHECK(Call(&error, []() -> Status { throw 7; }) == SELFTUNE_E_INTERNAL);
    CHECK(std::string(selftune_error_name(error)) == "INTERNAL");
    selftune_error_free(error);
    CHECK(Call(&error, [] { return absl::OkStatus(); }) == SELFTUNE_OK);
    CHECK(error == nullptr);
  }
}

}  // namespace selftune::capi
