#include "capi/envelope.h"

#include <doctest/doctest.h>

#include <string_view>

#include "base/json_value.h"
#include "capi/next_step.h"

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

  TEST_CASE("every error says what to do next") {
    for (const ErrorCode& code : kErrorCodes) {
      CAPTURE(code.name);
      const auto error = base::JsonValue::Parse(ErrorObjectWithNext(MakeError(code, "x")));
      REQUIRE(error.ok());
      CHECK(!(*error)["suggestion"].AsString().empty());
      const base::JsonValue& next = (*error)["next"];
      REQUIRE(next.is_object());
      CHECK(next["argv"].items().size() > 1);
      CHECK(next["argv"].items()[0].AsString() == "selftune");
      CHECK(SplitCommand(next["command"].AsString()).size() == next["argv"].items().size());
    }
  }

  TEST_CASE("a next command is for the store that was asked, and of every other nothing is added") {
    const Paths chosen{
        .home = {}, .state_dir = {}, .db = {}, .chosen_state_dir = "/s t", .chosen_db = "/x.db"};
    struct Case {
      const char* line;
      const char* want;
    };
    const Case cases[] = {
        {"selftune recover", "selftune recover --home '/s t' --db /x.db"},
        {"selftune status --home /other", "selftune status --home /other --db /x.db"},
        {"selftune doctor --db /other", "selftune doctor --db /other --home '/s t'"},
        {"selftune import upstream", "selftune import upstream --home '/s t'"},
        {"selftune ingest wrap-codex -- exec x",
         "selftune ingest wrap-codex --home '/s t' --db /x.db -- exec x"},
        {"selftune schema --list", "selftune schema --list"},
        {"selftune version", "selftune version"},
        {"git commit", "git commit"},
        // Of a line for a shell the command that it ends in.
        {R"(sh -c 'cd /p && selftune hooks uninstall claude_code --scope project')",
         R"(sh -c 'cd /p && selftune hooks uninstall claude_code --scope project --home '\''/s t'\'' --db /x.db')"},
        {R"(sh -c 'cd '\''/p && selftune x'\'' && selftune doctor')",
         R"(sh -c 'cd '\''/p && selftune x'\'' && selftune doctor --home '\''/s t'\'' --db /x.db')"},
        {"sh -c 'mkdir /p && mv -n /q /p'", "sh -c 'mkdir /p && mv -n /q /p'"},
    };
    for (const Case& c : cases) {
      CAPTURE(c.line);
      CHECK(JoinCommand(InPlace(SplitCommand(c.line), chosen)) == c.want);
      CHECK(JoinCommand(InPlace(SplitCommand(c.line), Paths{})) == c.line);
    }
    // The step of the code, where the error names none.
    CHECK(NextCommand(InPlace(Fail(kStoreCorrupt, "x"), {.home = {},
                                                         .state_dir = {},
                                                         .db = {},
                                                         .chosen_state_dir = {},
                                                         .chosen_db = "/x.db"})) ==
          "selftune recover --db /x.db");
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
          R"("suggestion":"nothing failed: wait for the job again; see which runs are under way",)"
          R"("retryable":true,"exit_code":7,"details":null,)"
          R"("next":{"command":"selftune doctor --only 'lock*'",)"
          R"("argv":["selftune","doctor","--only","lock*"]}})");
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
