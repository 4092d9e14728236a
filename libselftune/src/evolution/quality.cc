#include "evolution/quality.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "base/strings.h"
#include "base/utf8.h"
#include "evolution/text_rules.h"

namespace selftune::evolution {
namespace {

constexpr std::string_view kTriggerWords[] = {"when",     "if",      "after",   "before",
                                              "during",   "while",   "upon",    "whenever",
                                              "use when", "trigger", "activate"};
constexpr std::string_view kVagueWords[] = {
    "various",   "general", "misc",     "miscellaneous", "stuff", "things", "etc",     "and more",
    "and so on", "other",   "multiple", "several",       "many",  "some",   "certain", "related"};
constexpr std::string_view kActionVerbs[] = {
    "run",     "execute", "analyze",   "generate", "create",    "deploy",  "validate", "check",
    "build",   "test",    "scan",      "extract",  "transform", "monitor", "grade",    "evolve",
    "sync",    "watch",   "review",    "audit",    "parse",     "format",  "search",   "fetch",
    "publish", "install", "configure", "diagnose", "debug",     "fix",     "optimize", "measure"};
constexpr std::string_view kFillers[] = {"this skill",    "a tool for",  "a tool that",
                                         "helps with",    "is used for", "can be used",
                                         "is designed to"};

size_t CountHits(std::string_view text, std::span<const std::string_view> words) {
  return static_cast<size_t>(std::count_if(
      words.begin(), words.end(), [&](std::string_view word) { return HasPhrase(text, word); }));
}

// The reference measures in UTF-16 units, and so do the hosts' limits.
double Utf16Units(std::string_view text) {
  int64_t units = 0;
  size_t pos = 0;
  while (pos < text.size()) units += base::NextCodePoint(text, pos) > 0xFFFF ? 2 : 1;
  return static_cast<double>(units);
}

double Length(std::string_view text) {
  const double n = Utf16Units(text);
  if (n < 40) return n / 40;
  if (n < 80) return 0.7 + 0.3 * (n - 40) / 40;
  if (n <= 300) return 1;
  if (n <= 500) return 0.7 + 0.3 * (500 - n) / 200;
  return std::max(0.3, 0.7 - 0.4 * (n - 500) / 500);
}

double TriggerContext(std::string_view text) {
  const size_t hits = CountHits(text, kTriggerWords);
  if (hits == 0) return 0;
  return std::min(1.0, 0.7 + 0.15 * static_cast<double>(hits - 1));
}

double Vagueness(std::string_view text) {
  const size_t hits = CountHits(text, kVagueWords);
  if (hits == 0) return 1;
  return std::max(0.1, 0.6 - 0.15 * static_cast<double>(hits - 1));
}

double Specificity(std::string_view text) {
  if (CountHits(text, kActionVerbs) == 0) return 0.2;
  const std::string lower = base::AsciiLower(text);
  const auto fillers = std::count_if(
      std::begin(kFillers), std::end(kFillers),
      [&](std::string_view filler) { return lower.find(filler) != std::string::npos; });
  if (fillers == 0) return 1;
  const double tens_of_words = static_cast<double>(base::SplitSpace(text).size()) / 10;
  const double ratio = static_cast<double>(fillers) / std::max(1.0, tens_of_words);
  return std::max(0.3, 1 - 0.3 * ratio);
}

// Lower-cased text with only letters, digits and, if kept, single blanks.
std::string Bare(std::string_view text, bool dashes_are_blanks) {
  std::string out;
  for (const char c : base::AsciiLower(text)) {
    const bool dash = c == '-' || c == '_';
    const bool word =
        (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || static_cast<unsigned char>(c) >= 0x80;
    if (base::IsSpace(c) || (dash && dashes_are_blanks)) {
      out.push_back(' ');
    } else if (word || dash) {
      out.push_back(c);
    }
  }
  return base::CollapseSpace(out);
}

double NotJustName(std::string_view text, std::string_view skill) {
  if (skill.empty()) return 1;
  const bool same = Bare(text, /*dashes_are_blanks=*/false) == Bare(skill, false) ||
                    Bare(text, /*dashes_are_blanks=*/true) == Bare(skill, true);
  if (same) return 0;
  return Utf16Units(text) < Utf16Units(skill) + 10 ? 0.3 : 1;
}

}  // namespace

DescriptionQuality ScoreDescription(std::string_view description, std::string_view skill) {
  const std::string_view text = base::Trim(description);
  DescriptionQuality q;
  q.length = Length(text);
  q.trigger_context = TriggerContext(text);
  q.vagueness = Vagueness(text);
  q.specificity = Specificity(text);
  q.not_just_name = NotJustName(text, skill);
  const double sum = 0.15 * q.length + 0.30 * q.trigger_context + 0.20 * q.vagueness +
                     0.20 * q.specificity + 0.15 * q.not_just_name;
  // The sum of exact halves must round up on every machine.
  q.composite = std::floor(sum * 1000 + 0.5 + 1e-9) / 1000;
  return q;
}

}  // namespace selftune::evolution
