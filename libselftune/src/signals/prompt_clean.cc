#include "signals/prompt_clean.h"

#include <algorithm>
#include <cstddef>
#include <string>
#include <string_view>
#include <utility>

#include "base/strings.h"
#include "signals/chars.h"

namespace selftune::signals {
namespace {

constexpr size_t kMaxSingleQuoted = 300;

bool IsAlnum(char c) { return IsByte(c, kAlnumByte); }
bool IsWordByte(char c) { return IsByte(c, kWordByte); }
bool IsSpace(char c) { return IsByte(c, kSpaceByte); }

struct Replacement {
  std::string_view from;
  std::string_view to;
};

// Typographic characters; everything else keeps its bytes.
constexpr Replacement kReplacements[] = {
    {"\u2018", "'"},  {"\u2019", "'"},  {"\u02BC", "'"},  {"\uFF07", "'"},    {"\u00B4", "'"},
    {"\u201C", "\""}, {"\u201D", "\""}, {"\u201E", "\""}, {"\u201F", "\""},   {"\u00AB", "\""},
    {"\u00BB", "\""}, {"\u2010", "-"},  {"\u2011", "-"},  {"\u2014", " , "},  {"\u2026", " ... "},
    {"\u200B", ""},   {"\u200C", ""},   {"\u200D", ""},   {"\uFEFF", ""},     {"\u00A0", " "},
    {"\u202F", " "},  {"\u2009", " "},  {"\u3000", " "},  {"\u3002", ". "},   {"\uFF0C", ", "},
    {"\uFF01", "! "}, {"\uFF1F", "? "}, {"\u2028", "\n"}, {"\u2029", "\n\n"},
};

// Removes quoted lines, fenced blocks and code spans, and folds typographic
// characters.
class Cleaner {
 public:
  Cleaner(std::string_view raw, const SkillNames& names) : raw_(raw), names_(names) {
    out_.reserve(raw.size() + 16);
  }

  std::string Run() {
    bool line_start = true;
    while (at_ < raw_.size()) {
      if (line_start) {
        line_start = false;
        if (SkipQuotedLine()) {
          line_start = true;
          continue;
        }
        if (TildeFence()) continue;
      }
      const char c = raw_[at_];
      if (c == '`') {
        Backticks();
      } else if (c == '\n') {
        out_.push_back(c);
        ++at_;
        line_start = true;
      } else if (IsByte(c, kPlainByte)) {
        size_t end = at_;
        while (end < raw_.size() && IsByte(raw_[end], kPlainByte)) ++end;
        out_.append(raw_.substr(at_, end - at_));
        at_ = end;
      } else {
        NonAscii();
      }
    }
    return std::move(out_);
  }

 private:
  [[nodiscard]] size_t RunLength(char c, size_t begin) const {
    size_t end = begin;
    while (end < raw_.size() && raw_[end] == c) ++end;
    return end - begin;
  }

  [[nodiscard]] size_t SkipIndent(size_t i) const {
    while (i < raw_.size() && (raw_[i] == ' ' || raw_[i] == '\t')) ++i;
    return i;
  }

  bool SkipQuotedLine() {
    const size_t i = SkipIndent(at_);
    if (i == raw_.size() || raw_[i] != '>') return false;
    const size_t end = raw_.find('\n', i);
    at_ = end == std::string_view::npos ? raw_.size() : end + 1;
    out_ += "\n\n";  // what was quoted ends a sentence
    return true;
  }

  void Backticks() {
    const size_t length = RunLength('`', at_);
    const size_t begin = at_ + length;
    const size_t end = FindClosing(begin, length, /*exact=*/length < 3);
    if (length >= 3) {
      out_ += "\n\n";
      at_ = end == std::string_view::npos ? raw_.size() : end;
      at_ += RunLength('`', at_);
      return;
    }
    if (end == std::string_view::npos) {  // a stray backtick
      at_ = begin;
      return;
    }
    const std::string_view code = base::Trim(raw_.substr(begin, end - begin));
    if (IsOneToken(code) || (!code.empty() && names_.Find(code))) {
      out_.append(code);
    } else {
      out_.push_back(kGap);
    }
    at_ = end + length;
  }

  // Start of the run of `length` (or, unless `exact`, more) backticks that
  // closes one; a code span does not cross a blank line.
  [[nodiscard]] size_t FindClosing(size_t from, size_t length, bool exact) const {
    size_t i = from;
    while (i < raw_.size()) {
      if (exact && raw_[i] == '\n' && i + 1 < raw_.size() && raw_[i + 1] == '\n') break;
      if (raw_[i] != '`') {
        ++i;
        continue;
      }
      size_t end = i;
      while (end < raw_.size() && raw_[end] == '`') ++end;
      if (exact ? end - i == length : end - i >= length) return i;
      i = end;
    }
    return std::string_view::npos;
  }

  // A block fenced by tildes, to its closing line or to the end.
  bool TildeFence() {
    const size_t open = SkipIndent(at_);
    const size_t length = RunLength('~', open);
    if (length < 3) return false;
    out_ += "\n\n";
    at_ = raw_.size();
    for (size_t line = raw_.find('\n', open); line != std::string_view::npos;
         line = raw_.find('\n', line + 1)) {
      const size_t mark = SkipIndent(line + 1);
      const size_t closing = RunLength('~', mark);
      if (closing < length) continue;
      at_ = mark + closing;
      break;
    }
    return true;
  }

  void NonAscii() {
    const std::string_view rest = raw_.substr(at_);
    for (const Replacement& r : kReplacements) {
      if (!rest.starts_with(r.from)) continue;
      out_.append(r.to);
      at_ += r.from.size();
      return;
    }
    constexpr std::string_view kEnDash = "\u2013";
    if (rest.starts_with(kEnDash)) {
      const bool inside = at_ > 0 && IsAlnum(raw_[at_ - 1]) && rest.size() > kEnDash.size() &&
                          IsAlnum(rest[kEnDash.size()]);
      out_ += inside ? "-" : " , ";
      at_ += kEnDash.size();
      return;
    }
    out_.push_back(raw_[at_++]);
  }

  static bool IsOneToken(std::string_view code) {
    return !code.empty() && std::all_of(code.begin(), code.end(), [](char c) {
      return IsWordByte(c) || c == '.' || c == '/' || c == ':' || c == '$' || c == '-';
    });
  }

  std::string_view raw_;
  const SkillNames& names_;
  std::string out_;
  size_t at_ = 0;
};

bool IsOneWord(std::string_view text) {
  return !text.empty() && std::none_of(text.begin(), text.end(), IsSpace);
}

// The end of the single-quoted phrase that opens at `open`, or npos:
// apostrophes inside and after words do not open or close anything.
size_t SingleQuoteEnd(std::string_view text, size_t open) {
  const bool opens = (open == 0 || IsSpace(text[open - 1]) || text[open - 1] == '(') &&
                     open + 1 < text.size() && IsAlnum(text[open + 1]);
  if (!opens) return std::string_view::npos;
  const size_t limit = std::min(text.size(), open + kMaxSingleQuoted);
  for (size_t i = open + 2; i < limit && text[i] != '\n'; ++i) {
    if (text[i] != '\'' || IsSpace(text[i - 1])) continue;
    if (i + 1 == text.size() || !IsWordByte(text[i + 1])) return i;
  }
  return std::string_view::npos;
}

// Replaces reported speech, "..." and '...', by a gap; one word or the name of
// a skill in quotes stays.
std::string DropReportedSpeech(std::string_view text, const SkillNames& names) {
  std::string out;
  out.reserve(text.size());
  size_t i = 0;
  bool unclosed = false;
  while (i < text.size()) {
    size_t end = std::string_view::npos;
    if (text[i] == '"' && !unclosed) {
      end = text.find('"', i + 1);
      unclosed = end == std::string_view::npos;
    } else if (text[i] == '\'') {
      end = SingleQuoteEnd(text, i);
    }
    if (end == std::string_view::npos) {
      if (text[i] != '"') out.push_back(text[i]);
      size_t next = i + 1;
      while (next < text.size() && text[next] != '"' && text[next] != '\'') ++next;
      out.append(text.substr(i + 1, next - i - 1));
      i = next;
      continue;
    }
    const std::string_view inner = base::Trim(text.substr(i + 1, end - i - 1));
    if (IsOneWord(inner) || (inner.size() < 100 && !inner.empty() && names.Find(inner))) {
      out.append(inner);
    } else {
      out.push_back(kGap);
    }
    i = end + 1;
  }
  return out;
}

}  // namespace

std::string CleanPrompt(std::string_view raw, const SkillNames& names) {
  return DropReportedSpeech(Cleaner(raw, names).Run(), names);
}

}  // namespace selftune::signals
