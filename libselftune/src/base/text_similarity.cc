#include "base/text_similarity.h"

#include <utf8proc.h>

#include <algorithm>
#include <cstdint>
#include <numeric>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/utf8.h"

namespace selftune::base {
namespace {

// Of lower-cased text. Marks belong to the letter before them (decomposed
// accents, vowel signs); digits of other scripts count as letters.
bool IsWordCharacter(uint32_t c) {
  if (c < 0x80) return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_';
  switch (utf8proc_category(static_cast<utf8proc_int32_t>(c))) {
    case UTF8PROC_CATEGORY_LU:
    case UTF8PROC_CATEGORY_LL:
    case UTF8PROC_CATEGORY_LT:
    case UTF8PROC_CATEGORY_LM:
    case UTF8PROC_CATEGORY_LO:
    case UTF8PROC_CATEGORY_MN:
    case UTF8PROC_CATEGORY_MC:
    case UTF8PROC_CATEGORY_ND:
    case UTF8PROC_CATEGORY_NL:
      return true;
    default:
      return false;
  }
}

std::vector<std::string_view> Distinct(const std::vector<std::string>& tokens) {
  std::vector<std::string_view> out(tokens.begin(), tokens.end());
  std::sort(out.begin(), out.end());
  out.erase(std::unique(out.begin(), out.end()), out.end());
  return out;
}

std::vector<uint32_t> CodePoints(std::string_view text) {
  std::vector<uint32_t> out;
  out.reserve(text.size());
  for (size_t pos = 0; pos < text.size();) out.push_back(NextCodePoint(text, pos));
  return out;
}

}  // namespace

std::vector<std::string> WordTokens(std::string_view text) {
  const std::string lower = UnicodeLower(text);
  std::vector<std::string> tokens;
  size_t begin = 0;  // of the word in progress
  for (size_t pos = 0; pos < lower.size();) {
    const size_t at = pos;
    if (IsWordCharacter(NextCodePoint(lower, pos))) continue;
    if (at > begin) tokens.push_back(lower.substr(begin, at - begin));
    begin = pos;
  }
  if (begin < lower.size()) tokens.push_back(lower.substr(begin));
  return tokens;
}

double TokenJaccard(const std::vector<std::string>& a, const std::vector<std::string>& b) {
  const std::vector<std::string_view> left = Distinct(a);
  const std::vector<std::string_view> right = Distinct(b);
  size_t common = 0;
  for (size_t i = 0, j = 0; i < left.size() && j < right.size();) {
    const int order = left[i].compare(right[j]);
    if (order == 0) ++common;
    if (order <= 0) ++i;
    if (order >= 0) ++j;
  }
  const size_t total = left.size() + right.size() - common;
  return total == 0 ? 0 : static_cast<double>(common) / static_cast<double>(total);
}

double NormalizedLevenshtein(std::string_view a, std::string_view b) {
  std::vector<uint32_t> left = CodePoints(a);
  std::vector<uint32_t> right = CodePoints(b);
  const size_t longer = std::max(left.size(), right.size());
  if (longer == 0) return 0;
  if (left.size() < right.size()) std::swap(left, right);  // the short one is the row
  std::vector<size_t> row(right.size() + 1);
  std::iota(row.begin(), row.end(), size_t{0});
  for (size_t i = 1; i <= left.size(); ++i) {
    size_t diagonal = std::exchange(row[0], i);
    for (size_t j = 1; j <= right.size(); ++j) {
      const size_t substitute = diagonal + (left[i - 1] == right[j - 1] ? 0 : 1);
      diagonal = row[j];
      row[j] = std::min({row[j] + 1, row[j - 1] + 1, substitute});
    }
  }
  return static_cast<double>(row.back()) / static_cast<double>(longer);
}

}  // namespace selftune::base
