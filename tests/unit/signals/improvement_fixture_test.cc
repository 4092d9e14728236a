#include <fstream>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "base/json_value.h"
#include "signals/improvement.h"
#include "signals/quick_look.h"
#include "support/test_files.h"
#include "unit/signals/show.h"

namespace selftune::signals {
namespace {

std::vector<base::JsonValue> Fixtures() {
  std::ifstream in(testing::DataPath("signals/signals.jsonl"));
  std::vector<base::JsonValue> out;
  for (std::string line; std::getline(in, line);) {
    auto value = base::JsonValue::Parse(line);
    REQUIRE(value.ok());
    out.push_back(*std::move(value));
  }
  return out;
}

}  // namespace

TEST_SUITE("signals/improvement") {
  TEST_CASE("every labelled prompt gives exactly its list of signals") {
    const std::vector<base::JsonValue> fixtures = Fixtures();
    CHECK(fixtures.size() == 60);
    for (const base::JsonValue& fixture : fixtures) {
      std::vector<std::string> installed;
      for (const auto& name : fixture["installed"].items()) installed.push_back(name.AsString());
      std::string want;
      for (const auto& s : fixture["expected"].items()) {
        if (!want.empty()) want += ' ';
        want += s["type"].AsString() + ":" + s["skill"].AsString() +
                (s["resolved"].AsBool() ? "+" : "-");
      }
      CAPTURE(fixture["prompt"].AsString());
      CHECK(Show(DetectSignals(fixture["prompt"].AsString(), installed)) == want);
      if (!want.empty()) CHECK(MayHaveSignals(fixture["prompt"].AsString()));
    }
  }
}

}  // namespace selftune::signals
