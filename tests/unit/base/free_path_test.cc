#include "base/free_path.h"

#include <unistd.h>

#include <doctest/doctest.h>

#include "support/temp_dir.h"

namespace selftune::base {
namespace {

TEST_SUITE("base/free_path") {
  TEST_CASE("a name that is taken, by a link too, is not taken again") {
    const testing::TempDir dir;
    const std::string wanted = dir.path() + "/f.bak";
    CHECK(FreePath(wanted) == wanted);
    dir.Write("f.bak", "");
    CHECK(FreePath(wanted) == wanted + ".2");
    REQUIRE(symlink("/nowhere", (wanted + ".2").c_str()) == 0);
    CHECK(FreePath(wanted) == wanted + ".3");
    CHECK(FreePath(dir.path() + "/no/f") == dir.path() + "/no/f");
    CHECK(FreePath(wanted, "-") == wanted + "-2");
    // A database would be read with a log that was left there.
    CHECK(FreePath(dir.path() + "/g", "-", "-wal") == dir.path() + "/g");
    dir.Write("g-wal", "");
    CHECK(FreePath(dir.path() + "/g", "-", "-wal") == dir.path() + "/g-2");
  }
}

}  // namespace
}  // namespace selftune::base
