#include "llm/caller.h"

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <doctest/doctest.h>

#include "base/time.h"
#include "store/db.h"
#include "support/new_store.h"
#include "support/temp_dir.h"

namespace selftune::llm {
namespace {

// Answers with what the test put in; counts.
struct FakeBackend final : Backend {
  std::string name_of_version = "1", model = "m-1";
  std::vector<Status> failures;  // taken from the front
  std::vector<LlmRequest> requests;
  Usage usage;

  [[nodiscard]] std::string_view name() const override { return "fake"; }
  [[nodiscard]] std::string_view version() const override { return name_of_version; }
  [[nodiscard]] StatusOr<LlmReply> Call(const LlmRequest& request) override {
    requests.push_back(request);
    if (!failures.empty()) {
      Status failure = failures.front();
      failures.erase(failures.begin());
      return failure;
    }
    LlmReply reply;
    reply.text = "YES";
    reply.model = model;
    reply.usage = usage;
    return reply;
  }
};

struct FakeClock final : Clock {
  UtcMillis now{1'764'000'000'000};
  [[nodiscard]] UtcMillis Now() const override { return now; }
};

struct Scene {
  testing::TempDir dir;
  std::unique_ptr<store::Db> db = testing::NewStore(dir);
  FakeBackend backend;
  FakeClock clock;
  CallerOptions options;

  Scene() {
    options.run_id = "run";
    options.skill = "pdf";
    options.sleep = [](int64_t) {};
  }
  [[nodiscard]] Caller Make() { return {backend, *db, clock, options}; }
  [[nodiscard]] store::Spending Spent() const {
    return store::ReadBudget(*db, "run", "run").value();
  }
};

Question Ask(std::string body) {
  Question question;
  question.purpose = Purpose::kTriggerBatch;
  question.tier = Tier::kFast;
  question.body = std::move(body);
  return question;
}

}  // namespace

TEST_SUITE("llm/caller") {
  TEST_CASE("an answer is kept for the agent's version and the model it was asked of") {
    Scene scene;
    REQUIRE(scene.Make().Ask(Ask("q")).ok());
    CHECK(scene.Make().Ask(Ask("q"))->from_cache);
    scene.backend.name_of_version = "2";
    CHECK_FALSE(scene.Make().Ask(Ask("q"))->from_cache);
    Question other = Ask("q");
    other.model = "opus";
    CHECK_FALSE(scene.Make().Ask(other)->from_cache);
  }

  TEST_CASE("answers of another model are not mixed into an experiment") {
    Scene scene;
    REQUIRE(scene.Make().Ask(Ask("old")).ok());
    scene.backend.model = "m-2";  // the alias means another model now
    Caller caller = scene.Make();
    CHECK(caller.Ask(Ask("new"))->model == "m-2");
    const auto again = caller.Ask(Ask("old"));
    CHECK_FALSE(again->from_cache);
    CHECK(again->model == "m-2");
  }

  TEST_CASE("nor answers of the cache with those of another model after them") {
    Scene scene;
    REQUIRE(scene.Make().Ask(Ask("old")).ok());
    scene.backend.model = "m-2";
    {
      Caller caller = scene.Make();
      CHECK(caller.Ask(Ask("old"))->from_cache);
      const auto mixed = caller.Ask(Ask("new"));
      CHECK(CodeOf(mixed.status()).name == "BACKEND_UNAVAILABLE");
      CHECK(Message(mixed.status()).find("m-2") != std::string_view::npos);
    }
    // The next one has answers of one model; what was paid for is not lost.
    Caller caller = scene.Make();
    CHECK(caller.Ask(Ask("new"))->from_cache);
    CHECK(caller.Ask(Ask("old"))->model == "m-2");
    CHECK(scene.backend.requests.size() == 3);
  }

  TEST_CASE("what further calls would meet is known before they are made") {
    Scene scene;
    scene.options.limits.skill.calls = 3;
    Caller caller = scene.Make();
    CHECK(caller.CheckRoom(3, 10).ok());
    REQUIRE(caller.Ask(Ask("q")).ok());
    CHECK(caller.CheckRoom(2, 10).ok());
    CHECK(CodeOf(caller.CheckRoom(3, 10)).name == "BUDGET_EXHAUSTED");
    CHECK(CodeOf(caller.CheckRoom(1, 1'000'000)).name == "BUDGET_EXHAUSTED");
    CHECK(scene.Spent().calls == 1);
    scene.options.stop_at = scene.clock.now;
    CHECK(CodeOf(scene.Make().CheckRoom(1, 10)).name == "BUDGET_EXHAUSTED");
    base::Cancel cancel;
    cancel.Request();
    scene.options.cancel = &cancel;
    CHECK(CodeOf(scene.Make().CheckRoom(1, 10)).name == "CANCELLED");
  }

  TEST_CASE("what was forgotten is asked again") {
    Scene scene;
    Caller caller = scene.Make();
    REQUIRE(caller.Ask(Ask("q")).ok());
    caller.Forget(Ask("q"));
    CHECK_FALSE(caller.Ask(Ask("q"))->from_cache);
    CHECK(scene.backend.requests.size() == 2);
  }

  TEST_CASE("an answer counts as one unless it could not be used") {
    Scene scene;
    Caller caller = scene.Make();
    REQUIRE(caller.Ask(Ask("q")).ok());
    REQUIRE(caller.Ask(Ask("r")).ok());
    CHECK(caller.totals().answered == 2);
    caller.Forget(Ask("q"));  // it was one, and is asked again
    CHECK(caller.totals().answered == 2);
    caller.Refuse(Ask("r"));
    caller.Refuse(Ask("r"));
    CHECK(caller.totals().answered == 1);
    CHECK(scene.Make().Ask(Ask("r")).ok());
    Caller cached = scene.Make();
    REQUIRE(cached.Ask(Ask("r"))->from_cache);
    CHECK(cached.totals().answered == 0);  // nobody was asked
    scene.backend.failures.assign(1, Fail(kAuthMissing, "log in"));
    CHECK_FALSE(caller.Ask(Ask("s")).ok());
    CHECK(caller.totals().answered == 1);
    CHECK(caller.totals().calls == 3);
  }

  TEST_CASE("each attempt is paid for before it is made") {
    Scene scene;
    scene.options.limits.run.calls = 2;
    scene.backend.failures.assign(3, Fail(kRateLimited, "slow down"));
    Caller caller = scene.Make();
    CHECK(CodeOf(caller.Ask(Ask("q")).status()).name == "BUDGET_EXHAUSTED");
    CHECK(scene.backend.requests.size() == 2);
    CHECK(scene.Spent().calls == 2);
    CHECK(caller.totals().calls == 2);
  }

  TEST_CASE("a server that says when to come back is not asked before") {
    const auto later = [](const char* details) {
      return WithDetails(Fail(kRateLimited, "slow down"), details);
    };
    Scene scene;
    std::vector<int64_t> slept;
    scene.options.sleep = [&slept](int64_t ms) { slept.push_back(ms); };
    scene.backend.failures = {later(R"({"retry_after_ms":45000})"), later(R"({"other":1})")};
    REQUIRE(scene.Make().Ask(Ask("q")).ok());
    REQUIRE(slept.size() == 2);
    CHECK(slept[0] == 45'000);
    CHECK(slept[1] < 4'000);
    // Nobody waits for longer than a minute: the run goes on without that answer.
    scene.backend.failures = {later(R"({"retry_after_ms":61000})")};
    CHECK(CodeOf(scene.Make().Ask(Ask("r")).status()).name == "RATE_LIMITED");
    CHECK(slept.size() == 2);
  }

  TEST_CASE("what was paid for a reply that is no use is written down") {
    Scene scene;
    scene.backend.failures = {
        WithWasted(Fail(kInvalidReply, "cut"),
                   {.answers = 2, .usage = {.input_tokens = 2000, .output_tokens = 16'384}})};
    Caller caller = scene.Make();
    CHECK(CodeOf(caller.Ask(Ask("q")).status()).name == "INVALID_REPLY");
    CHECK(scene.Spent().calls == 2);
    CHECK(scene.Spent().tokens == 18'384);
    CHECK(caller.totals().calls == 2);
    CHECK(caller.totals().output_tokens == 16'384);
  }

  TEST_CASE("a reported cost counts even without tokens") {
    Scene scene;
    scene.backend.usage.cost_micro_usd = 7;
    REQUIRE(scene.Make().Ask(Ask("q")).ok());
    CHECK(scene.Spent().cost_micro_usd == 7);
    CHECK(scene.Spent().tokens > 0);  // the estimate stands
  }

  TEST_CASE("no call lasts longer than the run may, and none begins after it") {
    Scene scene;
    scene.options.stop_at = UtcMillis{scene.clock.now.value + 3000};
    Caller caller = scene.Make();
    REQUIRE(caller.Ask(Ask("q")).ok());
    CHECK(scene.backend.requests[0].timeout == std::chrono::milliseconds(3000));
    scene.options.stop_at = UtcMillis{scene.clock.now.value + kDayMs};
    REQUIRE(scene.Make().Ask(Ask("r")).ok());
    CHECK(scene.backend.requests[1].timeout == DefaultTimeout(Purpose::kTriggerBatch));
    scene.clock.now.value += 3000;
    CHECK(CodeOf(caller.Ask(Ask("s")).status()).name == "BUDGET_EXHAUSTED");
    CHECK(caller.Ask(Ask("q")).ok());  // what is known costs no time
    CHECK(scene.backend.requests.size() == 2);
  }
}

}  // namespace selftune::llm
