#include "signals/request.h"

#include <cstddef>
#include <string_view>

#include "base/strings.h"
#include "signals/words.h"

namespace selftune::signals {
namespace {

constexpr size_t kLookBack = 48;  // words; keeps hostile prompts linear

// A clause as far as a request depends on it: [begin, end) before the verb.
struct Clause {
  size_t begin = 0;
  size_t end = 0;
};

bool IsPronoun(const Phrase& p, size_t i) { return p.Is(i, kSubject | kYou | kPronounOther); }

// Can word `i` open an imperative? Any word that is no function word.
bool MayBeImperative(const Phrase& p, size_t i) {
  if (p.Is(i, kDoBase)) return !p.Is(i + 1, kSubject | kYou);
  return i < p.size() && !p[i].text.empty() &&
         !p.Is(i, kFunction | kSubject | kYou | kPronounOther | kBe | kHave | kModal | kNegation |
                      kDeterminer | kQuestion | kSubordinator);
}

// Position of the verb's clause. A mark begins a new one if what follows
// could stand alone: the verb itself or another imperative ("..., please
// use"), or a subject of its own ("..., I want", "..., could you").
size_t ClauseBegin(const Phrase& p, size_t verb, bool is_preposition) {
  const size_t sentence = p[verb].sentence_begin;
  const size_t limit = verb - sentence > kLookBack ? verb - kLookBack : sentence;
  constexpr Roles kOpeners = kPlease | kFreshStart | kAdverb | kAnd | kLets | kFiller;
  for (size_t i = verb; i > limit; --i) {
    const bool mark = p.BreakBefore(i) >= Break::kLine;
    if (!mark && !p.Is(i, kFreshStart)) continue;
    size_t first = i;
    while (first < verb && p.Is(first, kOpeners)) ++first;
    if (first == verb) {
      if (!is_preposition) return i;
      continue;
    }
    const bool asks = p.Is(first, kModal) && p.Is(first + 1, kYou);
    const bool subject = mark && p.Is(first, kSubject | kYou);
    if (asks || subject || (is_preposition && MayBeImperative(p, first))) return i;
  }
  return limit;
}

bool HasNegation(const Phrase& p, Clause c) {
  for (size_t i = c.begin; i < c.end; ++i) {
    if (!p.Is(i, kNegation) || p.Is(i + 1, kForget)) continue;
    // "no need to", but not "no, ..." or "pages with no text".
    const bool only_no = p[i].text.size() == 2;
    if (only_no && !p.Is(i + 1, kNoRequestTo | kWant)) continue;
    return true;
  }
  return false;
}

// "how do", "what happens", "compare ...".
bool IsEnquiry(const Phrase& p, Clause c) {
  for (size_t i = c.begin; i < c.end; ++i) {
    if (p.Is(i, kCompare)) return true;
    if (p.Is(i, kHow) && p.Is(i + 1, kDo | kModal | kTo | kCome | kSubject)) return true;
    if (p.Is(i, kWhat) && p.Is(i + 1, kHappen | kIf)) return true;
    if (p.Is(i, kWhy) && !p.Is(i + 1, kNot)) return true;
  }
  return false;
}

// "do you", "should I", "if you", "when they" before the verb.
bool IsAskedOrConditional(const Phrase& p, Clause c) {
  for (size_t i = c.begin; i + 1 < c.end; ++i) {
    if (!IsPronoun(p, i + 1) || p.BreakBefore(i + 1) >= Break::kClause) continue;
    if (p.Is(i, kDo | kShould) && !p.Is(i + 2, kMind)) {
      // "do it with X" asks for it, "do these use X" does not.
      const bool object = p.Is(i, kDoBase) && p.Is(i + 1, kPronounOther) &&
                          (i + 2 < c.end || p.Is(c.end, kPreposition));
      if (!object) return true;
    }
    if (!p.Is(i, kIf) && !(p.Is(i, kSubordinator) && p.Is(i + 1, kSubject | kYou))) continue;
    if (p.Is(i, kIf) && p.Is(i + 1, kYou) && p.Is(i + 2, kModal) && !p[i].in_question) {
      continue;  // "it would help if you could use ..."
    }
    // "when you are done run ...": the condition is complete before the verb.
    const bool goes_on = IsPronoun(p, c.end - 1) ||
                         p.Is(c.end - 1, kAdverb | kModal | kTo | kAnd | kDo | kHave | kBe);
    if (goes_on) return true;
  }
  return false;
}

// "please", "let's", "could you", "ask you to", "how about".
bool IsPolite(const Phrase& p, Clause c) {
  for (size_t i = c.begin; i < c.end; ++i) {
    if (p.Is(i, kPlease | kLets | kMind)) return true;
    if (p.Is(i, kModal) && !p.Is(i, kShould) && p.Is(i + 1, kYou)) return true;
    if (p.Is(i, kYou) && p.Is(i + 1, kModal | kTo)) return true;
    if (p.Is(i, kHow | kWhat) && p.Is(i + 1, kAbout)) return true;
  }
  return false;
}

// A question that is no polite request: "is it worth using the pdf skill?".
bool IsQuestion(const Phrase& p, Clause c) {
  if (c.end >= p.size() || !p[c.end].in_question || IsPolite(p, c)) return false;
  size_t first = c.begin;
  while (first < c.end && p.Is(first, kFiller | kAdverb)) ++first;
  if (p.Is(first, kDoBase) && !p.Is(first + 1, kSubject | kYou)) return false;  // "do the ..."
  return first < c.end && p.Is(first, kQuestion);
}

// The clause speaks of what somebody else does: "we do releases with ...".
bool HasForeignSubject(const Phrase& p, Clause c) {
  size_t first = c.begin;
  while (first < c.end && p.Is(first, kFiller | kAdverb)) ++first;
  return first < c.end && p.Is(first, kSubject);
}

// As before, and nothing is wanted: "I need this done with ..." is a request.
bool TellsOfOthers(const Phrase& p, Clause c) {
  if (!HasForeignSubject(p, c) || IsPolite(p, c)) return false;
  for (size_t i = c.begin; i < c.end; ++i) {
    if (p.Is(i, kWant)) return false;
  }
  return true;
}

// "going to", "want you to", "like to": the wish behind "to VERB" at `to`.
bool IsWishTo(const Phrase& p, size_t begin, size_t to) {
  size_t i = to;
  while (i > begin && p.Is(i - 1, kYou | kAdverb | kPlease)) --i;
  if (i == begin || !p.Is(i - 1, kWant)) return false;
  const bool past = p[i - 1].text == "wanted" || p[i - 1].text == "needed";
  if (past && !p.Is(i, kYou)) return false;
  for (size_t k = i - 1; k > begin && i - k < 5; --k) {
    if (p[k - 1].text == "was" || p[k - 1].text == "were") return false;  // "was going to"
  }
  return true;
}

// "our scripts", "developers": a plural noun that is all there is before the
// verb; not "extract the tables use ..." and not "for the scripts use ...".
bool IsPluralSubject(const Phrase& p, Clause c, size_t word) {
  const std::string_view text = p[word].text;
  const bool plural =
      text.size() > 3 && text.ends_with('s') && !text.ends_with("ss") && p[word].roles == 0;
  if (!plural || word - c.begin > 2) return false;
  return word == c.begin || p.Is(c.begin, kDeterminer | kGeneric | kQuantity);
}

// Is the pronoun before a verb its subject ("tools that use") and not the
// object of something before it ("after that use", "make it use")?
bool IsPronounSubject(const Phrase& p, Clause c, size_t word) {
  if (word == c.begin) return true;
  const std::string_view before = p[word - 1].text;
  return !p.Is(word - 1, kFunction | kVerb | kSubordinator) && before != "make" &&
         before != "let" && before != "have";
}

// "I will use", "they should use"; "we should use" is a request.
bool IsModalOfOthers(const Phrase& p, size_t modal) {
  const Token& subject = p[modal - 1];
  const bool contracted = p[modal].text.front() == '\'';
  if (!contracted && base::EqualsIgnoreCase(subject.text, "we")) return false;
  return subject.Is(kSubject | kPronounOther);
}

// Does somebody else (or nobody addressed) do what the verb says?
bool VerbHasForeignSubject(const Phrase& p, Clause c) {
  size_t before = c.end;  // one past the word that governs the verb
  while (before > c.begin && p.Is(before - 1, kAdverb | kFiller) &&
         !p.Is(before - 1, kSubject | kPronounOther | kAnd)) {
    --before;
  }
  if (before == c.begin) return false;
  const size_t word = before - 1;
  if (p.Is(word, kTo)) {
    // "to use X you need Y", "when to use X", "a way to use X".
    if (word == c.begin || p.Is(word - 1, kNoRequestTo | kQuestion | kIf | kSubordinator)) {
      return true;
    }
    return !IsWishTo(p, c.begin, word) && HasForeignSubject(p, c) && !IsPolite(p, c);
  }
  if (p.Is(word, kSubject)) return true;
  if (p.Is(word, kPronounOther)) return IsPronounSubject(p, c, word);
  if (p.Is(word, kModal) && word > c.begin) return IsModalOfOthers(p, word);
  if (p.Is(word, kAnd)) return TellsOfOthers(p, c);
  if (p.Is(word, kYou)) return word > c.begin && p.Is(word - 1, kSubordinator | kIf);
  if (p.Is(word, kOf)) return true;  // "rather than use"
  return IsPluralSubject(p, c, word);
}

bool IsBlocked(const Phrase& p, Clause c) {
  return HasNegation(p, c) || IsEnquiry(p, c) || IsAskedOrConditional(p, c) || IsQuestion(p, c);
}

// "a problem with", "thanks for using", "talk about using": the word before
// the preposition takes it.
bool IsGoverned(const Phrase& p, Clause c) {
  const size_t before = c.end - 1;
  if (p.Is(before, kTrouble | kIf | kSubordinator)) return true;
  if (!p.Is(c.end, kGerund)) return false;
  if (p.Is(before, kAbout)) return !(before > c.begin && p.Is(before - 1, kHow | kWhat));
  return p.Is(before, kOf | kBe) || p[before].text == "for" || p[before].text == "from";
}

// "the report was made with the pdf skill" tells, it does not ask.
bool IsStatement(const Phrase& p, Clause c) {
  const auto finite = [&](size_t i) {
    return p.Is(i, kBe | kHave) && p[i].text != "of" && p[i].text != "be";
  };
  size_t first = c.begin;
  while (first < c.end && p.Is(first, kFiller | kAdverb)) ++first;
  const bool asks = MayBeImperative(p, first) || p.Is(first, kYou | kModal | kSubject);
  for (size_t i = c.begin; i < c.end && !asks; ++i) {
    if (finite(i)) return true;
  }
  return false;
}

}  // namespace

bool VerbIsRequest(const Phrase& phrase, size_t verb) {
  const Clause clause{ClauseBegin(phrase, verb, /*is_preposition=*/false), verb};
  // "please" opens a request whatever came before, but for "don't please".
  Clause scan = clause;
  if (verb > clause.begin && phrase.Is(verb - 1, kPlease) &&
      !(verb - 1 > clause.begin && phrase.Is(verb - 2, kNegation))) {
    scan.begin = verb - 1;
  }
  return !IsBlocked(phrase, scan) && !VerbHasForeignSubject(phrase, scan);
}

bool PrepositionIsRequest(const Phrase& phrase, size_t preposition) {
  const Clause clause{ClauseBegin(phrase, preposition, /*is_preposition=*/true), preposition};
  if (IsBlocked(phrase, clause) || TellsOfOthers(phrase, clause)) return false;
  if (clause.begin == clause.end) return true;
  if (IsGoverned(phrase, clause)) return false;
  return IsPolite(phrase, clause) || !IsStatement(phrase, clause);
}

}  // namespace selftune::signals
