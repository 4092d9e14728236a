#include "random_skill.h"

#include <span>
#include <string_view>
#include <vector>

#include "skillfs/yaml_style.h"

namespace selftune::skillfs::testing {
namespace {

using base::Rng;

bool Chance(Rng& rng, uint64_t one_in) { return rng.Below(one_in) == 0; }

std::string_view Pick(Rng& rng, std::span<const std::string_view> from) {
  return from[rng.Below(from.size())];
}

constexpr std::string_view kWords[] = {
    "use",
    "when",
    "SQL",
    "reports",
    "deploy",
    "the",
    "a",
    "release-notes",
    "v1.4",
    "x=y",
    "caf\u00e9",
    "\u65c5\u884c\u8a08\u753b",
    "\u0431\u044e\u0434\u0436\u0435\u0442",
    "\u05e9\u05dc\u05d5\u05dd",
    "\u2708\ufe0f",
    "\U0001F469\u200d\U0001F467",
    "don't",
    "C:\\dir",
};

// Words that can stand anywhere in a plain scalar.
std::string Words(Rng& rng, size_t most) {
  std::string out(Pick(rng, kWords));
  for (size_t i = rng.Below(most); i > 0; --i) {
    out.append(1 + rng.Below(8) / 7, ' ').append(Pick(rng, kWords));
  }
  return out;
}

// Builds one file.
class Builder {
 public:
  explicit Builder(Rng& rng) : rng_(rng) {}

  std::string Build() {
    if (Chance(rng_, 10)) out_ += "\xEF\xBB\xBF";
    eol_ = static_cast<int>(rng_.Below(4));
    if (!Chance(rng_, 20)) Frontmatter();
    Body();
    return std::move(out_);
  }

 private:
  void Eol() {
    const bool crlf = eol_ == 2 || (eol_ == 3 && Chance(rng_, 2));
    out_ += crlf ? "\r\n" : "\n";
  }
  void Line(std::string_view text) {
    out_ += text;
    Eol();
  }
  std::string Blanks(size_t most) { return std::string(rng_.Below(most + 1), ' '); }

  void Frontmatter() {
    Line("---" + Blanks(1));
    const size_t place = Chance(rng_, 12) ? 9 : rng_.Below(3);  // 9 = no description
    for (size_t i = 0; i < 3; ++i) {
      Noise();
      if (i == place) Entry("description");
      Noise();
      if (i == 0) Entry("name");
      if (i == 1) Other();
      if (i == 2 && Chance(rng_, 3)) Entry("license");
    }
    Noise();
    Line("---" + Blanks(1));
  }

  void Noise() {
    if (Chance(rng_, 6)) Line(Blanks(3));
    if (Chance(rng_, 6)) Line("# " + Words(rng_, 3));
  }

  void Other() {
    switch (rng_.Below(4)) {
      case 0:
        Line("metadata:");
        Line("  description: " + Words(rng_, 3));
        Line("  version: \"1.2\"");
        break;
      case 1:
        Line("tags: ['a', \"b: c\"]");
        break;
      case 2:
        Line("list:");
        Line("- a");
        Line("- b: c");
        break;
      default:
        Line("version: 1.0.0 # " + Words(rng_, 2));
        break;
    }
  }

  std::string MaybeComment() {
    if (Chance(rng_, 4)) return " " + Blanks(2) + "# " + Words(rng_, 3);
    return Chance(rng_, 6) ? Blanks(3) : "";
  }

  void Entry(std::string_view key) {
    out_ += Chance(rng_, 8) ? "\"" + std::string(key) + "\"" : std::string(key);
    out_ += ":";
    switch (rng_.Below(8)) {
      case 0:
      case 1:
        Block();
        break;
      case 2:
        Double();
        break;
      case 3:
        Single();
        break;
      case 4:
        NextLine();
        break;
      case 5:
        Line(MaybeComment());
        break;  // no value
      default:
        Plain(" ");
        break;
    }
  }

  void Plain(std::string_view before) {
    out_ += before;
    out_ += Words(rng_, 12);
    while (Chance(rng_, 3)) {
      Line(Blanks(1));
      if (Chance(rng_, 4)) Line("");
      out_ += std::string(1 + rng_.Below(4), ' ') + Words(rng_, 8);
    }
    Line(MaybeComment());
  }

  void NextLine() {
    Line(Blanks(1));
    if (Chance(rng_, 3)) Line("");
    const std::string indent(1 + rng_.Below(4), ' ');
    if (Chance(rng_, 3)) {
      Line(indent + SingleQuoted(Words(rng_, 5)) + MaybeComment());
    } else {
      Plain(indent);
    }
  }

  void Double() {
    out_ += " \"" + Words(rng_, 4).substr(0, 0);
    static constexpr std::string_view kParts[] = {"a",  "b c", "\\n",     "\\t",   "\\\"", "\\\\",
                                                  ": ", " # ", "\\u2014", "\\x41", "\\ ",  "'"};
    for (size_t i = rng_.Below(8); i > 0; --i) out_ += Pick(rng_, kParts);
    while (Chance(rng_, 4)) {
      if (Chance(rng_, 3)) out_ += "\\";
      Line("");
      if (Chance(rng_, 4)) Line("");
      out_ += std::string(1 + rng_.Below(3), ' ') + "z" + std::string(Pick(rng_, kParts));
    }
    Line("x\"" + MaybeComment());
  }

  void Single() {
    out_ += " '" + std::string(Chance(rng_, 2) ? "it''s: \"#\" " : "");
    out_ += Chance(rng_, 2) ? "a # b" : "a\\n";
    while (Chance(rng_, 4)) {
      Line(Blanks(2));
      if (Chance(rng_, 4)) Line("");
      out_ += std::string(1 + rng_.Below(3), ' ') + "b";
    }
    Line("'" + MaybeComment());
  }

  void Block() {
    static constexpr std::string_view kChomp[] = {"", "-", "+"};
    const size_t indent = 1 + rng_.Below(4);
    std::string header(Chance(rng_, 2) ? "|" : ">");
    const std::string digit = Chance(rng_, 4) ? std::to_string(indent) : "";
    const std::string chomp(Pick(rng_, kChomp));
    header += Chance(rng_, 2) ? digit + chomp : chomp + digit;
    Line(" " + header + MaybeComment());
    for (size_t i = 1 + rng_.Below(4); i > 0; --i) {
      if (i % 2 == 0 && Chance(rng_, 3)) Line("");
      const bool deeper = !out_.ends_with(header) && Chance(rng_, 6) && first_done_;
      Line(std::string(indent + (deeper ? 2 : 0), ' ') + Words(rng_, 10) +
           (Chance(rng_, 5) ? " # text" : ""));
      first_done_ = true;
    }
    first_done_ = false;
    if (Chance(rng_, 4)) Line("");
  }

  void Body() {
    if (Chance(rng_, 10)) return;
    Line("");
    Line("# " + Words(rng_, 3));
    if (Chance(rng_, 3)) Line("description: body");
    if (Chance(rng_, 3)) Line("---");
    if (Chance(rng_, 5)) out_ += "\xff\xfe tail";
  }

  Rng& rng_;
  std::string out_;
  int eol_ = 0;
  bool first_done_ = false;
};

}  // namespace

std::string RandomSkill(Rng& rng) { return Builder(rng).Build(); }

std::string RandomText(Rng& rng) {
  static constexpr std::string_view kParts[] = {
      " ",    "  ",     "\n",     "\n\n",   "\r\n",   "\r",     "\t",  ": ",         " #",
      "#",    "'",      "\"",     "\\",     "- ",     "? ",     "|",   ">",          "&",
      "*",    "!",      "%",      "@",      "`",      "{",      "}",   "[",          "]",
      ",",    "...",    "---",    "~",      "null",   "true",   "1.5", "2024-01-02", "\x01",
      "\x7f", "\u0085", "\u2028", "\ufeff", "\u00a0", "\u3000", "=",   "<<",
  };
  std::string out;
  for (size_t i = rng.Below(Chance(rng, 4) ? 40 : 10); i > 0; --i) {
    if (Chance(rng, 3)) {
      out += Pick(rng, kParts);
    } else {
      out += Pick(rng, kWords);
      if (!Chance(rng, 4)) out += " ";
    }
  }
  return out;
}

std::string Damage(std::string bytes, Rng& rng) {
  static constexpr std::string_view kPieces[] = {
      "\n",
      "\r\n",
      "\r",
      "  ",
      "\t",
      "'",
      "\"",
      "#",
      ":",
      ": ",
      "---\n",
      "|",
      ">-\n",
      "- ",
      "&a ",
      "[",
      "]",
      "\\",
      "\xff",
      "\xEF\xBB\xBF",
      "description: x\n",
      "description:\n",
      "name:\n",
      "...\n",
      "{",
      "}",
      "  # c\n",
  };
  for (size_t i = 1 + rng.Below(3); i > 0; --i) {
    const size_t at = rng.Below(bytes.size() + 1);
    if (Chance(rng, 2)) {
      bytes.insert(at, Pick(rng, kPieces));
    } else {
      bytes.erase(at, rng.Below(12));
    }
  }
  return bytes;
}

}  // namespace selftune::skillfs::testing
