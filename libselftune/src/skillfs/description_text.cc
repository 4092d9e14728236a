#include "skillfs/description_text.h"

#include "base/strings.h"
#include "base/utf8.h"
#include "skillfs/text_lines.h"

namespace selftune::skillfs {
namespace {

constexpr size_t kWidth = 80;  // code points, indentation included

// Pieces of a line between the places where it may be broken.
std::vector<std::string_view> Unbreakable(std::string_view line) {
  std::vector<std::string_view> pieces;
  size_t begin = 0;
  for (size_t i = 1; i + 1 < line.size(); ++i) {
    if (line[i] == ' ' && !IsBlank(line[i - 1]) && !IsBlank(line[i + 1])) {
      pieces.push_back(line.substr(begin, i - begin));
      begin = i + 1;
    }
  }
  pieces.push_back(line.substr(begin));
  return pieces;
}

void Wrap(std::string_view line, size_t width, std::vector<std::string>& out) {
  std::string current;
  size_t length = 0;  // of current, in code points
  for (const std::string_view piece : Unbreakable(line)) {
    const size_t piece_length = base::CountCodePoints(piece);
    if (!current.empty() && length + 1 + piece_length > width) {
      out.push_back(std::move(current));
      current.clear();
    }
    if (current.empty()) {
      current = piece;
      length = piece_length;
    } else {
      current.append(1, ' ').append(piece);
      length += 1 + piece_length;
    }
  }
  out.push_back(std::move(current));
}

}  // namespace

bool CanFold(std::string_view text) {
  for (const std::string_view line : base::Split(text, '\n')) {
    if (!line.empty() && IsBlank(line.front())) return false;
  }
  return true;
}

std::vector<std::string> LiteralLines(std::string_view text) {
  std::vector<std::string> lines;
  for (const std::string_view line : base::Split(text, '\n')) lines.emplace_back(line);
  return lines;
}

std::vector<std::string> FoldLines(std::string_view text, size_t indent) {
  const size_t width = indent < kWidth ? kWidth - indent : 1;
  std::vector<std::string> lines;
  bool first = true;
  for (const std::string_view line : base::Split(text, '\n')) {
    if (!first) lines.emplace_back();
    first = false;
    if (!line.empty()) Wrap(line, width, lines);
  }
  return lines;
}

}  // namespace selftune::skillfs
