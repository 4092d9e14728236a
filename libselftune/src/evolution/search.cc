#include "evolution/search.h"

#include <algorithm>
#include <cstdint>
#include <numeric>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "base/crypto.h"
#include "base/status_macros.h"
#include "evolution/constitution.h"
#include "evolution/propose.h"

namespace selftune::evolution {
namespace {

constexpr size_t kFailing = 4;
constexpr size_t kPassing = 2;
constexpr size_t kNegative = 2;
constexpr size_t kShownExamples = 16;
constexpr int kMaxRefusedRounds = 2;  // in a row

// A text and how it did on the training queries.
struct Member {
  std::string description;
  std::vector<JudgeTally> tallies;
  std::optional<size_t> candidate;  // empty: the present text
};

class Searcher {
 public:
  Searcher(llm::Caller& caller, Judge& judge, const EvolveInput& input)
      : caller_(caller), judge_(judge), input_(input), rng_(input.seed) {
    for (const eval::EvalEntry& entry : input.set.entries) {
      if (!stats::IsHeldOut(entry.split)) train_.push_back(&entry);
    }
    for (const eval::EvalEntry* entry : train_) {
      queries_.push_back({entry->query, entry->should_trigger});
    }
  }

  StatusOr<SearchResult> Run() {
    result_.entries = static_cast<int64_t>(train_.size());
    Member present{.description = input_.current};
    ST_ASSIGN_OR_RETURN(present.tallies, judge_.Evaluate({input_.skill, input_.current}, queries_));
    result_.invalid_share = InvalidShare(present.tallies);
    result_.passed_before = Passed(present);
    pool_.push_back(std::move(present));
    int refused = 0;
    for (int round = 0; round < input_.rounds; ++round) {
      if (input_.progress) input_.progress("evolve", round, input_.rounds);
      if (Passed(pool_.back()) == result_.entries) break;
      result_.stopped = Round(round);
      if (result_.stopped.ok()) {
        refused = 0;
      } else if (!IsRefusedReply(result_.stopped) || ++refused == kMaxRefusedRounds) {
        break;  // what was found so far still counts
      }
    }
    ChooseBest();
    return std::move(result_);
  }

 private:
  [[nodiscard]] bool Passes(const Member& member, size_t entry) const {
    return member.tallies[entry].Passed(queries_[entry].should_trigger);
  }

  [[nodiscard]] int64_t Passed(const Member& member) const {
    int64_t count = 0;
    for (size_t i = 0; i < queries_.size(); ++i) count += Passes(member, i) ? 1 : 0;
    return count;
  }

  // Members that are best on some entry no other remaining member is best on,
  // drawn with the number of entries they lead.
  const Member& DrawParent() {
    std::vector<uint64_t> weight(pool_.size(), 0);
    for (size_t entry = 0; entry < queries_.size(); ++entry) {
      const bool someone = std::any_of(pool_.begin(), pool_.end(),
                                       [&](const Member& m) { return Passes(m, entry); });
      for (size_t m = 0; m < pool_.size(); ++m) {
        weight[m] += !someone || Passes(pool_[m], entry) ? 1 : 0;
      }
    }
    const uint64_t total = std::accumulate(weight.begin(), weight.end(), uint64_t{0});
    if (total == 0) return pool_.back();
    uint64_t ticket = rng_.Below(total);
    for (size_t m = 0; m < pool_.size(); ++m) {
      if (ticket < weight[m]) return pool_[m];
      ticket -= weight[m];
    }
    return pool_.back();
  }

  template <typename Keep>
  void Draw(std::vector<size_t>& out, size_t count, Keep keep) {
    std::vector<size_t> all;
    for (size_t i = 0; i < queries_.size(); ++i) {
      if (keep(i)) all.push_back(i);
    }
    for (size_t i = all.size(); i > 1; --i) std::swap(all[i - 1], all[rng_.Below(i)]);
    if (all.size() > count) all.resize(count);
    out.insert(out.end(), all.begin(), all.end());
  }

  std::vector<size_t> DrawSample(const Member& parent) {
    std::vector<size_t> sample;
    Draw(sample, kFailing, [&](size_t i) { return !Passes(parent, i); });
    Draw(sample, kPassing,
         [&](size_t i) { return Passes(parent, i) && queries_[i].should_trigger; });
    Draw(sample, kNegative,
         [&](size_t i) { return Passes(parent, i) && !queries_[i].should_trigger; });
    return sample;
  }

  // The sample first, then further failures: what the proposer sees.
  std::vector<Observed> Examples(const Member& parent, const std::vector<size_t>& sample) const {
    std::vector<size_t> shown = sample;
    for (size_t i = 0; i < queries_.size() && shown.size() < kShownExamples; ++i) {
      if (!Passes(parent, i) && std::find(shown.begin(), shown.end(), i) == shown.end()) {
        shown.push_back(i);
      }
    }
    std::vector<Observed> out;
    for (const size_t i : shown) {
      out.push_back({.id = train_[i]->id,
                     .query = train_[i]->query,
                     .should_trigger = train_[i]->should_trigger,
                     .passed = Passes(parent, i),
                     .invocation_type = train_[i]->invocation_type});
    }
    return out;
  }

  ConstitutionInput CheckOf(const std::string& description) const {
    ConstitutionInput check;
    check.original = input_.current;
    check.proposed = description;
    check.original_from_frontmatter = input_.from_frontmatter;
    check.skill = input_.skill;
    check.body = input_.body_excerpt;
    check.other_skills = input_.other_skills;
    check.rejected = input_.rejected;
    for (const Candidate& candidate : result_.candidates) {
      if (candidate.fate == CandidateFate::kConstitution) {
        check.rejected.push_back(candidate.description);
      }
    }
    for (size_t i = 0; i < queries_.size(); ++i) {
      if (queries_[i].should_trigger && Passes(pool_.front(), i)) {
        check.passing_queries.emplace_back(queries_[i].query);
      }
    }
    return check;
  }

  static std::vector<std::string> Texts(const std::vector<Violation>& violations) {
    std::vector<std::string> out;
    for (const Violation& violation : violations) {
      out.push_back(std::string(violation.id) + ": " + violation.message);
    }
    return out;
  }

  // A proposal that the constitution accepts; violations are fed back once.
  StatusOr<std::optional<size_t>> ProposeOnce(const Member& parent,
                                              const std::vector<size_t>& sample, int round) {
    ProposalRequest request;
    request.skill = input_.skill;
    request.current = parent.description;
    request.body_excerpt = input_.body_excerpt;
    request.examples = Examples(parent, sample);
    request.other_skills = input_.other_skills;
    request.rejected = input_.rejected;
    request.tier = input_.tier;
    request.model = input_.model;
    request.effort = input_.effort;
    for (int attempt = 0; attempt < 2; ++attempt) {
      request.round = round * 2 + attempt;
      ST_ASSIGN_OR_RETURN(DescriptionProposal proposal, Propose(caller_, request));
      Candidate& candidate = result_.candidates.emplace_back();
      candidate.description = std::move(proposal.description);
      candidate.rationale = std::move(proposal.rationale);
      candidate.confidence = proposal.confidence;
      candidate.round = round;
      const ConstitutionInput check = CheckOf(candidate.description);
      candidate.violations = CheckConstitution(check);
      request.violations = Texts(candidate.violations);
      candidate.review = Texts(ReviewReasons(check));
      if (request.violations.empty()) return std::optional<size_t>(result_.candidates.size() - 1);
      candidate.fate = CandidateFate::kConstitution;
      for (const std::string& violation : request.violations) {
        candidate.details += (candidate.details.empty() ? "" : "; ") + violation;
      }
    }
    return std::optional<size_t>();
  }

  static int64_t ScoreOn(const std::vector<size_t>& sample, const std::vector<JudgeTally>& tallies,
                         const std::vector<JudgeEntry>& queries) {
    return std::count_if(sample.begin(), sample.end(),
                         [&](size_t i) { return tallies[i].Passed(queries[i].should_trigger); });
  }

  Status Round(int round) {
    const Member parent = DrawParent();
    const std::vector<size_t> sample = DrawSample(parent);
    ST_ASSIGN_OR_RETURN(const std::optional<size_t> index, ProposeOnce(parent, sample, round));
    if (!index.has_value()) return absl::OkStatus();
    Candidate& candidate = result_.candidates[*index];
    const JudgeSubject subject{input_.skill, candidate.description};
    std::vector<JudgeTally> tried(queries_.size());
    for (int run = 0; run < 3; ++run) {
      ST_RETURN_IF_ERROR(judge_.AddRun(subject, queries_, sample, run, tried));
    }
    const int64_t now = ScoreOn(sample, tried, queries_);
    const int64_t then = ScoreOn(sample, parent.tallies, queries_);
    if (now <= then) {
      candidate.fate = CandidateFate::kNoGain;
      candidate.details =
          fmt::format("{} of {} on the sample, its parent had {}", now, sample.size(), then);
      return absl::OkStatus();
    }
    Member child{.description = candidate.description, .candidate = index};
    ST_ASSIGN_OR_RETURN(child.tallies, judge_.Evaluate(subject, queries_));
    candidate.details = fmt::format("{} of {} training queries", Passed(child), result_.entries);
    pool_.push_back(std::move(child));
    return absl::OkStatus();
  }

  [[nodiscard]] int64_t Losses(const Member& member) const {
    int64_t count = 0;
    for (size_t i = 0; i < queries_.size(); ++i) {
      count += Passes(pool_.front(), i) && !Passes(member, i) ? 1 : 0;
    }
    return count;
  }

  void MarkBest(std::optional<size_t> candidate) {
    result_.best = candidate;
    if (candidate.has_value()) result_.candidates[*candidate].fate = CandidateFate::kBest;
  }

  // Most training queries, then fewer losses, then shorter, then earlier.
  void ChooseBest() {
    const Member* best = nullptr;
    for (const Member& member : pool_) {
      if (!member.candidate.has_value() || Passed(member) <= result_.passed_before) continue;
      if (best == nullptr || Better(member, *best)) best = &member;
    }
    result_.passed_best = result_.passed_before;
    if (best == nullptr) return;
    result_.passed_best = Passed(*best);
    MarkBest(best->candidate);
  }

  [[nodiscard]] bool Better(const Member& a, const Member& b) const {
    if (Passed(a) != Passed(b)) return Passed(a) > Passed(b);
    if (Losses(a) != Losses(b)) return Losses(a) < Losses(b);
    return a.description.size() < b.description.size();
  }

  llm::Caller& caller_;
  Judge& judge_;
  const EvolveInput& input_;
  base::Rng rng_;
  std::vector<const eval::EvalEntry*> train_;
  std::vector<JudgeEntry> queries_;
  std::vector<Member> pool_;
  SearchResult result_;
};

}  // namespace

bool IsRefusedReply(const Status& status) {
  const std::string_view code = CodeOf(status).name;
  return !status.ok() && (code == kInvalidReply.name || code == kInjectionSuspected.name);
}

StatusOr<SearchResult> Search(llm::Caller& caller, Judge& judge, const EvolveInput& input) {
  return Searcher(caller, judge, input).Run();
}

}  // namespace selftune::evolution
