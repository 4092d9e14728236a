#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "base/time.h"
#include "monitoring/health.h"
#include "monitoring/outcome.h"

namespace selftune::monitoring {
namespace {

constexpr UtcMillis kNow{100 * kDayMs};

store::SkillSession Session(double age_days) {
  store::SkillSession session;
  session.started = {kNow.value - static_cast<int64_t>(age_days * kDayMs)};
  session.answers = 1;
  return session;
}

store::SkillSession Good(double age_days) {
  store::SkillSession session = Session(age_days);
  session.auto_triggered = session.wanted_label = true;
  return session;
}

store::SkillSession Bad(double age_days) {
  store::SkillSession session = Session(age_days);
  session.missed = session.missed_before_auto = true;
  return session;
}

Health Of(std::vector<store::SkillSession> sessions, std::string_view watch = "") {
  return Classify({.sessions = std::move(sessions), .watch_state = watch, .ever_seen = true}, kNow);
}

}  // namespace

TEST_SUITE("monitoring") {
  TEST_CASE("a session is good, bad, or says nothing") {
    struct Case {
      const char* source;
      int want;  // 1 good, 0 bad, -1 excluded
      store::SkillSession session;
    };
    store::SkillSession silent = Session(1), by_hand = Session(1), again = Session(1),
                        unwanted = Session(1), edited = Bad(1), empty = Bad(1), late = Session(1),
                        both, both_wanted, asked_first = Bad(1);
    silent.auto_triggered = true;
    by_hand.user_started = by_hand.started_before_auto = true;
    again.auto_triggered = again.user_started = true;
    both = by_hand;  // by hand first, then the model loaded it again
    both.auto_triggered = true;
    both_wanted = both;  // ... where a grader says it was right
    both_wanted.wanted_label = true;
    asked_first.user_started = asked_first.started_before_auto = true;
    unwanted.auto_triggered = unwanted.unwanted = true;
    edited.edited = true;
    empty.answers = 0;
    late.auto_triggered = late.missed = true;  // missed again after it had run
    const Case cases[] = {
        {"missed", 0, Bad(1)},           {"started_by_hand", -1, by_hand},
        {"started_by_hand", -1, both},   {"wanted_by_label", 1, both_wanted},
        {"missed", 0, asked_first},      {"unwanted", 0, unwanted},
        {"wanted_by_label", 1, Good(1)}, {"used_again_by_hand", 1, again},
        {"no_label", -1, silent},        {"no_label", -1, late},
        {"edited", -1, edited},          {"no_answer", -1, empty},
    };
    for (const Case& c : cases) {
      CAPTURE(c.source);
      const Outcome got = JudgeSession(c.session, "");
      CHECK(got.source == c.source);
      CHECK((got.good.has_value() ? static_cast<int>(*got.good) : -1) == c.want);
    }
  }

  TEST_CASE("a session that was shown another text is left out") {
    store::SkillSession session = Bad(1);
    session.shown_sha256 = "aa";
    CHECK(JudgeSession(session, "bb").source == "other_version");
    CHECK(JudgeSession(session, "aa").good == false);
    session.shown_sha256.clear();  // the host does not say what was shown
    CHECK(JudgeSession(session, "bb").good == false);
  }

  TEST_CASE("few labels are no judgement") {
    CHECK(Classify({}, kNow).state == State::kUnknown);
    CHECK(Of({Good(1), Good(2), Bad(3)}).state == State::kUngraded);
    CHECK(Of({Session(1)}).state == State::kUngraded);
  }

  TEST_CASE("states follow the interval, not the rate") {
    std::vector<store::SkillSession> bad, good, mixed;
    for (int i = 0; i < 12; ++i) {
      bad.push_back(Bad(1));
      good.push_back(Good(1));
      mixed.push_back(i % 2 == 0 ? Good(1) : Bad(1));
    }
    CHECK(Of(bad).state == State::kCritical);
    CHECK(Of(good).state == State::kHealthy);
    CHECK(Of(mixed).state == State::kWarning);
    CHECK(Of(good, "regressed").state == State::kCritical);
  }

  TEST_CASE("old sessions fade and then drop out") {
    std::vector<store::SkillSession> sessions;
    for (int i = 0; i < 10; ++i) sessions.push_back(Bad(61));
    CHECK(Of(sessions).state == State::kUngraded);
    CHECK(Of(sessions).sessions == 0);
  }

  TEST_CASE("a trend needs evidence on both sides") {
    std::vector<store::SkillSession> sessions;
    for (int i = 0; i < 8; ++i) sessions.push_back(Good(40));
    CHECK(Of(sessions).trend == Trend::kUnknown);
    for (int i = 0; i < 8; ++i) sessions.push_back(Bad(5));
    CHECK(Of(sessions).trend == Trend::kDown);
    std::vector<store::SkillSession> same;
    for (int i = 0; i < 8; ++i) {
      same.push_back(Good(40));
      same.push_back(Good(5));
    }
    CHECK(Of(same).trend == Trend::kStable);
  }
}

}  // namespace selftune::monitoring
