#include "jobs/runner.h"

#include <doctest/doctest.h>

#include <atomic>
#include <memory>
#include <new>
#include <stdexcept>
#include <string>
#include <vector>

namespace selftune::jobs {
namespace {

using std::chrono::milliseconds;

std::shared_ptr<Job> MakeJob(Job::Work work, Job::Listener listener = {}) {
  return std::make_shared<Job>(std::move(work), std::move(listener));
}

StatusOr<std::string> UntilCancelled(Job& job) {
  while (!job.cancel().requested()) std::this_thread::yield();
  return job.cancel().Check();
}

}  // namespace

TEST_SUITE("jobs/runner") {
  TEST_CASE("a job's result can be had as often as asked") {
    Runner runner(2);
    const auto job = MakeJob([](Job&) -> StatusOr<std::string> { return "done"; });
    runner.Start(job);
    CHECK(job->Wait(std::nullopt)->value() == "done");
    CHECK(job->Wait(milliseconds(0))->value() == "done");
  }

  TEST_CASE("a failure is a result, and so is an exception") {
    Runner runner(1);
    const auto failing =
        MakeJob([](Job&) -> StatusOr<std::string> { return Fail(kNotFound, "x"); });
    const auto throwing =
        MakeJob([](Job&) -> StatusOr<std::string> { throw std::runtime_error("thrown"); });
    runner.Start(failing);
    runner.Start(throwing);
    CHECK(CodeOf(failing->Wait(std::nullopt)->status()).name == "NOT_FOUND");
    CHECK(CodeOf(throwing->Wait(std::nullopt)->status()).name == "INTERNAL");
  }

  TEST_CASE("more jobs than threads all run") {
    std::atomic<int> ran = 0;
    {
      Runner runner(2);
      for (int i = 0; i < 50; ++i) {
        runner.Start(MakeJob([&ran](Job&) -> StatusOr<std::string> {
          ++ran;
          return "";
        }));
      }
    }  // waits
    CHECK(ran == 50);
  }

  TEST_CASE("a job that has not begun is cancelled without running") {
    Runner runner(1);
    const auto busy = MakeJob(UntilCancelled);
    bool ran = false;
    const auto waiting = MakeJob([&ran](Job&) -> StatusOr<std::string> {
      ran = true;
      return "";
    });
    runner.Start(busy);
    runner.Start(waiting);
    CHECK(waiting->Wait(milliseconds(5)) == nullptr);
    waiting->cancel().Request();
    busy->cancel().Request();
    CHECK(CodeOf(waiting->Wait(std::nullopt)->status()).name == "CANCELLED");
    CHECK(CodeOf(busy->Wait(std::nullopt)->status()).name == "CANCELLED");
    CHECK_FALSE(ran);
  }

  TEST_CASE("what a job throws is its result") {
    Runner runner(1);
    const auto poor = MakeJob([](Job&) -> StatusOr<std::string> { throw std::bad_alloc(); });
    const auto odd = MakeJob([](Job&) -> StatusOr<std::string> { throw 7; });
    runner.Start(poor);
    runner.Start(odd);
    CHECK(CodeOf(poor->Wait(std::nullopt)->status()).name == "OUT_OF_MEMORY");
    CHECK(CodeOf(odd->Wait(std::nullopt)->status()).name == "INTERNAL");
  }

  TEST_CASE("nobody is called after Silence") {
    Runner runner(1);
    std::atomic<int> heard = 0;
    const auto job = MakeJob(
        [](Job& self) -> StatusOr<std::string> {
          while (!self.cancel().requested()) self.Emit("{}");
          return "";
        },
        [&heard](std::string_view) { ++heard; });
    runner.Start(job);
    while (heard < 3) std::this_thread::yield();
    job->Silence();
    const int then = heard;
    job->cancel().Request();
    (void)job->Wait(std::nullopt);
    CHECK(heard == then);
  }
}

}  // namespace selftune::jobs
