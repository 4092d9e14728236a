// Every number of the two vector files, and nothing of them skipped: a key
// that no check reads fails the test.
#include <cmath>
#include <cstdint>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include <doctest/doctest.h>

#include "base/file.h"
#include "base/json_value.h"
#include "stats/beta.h"
#include "stats/comparison.h"
#include "stats/judge.h"
#include "stats/power.h"
#include "stats/seeded_split.h"
#include "stats/sequential.h"
#include "stats/shuffle.h"
#include "stats/sign_test.h"
#include "stats/wilson.h"
#include "support/test_files.h"

namespace selftune::stats {
namespace {

using base::JsonValue;

// One object of a vector file; Done() fails for keys nobody asked for.
class Record {
 public:
  explicit Record(const JsonValue& json) : json_(json) {}
  ~Record() {
    for (const auto& [key, value] : json_.members()) {
      CAPTURE(key);
      CHECK_MESSAGE(used_.count(key) == 1, "a key without a check");
    }
  }
  const JsonValue& operator[](const std::string& key) {
    used_.insert(key);
    REQUIRE(json_.Has(key));
    return json_[key];
  }
  int64_t Int(const std::string& key) {
    REQUIRE((*this)[key].is_int());
    return json_[key].AsInt();
  }
  double Double(const std::string& key) {
    REQUIRE((*this)[key].is_number());
    return json_[key].AsDouble();
  }

 private:
  const JsonValue& json_;
  std::set<std::string> used_;
};

// Absolute for small numbers, relative for large ones (E-values reach 1e5 with
// eight decimals in the file).
void CheckNear(double got, double want, double tolerance) {
  CAPTURE(got);
  CAPTURE(want);
  CHECK(std::abs(got - want) <= tolerance * std::max(1.0, std::abs(want) / 1000));
}

using Check = std::function<void(const JsonValue&)>;

// Runs `checks` over all keys of a file: each key needs one.
void RunAll(const JsonValue& file, const std::map<std::string, Check>& checks) {
  REQUIRE(file.members().size() == checks.size());
  for (const auto& [key, value] : file.members()) {
    CAPTURE(key);
    const auto check = checks.find(key);
    REQUIRE_MESSAGE(check != checks.end(), "a key without a check");
    check->second(value);
  }
}

// `check` for each object of a non-empty array.
Check Each(std::function<void(Record&)> check) {
  return [check = std::move(check)](const JsonValue& items) {
    REQUIRE(items.is_array());
    REQUIRE(!items.items().empty());
    for (const JsonValue& item : items.items()) {
      CAPTURE(item.ToJson());
      Record record(item);
      check(record);
    }
  };
}

std::vector<double> Doubles(const JsonValue& items) {
  std::vector<double> out;
  for (const JsonValue& item : items.items()) out.push_back(item.AsDouble());
  return out;
}

void CheckCharacteristics(Record& r) {
  const double threshold = r.Double("threshold");
  const OperatingCharacteristics got =
      WatchCharacteristics(r.Double("q"), r.Double("true_rate"), r.Int("horizon"), threshold,
                           threshold, r.Int("min_obs"));
  CheckNear(got.p_rollback, r.Double("p_rollback"), 6e-5);
  CheckNear(got.p_confirm, r.Double("p_confirm"), 6e-5);
  CheckNear(got.p_open, r.Double("p_open"), 6e-5);
  const JsonValue& median = r["median_obs"];
  REQUIRE(got.median_observations.has_value() == median.is_int());
  if (median.is_int()) CHECK(*got.median_observations == median.AsInt());
}

void CheckCusum(const JsonValue& json) {
  Record r(json);
  Cusum cusum(r.Double("p0"), r.Double("p1"));
  const double alarm = r.Double("h");
  CHECK(alarm == Cusum::kAlarm);
  const std::vector<double> sequence = Doubles(r["sequence"]);
  const std::vector<double> want = Doubles(r["s"]);
  REQUIRE(sequence.size() == want.size());
  int64_t first_alarm = -1;
  for (size_t i = 0; i < sequence.size(); ++i) {
    if (cusum.Add(sequence[i] != 0, alarm) && first_alarm < 0)
      first_alarm = static_cast<int64_t>(i);
    CheckNear(cusum.value(), want[i], 5.1e-5);
  }
  CHECK(first_alarm == r.Int("alarm_index"));
}

void CheckShuffle(Record& r) {
  std::vector<std::string> items;
  for (const JsonValue& item : r["input"].items()) items.push_back(item.ToJson());
  SeededShuffle(items, static_cast<uint32_t>(r.Int("seed")));
  std::vector<std::string> want;
  for (const JsonValue& item : r["output"].items()) want.push_back(item.ToJson());
  CHECK(items == want);
}

void CheckSplit(Record& r) {
  const std::string& skill = r["skill"].AsString();
  const std::string& query = r["query"].AsString();
  CHECK(NormalizeForSplit(query) == r["norm"].AsString());
  const uint64_t prefix = std::stoull(r["sha256_prefix"].AsString(), nullptr, 16);
  CHECK(SplitHash(skill, query) == prefix);
  CHECK(SplitBucket(skill, query) == r.Int("bucket"));
  // The file knows train and test only; val is a part of train.
  CHECK(IsHeldOut(SplitOfBucket(SplitBucket(skill, query))) == (r["split"].AsString() == "test"));
}

void CheckHolm(Record& r) {
  const std::vector<double> adjusted = HolmAdjust(Doubles(r["p"]));
  const std::vector<double> want = Doubles(r["adjusted"]);
  const double alpha = r.Double("alpha");
  const std::vector<JsonValue>& reject = r["reject"].items();
  REQUIRE(adjusted.size() == want.size());
  REQUIRE(adjusted.size() == reject.size());
  for (size_t i = 0; i < want.size(); ++i) {
    CheckNear(adjusted[i], want[i], 1e-6);
    CHECK((adjusted[i] <= alpha) == reject[i].AsBool());
  }
}

void CheckCalibration(Record& r) {
  const std::vector<double> scores = Doubles(r["scores"]);
  const std::vector<double> pass = Doubles(r["human_pass"]);
  REQUIRE(scores.size() == pass.size());
  std::vector<ScoredOutcome> outcomes;
  for (size_t i = 0; i < scores.size(); ++i) outcomes.push_back({scores[i], pass[i] != 0});
  CheckNear(BrierScore(outcomes), r.Double("brier"), 1e-6);
  CheckNear(ExpectedCalibrationError(outcomes, static_cast<int>(r.Int("bins"))), r.Double("ece"),
            1e-6);
}

}  // namespace

TEST_SUITE("stats/vectors") {
  TEST_CASE("evolution and monitoring numbers are met") {
    const auto exact = [](double got, double want) { CheckNear(got, want, 1e-12); };
    RunAll(
        testing::ReadJson("stats/stats.json"),
        {
            {"sign_test", Each([&](Record& r) {
               exact(SignTest(r.Int("gains"), r.Int("losses")), r.Double("p"));
             })},
            {"min_gains", Each([](Record& r) {
               CHECK(MinGains(r.Int("losses"), r.Double("alpha")) == r.Int("gains"));
             })},
            {"power", Each([](Record& r) {
               CheckNear(
                   SignTestPower(r.Int("n"), r.Double("gain"), r.Double("loss"), r.Double("alpha")),
                   r.Double("power"), 1e-6);
             })},
            {"majority_error", Each([](Record& r) {
               CheckNear(MajorityError(r.Double("e"), static_cast<int>(r.Int("runs"))),
                         r.Double("error"), 1e-8);
             })},
            {"wilson_lower", Each([](Record& r) {
               CheckNear(WilsonLower(r.Double("k"), r.Double("n"), r.Double("z")),
                         r.Double("value"), 1e-8);
             })},
            {"e_down", Each([](Record& r) {
               CheckNear(EDown(r.Int("bad"), r.Int("good"), r.Double("q")), r.Double("value"),
                         1e-8);
             })},
            {"e_up", Each([](Record& r) {
               CheckNear(EUp(r.Int("bad"), r.Int("good"), r.Double("q")), r.Double("value"), 1e-8);
             })},
            {"sequential", Each(CheckCharacteristics)},
            {"cusum", CheckCusum},
        });
  }

  TEST_CASE("eval numbers are met") {
    const JsonValue file = testing::ReadJson("stats/stats_vectors.json");
    const double tolerance = file["tolerance"].AsDouble();
    const auto near = [tolerance](double got, double want) { CheckNear(got, want, tolerance); };
    const auto interval = [&](const Interval& got, Record& r) {
      near(got.lo, r.Double("lo"));
      near(got.hi, r.Double("hi"));
    };
    RunAll(file,
           {
               {"format",
                [](const JsonValue& v) { CHECK(v.AsString() == "selftune-stats-vectors/1"); }},
               {"tolerance", [](const JsonValue& v) { CHECK(v.AsDouble() == 1e-6); }},
               {"z", [](const JsonValue& v) { CHECK(v.AsDouble() == kZ95); }},
               {"wilson_95",
                Each([&](Record& r) { interval(Wilson(r.Double("k"), r.Double("n")), r); })},
               {"clopper_pearson_95",
                Each([&](Record& r) { interval(ClopperPearson(r.Int("k"), r.Int("n")), r); })},
               {"mcnemar", Each([&](Record& r) {
                  const int64_t losses = r.Int("b_regressions");
                  const int64_t gains = r.Int("c_gains");
                  near(McNemarTwoSided(gains, losses), r.Double("two_sided"));
                  near(McNemarMidP(gains, losses), r.Double("mid_p"));
                  near(SignTest(gains, losses), r.Double("one_sided_gain"));
                })},
               {"min_gains_one_sided_05", Each([](Record& r) {
                  CHECK(MinGains(r.Int("regressions"), 0.05) == r.Int("min_gains"));
                })},
               {"paired_difference_agresti_min_95", Each([&](Record& r) {
                  const PairedDifference got = AgrestiMin(r.Int("c"), r.Int("b"), r.Int("n"));
                  near(got.d, r.Double("d"));
                  near(got.lo, r.Double("lo"));
                  near(got.hi, r.Double("hi"));
                })},
               {"majority_error", Each([&](Record& r) {
                  const double error = r.Double("per_run_error");
                  near(MajorityError(error, 3), r.Double("majority3"));
                  near(MajorityError(error, 5), r.Double("majority5"));
                  near(DisagreeProbability(error, 3), r.Double("disagree3"));
                  near(ExpectedRunsOfThree(error), r.Double("expected_calls_early_stop3"));
                })},
               {"cohen_kappa", Each([&](Record& r) {
                  const Agreement got = CohenKappa({.both_pass = r.Int("both_pass"),
                                                    .judge_only = r.Int("judge_pass_human_fail"),
                                                    .human_only = r.Int("judge_fail_human_pass"),
                                                    .both_fail = r.Int("both_fail")});
                  near(got.observed, r.Double("po"));
                  near(got.expected, r.Double("pe"));
                  near(got.kappa, r.Double("kappa"));
                })},
               {"holm", Each(CheckHolm)},
               {"calibration", Each(CheckCalibration)},
               {"split", Each(CheckSplit)},
               {"mulberry32", Each([](Record& r) {
                  Mulberry32 random(static_cast<uint32_t>(r.Int("seed")));
                  for (const double want : Doubles(r["first"])) CHECK(random.Next() == want);
                })},
               {"seeded_shuffle", Each(CheckShuffle)},
           });
  }
}

}  // namespace selftune::stats
