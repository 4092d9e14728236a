#include <cstdlib>
#include <fstream>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "base/json_value.h"
#include "signals/improvement.h"

namespace selftune::signals {
namespace {

std::vector<base::JsonValue> Fixtures() {
  const char* root = std::getenv("SELFTUNE_TESTS");
  REQUIRE(root != nullptr);
  std::ifstream in(std::string(root) + "/data/signals/signals.jsonl");
  std::vector<base::JsonValue> out;
  for (std::string line; std::getline(in, line);) {
    auto value = base::JsonValue::Parse(line);
    REQUIRE(value.ok());
    out.push_back(*std::move(value));
  }
  return out;
}

// "correction:commit+ unwanted:pdf-": '+' resolved, '-' not.
std::string Show(const std::vector<Signal>& signals) {
  std::string out;
  for (const Signal& s : signals) {
    if (!out.empty()) out += ' ';
    out += std::string(Word(s.kind)) + ":" + s.skill + (s.resolved ? "+" : "-");
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
    }
  }
}

}  // namespace selftune::signals
