#include "signals/complaint.h"

#include <algorithm>
#include <cstddef>
#include <string_view>

#include "signals/kind.h"
#include "signals/words.h"

namespace selftune::signals {
namespace {

constexpr size_t kLookBack = 40;  // words

// One pass over the words, trying each pattern at each word.
class Complaints {
 public:
  Complaints(const Phrase& phrase, Findings& findings) : p_(phrase), findings_(findings) {}

  void Run() {
    for (size_t i = 0; i < p_.size(); ++i) At(i);
  }

 private:
  // Records a signal if a free name stands at `i`.
  void Take(SignalKind kind, size_t i) {
    if (const auto name = p_.Name(i)) findings_.Take(kind, *name);
  }

  void At(size_t i) {
    const Roles roles = p_[i].roles;
    if (roles == 0) return;
    if ((roles & kWhy) || ((roles & kHow) && p_.Joined(i + 1, kCome))) Why(i);
    if (roles & kYou) You(i);
    if (roles & kShouldNot) ShouldntYou(i);
    if ((roles & kNext) && p_.Joined(i + 1, kTime)) NextTime(i + 2);
    if (roles & kForgot) Forgot(i);
    if (roles & kStop) Stop(i);
    if (roles & (kDont | kAvoid | kNot)) Dont(i);
    if (roles & kWithout) Without(i);
    if ((roles & kInstead) && p_.Joined(i + 1, kOf)) InsteadOf(i);
  }

  // why|how come [you] didn't|did not|... [you] VERB NAME; why did you VERB NAME.
  void Why(size_t why) {
    size_t i = p_.Is(why, kWhy) ? why + 1 : why + 2;
    bool you = false;
    bool negated = false;
    bool auxiliary = false;
    bool keeps = false;
    const auto step = [&](size_t at) -> size_t {
      if (p_.BreakBefore(at) >= Break::kClause) return 0;
      if (p_.Is(at, kYou)) return you = true, 1;
      if (p_.Is(at, kNegatedAux)) return negated = auxiliary = true, 1;
      if (p_.Is(at, kNot)) return negated = true, 1;
      if (p_.Is(at, kBother))
        return p_.Joined(at + 1, kTo) ? 2 : p_.Joined(at + 1, kGerund) ? 1 : 0;
      if (p_[at].text == "keep") return keeps = true, 1;
      if (p_.Is(at, kVerb) && p_.Joined(at + 1, kGerund)) return 1;  // try using
      if (p_.Is(at, kModal) && p_[at].text == "would") return 1;
      if (p_.Is(at, kDo | kBe | kHave) || p_[at].text == "'d") return auxiliary = true, 1;
      return p_.Is(at, kAdverb) ? 1 : 0;
    };
    for (size_t n = step(i); n > 0 && i < why + 12; n = step(i)) i += n;
    if (!you || !(auxiliary || negated)) return;
    if (negated) {
      if (p_.Joined(i, kVerb | kParticiple | kGerund)) Take(SignalKind::kCorrection, i + 1);
      return;
    }
    const bool habit = IsHabit(why, i) && !keeps;
    if (p_.Joined(i, kVerb | kParticiple | kGerund) && !habit) Take(SignalKind::kUnwanted, i + 1);
  }

  // "why do you use X" asks; "why did you" and "why are you" complain.
  [[nodiscard]] bool IsHabit(size_t from, size_t verb) const {
    for (size_t i = from; i < verb; ++i) {
      if (p_.Is(i, kDo) && (p_.Is(i, kDoBase) || p_[i].text == "does")) return true;
    }
    return false;
  }

  // you should have PART NAME; you shouldn't have PART NAME; you didn't VERB NAME.
  void You(size_t you) {
    size_t i = p_.Skip(you + 1, kAdverb);
    const bool short_form = p_.Joined(i, kShouldHave);
    if (short_form || p_.Joined(i, kShould | kShouldNot)) {
      const bool unwanted = p_.Is(i, kShouldNot);
      if (!short_form) i = p_.Skip(i + 1, kAdverb);
      ShouldHave(i, short_form, unwanted);
      return;
    }
    const bool did_not = p_.Joined(i, kDo | kHave) && p_.Joined(i + 1, kNot) && !p_.Is(i, kDoBase);
    const bool never = p_.Joined(i, kNot) && p_[i].text.size() == 5;
    if (!did_not && !never && !p_.Joined(i, kNegatedPast)) return;
    if (you > 0 && p_.BreakBefore(you) < Break::kClause &&
        (p_.Is(you - 1, kWhy | kCome | kIf | kSubordinator) || IsRelief(you - 1))) {
      return;
    }
    i = SkipBother(p_.Skip(did_not ? i + 2 : i + 1, kAdverb));
    if (p_.Joined(i, kVerb | kParticiple)) Take(SignalKind::kCorrection, TryUsing(i) + 1);
  }

  // "glad you didn't": praise, no complaint.
  [[nodiscard]] bool IsRelief(size_t i) const {
    constexpr std::string_view kRelief[] = {"glad",  "hope",     "hoping",
                                            "happy", "relieved", "assume"};
    return std::find(std::begin(kRelief), std::end(kRelief), p_[i].text) != std::end(kRelief);
  }

  // From the word after "should[n't]": [not|never] have [been] PART NAME.
  void ShouldHave(size_t i, bool have_said, bool unwanted) {
    if (p_.Joined(i, kNot)) {
      unwanted = true;
      i = p_.Skip(i + 1, kAdverb);
    }
    if (!have_said && !p_.Joined(i, kHave)) return;
    i = p_.Skip(i + 1, kAdverb | kBe);
    if (!p_.Joined(i, kParticiple | kGerund)) return;
    Take(unwanted ? SignalKind::kUnwanted : SignalKind::kCorrection, TryUsing(i) + 1);
  }

  void ShouldntYou(size_t i) {
    if (!p_.Joined(i + 1, kYou) || !p_.Joined(i + 2, kHave)) return;
    i = p_.Skip(i + 3, kAdverb | kBe);
    if (p_.Joined(i, kParticiple | kGerund)) Take(SignalKind::kCorrection, i + 1);
  }

  // next time[,] [please|just|do|you can|...]* VERB NAME.
  void NextTime(size_t begin) {
    size_t i = begin;
    for (int steps = 0; steps < 8 && !p_.Is(i, kVerb); ++steps) {
      const size_t n = PoliteWords(i);
      if (n == 0) return;
      i += n;
    }
    if (!p_.Is(i, kVerb) || !MayFollow(begin, i)) return;
    Take(SignalKind::kCorrection, TryUsing(i) + 1);
  }

  // Length of the polite phrase at `i`: "please", "you should", "remember to".
  [[nodiscard]] size_t PoliteWords(size_t i) const {
    if (p_.Is(i, kModal) && p_.Joined(i + 1, kYou)) return 2;
    if (p_.Is(i, kYou) && p_.Joined(i + 1, kModal)) return 2;
    if (p_.Is(i, kBother) && p_.Joined(i + 1, kTo)) return 2;
    if (p_.Is(i, kDont) && p_.Joined(i + 1, kForget) && p_.Joined(i + 2, kTo)) return 3;
    if (i + 1 < p_.size() && p_[i + 1].text == "sure") {  // make sure to|you
      return p_.Joined(i + 2, kTo | kYou) ? 3 : 2;
    }
    return p_.Is(i, kPlease | kAdverb | kDoBase | kLets) ? 1 : 0;
  }

  // Between "next time" and its verb: a comma after "time" and after
  // "please", nothing stronger.
  [[nodiscard]] bool MayFollow(size_t begin, size_t verb) const {
    for (size_t i = begin; i <= verb; ++i) {
      if (p_.BreakBefore(i) == Break::kSentence) return false;
      const bool comma_is_fine = i == begin || p_.Is(i - 1, kPlease) || p_.Is(i, kPlease);
      if (p_.BreakBefore(i) == Break::kClause && !comma_is_fine) return false;
    }
    return true;
  }

  void Forgot(size_t forgot) {
    if (!p_.Joined(forgot + 1, kTo)) return;
    const size_t i = p_.Skip(forgot + 2, kAdverb);
    if (p_.Joined(i, kVerb) && AgentForgot(forgot)) Take(SignalKind::kCorrection, TryUsing(i) + 1);
  }

  // Who forgot? The agent, unless the words before say otherwise.
  [[nodiscard]] bool AgentForgot(size_t forgot) const {
    const size_t sentence = p_[forgot].sentence_begin;
    size_t i = forgot;
    while (i > sentence && p_.BreakBefore(i) < Break::kClause && p_.Is(i - 1, kAdverb)) --i;
    if (i == sentence || p_.BreakBefore(i) >= Break::kClause) return !ForeignBefore(sentence, i);
    if (p_.Is(i - 1, kYou | kAgent | kFiller))
      return !p_.Is(i - 1, kAnd) || !ForeignBefore(sentence, i);
    if (p_.Is(i - 1, kAnd)) return !ForeignBefore(sentence, i);
    return i - 1 > sentence && p_.Is(i - 2, kYou) && !p_.Is(i - 1, kSubject);  // "you guys forgot"
  }

  // Is the nearest subject before `end` somebody other than the agent?
  [[nodiscard]] bool ForeignBefore(size_t begin, size_t end) const {
    const size_t limit = end - begin > kLookBack ? end - kLookBack : begin;
    for (size_t i = end; i > limit; --i) {
      if (p_.Is(i - 1, kYou)) return false;
      if (p_.Is(i - 1, kSubject)) return true;
    }
    return false;
  }

  void Stop(size_t stop) {
    const size_t i = p_.Skip(stop + 1, kAdverb);
    const bool negated = stop > 0 && p_.Joined(stop, ~Roles{0}) && p_.Is(stop - 1, kNot | kDont);
    if (p_.Joined(i, kGerund) && !negated && AddressesAgent(stop))
      Take(SignalKind::kUnwanted, i + 1);
  }

  // don't|do not|never|avoid [please] VERB(ing) NAME.
  void Dont(size_t neg) {
    size_t begin = neg;
    if (p_.Is(neg, kNot) && p_.Joined(neg + 1, kTo)) {
      NotTo(neg);
      return;
    }
    if (p_.Is(neg, kNot) && p_[neg].text.size() == 3) {
      const bool asked = neg > 1 && p_.Is(neg - 1, kYou) && p_.Is(neg - 2, kModal);
      if (neg == 0 || !(p_.Is(neg - 1, kDoBase) || asked)) return;
      begin = asked ? neg - 2 : neg - 1;
    }
    size_t i = neg + 1;
    if (p_.Joined(i, kWant)) {  // "I don't want you to use X"
      i = p_.Skip(i + 1, kYou);
      if (p_.Joined(i, kTo) && p_[neg + 1].text != "need") TakeIfVerb(p_.Skip(i + 1, kAdverb));
      return;
    }
    while (p_.Joined(i, kPlease) || IsEver(i)) ++i;
    i = SkipBother(i);
    if (p_.Joined(i, kVerb | kGerund) && AddressesAgent(begin)) TakeIfVerb(i);
  }

  [[nodiscard]] bool IsEver(size_t i) const {
    return p_.Joined(i, kAdverb) &&
           (p_[i].text == "ever" || p_[i].text == "again" || p_[i].text == "automatically");
  }

  void TakeIfVerb(size_t i) {
    if (p_.Joined(i, kVerb | kGerund)) Take(SignalKind::kUnwanted, TryUsing(i) + 1);
  }

  // "I told you not to use X", "please try not to use X".
  void NotTo(size_t neg) {
    const bool asked = neg > 0 && (p_.Is(neg - 1, kYou | kPlease | kInstead) ||
                                   p_[neg - 1].text == "try" || p_[neg - 1].text == "prefer");
    if (asked) TakeIfVerb(p_.Skip(neg + 2, kAdverb));
  }

  // Imperatives have no subject; "you must never" and "we should never" have
  // one that is addressed all the same.
  [[nodiscard]] bool AddressesAgent(size_t begin) const {
    const size_t sentence = p_[begin].sentence_begin;
    size_t i = begin;
    bool modal = false;
    while (i > sentence && p_.BreakBefore(i) < Break::kClause && p_.Is(i - 1, kAdverb | kModal)) {
      modal = modal || p_.Is(i - 1, kModal);
      --i;
    }
    if (i == sentence || p_.BreakBefore(i) >= Break::kClause) return true;
    if (p_.Is(i - 1, kYou)) return modal || (i - 1 > sentence && p_.Is(i - 2, kModal | kPlease));
    if (p_.Is(i - 1, kSubject)) return modal && (p_[i - 1].text == "we" || p_[i - 1].text == "We");
    return !p_.Is(i - 1, kPronounOther | kHave | kBe);
  }

  void Without(size_t i) {
    if (p_.Joined(i + 1, kGerund)) NotDone(i, i + 2);
  }

  // instead of [using] the NAME; rather than using NAME.
  void InsteadOf(size_t i) {
    if (p_.Joined(i + 2, kGerund)) {
      NotDone(i, i + 3);
      return;
    }
    const auto name = p_.Name(i + 2);
    if (name && (p_.Is(i + 2, kDeterminer) || name->skill_word)) NotDone(i, i + 2);
  }

  // "do it without using X" does not want X; "why did you guess instead of
  // using X" and "you guessed instead of using X" want it; "I did it without
  // using X" says nothing.
  void NotDone(size_t word, size_t name) {
    const size_t limit = ClauseOf(word);
    for (size_t i = limit; i < word; ++i) {
      if (p_.Is(i, kWhy) || (p_.Is(i, kHow) && p_.Is(i + 1, kCome))) {
        Take(SignalKind::kCorrection, name);
        return;
      }
    }
    for (size_t i = word; i > limit; --i) {
      // "never deploy without running X" wants it, but complains of nothing.
      if (p_.Is(i - 1, kNegation) && p_.Is(word, kWithout)) return;
    }
    size_t first = limit;
    while (first < word && p_.Is(first, kFiller | kAdverb)) ++first;
    const size_t second = p_.Skip(first + 1, kAdverb & ~kPast);
    if (p_.Is(first, kYou) && IsPast(second)) {
      Take(SignalKind::kCorrection, name);
      return;
    }
    if (p_.Is(first, kSubject) && !p_.Is(second, kWant | kModal)) return;
    Take(SignalKind::kUnwanted, name);
  }

  // Begin of the clause that `word` belongs to; a mark right before it does
  // not part it from what it completes.
  [[nodiscard]] size_t ClauseOf(size_t word) const {
    const size_t sentence = p_[word].sentence_begin;
    const size_t limit = word - sentence > kLookBack ? word - kLookBack : sentence;
    for (size_t i = word; i > limit; --i) {
      if (i < word && p_.BreakBefore(i) >= Break::kClause) return i;
    }
    return limit;
  }

  [[nodiscard]] bool IsPast(size_t i) const {
    return p_.Is(i, kPast | kParticiple) || (i < p_.size() && p_[i].text.ends_with("ed"));
  }

  [[nodiscard]] size_t SkipBother(size_t i) const {
    if (!p_.Joined(i, kBother)) return i;
    return p_.Skip(p_.Joined(i + 1, kTo) ? i + 2 : i + 1, kAdverb);
  }

  // The verb that takes the name: the second of "try using".
  [[nodiscard]] size_t TryUsing(size_t i) const { return p_.Joined(i + 1, kGerund) ? i + 1 : i; }

  const Phrase& p_;
  Findings& findings_;
};

}  // namespace

void FindComplaints(const Phrase& phrase, Findings& findings) {
  Complaints(phrase, findings).Run();
}

}  // namespace selftune::signals
