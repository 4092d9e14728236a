#include "signals/prompt_text.h"

#include <algorithm>
#include <cstddef>
#include <string>
#include <string_view>

#include "base/strings.h"
#include "signals/chars.h"
#include "signals/prompt_clean.h"

namespace selftune::signals {
namespace {

// Cuts cleaned text into tokens.
class Tokenizer {
 public:
  explicit Tokenizer(Prompt& prompt) : text_(prompt.text), tokens_(prompt.tokens) {}

  void Run() {
    tokens_.reserve(text_.size() / 5 + 4);
    size_t i = 0;
    while (i < text_.size()) {
      if (text_[i] == kGap) {
        Add(text_.substr(i, 0));
        ++i;
      } else if (InToken(text_[i])) {
        size_t end = i;
        while (end < text_.size() && InToken(text_[end])) ++end;
        Piece(i, end);
        i = end;
      } else {
        i = Separator(i);
      }
    }
    CloseSentence(/*question=*/false);
  }

 private:
  static bool InToken(char c) { return IsByte(c, kTokenByte); }

  void Strengthen(Break kind) { pending_ = std::max(pending_, kind); }

  size_t Separator(size_t i) {
    switch (text_[i]) {
      case '\n':
        return NewLine(i);
      case '!':
      case '?':
        Strengthen(Break::kSentence);
        CloseSentence(text_[i] == '?');
        break;
      case ',':
      case ';':
      case '(':
      case ')':
      case '[':
      case ']':
      case '{':
      case '}':
      case '|':
      case '<':
      case '>':
      case '=':
        Strengthen(Break::kClause);
        break;
      default:
        break;
    }
    return i + 1;
  }

  // A blank line and a list marker end a sentence, a plain line end does not.
  size_t NewLine(size_t i) {
    Strengthen(Break::kLine);
    size_t j = i + 1;
    bool blank = false;
    for (; j < text_.size() && IsByte(text_[j], kSpaceByte); ++j) blank = blank || text_[j] == '\n';
    const bool item = j + 1 < text_.size() &&
                      (text_[j] == '-' || text_[j] == '*' || text_[j] == '+') &&
                      text_[j + 1] == ' ';
    if (blank || item || j == text_.size()) {
      Strengthen(Break::kSentence);
      CloseSentence(/*question=*/false);
    }
    return item ? j + 1 : j;
  }

  // One run of token characters: a word with punctuation around it.
  void Piece(size_t begin, size_t end) {
    const size_t first = begin;
    while (begin < end && IsLeadingPunctuation(text_[begin])) ++begin;
    size_t stop = end;
    while (stop > begin && IsTrailingPunctuation(text_[stop - 1])) --stop;
    Lead(text_.substr(first, begin - first));
    if (begin == stop) {
      if (begin < end) Strengthen(Break::kClause);  // a lone slash
      return;
    }
    while (stop - begin > 2 && text_[begin] == '_' && text_[stop - 1] == '_') {
      ++begin;
      --stop;
    }
    Words(begin, stop);
    tokens_.back().is_call = stop == end && end < text_.size() && text_[end] == '(';
    Punctuation(text_.substr(stop, end - stop));
  }

  static bool IsLeadingPunctuation(char c) { return c == '\'' || c == '-' || c == '.' || c == ':'; }
  static bool IsTrailingPunctuation(char c) { return IsLeadingPunctuation(c) || c == '/'; }

  void Lead(std::string_view marks) {
    if (marks.find_first_of(":-") != std::string_view::npos) Strengthen(Break::kClause);
    if (marks.find("..") != std::string_view::npos) Strengthen(Break::kLine);
  }

  void Punctuation(std::string_view tail) {
    const auto dots = std::count(tail.begin(), tail.end(), '.');
    if (tail.find_first_of(":-") != std::string_view::npos) Strengthen(Break::kClause);
    if (dots >= 3) {
      Strengthen(Break::kLine);
    } else if (dots > 0 && !IsAbbreviation()) {
      Strengthen(Break::kSentence);
      CloseSentence(/*question=*/false);
    }
  }

  [[nodiscard]] bool IsAbbreviation() const {
    if (tokens_.empty()) return false;
    const std::string_view word = tokens_.back().text;
    return base::EqualsIgnoreCase(word, "e.g") || base::EqualsIgnoreCase(word, "i.e") ||
           base::EqualsIgnoreCase(word, "etc") || base::EqualsIgnoreCase(word, "vs");
  }

  // "you've" -> "you" "'ve"; "didn't" and "let's" stay whole.
  void Words(size_t begin, size_t end) {
    const std::string_view word = text_.substr(begin, end - begin);
    const size_t quote = word.rfind('\'');
    const bool splits = quote != std::string_view::npos && quote > 0 && RolesOf(word) == 0 &&
                        RolesOf(word.substr(quote)) != 0;
    if (!splits) {
      Add(word);
      return;
    }
    Add(word.substr(0, quote));
    Add(word.substr(quote));
  }

  void Add(std::string_view word) {
    Token token;
    token.text = word;
    token.roles = RolesOf(word);
    token.before = tokens_.empty() ? Break::kSentence : pending_;
    if (token.before == Break::kSentence) sentence_begin_ = tokens_.size();
    token.sentence_begin = static_cast<uint32_t>(sentence_begin_);
    tokens_.push_back(token);
    pending_ = Break::kNone;
    closed_ = false;
  }

  void CloseSentence(bool question) {
    if (closed_) return;
    closed_ = true;
    if (!question) return;
    for (size_t i = sentence_begin_; i < tokens_.size(); ++i) tokens_[i].in_question = true;
  }

  std::string_view text_;
  std::vector<Token>& tokens_;
  Break pending_ = Break::kNone;
  size_t sentence_begin_ = 0;
  bool closed_ = true;
};

}  // namespace

void ReadPrompt(std::string_view raw, const SkillNames& names, Prompt& prompt) {
  prompt.text = CleanPrompt(raw, names);
  prompt.tokens.clear();
  Tokenizer(prompt).Run();
}

}  // namespace selftune::signals
