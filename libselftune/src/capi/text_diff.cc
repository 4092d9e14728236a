#include "capi/text_diff.h"

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

#include "base/strings.h"

namespace selftune::capi {
namespace {

// Length of the longest common subsequence of the words from i and j on.
std::vector<std::vector<int>> CommonLengths(const std::vector<std::string_view>& a,
                                            const std::vector<std::string_view>& b) {
  std::vector<std::vector<int>> length(a.size() + 1, std::vector<int>(b.size() + 1, 0));
  for (size_t i = a.size(); i-- > 0;) {
    for (size_t j = b.size(); j-- > 0;) {
      length[i][j] =
          a[i] == b[j] ? length[i + 1][j + 1] + 1 : std::max(length[i + 1][j], length[i][j + 1]);
    }
  }
  return length;
}

void Append(std::string& out, std::string_view piece) {
  if (!out.empty()) out.push_back(' ');
  out.append(piece);
}

std::string Run(std::string_view open, const std::vector<std::string_view>& words,
                std::string_view close) {
  std::string text(open);
  for (size_t i = 0; i < words.size(); ++i) {
    if (i > 0) text.push_back(' ');
    text.append(words[i]);
  }
  return text.append(close);
}

std::vector<std::string_view> LinesOf(std::string_view text) {
  std::vector<std::string_view> lines;
  while (!text.empty()) {
    const size_t end = std::min(text.find('\n'), text.size());
    lines.push_back(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return lines;
}

std::string Range(size_t first, size_t count) {
  return std::to_string(count == 0 ? first : first + 1) + "," + std::to_string(count);
}

}  // namespace

std::string UnifiedDiff(std::string_view before, std::string_view after) {
  if (before == after) return "";
  const std::vector<std::string_view> a = LinesOf(before);
  const std::vector<std::string_view> b = LinesOf(after);
  size_t same = 0;
  while (same < a.size() && same < b.size() && a[same] == b[same]) ++same;
  size_t tail = 0;
  while (tail < a.size() - same && tail < b.size() - same &&
         a[a.size() - 1 - tail] == b[b.size() - 1 - tail]) {
    ++tail;
  }
  const size_t gone = a.size() - same - tail;
  const size_t came = b.size() - same - tail;
  std::string out =
      "--- before\n+++ after\n@@ -" + Range(same, gone) + " +" + Range(same, came) + " @@\n";
  for (size_t i = 0; i < gone; ++i) out.append("-").append(a[same + i]).append("\n");
  for (size_t i = 0; i < came; ++i) out.append("+").append(b[same + i]).append("\n");
  return out;
}

std::string WordDiff(std::string_view before, std::string_view after) {
  const auto a = base::SplitSpace(before);
  const auto b = base::SplitSpace(after);
  const auto length = CommonLengths(a, b);
  std::string out;
  size_t i = 0;
  size_t j = 0;
  while (i < a.size() || j < b.size()) {
    if (i < a.size() && j < b.size() && a[i] == b[j]) {
      Append(out, a[i]);
      ++i;
      ++j;
      continue;
    }
    std::vector<std::string_view> gone;
    std::vector<std::string_view> came;
    while ((i < a.size() || j < b.size()) && !(i < a.size() && j < b.size() && a[i] == b[j])) {
      const bool drop = j == b.size() || (i < a.size() && length[i + 1][j] >= length[i][j + 1]);
      if (drop) {
        gone.push_back(a[i++]);
      } else {
        came.push_back(b[j++]);
      }
    }
    if (!gone.empty()) Append(out, Run("[-", gone, "-]"));
    if (!came.empty()) Append(out, Run("{+", came, "+}"));
  }
  return out;
}

}  // namespace selftune::capi
