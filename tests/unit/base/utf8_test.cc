#include "base/utf8.h"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <doctest/doctest.h>

namespace selftune::base {

TEST_SUITE("base/utf8") {
  TEST_CASE("ill-formed text is replaced piece by piece") {
    struct Case {
      const char* name;
      std::string bytes;
      bool valid;
      std::string repaired;
    };
    const Case cases[] = {
        {"empty", "", true, ""},
        {"ascii", "plain", true, "plain"},
        {"NUL", std::string("a\0b", 3), true, std::string("a\0b", 3)},
        {"two, three, four bytes", "\u00e9\u20ac\U0001f600", true, "\u00e9\u20ac\U0001f600"},
        {"last code point", "\U0010ffff", true, "\U0010ffff"},
        {"lone continuation", "a\x80z", false, "a\ufffdz"},
        {"two lone continuations", "\x80\xbf", false, "\ufffd\ufffd"},
        {"cut three-byte", "a\xe2\x82", false, "a\ufffd"},
        {"cut then ascii", "\xe2\x82z", false, "\ufffdz"},
        {"cut four-byte", "\xf0\x9f\x98z", false, "\ufffdz"},
        {"overlong slash", "\xc0\xaf", false, "\ufffd\ufffd"},
        {"overlong three", "\xe0\x80\xaf", false, "\ufffd\ufffd\ufffd"},
        {"surrogate", "\xed\xa0\x80", false, "\ufffd\ufffd\ufffd"},
        {"above the last", "\xf4\x90\x80\x80", false, "\ufffd\ufffd\ufffd\ufffd"},
        {"five bytes", "\xf8\x88\x80\x80\x80", false, "\ufffd\ufffd\ufffd\ufffd\ufffd"},
        {"latin-1 in the middle", "caf\xe9 x", false, "caf\ufffd x"},
        {"long ascii then bad", std::string(100, 'a') + "\xff", false,
         std::string(100, 'a') + "\ufffd"},
    };
    for (const Case& c : cases) {
      CAPTURE(c.name);
      CHECK(IsValidUtf8(c.bytes) == c.valid);
      CHECK(ToValidUtf8(c.bytes) == c.repaired);
      CHECK(IsValidUtf8(ToValidUtf8(c.bytes)));
      CHECK(CountCodePoints(c.bytes) == CountCodePoints(c.repaired));
    }
  }

  TEST_CASE("every code point survives encoding and decoding") {
    for (uint32_t c = 0; c <= 0x10ffff; ++c) {
      if (c >= 0xd800 && c <= 0xdfff) continue;
      std::string text;
      AppendUtf8(text, c);
      size_t pos = 0;
      if (NextCodePoint(text, pos) != c || pos != text.size() || !IsValidUtf8(text)) {
        FAIL("code point " << c);
      }
    }
    std::string bad;
    AppendUtf8(bad, 0xd800);
    AppendUtf8(bad, 0x110000);
    CHECK(bad == "\ufffd\ufffd");
  }

  TEST_CASE("every pair of bytes decodes to something and moves on") {
    for (int a = 0; a < 256; ++a) {
      for (int b = 0; b < 256; ++b) {
        const std::string text = {static_cast<char>(a), static_cast<char>(b), 'x'};
        size_t pos = 0;
        size_t steps = 0;
        while (pos < text.size() && steps < 4) {
          static_cast<void>(NextCodePoint(text, pos));
          ++steps;
        }
        if (pos != 3) FAIL("bytes " << a << " " << b);
      }
    }
  }

  TEST_CASE("the plain form is what a reader sees") {
    CHECK(PlainForm("\uFF29\uFF47 \uFB01x \u2460") == "Ig fix 1");
    CHECK(PlainForm("a\u00A0b\u2003c\td\u2028e\nf") == "a b c d e\nf");
    CHECK(PlainForm("sys\u00ADtem\u200B, \u202Ex\uFEFF") == "system, x");
    CHECK(PlainForm("e\u0301") == "\u00E9");
    CHECK(PlainForm("a\xFF") == "a\uFFFD");
    CHECK(PlainForm("") == "");
  }

  TEST_CASE("first code points never cut one") {
    const std::string text = "a\u00e9\u20ac\U0001f600z";
    const size_t ends[] = {0, 1, 3, 6, 10, 11, 11};
    for (size_t n = 0; n < std::size(ends); ++n) CHECK(FirstCodePoints(text, n).size() == ends[n]);
    CHECK(FirstCodePoints("", 5).empty());
    CHECK(FirstCodePoints("\xff\xfe", 1) == "\xff");
  }

  TEST_CASE("composition") {
    CHECK(Nfc("plain") == "plain");
    CHECK(Nfc("e\u0301") == "\u00e9");
    CHECK(Nfc("\u1100\u1161\u11a8") == "\uac01");  // Hangul
    CHECK(Nfc("a\u0323\u0307") == Nfc("a\u0307\u0323"));
    CHECK(Nfc("\u212b") == "\u00c5");
    CHECK(Nfc("\u00bd") == "\u00bd");  // compatibility forms stay
    CHECK(Nfc("e\u0301\xff"
              "e\u0301") == "\u00e9\xff\u00e9");
    CHECK(Nfc(std::string("e\u0301\0e\u0301", 7)) == std::string("\u00e9\0\u00e9", 5));
  }

  TEST_CASE("lower case") {
    struct Case {
      const char* name;
      std::string text, want;
    };
    const Case cases[] = {
        {"ascii", "Hello-WORLD_9", "hello-world_9"},
        {"latin", "\u00c9COLE \u00dcBER", "\u00e9cole \u00fcber"},
        {"sharp s stays", "STRASSE \u00df", "strasse \u00df"},
        {"capital sharp s", "\u1e9e", "\u00df"},
        {"dotted capital i", "\u0130STANBUL", "i\u0307stanbul"},
        {"cyrillic", "\u041f\u0420\u0418\u0412\u0415\u0422",
         "\u043f\u0440\u0438\u0432\u0435\u0442"},
        {"final sigma", "\u039f\u03a3", "\u03bf\u03c2"},
        {"sigma inside", "\u03a3\u039f\u03a3\u039f", "\u03c3\u03bf\u03c3\u03bf"},
        {"sigma alone", "\u03a3", "\u03c3"},
        {"final sigma before a stop", "\u039f\u03a3. A", "\u03bf\u03c2. a"},
        {"not final before a mark and letter", "\u039f\u03a3\u0301\u0391",
         "\u03bf\u03c3\u0301\u03b1"},
        {"invalid bytes", "A\xff\x80Z", "a\xff\x80z"},
        {"beyond the first plane", "\U00010400", "\U00010428"},
    };
    for (const Case& c : cases) {
      CAPTURE(c.name);
      CHECK(UnicodeLower(c.text) == c.want);
    }
  }

  TEST_CASE("white space is the Unicode property") {
    const std::vector<uint32_t> spaces = {9,      10,     11,     12,     13,     32,     0x85,
                                          0xa0,   0x1680, 0x2000, 0x2001, 0x2002, 0x2003, 0x2004,
                                          0x2005, 0x2006, 0x2007, 0x2008, 0x2009, 0x200a, 0x2028,
                                          0x2029, 0x202f, 0x205f, 0x3000};
    std::vector<uint32_t> found;
    for (uint32_t c = 0; c <= 0x10ffff; ++c) {
      if (IsUnicodeSpace(c)) found.push_back(c);
    }
    CHECK(found == spaces);
  }

  TEST_CASE("a text of which nothing can be seen is blank") {
    for (const char* blank : {"", " ", "\t\n", "\u00a0\u2003", "\u200b", "\ufeff\u2060", "\u3164",
                              "\u00ad", "\U000e0041"}) {
      CAPTURE(blank);
      CHECK(IsBlank(blank));
    }
    for (const char* seen : {"a", " a ", "\u200b\u00e9", "\U0001f600", "\xff", "-"}) {
      CAPTURE(seen);
      CHECK(!IsBlank(seen));
    }
    for (uint32_t c = 0; c <= 0x10ffff; ++c) {
      if (!IsUnicodeSpace(c)) continue;
      std::string space;
      AppendUtf8(space, c);
      CHECK(IsBlank(space));
    }
  }

  TEST_CASE("a path that is no UTF-8 is shown without losing a byte") {
    CHECK(ToShownText("/home/j\xf6rg/a b%.c#") == "file:///home/j%F6rg/a%20b%25.c%23");
    CHECK(ToShownText("/home/j\xc3\xb6rg/a b%") == "/home/j\xc3\xb6rg/a b%");
    CHECK(ToShownText("/\xff\xfe") == "file:///%FF%FE");
    CHECK(ToShownText("j\xf6rg") == "j\xef\xbf\xbdrg");
    CHECK(ToShownText("/two\nlines \xf6") == "/two\nlines \xef\xbf\xbd");
  }

  TEST_CASE("nothing that steers a terminal gets through") {
    CHECK(EscapeControls("plain \u00e9\U0001f600") == "plain \u00e9\U0001f600");
    CHECK(EscapeControls("a\x1b[31mred\nb\t\x7f") == "a\\x1b[31mred\\x0ab\\x09\\x7f");
    CHECK(EscapeControls(std::string("\0", 1)) == "\\x00");
    CHECK(EscapeControls("\xff") == "\\xff");
    CHECK(EscapeControls("\u009b31m") == "\\xc2\\x9b31m");  // one-character CSI
    CHECK(EscapeControls("\u202egnp.exe") == "\\xe2\\x80\\xaegnp.exe");
    CHECK(EscapeControls("\u2066x\u2028") == "\\xe2\\x81\\xa6x\\xe2\\x80\\xa8");
  }
}

}  // namespace selftune::base
