#include "signals/words.h"

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "signals/chars.h"

namespace selftune::signals {
namespace {

struct Group {
  Roles roles;
  std::string_view words;  // separated by blanks
};

constexpr Group kGroups[] = {
    {kVerb, "use run invoke call trigger pick load apply activate try follow"},
    {kParticiple,
     "used run ran invoked called triggered picked loaded applied activated tried followed"},
    {kGerund,
     "using running invoking calling triggering picking loading applying activating trying "
     "following"},
    {kDeterminer | kFunction, "the my our your"},
    {kAdverb,
     "just even ever actually really probably also always first simply again already only still "
     "now maybe perhaps usually often normally sometimes typically mostly generally regularly "
     "rarely definitely clearly kindly explicitly automatically at least too"},
    {kWhy | kQuestion, "why"},
    {kHow | kQuestion, "how"},
    {kCome, "come"},
    {kYou, "you u ya"},
    {kSubject,
     "i we they he she people users everyone everybody someone somebody anyone anybody nobody "
     "others folks who"},
    {kPronounOther, "it one this that which these those something anything nothing everything"},
    {kDo, "do did does"},
    {kDoBase, "do"},
    {kBe, "is are was were am be been being 'm 're 's"},
    {kHave, "have has had having 've of"},
    {kModal, "can could would will should must may might shall 'd 'll"},
    {kShould, "should"},
    {kShouldHave, "shouldve shoulda should've"},
    {kShouldNot | kNegation, "shouldn't shouldnt"},
    {kNot | kNegation, "not never"},
    {kNegatedAux | kNegation,
     "didn't didnt don't dont haven't havent hadn't hadnt aren't arent weren't werent wouldn't "
     "wouldnt won't wont"},
    {kNegatedPast, "didn't didnt haven't havent"},
    {kNegation,
     "can't cant cannot couldn't couldnt isn't isnt wasn't wasnt doesn't doesnt hasn't hasnt "
     "mustn't mustnt needn't neednt ain't aint shan't no"},
    {kDont, "don't dont"},
    {kAvoid, "avoid"},
    {kStop, "stop quit"},
    {kWithout | kFunction, "without"},
    {kInstead, "instead rather"},
    {kOf, "of than"},
    {kForgot, "forgot"},
    {kForget, "forget hesitate"},
    {kTo | kFunction, "to"},
    {kNext, "next"},
    {kTime, "time"},
    {kPlease, "please pls plz"},
    {kSkillWord, "skill"},
    {kSkillsWord, "skills"},
    {kGeneric,
     "strict git the a an this that it my your our some any same right correct new other above "
     "following skill skills another one more which what whichever whatever these those their his "
     "her its every each all both no own appropriate relevant suitable proper best better good "
     "wrong old previous next first second third last latest original existing available default "
     "different particular specific certain single two three such said given respective necessary "
     "needed required missing matching usual only installed custom dedicated corresponding coding "
     "programming reasoning communication problem-solving real actual built-in builtin of and or "
     "to with"},
    {kAnd, "and or plus &"},
    {kFreshStart, "but so instead therefore hence"},
    {kLets, "let's lets"},
    {kPreposition, "using with via"},
    {kFunction, "using with via by"},
    {kWant, "want need needs like prefer going love wish rather wanted needed gonna wanna"},
    {kQuestion,
     "what which who whom whose where is are was were am do does did should has have had isn't "
     "aren't doesn't wasn't weren't haven't hasn't won't shall may might"},
    {kIf | kFunction, "when if whenever"},
    {kSubordinator | kFunction,
     "once before after while until unless because since although though whether"},
    {kFunction,
     "for in on at from as about into over under of like which who that where how why what the a "
     "an this these those and or nor it i we they he she you is are was were be been am not no "
     "never very really too e.g i.e especially including maybe perhaps to there here something "
     "anything nothing everything"},
    {kCompare,
     "compare compares compared comparing comparison difference differences differ differs versus "
     "vs"},
    {kTrouble,
     "problem problems issue issues bug bugs wrong error errors trouble troubles happy unhappy "
     "familiar experience experiences pleased satisfied dissatisfied deal dealing stuck struggle "
     "struggling struggled difficulty difficulties conflict conflicts conflicting happened happens "
     "happening works worked working annoyed frustrated wonky broken crash crashes crashed fail "
     "fails failed failing came comes ships shipped bundled"},
    {kComplement,
     "file files format formats version versions message messages hook hooks hash hashes history "
     "export exports import imports output outputs page pages document documents doc docs library "
     "libraries package packages module modules rule rules paper papers folder directory table "
     "tables syntax branch reader viewer attachment attachments conversion conversions config "
     "configuration log logs id ids style template templates api url link links title name names "
     "type types warning warnings error errors metadata generator parser extension extensions"},
    {kSkillPart,
     "folder folders directory file files name names description template templates docs "
     "documentation code repo repository author authors section catalogue catalog tree matrix"},
    {kFiller,
     "ok okay so well hmm hm hey hi and but also alright right yes no yeah yep nope oh ah um uh "
     "actually honestly sorry thanks today yesterday currently now then again look anyway btw fyi "
     "please great cool usually normally always often sometimes typically generally lately "
     "recently mostly still"},
    {kWhat, "what"},
    {kHappen, "happens happen happened"},
    {kBother, "think bother remember decide choose"},
    {kPast,
     "did made wrote went gave took built ran chose sent read kept put cut got came found left did "
     "just"},
    {kAdjective,
     "new existing installed custom local global bundled official dedicated own built-in builtin"},
    {kAgent, "agent assistant claude codex copilot gemini qwen bot model ai it"},
    {kParticleOut, "out"},
    {kMind, "mind"},
    {kAbout, "about"},
    {kPossessive, "'s"},
    {kQuantity, "most many some several few other"},
    {kNoRequestTo,
     "forgot trying tried tries attempt attempts attempting attempted failed fails failing unable "
     "able used supposed allowed managed decided point way ways reason reasons ability option "
     "options chance permission order possible safe worth learn learning know knows understand "
     "understanding"},
};

constexpr size_t kSlots = 2048;  // a power of two, well above the number of words
constexpr size_t kLongestWord = 16;

constexpr uint32_t Hash(std::string_view word) {
  uint32_t hash = 2166136261U;
  for (const char c : word) {
    hash = (hash ^ static_cast<unsigned char>(c)) * 16777619U;
  }
  return hash ^ (hash >> 15);
}

struct Slot {
  std::string_view word;
  Roles roles = 0;
};

struct Table {
  std::array<Slot, kSlots> slots{};

  constexpr void Add(std::string_view word, Roles roles) {
    size_t at = Hash(word) % kSlots;
    while (!slots[at].word.empty() && slots[at].word != word) at = (at + 1) % kSlots;
    slots[at].word = word;
    slots[at].roles |= roles;
  }
};

constexpr Table MakeTable() {
  Table table;
  for (const Group& group : kGroups) {
    size_t begin = 0;
    for (size_t i = 0; i <= group.words.size(); ++i) {
      if (i < group.words.size() && group.words[i] != ' ') continue;
      if (i > begin) table.Add(group.words.substr(begin, i - begin), group.roles);
      begin = i + 1;
    }
  }
  return table;
}

constexpr Table kTable = MakeTable();

// "carefully", "conveniently": too many to list.
bool LooksLikeAdverb(std::string_view word) { return word.size() >= 6 && word.ends_with("ly"); }

}  // namespace

Roles RolesOf(std::string_view word) {
  if (word.empty() || word.size() > kLongestWord) return LooksLikeAdverb(word) ? kAdverb : 0;
  std::array<char, kLongestWord> buffer;
  for (size_t i = 0; i < word.size(); ++i) buffer[i] = LowerByte(word[i]);
  const std::string_view lower(buffer.data(), word.size());
  for (size_t at = Hash(lower) % kSlots; !kTable.slots[at].word.empty(); at = (at + 1) % kSlots) {
    if (kTable.slots[at].word == lower) return kTable.slots[at].roles;
  }
  return LooksLikeAdverb(lower) ? kAdverb : 0;
}

}  // namespace selftune::signals
