// The English words the detector knows, each with what it may be.
#pragma once

#include <cstdint>
#include <string_view>

namespace selftune::signals {

// A set of roles; a word may have several ("using" is a gerund and introduces
// a request).
using Roles = uint64_t;

inline constexpr Roles kVerb = Roles{1} << 0;        // use run invoke ...
inline constexpr Roles kParticiple = Roles{1} << 1;  // used run ran ...
inline constexpr Roles kGerund = Roles{1} << 2;      // using running ...
inline constexpr Roles kDeterminer = Roles{1} << 3;  // the my our your
inline constexpr Roles kAdverb = Roles{1} << 4;      // may stand between subject and verb
inline constexpr Roles kWhy = Roles{1} << 5;
inline constexpr Roles kHow = Roles{1} << 6;
inline constexpr Roles kCome = Roles{1} << 7;
inline constexpr Roles kYou = Roles{1} << 8;
inline constexpr Roles kSubject = Roles{1} << 9;  // somebody else: I we they people ...
inline constexpr Roles kDo = Roles{1} << 10;      // do does did
inline constexpr Roles kDoBase = Roles{1} << 11;  // do
inline constexpr Roles kBe = Roles{1} << 12;
inline constexpr Roles kHave = Roles{1} << 13;   // have has had 've of
inline constexpr Roles kModal = Roles{1} << 14;  // can could would ...
inline constexpr Roles kShould = Roles{1} << 15;
inline constexpr Roles kShouldHave = Roles{1} << 16;   // shouldve
inline constexpr Roles kShouldNot = Roles{1} << 17;    // shouldn't
inline constexpr Roles kNot = Roles{1} << 18;          // not never
inline constexpr Roles kNegatedAux = Roles{1} << 19;   // didn't haven't aren't ...
inline constexpr Roles kNegatedPast = Roles{1} << 20;  // didn't haven't
inline constexpr Roles kNegation = Roles{1} << 21;     // any of the above, can't, no
inline constexpr Roles kDont = Roles{1} << 22;
inline constexpr Roles kAvoid = Roles{1} << 23;
inline constexpr Roles kStop = Roles{1} << 24;
inline constexpr Roles kWithout = Roles{1} << 25;
inline constexpr Roles kInstead = Roles{1} << 26;  // instead rather
inline constexpr Roles kOf = Roles{1} << 27;       // of than
inline constexpr Roles kForgot = Roles{1} << 28;
inline constexpr Roles kTo = Roles{1} << 29;
inline constexpr Roles kNext = Roles{1} << 30;
inline constexpr Roles kTime = Roles{1} << 31;
inline constexpr Roles kPlease = Roles{1} << 32;
inline constexpr Roles kSkillWord = Roles{1} << 33;   // skill
inline constexpr Roles kSkillsWord = Roles{1} << 34;  // skills
inline constexpr Roles kGeneric = Roles{1} << 35;     // cannot be the name of a missing skill
inline constexpr Roles kAnd = Roles{1} << 36;         // and or plus
inline constexpr Roles kFreshStart = Roles{1} << 37;  // but so: a new clause may begin
inline constexpr Roles kLets = Roles{1} << 38;
inline constexpr Roles kPreposition = Roles{1} << 39;   // using with via
inline constexpr Roles kWant = Roles{1} << 40;          // want need like prefer going
inline constexpr Roles kQuestion = Roles{1} << 41;      // what which who where
inline constexpr Roles kIf = Roles{1} << 42;            // when if
inline constexpr Roles kSubordinator = Roles{1} << 43;  // once before after while ...
inline constexpr Roles kCompare = Roles{1} << 44;       // compare difference versus
inline constexpr Roles kTrouble = Roles{1} << 45;       // problem issue ... + with
inline constexpr Roles kComplement = Roles{1} << 46;    // "pdf files": the name is not a skill
inline constexpr Roles kSkillPart = Roles{1} << 47;     // "the pdf skill folder"
inline constexpr Roles kFiller = Roles{1} << 48;        // may open a clause: ok, so, well
inline constexpr Roles kWhat = Roles{1} << 49;
inline constexpr Roles kHappen = Roles{1} << 50;
inline constexpr Roles kBother = Roles{1} << 51;       // think bother remember (to)
inline constexpr Roles kPast = Roles{1} << 52;         // did made wrote: irregular past forms
inline constexpr Roles kAdjective = Roles{1} << 53;    // "the new pdf skill"
inline constexpr Roles kFunction = Roles{1} << 54;     // cannot start an imperative
inline constexpr Roles kForget = Roles{1} << 55;       // don't forget to: a request after all
inline constexpr Roles kAgent = Roles{1} << 56;        // the agent, spoken of in the third person
inline constexpr Roles kParticleOut = Roles{1} << 57;  // try out
inline constexpr Roles kMind = Roles{1} << 58;         // would you mind
inline constexpr Roles kAbout = Roles{1} << 59;
inline constexpr Roles kPossessive = Roles{1} << 60;    // 's
inline constexpr Roles kPronounOther = Roles{1} << 61;  // it one this that, as a subject

inline constexpr Roles kNoRequestTo = Roles{1}
                                      << 62;        // unable trying way (to): tells, does not ask
inline constexpr Roles kQuantity = Roles{1} << 63;  // most many some

// Roles of `word`, ASCII case ignored; 0 if it is not known.
[[nodiscard]] Roles RolesOf(std::string_view word);

}  // namespace selftune::signals
