#include "capi/envelope.h"

#include <doctest/doctest.h>

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

  TEST_CASE("an error object has every declared key") {
    const Status plain = Fail(kStoreBusy, "writing x");
    CHECK(ErrorObject(plain) ==
          R"({"code":"STORE_BUSY","message":"writing x","suggestion":null,"retryable":true,)"
          R"("exit_code":7,"details":null})");
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
