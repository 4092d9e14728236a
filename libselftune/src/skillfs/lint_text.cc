#include "skillfs/lint_text.h"

#include <algorithm>
#include <string>
#include <vector>

#include "base/string_map.h"
#include "base/strings.h"
#include "base/text_similarity.h"

namespace selftune::skillfs {
namespace {

bool IsUpper(char c) { return c >= 'A' && c <= 'Z'; }
bool IsLower(char c) { return c >= 'a' && c <= 'z'; }
bool IsLetter(char c) { return IsUpper(c) || IsLower(c); }

// Lower-cased text in which each run of characters between words is one
// blank, with a blank at both ends: a phrase is found as " use for ".
std::string Padded(std::string_view text) {
  std::string out = " ";
  for (const std::string& word : base::WordTokens(text)) out.append(word).push_back(' ');
  return out;
}

bool HasAny(std::string_view padded, const std::vector<std::string_view>& phrases) {
  return std::ranges::any_of(phrases, [&](std::string_view phrase) {
    return padded.find(phrase) != std::string_view::npos;
  });
}

// Without "..." and typographic quotations.
std::string WithoutQuotations(std::string_view text) {
  const std::string plain =
      base::ReplaceAll(base::ReplaceAll(text, "\u201c", "\""), "\u201d", "\"");
  std::string out;
  bool inside = false;
  for (const char c : plain) {
    if (c == '"') {
      inside = !inside;
      out.push_back(' ');
    } else if (!inside) {
      out.push_back(c);
    }
  }
  return out;
}

size_t CountWords(std::string_view text) { return base::SplitSpace(text).size(); }

}  // namespace

bool IsMostlyAscii(std::string_view text) {
  size_t ascii = 0;
  size_t other = 0;  // lead bytes: one a code point
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (IsLetter(c)) ++ascii;
    if (byte >= 0xc0) ++other;
  }
  return ascii >= other;
}

bool HasWhenClause(std::string_view text) {
  return HasAny(Padded(text), {" when ", " whenever ", " if ", " before ", " after ", " while ",
                               " use for ", " used for ", " use to ", " use this ", " use it ",
                               " use on ", " use in ", " use with ", " invoke "});
}

bool HasFirstPerson(std::string_view text) {
  const std::string own = WithoutQuotations(text);
  const std::string padded = Padded(own);
  if (HasAny(padded, {" we ", " our ", " my ", " let me "})) return true;
  // "i" is also a numeral and a variable: only a capital that starts a word.
  for (size_t i = 0; i < own.size(); ++i) {
    if (own[i] != 'I' || (i > 0 && !base::IsSpace(own[i - 1]))) continue;
    const std::string_view rest = std::string_view(own).substr(i + 1);
    if (rest.starts_with("'m") || rest.starts_with("'ll") || rest.starts_with("'ve") ||
        (rest.size() > 1 && rest[0] == ' ' && IsLower(rest[1]))) {
      return true;
    }
  }
  return false;
}

bool IsVague(std::string_view text) {
  static const auto& kEmptyWords = *new base::StringSet{
      "a",     "an",      "and",    "any",     "assist",  "assists", "can",     "do",
      "for",   "general", "handle", "handles", "help",    "helper",  "helpful", "helps",
      "in",    "is",      "it",     "its",     "many",    "of",      "on",      "or",
      "other", "skill",   "some",   "stuff",   "task",    "tasks",   "that",    "the",
      "thing", "things",  "this",   "to",      "use",     "used",    "useful",  "user",
      "users", "various", "when",   "with",    "work",    "you",     "your",    "tool",
      "tools", "need",    "needed", "needs",   "support", "supports"};
  const std::string padded = Padded(text);
  if (!HasAny(padded, {" help", " assist", " useful ", " various ", " stuff ", " things ",
                       " handle", " support"})) {
    return false;
  }
  base::StringSet meaning;
  for (std::string& word : base::WordTokens(text)) {
    if (!kEmptyWords.contains(word)) meaning.insert(std::move(word));
  }
  return meaning.size() < 4;
}

bool HasXmlTag(std::string_view text) {
  for (size_t i = text.find('<'); i != std::string_view::npos; i = text.find('<', i + 1)) {
    if (i + 1 >= text.size()) return false;
    const char next = text[i + 1];
    if (!IsLetter(next) && next != '/' && next != '!') continue;
    const size_t close = text.find_first_of("<>", i + 1);
    if (close != std::string_view::npos && text[close] == '>') return true;
  }
  return false;
}

size_t LongestList(std::string_view text) {
  constexpr size_t kMaxItemWords = 4;
  size_t longest = 0;
  size_t run = 0;
  size_t begin = 0;
  for (size_t i = 0; i <= text.size(); ++i) {
    const char c = i < text.size() ? text[i] : '\n';
    // A full stop inside a word, as in "notes.md", ends no sentence.
    const bool stop = c == '\n' || c == ';' || c == ':' || c == '(' || c == ')' ||
                      (c == '.' && (i + 1 >= text.size() || base::IsSpace(text[i + 1])));
    if (c != ',' && !stop) continue;
    // The first item of a list may be preceded by the rest of its sentence.
    const bool item = run == 0 || CountWords(text.substr(begin, i - begin)) <= kMaxItemWords;
    run = item ? run + 1 : 1;
    longest = std::max(longest, run);
    if (stop) run = 0;
    begin = i + 1;
  }
  return longest;
}

bool IsShouting(std::string_view text) {
  constexpr size_t kFewLetters = 20;
  const auto upper = static_cast<size_t>(std::ranges::count_if(text, IsUpper));
  const auto letters = static_cast<size_t>(std::ranges::count_if(text, IsLetter));
  if (letters >= kFewLetters && upper * 10 > letters * 6) return true;
  size_t run = 0;  // capital words with nothing but blanks between them
  for (const std::string_view word : base::SplitSpace(text)) {
    const bool capital =
        word.size() >= 2 && std::ranges::all_of(word.substr(0, word.size() - 1), IsUpper);
    const bool ends_run = !word.empty() && !IsLetter(word.back());
    run = capital ? run + 1 : 0;
    if (run >= 4) return true;
    if (ends_run || (capital && !IsUpper(word.back()))) run = 0;
  }
  return false;
}

double DescriptionOverlap(std::string_view a, std::string_view b) {
  return base::TokenJaccard(base::WordTokens(a), base::WordTokens(b));
}

}  // namespace selftune::skillfs
