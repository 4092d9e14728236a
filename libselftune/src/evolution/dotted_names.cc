#include "evolution/dotted_names.h"

#include <algorithm>
#include <cstddef>
#include <string_view>
#include <vector>

#include "base/strings.h"
#include "eval/query_features.h"

namespace selftune::evolution {
namespace {

bool IsDigit(char c) { return c >= '0' && c <= '9'; }

// Letters of other scripts are letters of host names, too.
bool IsLabelChar(char c) {
  return eval::IsWordChar(c) || c == '-' || static_cast<unsigned char>(c) >= 0x80;
}

bool IsNumber(std::string_view label) { return std::all_of(label.begin(), label.end(), IsDigit); }

}  // namespace

std::vector<DottedName> DottedNames(std::string_view text) {
  std::vector<DottedName> out;
  size_t i = 0;
  while (i < text.size()) {
    if (!IsLabelChar(text[i])) {
      ++i;
      continue;
    }
    const size_t begin = i;
    bool dotted = false;
    while (i < text.size()) {
      const bool joins = text[i] == '.' && i + 1 < text.size() && IsLabelChar(text[i + 1]);
      if (!joins && !IsLabelChar(text[i])) break;
      dotted |= joins;
      ++i;
    }
    if (!dotted) continue;
    const std::string_view rest = text.substr(i);
    const bool port = rest.size() > 1 && rest[0] == ':' && IsDigit(rest[1]);
    out.push_back({text.substr(begin, i - begin), rest.starts_with('/') || port});
  }
  return out;
}

bool MayBeHost(const DottedName& name) {
  const std::vector<std::string_view> labels = base::Split(name.name, '.');
  const std::string_view last = labels.back();
  const bool numbers = std::all_of(labels.begin(), labels.end(), IsNumber);
  if (numbers) return labels.size() == 4;  // of the Internet Protocol
  if (last.size() < 2) return false;
  if (!last.starts_with("xn--") &&
      std::any_of(last.begin(), last.end(), [](char c) { return IsDigit(c) || c == '_'; })) {
    return false;
  }
  return name.address || !eval::IsKnownExtension(last);
}

bool HasDottedName(std::string_view text, std::string_view name) {
  const std::vector<DottedName> names = DottedNames(text);
  return std::any_of(names.begin(), names.end(), [&](const DottedName& known) {
    return base::EqualsIgnoreCase(known.name, name);
  });
}

}  // namespace selftune::evolution
