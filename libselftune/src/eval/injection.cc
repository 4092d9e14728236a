#include "eval/injection.h"

#include <algorithm>
#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/strings.h"
#include "base/utf8.h"
#include "eval/query_features.h"
#include "llm/fence.h"

namespace selftune::eval {
namespace {

using Words = std::span<const std::string_view>;

// One of the words, so many characters behind the step before and in its sentence.
struct Step {
  Words words;
  size_t gap = 0;
};

constexpr std::string_view kUnheeded[] = {"ignore", "disregard", "forget", "override"};
constexpr std::string_view kWhose[] = {"previous", "prior", "above", "earlier",
                                       "all",      "your",  "system"};
constexpr std::string_view kOrders[] = {"instruction", "instructions", "prompt",
                                        "prompts",     "rules",        "guidelines"};
constexpr Step kForgetOrders[] = {{kUnheeded}, {kWhose, 40}, {kOrders, 20}};

constexpr std::string_view kJudges[] = {"grader", "judge", "evaluator", "evaluation"};
constexpr std::string_view kDuty[] = {"must", "should", "has to", "always"};
constexpr std::string_view kVerdicts[] = {"pass", "passed", "yes", "approve", "1.0"};
constexpr Step kOrderVerdict[] = {{kJudges}, {kDuty, 80}, {kVerdicts, 80}};

constexpr std::string_view kMarkAll[] = {"mark every", "mark all", "mark each"};
constexpr std::string_view kMarked[] = {"expectation", "expectations", "test",
                                        "tests",       "query",        "queries"};
constexpr std::string_view kPassing[] = {"pass", "passed", "passing"};
constexpr Step kMarkPassed[] = {{kMarkAll}, {kMarked, 20}, {kPassing, 60}};

// What our prompts put around a text that nobody vouches for.
constexpr std::string_view kFences[] = {"transcript", "expectations", "query",
                                        "queries",    "skill",        "system"};
constexpr std::string_view kUntrusted = "untrusted";
constexpr size_t kFenceSuffix = 80;                           // characters
constexpr size_t kLongestFence = 4 * (9 + kFenceSuffix) + 2;  // bytes, with what ends it

bool IsAscii(std::string_view text) {
  return std::all_of(text.begin(), text.end(),
                     [](char c) { return static_cast<unsigned char>(c) < 0x80; });
}

bool EndsSentence(char c) { return c == '.' || c == '!' || c == '?'; }
bool BeginsCharacter(char c) { return (static_cast<unsigned char>(c) & 0xC0) != 0x80; }

// Where a word that begins at `at` ends; 0 = none of them stands there by itself.
size_t EndOfWord(std::string_view text, size_t at, Words words) {
  if (at > 0 && IsWordChar(text[at - 1])) return 0;
  for (const std::string_view word : words) {
    const size_t end = at + word.size();
    if (text.substr(at).starts_with(word) && (end == text.size() || !IsWordChar(text[end])))
      return end;
  }
  return 0;
}

std::vector<size_t> EndsOfWords(std::string_view text, Words words) {
  std::vector<size_t> ends;
  for (size_t at = 0; at < text.size(); ++at) {
    if (const size_t end = EndOfWord(text, at, words); end > 0) ends.push_back(end);
  }
  return ends;
}

// Where the step ends, for all places where the one before does; both in ascending order. What one
// of these looked at no other looks at again.
std::vector<size_t> EndsOfStep(std::string_view text, const Step& step,
                               const std::vector<size_t>& before) {
  std::vector<size_t> ends;
  size_t looked = 0;
  for (const size_t begin : before) {
    size_t between = 0;
    for (size_t at = begin; at < text.size(); ++at) {
      if (at > begin && BeginsCharacter(text[at])) ++between;
      if (between > step.gap) break;
      if (at >= looked) {
        looked = at + 1;
        if (const size_t end = EndOfWord(text, at, step.words); end > 0) ends.push_back(end);
      }
      if (EndsSentence(text[at])) break;
    }
  }
  return ends;
}

bool Has(std::string_view text, std::span<const Step> steps) {
  std::vector<size_t> ends = EndsOfWords(text, steps.front().words);
  for (const Step& step : steps.subspan(1)) {
    if (ends.empty()) return false;
    ends = EndsOfStep(text, step, ends);
  }
  return !ends.empty();
}

bool IsFence(std::string_view name) {
  if (std::ranges::find(kFences, name) != std::end(kFences)) return true;
  if (!name.starts_with(kUntrusted)) return false;
  name.remove_prefix(kUntrusted.size());
  return static_cast<size_t>(std::ranges::count_if(name, BeginsCharacter)) <= kFenceSuffix;
}

// "</transcript>", also with a space before or behind the name.
bool ClosesFence(std::string_view text) {
  for (size_t at = text.find("</"); at != std::string_view::npos; at = text.find("</", at + 2)) {
    std::string_view rest = text.substr(at + 2);
    if (rest.starts_with(' ')) rest.remove_prefix(1);
    rest = rest.substr(0, kLongestFence);
    const size_t end = rest.find_first_of(" >");
    if (end == std::string_view::npos) continue;
    const std::string_view behind = rest.substr(end);
    if ((behind.starts_with('>') || behind.starts_with(" >")) && IsFence(rest.substr(0, end)))
      return true;
  }
  return false;
}

}  // namespace

bool IsInjection(std::string_view text) {
  const std::string plain = base::AsciiLower(base::CollapseSpace(
      IsAscii(text) ? std::string(text) : base::PlainForm(llm::NormalizeUntrusted(text))));
  return Has(plain, kForgetOrders) || Has(plain, kOrderVerdict) || Has(plain, kMarkPassed) ||
         ClosesFence(plain);
}

}  // namespace selftune::eval
