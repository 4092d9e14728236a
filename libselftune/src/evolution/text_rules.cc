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

constexpr size_t kWordsOfItem = 3;  // of a list with one item a line

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

// Letters and digits, of any alphabet.
bool IsWordByte(char c) { return eval::IsWordChar(c) || static_cast<unsigned char>(c) >= 0x80; }

// Items that a word or a slash joins, and words that nothing joins.
size_t Joined(std::string_view sentence) {
  size_t joints = 0, run = 0, longest = 0;
  for (const std::string_view word : base::SplitSpace(sentence)) {
    joints += base::EqualsIgnoreCase(word, "and") || base::EqualsIgnoreCase(word, "or");
    joints += static_cast<size_t>(std::count(word.begin(), word.end(), '/'));
    // Words of a sentence have others between them, or marks behind them.
    run = ContentWords(word).empty() ? 0 : run + 1;
    longest = std::max(longest, run);
    if (!IsWordByte(word.back())) run = 0;
  }
  return std::max(joints + 1, longest);
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

size_t LongestList(std::string_view text) {
  size_t longest = 0;
  for (const std::string_view sentence : Sentences(text)) {
    const auto marks = std::count_if(sentence.begin(), sentence.end(), [](char c) {
      return std::string_view(",;|").find(c) != std::string_view::npos;
    });
    longest = std::max({longest, static_cast<size_t>(marks) + 1, Joined(sentence)});
  }
  const std::vector<std::string_view> lines = base::Split(text, '\n');
  const auto items = std::count_if(lines.begin(), lines.end(), [](std::string_view line) {
    const size_t words = base::SplitSpace(line).size();
    return words > 0 && words <= kWordsOfItem;
  });
  return std::max(longest, static_cast<size_t>(items));
}

}  // namespace selftune::evolution
