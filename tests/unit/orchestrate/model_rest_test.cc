#include "orchestrate/model_rest.h"

#include <string>

#include <doctest/doctest.h>

#include "support/temp_dir.h"
#include "unit/status/status_fixture.h"

namespace selftune::orchestrate {
namespace {

using status::testing::kNow;
using status::testing::Must;
using status::testing::World;

constexpr int64_t kHourMs = kDayMs / 24;

// Runs that begin by themselves, one after the other.
class Machine {
 public:
  Machine() { asked_.program = dir_.Write("claude", "2.1"); }

  void Fails(const ErrorCode& code) {
    REQUIRE_OK(RestAfter(world_.db(), config_, asked_, Fail(code, "asking"), now_));
  }
  // How long the next one waits; 0 = it asks.
  [[nodiscard]] int64_t RestMs() {
    const auto rest = Must(RestOf(world_.db(), config_, asked_, now_));
    return rest.has_value() ? rest->until.value - now_.value : 0;
  }
  // What a readout says, which does not know who would be asked.
  [[nodiscard]] bool Told() {
    return Must(status::FindRunsRest(world_.db(), config_, now_)).has_value();
  }
  void Pass(int64_t ms) { now_.value += ms; }
  void Configure(const char* text) { config_ = Must(config::Parse(text, "/c")); }
  void Update() { dir_.Write("claude", "2.1.1"); }
  void AskAnother() { asked_ = {.agent = "codex", .program = dir_.Write("codex", "1")}; }
  void Answered() { Must(status::EndRunsRest(world_.db())); }
  [[nodiscard]] status::RunsRest Last() { return *Must(status::LastRunsRest(world_.db())); }

 private:
  World world_;
  testing::TempDir dir_;
  config::Config config_ = Must(config::Parse("{}", "/c"));
  Asked asked_{.agent = "claude", .program = {}};
  UtcMillis now_ = kNow;
};

TEST_SUITE("orchestrate/model_rest") {
  TEST_CASE("each failure of one cause doubles the rest, up to a day") {
    Machine machine;
    CHECK(machine.RestMs() == 0);
    for (const double hours : {0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 24.0, 24.0}) {
      machine.Fails(kAuthMissing);
      CHECK(static_cast<double>(machine.RestMs()) == hours * static_cast<double>(kHourMs));
      CHECK(machine.Told());
      machine.Pass(machine.RestMs() - 1);
      CHECK(machine.RestMs() == 1);
      machine.Pass(1);
      CHECK(machine.RestMs() == 0);
    }
    CHECK(machine.Last().failures == 8);
    CHECK(machine.Last().since == kNow);
  }

  TEST_CASE("what ends it") {
    struct Case {
      const char* name;
      void (*end)(Machine&);
      bool told;  // by a readout, still
    };
    const Case cases[] = {
        {"another configuration", [](Machine& m) { m.Configure(R"({"guards":"off"})"); }, false},
        {"another version of the agent", [](Machine& m) { m.Update(); }, false},
        {"another agent", [](Machine& m) { m.AskAnother(); }, true},
        {"an answer", [](Machine& m) { m.Answered(); }, false},
        {"the clock was wrong", [](Machine& m) { m.Pass(-2 * kDayMs); }, false},
    };
    for (const Case& c : cases) {
      CAPTURE(c.name);
      Machine machine;
      machine.Fails(kAuthMissing);
      machine.Fails(kAuthMissing);
      REQUIRE(machine.RestMs() == kHourMs);
      c.end(machine);
      CHECK(machine.RestMs() == 0);
      CHECK(machine.Told() == c.told);
      machine.Fails(kAuthMissing);
      CHECK(machine.RestMs() == kShortestRestMs);
    }
  }

  TEST_CASE("another cause begins anew, and so does one after a day without") {
    Machine machine;
    machine.Fails(kAuthMissing);
    machine.Fails(kBackendUnavailable);
    CHECK(machine.RestMs() == kShortestRestMs);
    machine.Fails(kBackendUnavailable);
    CHECK(machine.RestMs() == kHourMs);
    machine.Pass(kHourMs + kDayMs - 1);
    machine.Fails(kBackendUnavailable);
    CHECK(machine.RestMs() == 2 * kHourMs);
    machine.Pass(2 * kHourMs + kDayMs);
    machine.Fails(kBackendUnavailable);
    CHECK(machine.RestMs() == kShortestRestMs);
  }

  TEST_CASE("only what any skill would meet is of the model") {
    for (const ErrorCode& code :
         {kAuthMissing, kApiFailed, kRateLimited, kTimeout, kBackendUnavailable, kProcessFailed,
          kInvalidReply, kAgentUnsafe}) {
      CAPTURE(code.name);
      CHECK(IsOfModel(Fail(code, "x")));
    }
    for (const ErrorCode& code : {kBudgetExhausted, kCancelledError, kGitDirty, kLockHeld,
                                  kSkillNotFound, kContextTooLong}) {
      CAPTURE(code.name);
      CHECK(!IsOfModel(Fail(code, "x")));
    }
    CHECK(!IsOfModel(absl::OkStatus()));
  }
}

}  // namespace
}  // namespace selftune::orchestrate
