// What can be said about a prompt nobody typed yet, by words alone.
#include <algorithm>
#include <cmath>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "base/status_macros.h"
#include "base/strings.h"
#include "base/text_similarity.h"
#include "status/why_parts.h"
#include "store/eval_rows.h"

namespace selftune::status {
namespace {

constexpr int64_t kSiblings = 500;  // uses of other skills looked at
constexpr double kSimilar = 0.25;   // Jaccard of two prompts that are alike
constexpr size_t kShownPrompts = 3;
constexpr size_t kShownSkills = 3;
constexpr size_t kShownCodePoints = 120;
constexpr size_t kMinStem = 4;

using Words = std::set<std::string>;

// Plurals and endings in -ing, -ed say the same; nothing finer is claimed.
std::string Stem(std::string word) {
  for (const std::string_view ending : {"ing", "ed", "es", "s"}) {
    if (word.size() >= ending.size() + kMinStem && word.ends_with(ending)) {
      word.resize(word.size() - ending.size());
      return word;
    }
  }
  return word;
}

// Words that say nothing about what a prompt is about.
constexpr std::string_view kEmptyWords[] = {
    "a",     "an",    "and",  "are",  "as",    "at",   "be",   "by",    "can",   "do",
    "for",   "from",  "has",  "have", "how",   "i",    "if",   "in",    "into",  "is",
    "it",    "its",   "me",   "my",   "not",   "of",   "on",   "or",    "our",   "please",
    "so",    "some",  "that", "the",  "their", "them", "then", "there", "these", "they",
    "this",  "to",    "use",  "used", "using", "want", "was",  "we",    "what",  "when",
    "where", "which", "will", "with", "you",   "your"};

Words WordsOf(std::string_view text) {
  Words out;
  for (std::string& word : base::WordTokens(text)) {
    const bool empty =
        std::find(std::begin(kEmptyWords), std::end(kEmptyWords), word) != std::end(kEmptyWords);
    if (word.size() >= 2 && !empty) out.insert(Stem(std::move(word)));
  }
  return out;
}

struct Candidate {
  std::string skill;
  Words words;
  double score = 0;  // 0..1: rare words of the prompt that name or description have
  std::vector<std::string> shared;
};

// Skills the model would choose from: those of the newest listings, and the
// skill itself.
std::vector<Candidate> Candidates(const std::vector<ListedNow>& listed, const std::string& skill,
                                  const Installed& installed) {
  std::map<std::string, Candidate> by_key;
  const auto add = [&](const std::string& name, const std::string& description) {
    Candidate& candidate = by_key[base::AsciiLower(name)];
    if (candidate.skill.empty()) candidate.skill = name;
    candidate.words.merge(WordsOf(name));
    candidate.words.merge(WordsOf(description));
  };
  for (const ListedNow& now : listed) {
    for (const store::ExposureItem& item : now.all) {
      if (item.state != "explicit_only") add(item.skill, item.description.value_or(""));
    }
  }
  add(skill, installed.any() ? installed.locations.front().description : std::string());
  std::vector<Candidate> out;
  for (auto& [key, candidate] : by_key) out.push_back(std::move(candidate));
  return out;
}

// A word that every description has tells nothing apart.
void Score(const Words& prompt, std::vector<Candidate>& candidates) {
  std::map<std::string, double> weight;
  double total = 0;
  for (const std::string& word : prompt) {
    const auto having = std::count_if(candidates.begin(), candidates.end(),
                                      [&](const auto& c) { return c.words.contains(word); });
    weight[word] =
        having == 0
            ? 0
            : std::log(static_cast<double>(candidates.size() + 1) / static_cast<double>(having));
    total += weight[word];
  }
  for (Candidate& candidate : candidates) {
    for (const std::string& word : prompt) {
      if (!candidate.words.contains(word) || weight[word] <= 0) continue;
      candidate.score += weight[word] / total;
      candidate.shared.push_back(word);
    }
  }
  std::stable_sort(candidates.begin(), candidates.end(),
                   [](const auto& a, const auto& b) { return a.score > b.score; });
}

std::string_view Told(store::EvidenceKind kind) {
  switch (kind) {
    case store::EvidenceKind::kLabelShould:
      return "labelled should";
    case store::EvidenceKind::kLabelShouldNot:
      return "labelled should not";
    case store::EvidenceKind::kTriggered:
      return "the model loaded it";
    case store::EvidenceKind::kStarted:
      return "started by command";
    case store::EvidenceKind::kSibling:
      return "another skill ran";
    case store::EvidenceKind::kUnclear:
      return "labelled, and not clear";
  }
  return "";
}

Status AddSimilar(store::Db& db, const std::string& skill, std::string_view prompt,
                  WhyAnswer& answer) {
  ST_ASSIGN_OR_RETURN(const std::vector<store::PromptEvidence> known,
                      store::ReadPromptEvidence(db, skill, kSiblings));
  const std::vector<std::string> words = base::WordTokens(prompt);
  std::vector<std::pair<double, const store::PromptEvidence*>> near;
  std::set<std::pair<std::string, store::EvidenceKind>> seen;
  for (const store::PromptEvidence& entry : known) {
    const double similarity = base::TokenJaccard(words, base::WordTokens(entry.text));
    if (similarity < kSimilar || !seen.insert({entry.prompt_id, entry.kind}).second) continue;
    near.emplace_back(similarity, &entry);
  }
  std::stable_sort(near.begin(), near.end(),
                   [](const auto& a, const auto& b) { return a.first > b.first; });
  if (near.size() > kShownPrompts) near.resize(kShownPrompts);
  for (const auto& [similarity, entry] : near) {
    std::string told(Told(entry->kind));
    if (entry->kind == store::EvidenceKind::kSibling) told = entry->other_skill + " ran";
    answer.evidence.push_back(
        {"similar_prompt", fmt::format("{:.0f} % alike, {}: \"{}\" ({})", similarity * 100, told,
                                       OneLine(entry->text, kShownCodePoints), entry->prompt_id)});
  }
  if (near.empty()) {
    answer.evidence.push_back({"similar_prompt", "no known prompt is like it"});
  }
  return absl::OkStatus();
}

void AddScores(const std::vector<Candidate>& candidates, const std::string& skill,
               WhyAnswer& answer) {
  size_t shown = 0;
  for (const Candidate& candidate : candidates) {
    const bool itself = base::EqualsIgnoreCase(candidate.skill, skill);
    if (!itself && (shown == kShownSkills || candidate.score <= 0)) continue;
    shown += itself ? 0 : 1;
    std::string words =
        candidate.shared.empty() ? "no word in common" : base::Join(candidate.shared, " ");
    answer.evidence.push_back({itself ? "overlap" : "competitor",
                               fmt::format("{}: {:.0f} % of the telling words ({})",
                                           candidate.skill, candidate.score * 100, words)});
  }
}

void Decide(const std::vector<Candidate>& candidates, WhyAnswer& answer) {
  const auto own = std::find_if(candidates.begin(), candidates.end(), [&](const Candidate& c) {
    return base::EqualsIgnoreCase(c.skill, answer.skill);
  });
  if (own->score <= 0) {
    answer.cause = "no_overlap";
    answer.explanation =
        "Neither its name nor its description shares a telling word with the prompt.";
    answer.fix = "say in the description when it is needed, in words people type";
    answer.fix_command =
        base::JoinCommand(base::WithFlag({"selftune", "evolve"}, "--skill", answer.skill));
  } else if (candidates.front().score > own->score) {
    answer.cause = "competing";
    answer.explanation = candidates.front().skill + " matches the prompt better, by words alone.";
    answer.fix = "say in both descriptions what tells the two apart";
  } else {
    answer.cause = "would_match";
    answer.explanation =
        "By words alone it matches the prompt best; what a model does is not known.";
  }
}

}  // namespace

StatusOr<WhyAnswer> WhyText(store::Db& db, const store::SkillRef& skill, std::string_view prompt,
                            const WhyScope& scope) {
  WhyAnswer answer{.skill = skill.name};
  ST_ASSIGN_OR_RETURN(Installed installed, ReadInstalled(db, skill, scope.found));
  installed.KeepFor(scope.platform);
  ST_ASSIGN_OR_RETURN(const std::vector<ListedNow> listed, ReadListedNow(db, skill.name));
  std::vector<Candidate> candidates = Candidates(listed, skill.name, installed);
  Score(WordsOf(prompt), candidates);
  AddInstalled(installed, scope.cwd, answer);
  AddHere(installed, scope.cwd, answer);
  AddListedNow(listed, answer);
  AddScores(candidates, skill.name, answer);
  ST_RETURN_IF_ERROR(AddSimilar(db, skill.name, prompt, answer));

  const auto offered = std::find_if(listed.begin(), listed.end(), [](const ListedNow& now) {
    return now.item != nullptr && now.item->state != "explicit_only";
  });
  const bool only_command = std::any_of(listed.begin(), listed.end(), [](const ListedNow& now) {
    return now.item != nullptr && now.item->state == "explicit_only";
  });
  // A prompt to come meets the files and settings of now, whatever an older listing had.
  const std::string_view from = installed.From(scope);
  const Bar bar = installed.BarFor(scope.platform, from, scope.skill_path);
  if (installed.OutOfSight(from)) {
    answer.cause = "not_installed";
  } else if (bar) {
    answer.cause = bar.cause();
  } else if (offered == listed.end() && only_command) {
    answer.cause = "disabled";
  } else if (!installed.any() && offered == listed.end()) {
    answer.cause = "not_installed";
  } else if (!listed.empty() && offered == listed.end()) {
    answer.cause = "not_listed";
  } else if (offered != listed.end() && offered->item->state != "full") {
    answer.cause = "truncated";
  } else {
    Decide(candidates, answer);
    return answer;
  }
  WhyScene told{.bar = bar, .here = from};
  if (offered != listed.end() && answer.cause == "truncated") {
    told.platform = offered->session.platform;
    told.state = ParseExposureState(offered->item->state);
  }
  Explain(answer.cause, installed, told, answer);
  return answer;
}

}  // namespace selftune::status
