#include "base/lock_file.h"

#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <doctest/doctest.h>

#include "base/file.h"
#include "base/json_value.h"
#include "support/temp_dir.h"

namespace selftune::base {

TEST_SUITE("base/lock_file") {
  TEST_CASE("a second owner is refused and told who holds it") {
    const testing::TempDir dir;
    const std::string path = dir / "lock";
    StatusOr<LockFile> lock = LockFile::TryAcquire(path, "pid 1, sync");
    REQUIRE(lock.ok());
    const Status second = LockFile::TryAcquire(path, "pid 2").status();
    CHECK(CodeOf(second).name == "LOCK_HELD");
    CHECK(CodeOf(second).retryable);
    const StatusOr<JsonValue> details = JsonValue::Parse(DetailsJson(second));
    REQUIRE(details.ok());
    CHECK((*details)["holder"].AsString() == "pid 1, sync");
    CHECK(**LockFile::Holder(path) == "pid 1, sync");
    REQUIRE(lock->Update("pid 1").ok());
    CHECK(**LockFile::Holder(path) == "pid 1");
  }

  TEST_CASE("released at the end of its owner, the file stays") {
    const testing::TempDir dir;
    const std::string path = dir / "lock";
    CHECK(!LockFile::Holder(path)->has_value());
    {
      const StatusOr<LockFile> lock = LockFile::TryAcquire(path, "first");
      REQUIRE(lock.ok());
    }
    CHECK(Exists(path));
    CHECK(!LockFile::Holder(path)->has_value());
    StatusOr<LockFile> again = LockFile::TryAcquire(path, "2");
    REQUIRE(again.ok());
    CHECK(dir.Read("lock") == "2");  // not a mixture with the longer text
    LockFile moved = *std::move(again);
    CHECK(LockFile::Holder(path)->has_value());
  }

  TEST_CASE("the death of a process releases its lock") {
    const testing::TempDir dir;
    const std::string path = dir / "lock";
    int ready[2];
    REQUIRE(pipe(ready) == 0);
    const pid_t child = fork();
    if (child == 0) {
      const StatusOr<LockFile> lock = LockFile::TryAcquire(path, "child");
      const char byte = lock.ok() ? 'y' : 'n';
      if (write(ready[1], &byte, 1) != 1) _exit(1);
      pause();
      _exit(0);
    }
    char byte = 0;
    REQUIRE(read(ready[0], &byte, 1) == 1);
    CHECK(byte == 'y');
    CHECK(!LockFile::TryAcquire(path, "parent").ok());
    REQUIRE(kill(child, SIGKILL) == 0);
    int status = 0;
    REQUIRE(waitpid(child, &status, 0) == child);
    CHECK(LockFile::TryAcquire(path, "parent").ok());
    close(ready[0]);
    close(ready[1]);
  }

  TEST_CASE("a missing folder and a link in the place of the file are errors") {
    const testing::TempDir dir;
    CHECK(CodeOf(LockFile::TryAcquire(dir / "no/lock", "x").status()).name == "FILE_NOT_FOUND");
    dir.Write("victim", "keep");
    REQUIRE(symlink("victim", (dir / "lock").c_str()) == 0);
    CHECK(!LockFile::TryAcquire(dir / "lock", "x").ok());
    CHECK(dir.Read("victim") == "keep");
  }

  TEST_CASE("who looks at a FIFO in the place of the file does not wait for it") {
    const testing::TempDir dir;
    const std::string path = dir / "lock";
    REQUIRE(mkfifo(path.c_str(), 0600) == 0);
    const auto holder = LockFile::Holder(path);
    REQUIRE(holder.ok());
    CHECK_FALSE(holder->has_value());
  }

  TEST_CASE("of many threads exactly one is inside, whoever looks on") {
    const testing::TempDir dir;
    const std::string path = dir / "lock";
    std::atomic<int> inside{0};
    std::atomic<int> most{0};
    std::atomic<int> acquired{0};
    std::atomic<bool> done{false};
    std::thread watcher([&] {
      while (!done) static_cast<void>(LockFile::Holder(path));
    });
    std::vector<std::thread> threads;
    for (int t = 0; t < 4; ++t) {
      threads.emplace_back([&] {
        for (int i = 0; i < 50; ++i) {
          const StatusOr<LockFile> lock = LockFile::TryAcquire(path, "t");
          if (!lock.ok()) continue;
          ++acquired;
          const int now = ++inside;
          int seen = most;
          while (seen < now && !most.compare_exchange_weak(seen, now)) {
          }
          --inside;
        }
      });
    }
    for (std::thread& thread : threads) thread.join();
    done = true;
    watcher.join();
    CHECK(most == 1);
    CHECK(acquired > 0);
  }
}

}  // namespace selftune::base
