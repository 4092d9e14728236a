#include "schedule/logs.h"

#include <sys/stat.h>
#include <unistd.h>

#include <string>

#include <doctest/doctest.h>

#include "base/file.h"
#include "support/temp_dir.h"

namespace selftune::schedule {
namespace {

const std::string kLong(static_cast<size_t>(kMaxJobLog), 'x');

mode_t ModeOf(const std::string& path) {
  struct stat info;
  REQUIRE(::lstat(path.c_str(), &info) == 0);
  return info.st_mode & 07777;
}

// A state folder, and a home beside it.
struct Scene {
  Scene() { places = {.home = dir.path(), .state_dir = dir / "state", .config_home = dir / "c"}; }
  std::string Write(const std::string& name, const std::string& text, mode_t mode = 0644) {
    const std::string path = dir / name;
    dir.Write(name, text);
    REQUIRE(::chmod(path.c_str(), mode) == 0);
    return path;
  }
  std::string Read(const std::string& path) const {
    return base::ReadFile(path, 4 * kLong.size()).value_or("(none)");
  }
  testing::TempDir dir;
  Places places;
};

}  // namespace

TEST_SUITE("schedule/logs") {
  TEST_CASE("a long log is put aside, of cron and of launchd, and nobody else reads it") {
    for (const char* const name :
         {"state/logs/sync.log", "state/logs/run.log", "Library/Logs/selftune/health.log"}) {
      CAPTURE(name);
      Scene scene;
      const std::string log = scene.Write(name, kLong);
      REQUIRE(BoundLogs(scene.places).ok());
      CHECK(scene.Read(log).empty());
      CHECK(scene.Read(log + ".1") == kLong);
      CHECK(ModeOf(log) == 0600);
      CHECK(ModeOf(log + ".1") == 0600);
    }
  }

  TEST_CASE("there are at most five, the oldest goes") {
    Scene scene;
    std::string log;
    for (int i = 0; i < 8; ++i) {
      log = scene.Write("state/logs/sync.log", kLong + std::to_string(i));
      REQUIRE(BoundLogs(scene.places).ok());
    }
    CHECK(scene.Read(log).empty());
    for (int i = 1; i < kJobLogs; ++i) {
      CHECK(scene.Read(log + "." + std::to_string(i)) == kLong + std::to_string(8 - i));
    }
    CHECK_FALSE(base::Exists(log + "." + std::to_string(kJobLogs)));
  }

  TEST_CASE("after a crash in between nothing is lost, and the next run goes on") {
    Scene scene;
    // Put aside, and no new one made; or a number is missing.
    const std::string one = scene.Write("state/logs/sync.log.1", "one");
    const std::string three = scene.Write("state/logs/sync.log.3", "three");
    REQUIRE(BoundLogs(scene.places).ok());
    CHECK(scene.Read(one) == "one");
    const std::string log = scene.Write("state/logs/sync.log", kLong);
    REQUIRE(BoundLogs(scene.places).ok());
    CHECK(scene.Read(log + ".1") == kLong);
    CHECK(scene.Read(log + ".2") == "one");
    CHECK(scene.Read(log + ".4") == "three");
  }

  TEST_CASE("a short one stays, as does what is no log of ours") {
    Scene scene;
    const std::string shorter = scene.Write("state/logs/sync.log", "said", 0640);
    const std::string other = scene.Write("state/logs/other.log", kLong);
    const std::string elsewhere = scene.Write("elsewhere", kLong);
    REQUIRE(::symlink(elsewhere.c_str(), (scene.dir / "state/logs/run.log").c_str()) == 0);
    REQUIRE(BoundLogs(scene.places).ok());
    CHECK(scene.Read(shorter) == "said");
    CHECK(ModeOf(shorter) == 0600);
    CHECK(scene.Read(other) == kLong);
    CHECK(scene.Read(elsewhere) == kLong);
    CHECK(ModeOf(elsewhere) == 0644);
  }
}

}  // namespace selftune::schedule
