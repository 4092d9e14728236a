#include "cli/fold.h"

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

#include "cli/text.h"

namespace selftune::cli {
namespace {

constexpr size_t kHang = 2;
constexpr std::string_view kProgram = "selftune";

// A run of anything but blanks, and the blanks before it.
struct Word {
  size_t gap = 0;
  std::string text;   // with its colours
  std::string plain;  // without
};

// Where the escape at `at` ends; `at` where there is none.
size_t EndOfEscape(std::string_view text, size_t at) {
  if (!text.substr(at).starts_with("\x1b[")) return at;
  const size_t end = text.find('m', at);
  return end == text.npos ? text.size() : end + 1;
}

std::vector<Word> WordsOf(std::string_view line) {
  std::vector<Word> words(1);
  for (size_t at = 0; at < line.size();) {
    const size_t end = EndOfEscape(line, at);
    if (end > at) {
      words.back().text += line.substr(at, end - at);
      at = end;
    } else if (line[at] == ' ') {
      if (!words.back().plain.empty()) words.emplace_back();
      ++words.back().gap;
      ++at;
    } else {
      words.back().text += line[at];
      words.back().plain += line[at++];
    }
  }
  return words;
}

// Joins the words of a command line, up to two blanks or a mark that ends it.
std::vector<Word> WithCommandsWhole(std::vector<Word> words) {
  std::vector<Word> out;
  bool in_command = false;
  for (Word& word : words) {
    const bool goes_on = in_command && word.gap == 1 && !word.plain.empty();
    if (goes_on) {
      out.back().text += " " + word.text;
      out.back().plain += " " + word.plain;
    } else {
      out.push_back(std::move(word));
      in_command = out.back().plain == kProgram;
    }
    constexpr std::string_view kEnds = ",;:)";
    const std::string& plain = out.back().plain;
    if (!plain.empty() && kEnds.find(plain.back()) != kEnds.npos) in_command = false;
  }
  return out;
}

// The column below which the rest of the line stands.
size_t HangOf(const std::vector<Word>& words, size_t columns) {
  const size_t start = words.front().gap;
  size_t hang = start + kHang;
  size_t at = 0;
  for (const Word& word : words) {
    at += word.gap;
    const bool column = at > start && word.gap > 1 && !word.plain.empty();
    if (column && at <= columns / 2) hang = at;
    at += Width(word.plain);
  }
  return std::min(hang, columns / 2);
}

std::string FoldLine(std::string_view line, size_t columns) {
  const std::vector<Word> words = WithCommandsWhole(WordsOf(line));
  const size_t hang = HangOf(words, columns);
  std::string out;
  size_t used = 0;
  bool blank = true;  // nothing but blanks on this line so far
  for (const Word& word : words) {
    const size_t width = Width(word.plain);
    // A column that would begin too far to the right begins below.
    const bool too_far = word.gap > 1 && used + word.gap > columns / 2;
    if (!blank && width > 0 && (too_far || used + word.gap + width > columns)) {
      out += "\n" + std::string(hang, ' ');
      used = hang;
    } else if (width > 0) {
      out.append(word.gap, ' ');
      used += word.gap;
    }
    out += word.text;
    used += width;
    blank = blank && width == 0;
  }
  return out;
}

}  // namespace

std::string Fold(std::string_view text, size_t columns) {
  std::string out;
  for (size_t at = 0; at < text.size();) {
    const size_t end = std::min(text.find('\n', at), text.size());
    const std::string_view line = text.substr(at, end - at);
    std::string plain;
    for (size_t i = 0; i < line.size();) {
      const size_t behind = EndOfEscape(line, i);
      if (behind == i) plain += line[i];
      i = behind == i ? i + 1 : behind;
    }
    out += Width(plain) <= columns ? std::string(line) : FoldLine(line, columns);
    if (end < text.size()) out += '\n';
    at = end + 1;
  }
  return out;
}

size_t VisibleWidth(std::string_view line) {
  std::string plain;
  for (size_t at = 0; at < line.size();) {
    const size_t end = EndOfEscape(line, at);
    if (end == at) plain += line[at++];
    at = std::max(at, end);
  }
  return Width(plain);
}

}  // namespace selftune::cli
