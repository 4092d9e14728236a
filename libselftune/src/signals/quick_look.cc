#include "signals/quick_look.h"

#include <algorithm>
#include <cstddef>
#include <string_view>

#include "base/strings.h"
#include "signals/improvement.h"

namespace selftune::signals {
namespace {

// One of them begins each pattern of `complaint`, or stands in each of `request`. Of words
// with an apostrophe what is before it.
constexpr std::string_view kSigns[] = {
    "why",   "come",   "should",  "shouldve", "shoulda", "shouldn", "shouldnt", "didn", "didnt",
    "haven", "havent", "not",     "never",    "next",    "forgot",  "stop",     "quit", "don",
    "dont",  "avoid",  "without", "instead",  "rather",  "skill",   "skills"};
constexpr size_t kLongest = 8;

}  // namespace

bool MayHaveSignals(std::string_view prompt) {
  prompt = base::Trim(prompt);
  if (prompt.starts_with('/') || prompt.starts_with('$')) return true;
  prompt = prompt.substr(0, kMaxSignalBytes);
  char word[kLongest];
  size_t size = 0;
  for (size_t i = 0; i <= prompt.size(); ++i) {
    const char c = i < prompt.size() ? base::ToLower(prompt[i]) : ' ';
    if (c >= 'a' && c <= 'z') {
      if (size < kLongest) word[size] = c;
      ++size;
      continue;
    }
    const std::string_view read(word, std::min(size, kLongest));
    const bool sign = size >= 3 && size <= kLongest &&
                      std::find(std::begin(kSigns), std::end(kSigns), read) != std::end(kSigns);
    if (sign) return true;
    size = 0;
  }
  return false;
}

}  // namespace selftune::signals
