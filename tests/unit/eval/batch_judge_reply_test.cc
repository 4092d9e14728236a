#include "eval/batch_judge_reply.h"

#include <string>

#include <doctest/doctest.h>

namespace selftune::eval {
namespace {

// "yn-": yes, no, invalid; the error's code if the reply is refused.
std::string Show(std::string_view reply, size_t count) {
  const auto answers = ParseBatchReply(reply, count);
  if (!answers.ok()) return std::string(CodeOf(answers.status()).name);
  std::string out;
  for (const BatchAnswer answer : *answers) {
    out.push_back(answer == BatchAnswer::kYes ? 'y' : answer == BatchAnswer::kNo ? 'n' : '-');
  }
  return out;
}

}  // namespace

TEST_SUITE("eval/batch_judge_reply") {
  TEST_CASE("answers are yes, no or nothing") {
    struct Case {
      std::string reply;
      size_t count;
      std::string want;
    };
    const Case cases[] = {
        {"1. YES\n2. NO\n3. YES", 3, "yny"},
        {"1) yes\n2: no\n3 YES", 3, "yny"},
        {"1.YES\r\n2.NO\r\n", 2, "yn"},
        {"**1.** YES\n- 2. **NO**\n`3. YES`", 3, "yny"},
        {"3. YES\n1. NO", 3, "n-y"},
        {"Here are the answers:\n1. YES - it fits\n\nDone", 1, "y"},
        {"1. YES (no doubt)\n2. NO, yesterday's news", 2, "yn"},
        {"1. MAYBE\n2. YESTERDAY\n3. Not sure\n4.", 4, "----"},
        {"", 2, "--"},
        {"YES\nNO", 2, "--"},
        {"I cannot help with that.", 1, "-"},
        {"50 queries were checked\n1. YES", 1, "y"},
        {"1. YES\n1. NO", 1, "INVALID_REPLY"},
        {"1. YES\n1. YES", 1, "INVALID_REPLY"},
        {"1. maybe\n1. YES", 1, "INVALID_REPLY"},
        {"0. YES", 1, "INVALID_REPLY"},
        {"2. YES", 1, "INVALID_REPLY"},
        {"99999999999999999999. YES", 1, "INVALID_REPLY"},
        {"1. YES/NO", 1, "INVALID_REPLY"},
        {"1. yes or no", 1, "INVALID_REPLY"},
        {"1. NO, YES", 1, "INVALID_REPLY"},
        {"1. YES", 0, "INVALID_REPLY"},
    };
    for (const Case& c : cases) {
      CAPTURE(c.reply);
      CHECK(Show(c.reply, c.count) == c.want);
    }
  }

  TEST_CASE("a single answer starts the reply") {
    CHECK(ParseSingleReply("YES") == BatchAnswer::kYes);
    CHECK(ParseSingleReply(" **No**, because") == BatchAnswer::kNo);
    CHECK(ParseSingleReply("yes/no") == BatchAnswer::kInvalid);
    CHECK(ParseSingleReply("It would: YES") == BatchAnswer::kInvalid);
    CHECK(ParseSingleReply("") == BatchAnswer::kInvalid);
    CHECK(ParseSingleReply("nothing") == BatchAnswer::kInvalid);
  }
}

}  // namespace selftune::eval
