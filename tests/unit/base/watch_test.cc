#include "base/watch.h"

#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <chrono>
#include <fstream>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <doctest/doctest.h>

#include "support/temp_dir.h"

namespace selftune::base {
namespace {

using std::chrono::milliseconds;
using Woken = FolderWatch::Woken;

constexpr milliseconds kLong{20'000};

void Write(const std::string& path, const std::string& text) {
  std::ofstream(path, std::ios::app) << text;
}

std::unique_ptr<FolderWatch> Opened(std::string folder, std::vector<std::string> names) {
  auto watch = FolderWatch::Open(std::move(folder), std::move(names));
  REQUIRE(watch.ok());
  return *std::move(watch);
}

TEST_SUITE("base/watch") {
  TEST_CASE("a file that is made, written, replaced or removed wakes") {
    const testing::TempDir dir;
    const auto watch = Opened(dir.path(), {"log"});
    REQUIRE(watch->works());
    const std::string log = dir.path() + "/log";
    Write(log, "a");
    CHECK(watch->Wait(kLong) == Woken::kChanged);
    Write(log, "b");
    CHECK(watch->Wait(kLong) == Woken::kChanged);
    Write(dir.path() + "/new", "c");
    CHECK(watch->Wait(milliseconds(20)) == Woken::kTimeout);  // another file
    CHECK(rename((dir.path() + "/new").c_str(), log.c_str()) == 0);
    CHECK(watch->Wait(kLong) == Woken::kChanged);
    CHECK(unlink(log.c_str()) == 0);
    CHECK(watch->Wait(kLong) == Woken::kChanged);
    CHECK(watch->Wait(milliseconds(20)) == Woken::kTimeout);
  }

  TEST_CASE("without names every file of the folder wakes") {
    const testing::TempDir dir;
    const auto watch = Opened(dir.path(), {});
    Write(dir.path() + "/any", "a");
    CHECK(watch->Wait(kLong) == Woken::kChanged);
    CHECK(watch->Wait(milliseconds(20)) == Woken::kTimeout);
  }

  TEST_CASE("what happened before the wait is not missed, and told once") {
    const testing::TempDir dir;
    const auto watch = Opened(dir.path(), {"log"});
    for (int i = 0; i < 100; ++i) Write(dir.path() + "/log", "x");
    CHECK(watch->Pause(milliseconds(1)) == Woken::kTimeout);
    CHECK(watch->Wait(kLong) == Woken::kChanged);
    CHECK(watch->Wait(milliseconds(20)) == Woken::kTimeout);
  }

  TEST_CASE("stopping ends a wait, from another thread and for good") {
    const testing::TempDir dir;
    const auto watch = Opened(dir.path(), {"log"});
    std::thread stopper([&] { watch->Stop(); });
    CHECK(watch->Wait(kLong) == Woken::kStopped);
    stopper.join();
    CHECK(watch->Wait(kLong) == Woken::kStopped);
    CHECK(watch->Pause(kLong) == Woken::kStopped);
  }

  TEST_CASE("a folder that is missing is watched once it is there") {
    const testing::TempDir dir;
    const std::string folder = dir.path() + "/later";
    const auto watch = Opened(folder, {"log"});
    CHECK(!watch->works());
    CHECK(watch->Wait(milliseconds(5)) == Woken::kTimeout);
    REQUIRE(mkdir(folder.c_str(), 0700) == 0);
    CHECK(watch->works());
    Write(folder + "/log", "a");
    CHECK(watch->Wait(kLong) == Woken::kChanged);
    // Gone and back: told, and watched anew.
    CHECK(unlink((folder + "/log").c_str()) == 0);
    CHECK(rmdir(folder.c_str()) == 0);
    CHECK(watch->Wait(kLong) == Woken::kChanged);
    CHECK(!watch->works());
    REQUIRE(mkdir(folder.c_str(), 0700) == 0);
    CHECK(watch->works());
  }

  TEST_CASE("a watch that nothing could stop is an error") {
    const testing::TempDir dir;
    rlimit before = {};
    REQUIRE(getrlimit(RLIMIT_NOFILE, &before) == 0);
    const rlimit none = {0, before.rlim_max};
    REQUIRE(setrlimit(RLIMIT_NOFILE, &none) == 0);
    const auto watch = FolderWatch::Open(dir.path(), {"log"});
    REQUIRE(setrlimit(RLIMIT_NOFILE, &before) == 0);
    REQUIRE(!watch.ok());
    CHECK(Message(watch.status()).find("watching " + dir.path() + ": creating a pipe: ") == 0);
  }
}

}  // namespace
}  // namespace selftune::base
