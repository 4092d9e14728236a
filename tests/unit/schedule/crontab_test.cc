#include "schedule/crontab.h"

#include <string>
#include <string_view>

#include <doctest/doctest.h>

namespace selftune::schedule {
namespace {

TEST_SUITE("schedule/crontab") {
  TEST_CASE("what was joined is split again, byte for byte") {
    const std::string block = MakeBlock("20 */6 * * * env true\n");
    for (const std::string_view others :
         {"", "\n", "# mine\n", "# mine", "1 * * * * a\r\n\r\n", "\n\n1 * * * * a\n\n"}) {
      CAPTURE(others);
      const auto split = SplitCrontab(JoinCrontab(others, block));
      REQUIRE(split.ok());
      CHECK(split->others == others);
      CHECK(!split->block.empty());
      CHECK(!split->edited);
    }
  }

  TEST_CASE("a block that was edited is told, one without an end is refused") {
    std::string text = JoinCrontab("# mine\n", MakeBlock("20 */6 * * * env true\n"));
    text.replace(text.find("*/6"), 3, "*/2");
    const auto split = SplitCrontab(text);
    REQUIRE(split.ok());
    CHECK(split->edited);
    const auto open = SplitCrontab(text.substr(0, text.find("# END")));
    REQUIRE(!open.ok());
    CHECK(CodeOf(open.status()).name == kConflicted.name);
  }

  TEST_CASE("lines that cron would not take are told") {
    CHECK(ProblemOfLine("7,37 * * * * true").empty());
    CHECK(ProblemOfLine("0-30/5 */6 1 12 7 date +\\%H").empty());
    for (const std::string_view line :
         {"60 * * * * true", "* 24 * * * true", "* * 0 * * true", "* * * 13 * true",
          "* * * * 8 true", "*/0 * * * * true", "a * * * * true", "* * * * *", "* * * *",
          "1 * * * * date +%H", "1 * * * * a\nb"}) {
      CAPTURE(line);
      CHECK(!ProblemOfLine(line).empty());
    }
    CHECK(!ProblemOfLine("1 * * * * " + std::string(1000, 'x')).empty());
  }
}

}  // namespace
}  // namespace selftune::schedule
