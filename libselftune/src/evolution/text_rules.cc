#include "evolution/text_rules.h"

#include <algorithm>
#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "base/strings.h"
#include "base/text_similarity.h"
#include "eval/query_features.h"

namespace selftune::evolution {
namespace {

// Words that carry no meaning of their own.
constexpr std::string_view kStopWords[] = {
    "a",     "about", "all",  "also",  "an",      "and",   "any",   "are",   "as",     "at",
    "be",    "been",  "but",  "by",    "can",     "do",    "does",  "for",   "from",   "has",
    "have",  "how",   "if",   "in",    "into",    "is",    "it",    "its",   "like",   "may",
    "more",  "not",   "of",   "on",    "or",      "other", "out",   "s",     "should", "so",
    "such",  "than",  "that", "the",   "their",   "them",  "then",  "there", "these",  "they",
    "this",  "those", "to",   "up",    "use",     "used",  "using", "via",   "was",    "we",
    "were",  "what",  "when", "where", "whether", "which", "while", "who",   "will",   "with",
    "would", "you",   "your"};

// End of `phrase` at `at`; npos if it does not stand there.
size_t PhraseEnd(std::string_view text, size_t at, std::string_view phrase) {
  size_t i = at;
  for (const char c : phrase) {
    if (base::IsSpace(c)) {
      if (i == text.size() || !base::IsSpace(text[i])) return std::string_view::npos;
      while (i < text.size() && base::IsSpace(text[i])) ++i;
      continue;
    }
    if (i == text.size() || base::ToLower(text[i]) != base::ToLower(c)) {
      return std::string_view::npos;
    }
    ++i;
  }
  return i;
}

bool OpensSentence(std::string_view rest) {
  if (rest.empty()) return false;
  const char c = rest[0];
  return (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '"' || c == '\'' ||
         rest.starts_with("\u2018") || rest.starts_with("\u201C");
}

}  // namespace

size_t FindPhrase(std::string_view text, std::string_view phrase, size_t from) {
  for (size_t at = from; at < text.size(); ++at) {
    if (at > 0 && eval::IsWordChar(text[at - 1])) continue;
    const size_t end = PhraseEnd(text, at, phrase);
    if (end == std::string_view::npos) continue;
    if (end == text.size() || !eval::IsWordChar(text[end])) return at;
  }
  return std::string_view::npos;
}

bool HasPhrase(std::string_view text, std::string_view phrase) {
  return FindPhrase(text, phrase) != std::string_view::npos;
}

std::vector<std::string_view> Sentences(std::string_view text) {
  std::vector<std::string_view> out;
  size_t begin = 0;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '.' && text[i] != '!' && text[i] != '?') continue;
    size_t next = i + 1;
    while (next < text.size() && base::IsSpace(text[next])) ++next;
    if (next == i + 1 || !OpensSentence(text.substr(next))) continue;
    out.push_back(text.substr(begin, i + 1 - begin));
    begin = next;
  }
  if (begin < text.size()) out.push_back(text.substr(begin));
  return out;
}

std::vector<std::string> ContentWords(std::string_view text) {
  std::vector<std::string> words = base::WordTokens(text);
  std::erase_if(words, [](const std::string& word) {
    return std::find(std::begin(kStopWords), std::end(kStopWords), word) != std::end(kStopWords);
  });
  return words;
}

}  // namespace selftune::evolution
