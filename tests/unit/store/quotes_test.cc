#include "store/quotes.h"

#include <string>

#include <doctest/doctest.h>

namespace selftune::store {
namespace {

Quotes Of(std::initializer_list<std::string_view> texts, std::string_view words = "") {
  Quotes quotes;
  for (const std::string_view text : texts) quotes.Add(text);
  quotes.AddWords(words);
  quotes.Seal();
  return quotes;
}

TEST_SUITE("store/quotes") {
  TEST_CASE("whole texts and how they begin are found inside others") {
    const Quotes quotes =
        Of({"  please fill in the long form of the client  ", "write it up, now"});
    CHECK(quotes.In("he said: please fill in the long form of the client"));
    CHECK(quotes.In("misses: “please fill in the long f…”"));
    CHECK(quotes.In("write it up, now"));
    CHECK(!quotes.In("please fill in"));
    CHECK(!quotes.In("please fill in the short form"));
    CHECK(!quotes.In(""));
  }

  TEST_CASE("a short text only where it is all") {
    const Quotes quotes = Of({"ok", "run tests"});
    CHECK(quotes.In("ok"));
    CHECK(quotes.In(" run tests\n"));
    CHECK(!quotes.In("run tests again, it was ok"));
  }

  TEST_CASE("words in any case") {
    CHECK(Of({}, "SeCret").In("a SECRET one"));
    CHECK(!Of({}, "").In("a SECRET one"));
    CHECK(Of({}, "").empty());
  }

  TEST_CASE("JSON keeps its form and its figures") {
    const Quotes quotes = Of({"please fill in the long form"});
    CHECK(quotes.Without(R"({"n":1,"q":["please fill in the long form",2.5,null]})") ==
          R"({"n":1,"q":["[forgotten]",2.5,null]})");
    CHECK(Of({}, "1").Without(R"({"n":1,"q":"no. 1"})") == R"({"n":1,"q":"[forgotten]"})");
    const std::string other = R"({ "n" : 1 })";  // not written anew
    CHECK(quotes.Without(other) == other);
    CHECK(quotes.Without("{please fill in the long form") == "[forgotten]");
    CHECK(quotes.Without("") == "");
  }

  TEST_CASE("an identifier is no word, whatever its digits read like") {
    struct Case {
      const char* name;
      const char* words;
      const char* json;
      bool stays;
    };
    const Case cases[] = {
        {"of an entry of ours", "bad", R"({"id":"0badc0ffee12"})", true},
        {"all of it", "0badc0ffee12", R"([{"entries":[{"id":"0badc0ffee12"}]}])", true},
        {"of a session", "cafe", R"({"session_id":"0000cafe-1111-4111-8111-111111111111"})", true},
        {"of a set", "cafe",
         R"({"sha256":"00cafe00cafe00cafe00cafe00cafe00cafe00cafe00cafe00cafe00cafe0000"})", true},
        {"the same digits elsewhere", "0badc0ffee12", R"({"query":"0badc0ffee12"})", false},
        {"a sentence under that name", "bad", R"({"id":"it is bad"})", false},
        {"a word of letters of hexadecimal digits", "facade", R"({"id":"facade"})", false},
        {"longer than any of ours", "bad", R"({"id":"0badc0ffee123"})", false},
        {"dashes elsewhere", "cafe", R"({"id":"0000cafe111-14111-8111-111111111111-"})", false},
        {"what is below it", "bad", R"({"id":{"said":"bad"}})", false},
    };
    for (const Case& c : cases) {
      CAPTURE(c.name);
      CHECK((Of({}, c.words).Without(c.json) == c.json) == c.stays);
    }
    // Of a prompt of nothing else, too.
    CHECK(Of({"0badc0ffee12"}).Without(R"({"id":"0badc0ffee12","q":"0badc0ffee12"})") ==
          R"({"id":"0badc0ffee12","q":"[forgotten]"})");
  }
}

}  // namespace
}  // namespace selftune::store
