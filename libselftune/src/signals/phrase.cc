#include "signals/phrase.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "base/strings.h"

namespace selftune::signals {
namespace {

constexpr size_t kMaxNameWords = 4;

// "$commit" and "/commit" mean the skill, too.
std::string_view WithoutSigil(std::string_view word) {
  if (word.size() > 1 && (word[0] == '$' || word[0] == '/' || word[0] == '@')) {
    word.remove_prefix(1);
  }
  return word;
}

bool HasLetter(std::string_view word) {
  return std::any_of(word.begin(), word.end(), [](char c) {
    const char lower = base::ToLower(c);
    return (lower >= 'a' && lower <= 'z') || static_cast<unsigned char>(c) >= 0x80;
  });
}

bool IsNameWord(std::string_view word) {
  return HasLetter(word) && word.find_first_of("/$@#&'") == std::string_view::npos;
}

}  // namespace

std::optional<NameMatch> Phrase::Name(size_t i) const {
  if (i >= tokens_.size() || BreakBefore(i) >= Break::kClause) return std::nullopt;
  size_t j = i;
  if (tokens_[i].Is(kDeterminer)) {
    if (auto match = Installed(i)) return match;  // a skill called "my-notes"
    ++j;
    if (BreakBefore(j) >= Break::kClause) return std::nullopt;
  }
  if (auto match = Installed(j)) return match;
  if (Joined(j, kAdjective) && BreakBefore(j + 1) < Break::kClause) {
    if (auto match = Installed(j + 1); match && match->skill_word) return match;
  }
  return Missing(j);
}

std::optional<NameMatch> Phrase::Installed(size_t i) const {
  std::array<NameHash, kMaxNameWords> hashes;
  NameHash hash;
  size_t count = 0;
  while (count < kMaxNameWords && i + count < tokens_.size()) {
    const Token& token = tokens_[i + count];
    if (token.text.empty() || (count > 0 && token.before >= Break::kClause)) break;
    hash.Add(count == 0 ? WithoutSigil(token.text) : token.text);
    hashes[count++] = hash;
  }
  for (size_t n = count; n > 0; --n) {
    if (!names_.MayHave(hashes[n - 1])) continue;
    std::string words(WithoutSigil(tokens_[i].text));
    for (size_t k = 1; k < n; ++k) words.append(" ").append(tokens_[i + k].text);
    const auto found = names_.Find(words);
    if (!found) continue;
    NameMatch match{.begin = i, .after = 0, .skill = names_[*found], .resolved = true};
    TakeSkillWord(i + n, match);
    if (Acceptable(match)) return match;
  }
  return std::nullopt;
}

std::optional<NameMatch> Phrase::Missing(size_t i) const {
  if (i >= tokens_.size() || !Joined(i + 1, kSkillWord)) return std::nullopt;
  const std::string_view word = WithoutSigil(tokens_[i].text);
  if (tokens_[i].Is(kGeneric) || !IsNameWord(word)) return std::nullopt;
  NameMatch match{.begin = i, .after = 0, .skill = std::string(word)};
  TakeSkillWord(i + 1, match);
  return Acceptable(match) ? std::optional(match) : std::nullopt;
}

void Phrase::TakeSkillWord(size_t end, NameMatch& match) const {
  match.skill_word = Joined(end, kSkillWord) || Is(end - 1, kSkillWord);
  match.after = Joined(end, kSkillWord) ? end + 1 : end;
}

// "commit()" is code, "pdf files" are files, "the pdf skill folder" is a
// folder: none of them speaks of using the skill.
bool Phrase::Acceptable(const NameMatch& match) const {
  for (size_t i = match.begin; i < match.after; ++i) {
    if (tokens_[i].is_call) return false;
  }
  if (Joined(match.after, kPossessive)) return false;
  return !Joined(match.after, match.skill_word ? kSkillPart : kComplement);
}

}  // namespace selftune::signals
