#include "capi/envelope.h"

#include <doctest/doctest.h>

#include <set>
#include <string_view>

#include "base/json_value.h"

namespace selftune::capi {

TEST_SUITE("capi/envelope") {
  TEST_CASE("a command line splits into words and joins again") {
    struct Case {
      const char* line;
      std::vector<std::string> words;
    };
    const Case cases[] = {
        {"", {}},
        {"selftune sync", {"selftune", "sync"}},
        {"  a   b ", {"a", "b"}},
        {"a 'b c' \"d \\\" e\" f\\ g", {"a", "b c", "d \" e", "f g"}},
        {"a ''", {"a", ""}},
        {"a 'it'\\''s'", {"a", "it's"}},
    };
    for (const Case& c : cases) {
      CAPTURE(c.line);
      CHECK(SplitCommand(c.line) == c.words);
      CHECK(SplitCommand(JoinCommand(c.words)) == c.words);
    }
  }

  TEST_CASE("every error says what to do next, or why there is nothing to do") {
    // The codes without a command; the reason is the text of their row.
    const std::set<std::string_view> none = {
        "CONFIRMATION_REQUIRED", "FILE_EXISTS", "CANCELLED", "DEADLINE", "JOB_RUNNING", "FORKED"};
    std::set<std::string_view> seen;
    for (const ErrorCode& code : kErrorCodes) {
      CAPTURE(code.name);
      const auto error = base::JsonValue::Parse(ErrorObjectWithNext(MakeError(code, "x")));
      REQUIRE(error.ok());
      CHECK(!(*error)["suggestion"].AsString().empty());
      const base::JsonValue& next = (*error)["next"];
      if (none.contains(code.name)) {
        CHECK(next.is_null());
        seen.insert(code.name);
        continue;
      }
      REQUIRE(next.is_object());
      CHECK(next["argv"].items().size() > 1);
      CHECK(next["argv"].items()[0].AsString() == "selftune");
      CHECK(SplitCommand(next["command"].AsString()).size() == next["argv"].items().size());
    }
    CHECK(seen == none);
  }

  TEST_CASE("an error's own step stays") {
    const auto of = [](const Status& status) {
      return *base::JsonValue::Parse(ErrorObjectWithNext(status));
    };
    const auto own = of(WithSuggestion(Fail(kStoreBusy, "x"), "wait", "selftune status"));
    CHECK(own["suggestion"].AsString() == "wait");
    CHECK(own["next"]["command"].AsString() == "selftune status");
    const auto half = of(WithSuggestion(Fail(kStoreBusy, "x"), "wait", ""));
    CHECK(half["suggestion"].AsString() == "wait");
    CHECK(half["next"]["command"].AsString() == "selftune doctor --only 'lock*'");
  }

  TEST_CASE("an error object has every declared key") {
    const Status plain = Fail(kJobRunning, "writing x");
    CHECK(ErrorObjectWithNext(plain) ==
          R"({"code":"JOB_RUNNING","message":"writing x",)"
          R"("suggestion":"nothing failed: wait for the job again","retryable":true,)"
          R"("exit_code":7,"details":null,"next":null})");
    const Status full =
        WithDetails(WithSuggestion(Fail(kNotFound, "no \"y\""), "look", "selftune last --n 2"),
                    R"({"id":"y"})");
    CHECK(ErrorObjectWithNext(full) ==
          R"({"code":"NOT_FOUND","message":"no \"y\"","suggestion":"look","retryable":false,)"
          R"("exit_code":6,"details":{"id":"y"},"next":{"command":"selftune last --n 2",)"
          R"("argv":["selftune","last","--n","2"]}})");
  }
}

}  // namespace selftune::capi
