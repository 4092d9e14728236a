// Several processes at once, and processes that are killed.
#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include <doctest/doctest.h>

#include "base/cancel.h"
#include "base/crypto.h"
#include "store/integrity.h"
#include "support/rounds.h"
#include "unit/store/store_fixture.h"

namespace selftune::store {
namespace {

using testing::Must;
using testing::One;
using testing::TempStore;

// Writes `count` prompts with a use each into a session of its own, one
// transaction a prompt. Returns a process exit code.
int WriteMany(const std::string& path, int who, int count) {
  auto db = Db::Open(path, {.mode = OpenMode::kCreate});
  if (!db.ok()) return 10;
  IngestWriter w(**db, testing::kNow);
  const std::string id = "s" + std::to_string(who);
  for (int i = 0; i < count; ++i) {
    auto txn = WriteTxn::Begin(**db);
    if (!txn.ok()) return 11;
    const auto file = w.UpsertSource("claude_code", "transcript", "/t/" + id, "t", 1);
    if (!file.ok()) return 18;
    const auto session = w.UpdateSession({.platform = "claude_code", .id = id, .source = *file});
    if (!session.ok()) return 12;
    const std::string key = id + "_" + std::to_string(i);
    // Half of the texts are shared, so that writers meet in `body`.
    const std::string text = i % 2 == 0 ? "shared " + std::to_string(i) : key;
    if (!w.UpsertPrompt(*session, {.seq = i, .text = text, .at = UtcMillis{1'780'000'000'000 + i}})
             .ok())
      return 13;
    if (!w.UpsertObservation(*session, {.key = key,
                                        .key_is_call_id = true,
                                        .skill = "skill" + std::to_string(i % 3),
                                        .prompt_seq = i,
                                        .at = UtcMillis{1'780'000'000'000 + i}})
             .ok())
      return 14;
    const std::vector<ToolDeltaRow> tools = {{.name = "Skill", .calls = 1}};
    if (!w.AddMetricDelta(*session, {.answers = 1, .tools = tools}).ok()) return 15;
    if (!txn->Commit().ok()) return 16;
  }
  return 0;
}

pid_t Spawn(const std::string& path, int who, int count) {
  const pid_t child = fork();
  REQUIRE(child >= 0);
  if (child == 0) _exit(WriteMany(path, who, count));
  return child;
}

int WaitFor(pid_t child) {
  int status = 0;
  REQUIRE(waitpid(child, &status, 0) == child);
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

void CheckSound(Db& db) {
  const CheckReport report = Must(CheckStore(db, {.deep = true}));
  for (const Problem& problem : report.problems)
    FAIL_CHECK(problem.check << ": " << problem.message);
}

std::string NewStorePath(const selftune::testing::TempDir& dir) {
  return dir / "state/selftune.db";
}

}  // namespace

TEST_SUITE("store/cancel") {
  TEST_CASE("a cancelled wait for another writer ends at once, and says so") {
    TempStore store;
    const auto other = Must(Db::Open(store.path(), {.mode = OpenMode::kReadWrite}));
    std::optional<WriteTxn> held(Must(WriteTxn::Begin(*other)));
    base::Cancel cancel;
    const auto mine =
        Must(Db::Open(store.path(), {.mode = OpenMode::kReadWrite, .cancel = &cancel}));
    std::thread canceller([&cancel] {
      std::this_thread::sleep_for(std::chrono::milliseconds(200));
      cancel.Request();
    });
    const auto begin = std::chrono::steady_clock::now();
    const Status waited = WriteTxn::Begin(*mine).status();
    const auto spent = std::chrono::steady_clock::now() - begin;
    canceller.join();
    CHECK(CodeOf(waited).name == "CANCELLED");
    CHECK(spent >= std::chrono::milliseconds(150));
    CHECK(spent < std::chrono::seconds(5));  // it would wait for 30
    // Cancelled before: no wait at all. Nobody cancels: the wait has its end.
    CHECK(CodeOf(WriteTxn::Begin(*mine).status()).name == "CANCELLED");
    {
      const Db::NoCancel whole(*mine);
      std::thread finisher([&held] {
        std::this_thread::sleep_for(std::chrono::milliseconds(100));
        CHECK(held->Commit().ok());
      });
      CHECK(WriteTxn::Begin(*mine).ok());  // it waits, cancelled or not
      finisher.join();
    }
    held.emplace(Must(WriteTxn::Begin(*other)));
    CHECK(CodeOf(WriteTxn::Begin(*mine).status()).name == "CANCELLED");
    mine->SetCancel(nullptr);
    const auto hasty =
        Must(Db::Open(store.path(), {.mode = OpenMode::kReadWrite,
                                     .busy_timeout = std::chrono::milliseconds(50)}));
    CHECK(CodeOf(WriteTxn::Begin(*hasty).status()).name == "STORE_BUSY");
    REQUIRE(held->Commit().ok());
    CHECK(WriteTxn::Begin(*mine).ok());
  }
}

TEST_SUITE("store/concurrency") {
  TEST_CASE("who opens a store while another process makes it sees no foreign database") {
    constexpr int kRounds = selftune::testing::Rounds(20), kOpeners = 4, kLooks = 200;
    for (int round = 0; round < kRounds; ++round) {
      const selftune::testing::TempDir dir;
      const std::string path = dir / "selftune.db";
      std::vector<std::string> codes(kOpeners);
      std::vector<std::thread> openers;
      for (std::string& code : codes) {
        // Looked at again and again, since the moment is short.
        const bool maker = openers.empty();
        openers.emplace_back([&code, &path, maker] {
          if (!maker) {
            for (int look = 0; look < kLooks && code.empty(); ++look) {
              const auto db = Db::Open(path, {.mode = OpenMode::kReadOnly});
              const std::string_view seen = db.ok() ? "" : CodeOf(db.status()).name;
              if (seen != kStoreMissing.name && seen != kStoreBusy.name) code = seen;
            }
            return;
          }
          const auto db = Db::Open(path, {.mode = OpenMode::kCreate});
          code = db.ok() ? "" : std::string(CodeOf(db.status()).name);
        });
      }
      for (std::thread& opener : openers) opener.join();
      for (const std::string& code : codes) REQUIRE(code == "");
    }
  }

  TEST_CASE("four processes that also make the store lose nothing") {
    const selftune::testing::TempDir dir;
    const std::string path = NewStorePath(dir);
    constexpr int kWriters = 4;
    constexpr int kEach = 60;
    std::vector<pid_t> children;
    for (int i = 0; i < kWriters; ++i) children.push_back(Spawn(path, i, kEach));
    // A reader all the while: what it sees always adds up.
    int looks = 0;
    for (size_t running = children.size(); running > 0;) {
      int status = 0;
      const pid_t ended = waitpid(-1, &status, WNOHANG);
      if (ended > 0) {
        CHECK(status == 0);
        --running;
      }
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
      const auto db = Db::Open(path, {});
      if (!db.ok()) continue;
      CHECK(One(**db,
                "SELECT (SELECT count(*) FROM prompts)=(SELECT count(*) FROM skill_invocations)") ==
            "1");
      ++looks;
    }
    CHECK(looks > 0);
    const auto db = Must(Db::Open(path, {}));
    const std::string all = std::to_string(kWriters * kEach);
    CHECK(One(*db, "SELECT count(*) FROM prompts") == all);
    CHECK(One(*db, "SELECT count(*) FROM skill_invocations") == all);
    CHECK(One(*db, "SELECT sum(triggered) FROM skill_total") == all);
    CHECK(One(*db, "SELECT sum(total_tool_calls) FROM execution_facts") == all);
    CHECK(One(*db, "SELECT version FROM change_clock") == all);
    CheckSound(*db);
  }

  TEST_CASE("a process killed at any moment leaves whole transactions") {
    const selftune::testing::TempDir dir;
    const std::string path = NewStorePath(dir);
    base::Rng rng(7);
    for (int round = 0; round < 12; ++round) {
      CAPTURE(round);
      const pid_t child = Spawn(path, round, 100'000);
      std::this_thread::sleep_for(std::chrono::microseconds(2'000 + rng.Below(40'000)));
      REQUIRE(kill(child, SIGKILL) == 0);
      CHECK(WaitFor(child) == 128 + SIGKILL);
      if (!base::Exists(path)) continue;
      const auto db = Db::Open(path, {.mode = OpenMode::kCreate});
      REQUIRE(db.ok());
      CHECK(One(**db,
                "SELECT (SELECT count(*) FROM prompts)=(SELECT count(*) FROM skill_invocations)") ==
            "1");
      CHECK(One(**db,
                "SELECT coalesce((SELECT sum(total_tool_calls) FROM execution_facts),0)=(SELECT "
                "count(*) FROM prompts)") == "1");
      CheckSound(**db);
    }
    // Another writer goes on where they stopped.
    CHECK(WaitFor(Spawn(path, 100, 20)) == 0);
    CheckSound(*Must(Db::Open(path, {})));
  }
}

}  // namespace selftune::store
