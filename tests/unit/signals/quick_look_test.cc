#include "signals/quick_look.h"

#include <random>
#include <string>
#include <string_view>
#include <vector>

#include <doctest/doctest.h>

#include "base/strings.h"
#include "signals/improvement.h"

namespace selftune::signals {
namespace {

TEST_SUITE("signals/quick_look") {
  TEST_CASE("most prompts need no second look") {
    for (const char* prompt :
         {"", "   ", "fix the build", "please use pdf for the form", "thanks, done",
          "Londoners come", "what is in /etc?", "nothing", "skillful"}) {
      CAPTURE(prompt);
      CHECK(MayHaveSignals(prompt) == (std::string_view(prompt) == "Londoners come"));
    }
    for (const char* prompt : {"/pdf", " $pdf form", "Don\xE2\x80\x99t use pdf", "the PDF-SKILL",
                               "(why?)", "you should\nhave", "used_skills"}) {
      CAPTURE(prompt);
      CHECK(MayHaveSignals(prompt));
    }
  }

  TEST_CASE("what the detector finds the quick look expects") {
    constexpr std::string_view kWords =
        "why how come you u i we should shouldn't shouldn\xE2\x80\x99t shouldve have of not never "
        "didn't didnt haven't do did don't dont next time forgot to stop quit avoid without "
        "instead "
        "of rather than use using used run please just the my a pdf **pdf** `zip` skill skills and "
        "with via can try \"skill\" , . ? ! > ``` DON'T Why";
    constexpr std::string_view kBetween[] = {" ", " ", " ", "-", "_", "\n", ""};
    const std::vector<std::string> installed = {"pdf", "zip", "team:run-it"};
    const std::vector<std::string_view> words = base::SplitSpace(kWords);
    std::mt19937 random(11);
    const auto below = [&](size_t end) { return random() % end; };
    int found = 0;
    for (int round = 0; round < 60'000; ++round) {
      std::string prompt;
      for (size_t i = 0, size = 2 + below(9); i < size; ++i) {
        prompt += words[below(words.size())];
        prompt += kBetween[below(std::size(kBetween))];
      }
      if (DetectSignals(prompt, installed).empty()) continue;
      ++found;
      CAPTURE(prompt);
      CHECK(MayHaveSignals(prompt));
    }
    CHECK(found > 60);
  }
}

}  // namespace
}  // namespace selftune::signals
