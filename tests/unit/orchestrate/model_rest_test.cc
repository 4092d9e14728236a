#include "orchestrate/model_rest.h"

#include <unistd.h>

#include <string>
#include <string_view>
#include <vector>

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
    const auto rest = Must(status::FindRunsRest(world_.db(), config_, asked_, now_));
    return rest.has_value() ? rest->until.value - now_.value : 0;
  }
  // What hooks are told, who see for themselves who would be asked.
  [[nodiscard]] bool Told() {
    return Must(status::FindRunsRest(world_.db(), config_, now_)).has_value();
  }
  void Pass(int64_t ms) { now_.value += ms; }
  void Configure(const char* text) { config_ = Must(config::Parse(text, "/c")); }
  void Update() { dir_.Write("claude", "2.1.1"); }
  void AskAnother() { asked_ = {.agent = "codex", .program = dir_.Write("codex", "1")}; }
  void AskItElsewhere() { asked_.program = dir_.Write("first/claude", "2.1"); }
  void AskItByALink() {
    const std::string link = dir_ / "link";
    REQUIRE(::symlink(asked_.program.c_str(), link.c_str()) == 0);
    asked_.program = link;
  }
  void AskOneOfABytesPath() { asked_.program = dir_.Write("caf\xe9/claude", "2.1"); }
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
      bool told;  // to hooks, still
    };
    const Case cases[] = {
        {"another configuration", [](Machine& m) { m.Configure(R"({"guards":"off"})"); }, false},
        {"another version of the agent", [](Machine& m) { m.Update(); }, true},
        {"another agent", [](Machine& m) { m.AskAnother(); }, true},
        {"another program of its name", [](Machine& m) { m.AskItElsewhere(); }, true},
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

  TEST_CASE("the same program rests wherever a link to it lies, and whatever its path is") {
    Machine machine;
    machine.AskOneOfABytesPath();
    machine.Fails(kAuthMissing);
    CHECK(machine.RestMs() == kShortestRestMs);
    machine.AskItByALink();
    CHECK(machine.RestMs() == kShortestRestMs);
    machine.Fails(kAuthMissing);
    CHECK(machine.RestMs() == kHourMs);
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

  TEST_CASE("a model that answered anything in a run gives answers") {
    const Status auth = Fail(kAuthMissing, "asking");
    const Status dirty = Fail(kGitDirty, "deploying");
    const Status timeout = Fail(kTimeout, "asking");
    struct Case {
      const char* name;
      Status ended;
      std::vector<Tried> tried;
      std::string_view code;  // of why nobody was answered, "" = somebody was
    };
    const Case cases[] = {
        {"nobody was asked", {}, {}, ""},
        {"it could not be begun", auth, {}, kAuthMissing.name},
        {"another failure ended it", dirty, {{auth, 1, 0}}, kAuthMissing.name},
        {"one and no answer", {}, {{auth, 1, 0}}, kAuthMissing.name},
        {"the first cause counts", {}, {{timeout, 2, 0}, {auth, 1, 0}}, kTimeout.name},
        {"one was refused before it was asked",
         {},
         {{dirty, 0, 0}, {auth, 1, 0}},
         kAuthMissing.name},
        {"one is done", {}, {{auth, 1, 0}, {{}, 8, 8}}, ""},
        {"one was answered, and then failed otherwise", {}, {{dirty, 8, 8}, {auth, 1, 0}}, ""},
        {"one was answered, and then no more", {}, {{timeout, 3, 1}, {timeout, 2, 0}}, ""},
        {"not for the model", {}, {{dirty, 1, 0}}, ""},
    };
    for (const Case& c : cases) {
      CAPTURE(c.name);
      const Status why = NoAnswer(c.ended, c.tried);
      CHECK((why.ok() ? "" : CodeOf(why).name) == c.code);
    }
  }

  TEST_CASE("a rest is told in words, also one that names nobody") {
    status::RunsRest rest;
    rest.reason = "AUTH_MISSING";
    rest.failures = 2;
    rest.agent = "claude";
    CHECK(status::Describe(rest).find(": claude gave no answer (AUTH_MISSING), 2 times in a row") !=
          std::string::npos);
    rest.agent.clear();
    CHECK(status::Describe(rest).find(": their model gave no answer (AUTH_MISSING), 2 times") !=
          std::string::npos);
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
