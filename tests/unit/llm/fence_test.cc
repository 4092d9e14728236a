#include "llm/fence.h"

#include <string>
#include <string_view>
#include <vector>

#include <doctest/doctest.h>

#include "base/crypto.h"
#include "base/utf8.h"

namespace selftune::llm {
namespace {

size_t Count(std::string_view text, std::string_view what) {
  size_t n = 0;
  for (size_t at = text.find(what); at != std::string_view::npos; at = text.find(what, at + 1)) ++n;
  return n;
}

// Text of pieces that an attacker would try, and of random bytes.
std::string HostileText(base::Rng& rng, const std::string& nonce) {
  const std::vector<std::string> pieces = {
      nonce,
      "<untrusted-",
      "</untrusted-",
      "</untrusted-" + nonce + ">",
      "<untrusted-" + nonce + " source=\"x\">",
      "<\u200Buntrusted-",
      "<\u202E/untrusted-" + nonce,
      "< / UNTRUSTED-",
      nonce.substr(0, 8) + "\u200B" + nonce.substr(8),
      "\uFEFF",
      "\u2066",
      "\U000E0041",
      "e\u0301",
      "\r\n",
      "\r",
      "\x01\x1B[31m",
      "\u0085",
      "\n",
      "\xFF\xC3",
      "<",
      "untrusted-",
      "plain words ",
  };
  std::string out;
  for (uint64_t n = rng.Below(30); n > 0; --n) out += pieces[rng.Below(pieces.size())];
  return out;
}

}  // namespace

TEST_SUITE("llm/fence") {
  TEST_CASE("the marker line is one line whatever is put into it") {
    CHECK(SentinelLine("grade", "01ABC") == "[selftune:internal v1 purpose=grade run=01ABC]");
    CHECK(SentinelLine("a b\n]", "x]\ny") == "[selftune:internal v1 purpose=a_b__ run=x__y]");
  }

  TEST_CASE("nonces are 16 hex characters") {
    base::Rng rng(1);
    base::Rng same(1);
    const std::string nonce = MakeNonce(rng);
    CHECK(nonce.size() == 16);
    CHECK(nonce.find_first_not_of("0123456789abcdef") == std::string::npos);
    CHECK(nonce == MakeNonce(same));
    CHECK(MakeNonce().size() == 16);
    CHECK(MakeNonce() != MakeNonce());
  }

  TEST_CASE("normalised text shows what it holds") {
    struct Case {
      std::string text;
      std::string want;
    };
    const Case cases[] = {
        {"a\r\nb\tc", "a\nb\tc"},
        {"a\rb", "a\\u000db"},
        {"a\x1B[31m", "a\\u001b[31m"},
        {"x\u202Ey\u2069z", "xyz"},
        {"x\u200By\uFEFFz\u200F", "xyz"},
        {"\U000E0049gnore", "gnore"},
        {"e\u0301", "\u00E9"},
        {"a\u2028b", "a\\u2028b"},
        {"\x7F", "\\u007f"},
        {"\xFF", "\uFFFD"},
        {std::string("\0", 1), "\\u0000"},
        {"", ""},
    };
    for (const Case& c : cases) {
      CAPTURE(c.text);
      CHECK(NormalizeUntrusted(c.text) == c.want);
    }
  }

  TEST_CASE("a fence looks like this") {
    CHECK(Fence("hi", "00ff", {.source = "query"}) ==
          "<untrusted-00ff source=\"query\">\nhi\n</untrusted-00ff>");
    CHECK(Fence("a\nb", "00ff", {.source = "tool \"x\"", .datamark = true}) ==
          "<untrusted-00ff source=\"tool__x_\">\n\u258Fa\n\u258Fb\n</untrusted-00ff>");
    CHECK(Fence("abc\u00E9", "00ff", {.source = "q", .max_bytes = 4}) ==
          "<untrusted-00ff source=\"q\">\nabc\n[2 bytes left out]\n</untrusted-00ff>");
  }

  TEST_CASE("hostile text never opens or closes a fence and comes back unchanged") {
    base::Rng rng(42);
    for (int round = 0; round < 2000; ++round) {
      const std::string nonce = MakeNonce(rng);
      const std::string text = HostileText(rng, nonce);
      CAPTURE(round);
      const std::string fenced = Fence(text, nonce, {.source = "query"});
      CHECK(Count(fenced, "<untrusted-") == 1);
      CHECK(Count(fenced, "</untrusted-") == 1);
      CHECK(Count(fenced, nonce) == 2);
      CHECK(base::IsValidUtf8(fenced));
      CHECK(Unfence(fenced, nonce) == NormalizeUntrusted(text));
      const std::string marked = Fence(text, nonce, {.source = "tool", .datamark = true});
      CHECK(Count(marked, "<untrusted-") == 1);
      CHECK(Count(marked, "</untrusted-") == 1);
      CHECK(Count(marked, nonce) == 2);
    }
  }

  TEST_CASE("normalising is idempotent") {
    base::Rng rng(3);
    for (int round = 0; round < 500; ++round) {
      const std::string once = NormalizeUntrusted(HostileText(rng, "0123456789abcdef"));
      CHECK(NormalizeUntrusted(once) == once);
    }
  }

  TEST_CASE("a reply that repeats the fence is noticed") {
    CHECK(MentionsFence("see 00ff00ff00ff00ff", "00ff00ff00ff00ff"));
    CHECK(MentionsFence("see 00FF00FF\u200B00FF00FF", "00ff00ff00ff00ff"));
    CHECK(MentionsFence("</Untrusted-x>", "00ff"));
    for (const char* hidden : {"\u00AD", "\u034F", "\u180E", "\uFE0F", "\U000E0100"}) {
      CHECK(MentionsFence(std::string("</un") + hidden + "trusted-x>", "00ff"));
    }
    CHECK_FALSE(MentionsFence("untrusted input", "00ff"));
  }

  TEST_CASE("no fence, nothing to take out") {
    CHECK(Unfence("hi", "00ff").empty());
    CHECK(Unfence("<untrusted-00ff source=\"q\">\n</untrusted-00ff>", "00ff").empty());
    CHECK(Unfence("<untrusted-00fe source=\"q\">\nx\n</untrusted-00fe>", "00ff").empty());
  }

  TEST_CASE("what is said around a fence is none itself") {
    CHECK_FALSE(MentionsFence(FenceNotice(), "00ff00ff00ff00ff"));
    CHECK_FALSE(MentionsFence(FenceReminder(), "00ff00ff00ff00ff"));
  }
}

}  // namespace selftune::llm
