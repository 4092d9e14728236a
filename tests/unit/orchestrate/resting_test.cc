#include "orchestrate/resting.h"

#include <algorithm>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <doctest/doctest.h>

#include "base/crypto.h"
#include "orchestrate/candidates.h"
#include "store/job_rows.h"
#include "store/rest_rows.h"
#include "store/write_txn.h"
#include "unit/status/status_fixture.h"

namespace selftune::orchestrate {
namespace {

using status::testing::kNow;
using status::testing::Must;
using status::testing::World;

constexpr int64_t kHourMs = kDayMs / 24;

// One skill, who complains of it, who may change it, and the hooks: they see the notes alone, which
// are written when the store or the configuration changed and when a run ends.
class Machine {
 public:
  Machine() {
    Install();
    Unlock();
  }

  void Complain() {
    const std::string id = "s" + std::to_string(sessions_++);
    const auto session = world_.Session(id, now_);
    const auto prompt = world_.Prompt(session, 0, "why not the pdf skill?", now_);
    world_.Write([&](store::IngestWriter& writer) {
      Must(writer.AddSignal({.prompt = prompt,
                             .kind = SignalKind::kCorrection,
                             .mention = "pdf",
                             .skill = "pdf",
                             .at = now_}));
    });
    Changed();
  }
  void Lock() { SetConfig(R"({"skills":{"pdf":{"autonomy":"locked"}}})"); }
  void Unlock() { SetConfig("{}"); }
  void Install() {
    if (!installed_) world_.Install("pdf", "/home/dev/.claude/skills/pdf/SKILL.md", "Fills forms.");
    installed_ = true;
    ++state_;
    Changed();
  }
  void Uninstall() {
    world_.Write([&](store::IngestWriter& writer) {
      REQUIRE_OK(writer.db().Execute("DELETE FROM skill_location"));
    });
    installed_ = false;
    ++state_;
    Changed();
  }
  void CoolDown() {
    const UtcMillis until{now_.value + 40 * kHourMs};
    world_.Write([&](store::IngestWriter& writer) {
      REQUIRE_OK(store::SetCooldown(writer.db(), "pdf", until, std::nullopt, "deployed", now_));
    });
    cooldown_ = until;
    ++state_;
    Changed();
  }
  void Pass(int64_t ms) {
    now_.value += ms;
    if (cooldown_.has_value() && *cooldown_ <= now_) {
      cooldown_.reset();
      ++state_;
    }
  }

  // A session ends: a run begins if there is something for it to do, as far as the notes know.
  bool SessionEnds() {
    const bool begins = notes_.now || (notes_.from.has_value() && *notes_.from <= now_);
    if (begins) Run();
    return begins;
  }

  [[nodiscard]] bool MayBeChanged() const {
    return installed_ && !locked_ && !cooldown_.has_value();
  }
  [[nodiscard]] bool AnyPending() {
    return !Must(store::ReadPendingSkills(world_.db(), now_)).empty();
  }

  struct Idle {
    UtcMillis at;
    int state = 0;  // another number: the reason may have changed
  };
  [[nodiscard]] const std::vector<Idle>& idle() const { return idle_; }
  [[nodiscard]] UtcMillis now() const { return now_; }
  [[nodiscard]] const ToTakeUp& notes() const { return notes_; }
  [[nodiscard]] store::Db& db() { return world_.db(); }
  [[nodiscard]] const config::Config& config() const { return config_; }

  [[nodiscard]] std::vector<RestBasis> Basis() {
    return Must(TakeRestBasis(world_.db(), config_, now_));
  }
  // A run that found this of it.
  void Found(const char* reason, const std::vector<RestBasis>& basis, bool by_hook = true) {
    const Decision decision{.skill = "pdf", .reason_code = reason};
    Must(KeepResting(world_.db(), basis, {LookedAt(decision, {}, by_hook)}, now_));
  }
  void Found(const char* reason) { Found(reason, Basis()); }

 private:
  void SetConfig(const std::string& text) {
    config_ = Must(config::Parse(text, "/c"));
    locked_ = text != "{}";
    ++state_;
    Changed();
  }
  void Changed() { notes_ = Must(SignalsToTakeUp(world_.db(), config_, now_)); }
  // As orchestrate/run.cc: what was decided, used up or written down.
  void Run() {
    if (Must(SignalsToTakeUp(world_.db(), config_, now_)).now) {
      const auto basis = Basis();
      CandidateFacts facts{.skill = "pdf", .corrections = AnyPending() ? 1 : 0};
      facts.installed = installed_;
      facts.locked = locked_;
      facts.cooldown_until = cooldown_;
      const Decision decision = SelectCandidates({facts}, {.now = now_}).front();
      if (decision.action == Action::kEvolve) {
        world_.Write([&](store::IngestWriter& writer) {
          Must(store::ConsumeSignals(writer.db(), "pdf", "run", now_));
        });
      } else {
        idle_.push_back({now_, state_});
      }
      Must(KeepResting(world_.db(), basis, {LookedAt(decision, facts, /*by_hook=*/true)}, now_));
    }
    Changed();
  }

  World world_;
  config::Config config_;
  UtcMillis now_ = kNow;
  bool locked_ = false, installed_ = false;
  std::optional<UtcMillis> cooldown_;
  ToTakeUp notes_;
  std::vector<Idle> idle_;
  int state_ = 0, sessions_ = 0;
};

}  // namespace

TEST_SUITE("orchestrate/resting") {
  TEST_CASE("a complaint that no run can act on starts one, and then none until the reason ends") {
    struct Case {
      const char* name;
      void (Machine::*begin)();
      void (Machine::*end)();
    };
    const Case cases[] = {
        {"locked, and unlocked", &Machine::Lock, &Machine::Unlock},
        {"uninstalled, and there again", &Machine::Uninstall, &Machine::Install},
    };
    for (const Case& c : cases) {
      CAPTURE(c.name);
      Machine machine;
      machine.Complain();
      (machine.*c.begin)();
      CHECK(machine.SessionEnds());
      CHECK(machine.notes().resting == std::vector<std::string>{"pdf"});
      for (int i = 0; i < 20; ++i) {
        machine.Pass(kHourMs);
        machine.Complain();
        CHECK_FALSE(machine.SessionEnds());
      }
      (machine.*c.end)();
      CHECK(machine.SessionEnds());
      CHECK_FALSE(machine.AnyPending());
      CHECK(machine.notes().resting.empty());
    }
  }

  TEST_CASE("the end of a cooldown starts a run by itself, whoever writes the notes") {
    Machine machine;
    machine.Complain();
    machine.CoolDown();
    CHECK(machine.SessionEnds());
    for (int i = 0; i < 39; ++i) {
      machine.Pass(kHourMs);
      CHECK_FALSE(machine.SessionEnds());
    }
    machine.Pass(kHourMs);
    CHECK(machine.SessionEnds());
    CHECK_FALSE(machine.AnyPending());
  }

  TEST_CASE(
      "a run about another skill, and one with others before it, let it rest no longer or no "
      "less") {
    Machine machine;
    machine.Complain();
    machine.Lock();
    machine.SessionEnds();
    machine.Found("filtered");
    CHECK_FALSE(Must(SignalsToTakeUp(machine.db(), machine.config(), machine.now())).now);
    machine.Found("capped");
    CHECK(Must(SignalsToTakeUp(machine.db(), machine.config(), machine.now())).now);
    const UtcMillis until{machine.now().value + kHourMs};
    Must(RestAll(machine.db(), machine.Basis(), "BUDGET_EXHAUSTED", until, machine.now()));
    CHECK(Must(SignalsToTakeUp(machine.db(), machine.config(), machine.now())).from == until);
    CHECK(Must(SignalsToTakeUp(machine.db(), machine.config(), until)).now);
  }

  TEST_CASE("where too little was said, one who says more starts a run") {
    Machine machine;
    machine.Complain();
    machine.Found("insufficient_evidence");
    const ToTakeUp before = Must(SignalsToTakeUp(machine.db(), machine.config(), machine.now()));
    CHECK_FALSE(before.now);
    CHECK(before.resting.empty());  // hooks are to listen
    machine.Complain();
    CHECK(machine.notes().now);
  }

  TEST_CASE("what was said or changed while a run looked ends the rest that it writes down") {
    struct Case {
      const char* reason;
      void (Machine::*meanwhile)();
      bool to_take_up;
    };
    const Case cases[] = {
        {"locked", &Machine::Unlock, true},
        {"not_installed", &Machine::Install, true},
        {"insufficient_evidence", &Machine::Complain, true},
        {"locked", &Machine::Complain, false},  // still locked
    };
    for (const Case& c : cases) {
      CAPTURE(c.reason);
      Machine machine;
      machine.Complain();
      if (c.meanwhile == &Machine::Install) machine.Uninstall();
      if (c.meanwhile == &Machine::Unlock) machine.Lock();
      const auto basis = machine.Basis();
      (machine.*c.meanwhile)();
      machine.Found(c.reason, basis);
      CHECK(Must(SignalsToTakeUp(machine.db(), machine.config(), machine.now())).now ==
            c.to_take_up);
    }
  }

  TEST_CASE("that there is no agent holds where hooks look for one, until somebody complains") {
    Machine machine;
    machine.Complain();
    machine.Found("no_agent", machine.Basis(), /*by_hook=*/false);
    CHECK(Must(SignalsToTakeUp(machine.db(), machine.config(), machine.now())).now);
    machine.Found("no_agent");
    const ToTakeUp rests = Must(SignalsToTakeUp(machine.db(), machine.config(), machine.now()));
    CHECK_FALSE(rests.now);
    CHECK(rests.resting.empty());
    machine.Complain();
    CHECK(machine.notes().now);
  }

  TEST_CASE("what was paid for and failed is not paid for again by the next run") {
    struct Case {
      const char* name;
      ErrorCode code;
      bool asked;
      int64_t calls;
      bool again;
    };
    const Case cases[] = {
        {"refused before it was asked", kGitDirty, false, 0, true},
        {"somebody else works on it", kLockHeld, false, 0, false},
        {"its text is too long", kContextTooLong, true, 0, true},
        {"others used up the run's budget", kBudgetExhausted, true, 0, false},
        {"it used up its own", kBudgetExhausted, true, 60, true},
        {"it could not be deployed", kFileUnreadable, true, 30, true},
        {"its questions take too long", kTimeout, true, 3, true},
        {"a person ended it", kCancelledError, true, 3, false},
    };
    for (const Case& c : cases) {
      CAPTURE(c.name);
      CHECK(MeetsAgain(Fail(c.code, "trying"), c.asked, c.calls) == c.again);
    }
  }

  TEST_CASE("a store that an older program made says what waits, and nothing rests in it") {
    Machine machine;
    machine.Complain();
    REQUIRE_OK(machine.db().Execute("DROP TABLE skill_rest"));
    CHECK(Must(SignalsToTakeUp(machine.db(), machine.config(), machine.now())).now);
    CHECK(machine.Basis().size() == 1);
  }

  TEST_CASE("whatever happens: nobody waits who may be changed, and no run repeats what is known") {
    constexpr int kSequences = 60, kSteps = 60;
    for (uint64_t seed = 1; seed <= kSequences; ++seed) {
      CAPTURE(seed);
      base::Rng random(seed);
      Machine machine;
      for (int step = 0; step < kSteps; ++step) {
        CAPTURE(step);
        switch (random.Next() % 8) {
          case 0:
            machine.Complain();
            break;
          case 1:
            machine.Lock();
            break;
          case 2:
            machine.Unlock();
            break;
          case 3:
            machine.Uninstall();
            break;
          case 4:
            machine.Install();
            break;
          case 5:
            machine.CoolDown();
            break;
          case 6:
            machine.Pass(kHourMs);
            break;
          default:
            machine.Pass(13 * kHourMs);
        }
        machine.SessionEnds();
        CHECK_FALSE((machine.MayBeChanged() && machine.AnyPending()));
      }
      for (size_t i = 1; i < machine.idle().size(); ++i) {
        const Machine::Idle &before = machine.idle()[i - 1], &after = machine.idle()[i];
        if (before.state == after.state) CHECK(after.at.value - before.at.value >= kLookAgainMs);
      }
    }
  }
}

}  // namespace selftune::orchestrate
