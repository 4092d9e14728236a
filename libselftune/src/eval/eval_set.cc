#include "eval/eval_set.h"

#include <algorithm>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/crypto.h"
#include "base/json_writer.h"
#include "base/status_macros.h"
#include "base/strings.h"
#include "base/text_similarity.h"
#include "base/utf8.h"
#include "eval/classify.h"
#include "eval/hygiene.h"

namespace selftune::eval {
namespace {

using store::EvidenceKind;
using store::PromptEvidence;

constexpr size_t kMaxPrompts = 5;
constexpr double kNearJaccard = 0.6;

std::string Norm(std::string_view query) { return base::AsciiLower(base::CollapseSpace(query)); }

bool IsPositive(EvidenceKind kind) {
  return kind == EvidenceKind::kLabelShould || kind == EvidenceKind::kTriggered ||
         kind == EvidenceKind::kStarted;
}

std::string_view ReasonWord(EvidenceKind kind) {
  switch (kind) {
    case EvidenceKind::kLabelShould:
      return "label_should";
    case EvidenceKind::kLabelShouldNot:
      return "label_should_not";
    case EvidenceKind::kTriggered:
      return "triggered";
    case EvidenceKind::kStarted:
      return "started";
    case EvidenceKind::kSibling:
      return "sibling";
    case EvidenceKind::kUnclear:
      break;  // makes no entry
  }
  return "label_should";
}

// One normalised text and everything known about it.
struct Candidate {
  std::string query;
  std::vector<const PromptEvidence*> evidence;
  bool should = false, should_not = false, sibling = false;
  bool wanted = false;   // by a miss that no description can cure: no positive, and no negative
  bool unclear = false;  // no negative because another skill ran
};

class Builder {
 public:
  Builder(std::string_view skill, const std::vector<store::EvalEntryRow>& known,
          const EvalSetOptions& options)
      : known_(known), options_(options) {
    set_.skill = std::string(skill);
  }

  EvalSet Build(const std::vector<PromptEvidence>& evidence) {
    for (const PromptEvidence& row : evidence) Take(row);
    MakeEntries();
    AssignSides(set_.skill, known_, set_.entries);
    Trim();
    Finish();
    return std::move(set_);
  }

 private:
  void Take(const PromptEvidence& row) {
    const bool missed = row.kind == EvidenceKind::kLabelShould && !row.miss_cause.empty();
    if (missed) ++set_.causes[row.miss_cause];
    const bool could_not =  // the model, have chosen it
        missed && row.miss_cause != "description" && row.miss_cause != "unknown";
    if (could_not) ++set_.other_causes;
    const HygieneResult clean = CheckHygiene(row.text);
    if (clean.verdict != HygieneVerdict::kKeep) {
      if (!could_not) ++set_.hygiene[std::string(clean.category)];
      return;
    }
    const std::string norm = Norm(clean.text);
    Candidate& candidate = candidates_[norm];
    if (candidate.query.empty()) candidate.query = clean.text;
    if (could_not || row.kind == EvidenceKind::kUnclear) {
      (could_not ? candidate.wanted : candidate.unclear) = true;
      return;
    }
    if (IsPositive(row.kind)) {
      if (IsMaintenance(clean.text, set_.skill)) {
        // Talk about the skill: neither a positive nor, later, a negative.
        suppressed_.insert(norm);
        return;
      }
      candidate.should = true;
    }
    candidate.should_not |= row.kind == EvidenceKind::kLabelShouldNot;
    candidate.sibling |= row.kind == EvidenceKind::kSibling;
    candidate.evidence.push_back(&row);
  }

  // Labels outrank uses: a use that somebody called wrong is a negative.
  static std::optional<bool> Side(const Candidate& candidate) {
    if (candidate.should_not) {
      return candidate.wanted || std::any_of(candidate.evidence.begin(), candidate.evidence.end(),
                                             [](const PromptEvidence* row) {
                                               return row->kind == EvidenceKind::kLabelShould;
                                             })
                 ? std::optional<bool>()
                 : std::optional<bool>(false);
    }
    if (candidate.should) return true;
    if (candidate.sibling && !candidate.wanted && !candidate.unclear) return false;
    return std::nullopt;
  }

  void MakeEntries() {
    IndexPositives();
    for (const auto& [norm, candidate] : candidates_) {
      if (suppressed_.contains(norm)) {
        ++set_.suppressed;
        continue;
      }
      const std::optional<bool> side = Side(candidate);
      if (!side.has_value()) continue;
      if (!*side && !candidate.should_not && !MayBeNegative(norm, candidate)) continue;
      set_.entries.push_back(MakeEntry(candidate, *side));
    }
  }

  // A text that names the skill, or is nearly one that may have wanted it, is no safe negative.
  bool MayBeNegative(const std::string& norm, const Candidate& candidate) const {
    if (ClassifyInvocation(candidate.query, set_.skill).type == InvocationType::kExplicit) {
      return false;
    }
    const std::vector<std::string> tokens = Distinct(norm);
    std::map<size_t, size_t> common;  // positive -> words in common
    for (const std::string& token : tokens) {
      const auto with = positives_with_.find(token);
      if (with == positives_with_.end()) continue;
      for (const size_t positive : with->second) ++common[positive];
    }
    return std::none_of(common.begin(), common.end(), [&](const auto& entry) {
      const auto [positive, both] = entry;
      const size_t either = tokens.size() + positive_words_[positive] - both;
      return static_cast<double>(both) / static_cast<double>(either) >= kNearJaccard;
    });
  }

  static std::vector<std::string> Distinct(std::string_view norm) {
    std::vector<std::string> tokens = base::WordTokens(norm);
    std::sort(tokens.begin(), tokens.end());
    tokens.erase(std::unique(tokens.begin(), tokens.end()), tokens.end());
    return tokens;
  }

  // Words -> positives that have them: near ones share most of their words, so
  // nobody has to compare all with all.
  void IndexPositives() {
    for (const auto& [norm, candidate] : candidates_) {
      const bool perhaps = candidate.should || candidate.wanted || candidate.unclear;
      if (!perhaps || candidate.should_not) continue;
      const std::vector<std::string> tokens = Distinct(norm);
      for (const std::string& token : tokens) {
        positives_with_[token].push_back(positive_words_.size());
      }
      positive_words_.push_back(tokens.size());
    }
  }

  EvalEntry MakeEntry(const Candidate& candidate, bool should) const {
    EvalEntry entry;
    entry.id = EntryId(set_.skill, candidate.query);
    const std::string_view cut = base::FirstCodePoints(candidate.query, kMaxQueryCodePoints);
    entry.query = std::string(cut);
    entry.truncated = cut.size() < candidate.query.size();
    entry.should_trigger = should;
    entry.invocation_type =
        should ? std::string(Word(ClassifyInvocation(candidate.query, set_.skill).type))
               : "negative";
    entry.source = options_.source;
    entry.label_confidence = 0.95;
    entry.first = {INT64_MAX};
    bool ran = false;
    for (const PromptEvidence* row : candidate.evidence) {
      if (entry.reason.empty() || row->kind == EvidenceKind::kLabelShould ||
          row->kind == EvidenceKind::kLabelShouldNot) {
        entry.reason = std::string(ReasonWord(row->kind));
      }
      if (entry.prompts.size() < kMaxPrompts) entry.prompts.push_back(row->prompt_id);
      ran |= row->kind == EvidenceKind::kTriggered;
      entry.missed |= row->kind == EvidenceKind::kLabelShould && !row->miss_cause.empty();
      const UtcMillis at = row->at.value_or(UtcMillis{0});
      entry.first = std::min(entry.first, at);
      entry.last = std::max(entry.last, at);
    }
    entry.missed &= should && !ran;
    return entry;
  }

  // Keeps both sides within the limit: misses and labels first, then the
  // smallest hash, so that nothing but the texts decides.
  void Trim() {
    std::vector<EvalEntry> kept;
    for (const bool should : {true, false}) {
      std::vector<EvalEntry> side;
      for (EvalEntry& entry : set_.entries) {
        if (entry.should_trigger == should) side.push_back(std::move(entry));
      }
      std::sort(side.begin(), side.end(), [](const EvalEntry& a, const EvalEntry& b) {
        const bool strong_a = a.missed || a.reason.starts_with("label");
        const bool strong_b = b.missed || b.reason.starts_with("label");
        return strong_a != strong_b ? strong_a : a.id < b.id;
      });
      if (static_cast<int64_t>(side.size()) > options_.max_per_side) {
        side.resize(static_cast<size_t>(options_.max_per_side));
      }
      std::sort(side.begin(), side.end(),
                [](const EvalEntry& a, const EvalEntry& b) { return a.id < b.id; });
      for (EvalEntry& entry : side) kept.push_back(std::move(entry));
      // Moved-from entries of this side must not be seen by the other pass.
      std::erase_if(set_.entries, [](const EvalEntry& entry) { return entry.id.empty(); });
    }
    set_.entries = std::move(kept);
  }

  void Finish() {
    std::string text;
    for (const EvalEntry& entry : set_.entries) {
      text += entry.id + (entry.should_trigger ? "+" : "-") +
              std::string(stats::SplitName(entry.split)) + "\n";
    }
    set_.sha256 = base::Sha256Hex(text);
  }

  const std::vector<store::EvalEntryRow>& known_;
  const EvalSetOptions& options_;
  EvalSet set_;
  std::map<std::string, Candidate> candidates_;  // by normalised text
  std::set<std::string> suppressed_;
  std::map<std::string, std::vector<size_t>> positives_with_;  // a word -> positives
  std::vector<size_t> positive_words_;                         // distinct words of each
};

std::string ExtraOf(const EvalEntry& entry) {
  base::JsonWriter out;
  out.BeginObject().Field("reason", entry.reason).Field("missed", entry.missed);
  out.Field("truncated", entry.truncated).Key("prompts").BeginArray();
  for (const std::string& prompt : entry.prompts) out.String(prompt);
  out.EndArray().EndObject();
  return std::move(out).Take();
}

}  // namespace

int64_t EvalSet::Count(bool should_trigger, bool held_out) const {
  return std::count_if(entries.begin(), entries.end(), [&](const EvalEntry& entry) {
    return entry.should_trigger == should_trigger && stats::IsHeldOut(entry.split) == held_out;
  });
}

EvalSet BuildEvalSet(std::string_view skill, const std::vector<PromptEvidence>& evidence,
                     const std::vector<store::EvalEntryRow>& known, const EvalSetOptions& options) {
  return Builder(skill, known, options).Build(evidence);
}

StatusOr<EvalSet> LoadEvalSet(store::Db& db, std::string_view skill,
                              const EvalSetOptions& options) {
  ST_ASSIGN_OR_RETURN(const std::vector<PromptEvidence> evidence,
                      store::ReadPromptEvidence(db, skill, options.max_siblings));
  ST_ASSIGN_OR_RETURN(const std::vector<store::EvalEntryRow> known,
                      store::ReadEvalEntries(db, skill));
  return BuildEvalSet(skill, evidence, known, options);
}

std::string EntryId(std::string_view skill, std::string_view query) {
  return base::Sha256Hex(std::string(skill) + "\x1f" + Norm(query)).substr(0, 12);
}

void AssignSides(std::string_view skill, const std::vector<store::EvalEntryRow>& known,
                 std::vector<EvalEntry>& entries) {
  std::map<std::string, int, std::less<>> earlier;
  for (const store::EvalEntryRow& row : known) {
    earlier.emplace(row.entry_id, row.split == "test" ? 0 : row.split == "val" ? 80 : 40);
  }
  std::vector<stats::SplitEntry> queries;
  queries.reserve(entries.size());
  for (const EvalEntry& entry : entries) {
    const auto it = earlier.find(entry.id);
    queries.push_back(
        {.query = entry.query,
         .earlier_bucket = it == earlier.end() ? std::nullopt : std::optional<int>(it->second)});
  }
  const auto sides = stats::AssignSplits(skill, queries);
  for (size_t i = 0; i < entries.size(); ++i) {
    entries[i].split = sides[i].split;
    entries[i].cluster = entries[sides[i].cluster].id;
  }
}

std::vector<store::EvalEntryRow> RowsOf(const std::vector<EvalEntry>& entries) {
  std::vector<store::EvalEntryRow> rows;
  rows.reserve(entries.size());
  for (const EvalEntry& entry : entries) {
    rows.push_back({.entry_id = entry.id,
                    .query = entry.query,
                    .invocation_type = entry.invocation_type,
                    .source = entry.source,
                    .split = std::string(stats::SplitName(entry.split)),
                    .cluster = entry.cluster,
                    .extra = ExtraOf(entry),
                    .should_trigger = entry.should_trigger,
                    .label_confidence = entry.label_confidence,
                    .first = entry.first,
                    .last = entry.last});
  }
  return rows;
}

Status StoreEvalSet(store::Db& db, const EvalSet& set, UtcMillis now) {
  return store::StoreEvalEntries(db, set.skill, RowsOf(set.entries), now);
}

}  // namespace selftune::eval
