#include "orchestrate/run.h"

#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "base/crypto.h"
#include "base/file.h"
#include "base/lock_file.h"
#include "base/status_macros.h"
#include "base/strings.h"
#include "base/utf8.h"
#include "deploy/retention.h"
#include "eval/eval_set.h"
#include "hosts/installed_skills.h"
#include "orchestrate/facts.h"
#include "orchestrate/model_rest.h"
#include "orchestrate/resting.h"
#include "orchestrate/run_record.h"
#include "orchestrate/skill_lock.h"
#include "orchestrate/skill_target.h"
#include "store/job_rows.h"
#include "store/source_ledger.h"
#include "store/write_txn.h"
#include "sync/held_skills.h"

namespace selftune::orchestrate {
namespace {

using SteadyClock = std::chrono::steady_clock;

constexpr char kJob[] = "orchestrate";
constexpr int64_t kReactEveryMs = 30 * 60 * 1000;
constexpr double kMaxOverlap = 0.3;  // of the smaller set

int64_t MsSince(SteadyClock::time_point start) {
  return std::chrono::duration_cast<std::chrono::milliseconds>(SteadyClock::now() - start).count();
}

class Loop {
 public:
  Loop(const RunWorld& world, const RunOptions& options) : world_(world), options_(options) {}

  StatusOr<RunReport> Run() {
    const auto begin = SteadyClock::now();
    if (Writes()) {
      ST_ASSIGN_OR_RETURN(base::LockFile taken, Lock());
      lock_.emplace(std::move(taken));
      ST_RETURN_IF_ERROR(BeginRun());
    }
    const Status worked = Work();
    report_.elapsed_ms = MsSince(begin);
    FinishStatus(worked);
    if (Writes()) ST_RETURN_IF_ERROR(EndRun(worked));
    if (!worked.ok()) return worked;
    return std::move(report_);
  }

 private:
  [[nodiscard]] bool Writes() const { return !options_.dry_run && !options_.plan_only; }
  [[nodiscard]] bool ByItself() const { return options_.scheduled || options_.reactive; }

  StatusOr<base::LockFile> Lock() {
    started_ = world_.clock->Now();
    report_.run_id = "run_" + base::MakeUlid(started_);
    return LockRuns(world_.state_dir, report_.run_id, started_);
  }

  Status BeginRun() {
    // What an earlier process left half done comes first.
    ST_ASSIGN_OR_RETURN(
        report_.recovered,
        deploy::Recover({.db = world_.db, .state_dir = world_.state_dir, .clock = world_.clock}));
    report_.changed |= !report_.recovered.empty();
    // Housekeeping: what cannot be removed today is no reason not to work.
    const auto dropped = deploy::DropOldJournals(
        {.db = world_.db, .state_dir = world_.state_dir, .clock = world_.clock});
    if (!dropped.ok()) report_.warnings.push_back(dropped.status());
    ST_RETURN_IF_ERROR(
        EndDeadProposals(*world_.db, world_.state_dir, report_.run_id, world_.clock->Now()));
    ST_ASSIGN_OR_RETURN(store::WriteTxn txn, store::WriteTxn::Begin(*world_.db));
    ST_RETURN_IF_ERROR(store::EndAbandonedJobs(*world_.db, kJob, world_.clock->Now()).status());
    ST_RETURN_IF_ERROR(
        store::StartJob(*world_.db,
                        {.run_id = report_.run_id,
                         .job = kJob,
                         .trigger = options_.scheduled  ? "cron"
                                    : options_.reactive ? "reactive"
                                                        : "manual",
                         .approval_mode = options_.review_required ? "review" : "auto",
                         .pid = ::getpid()},
                        world_.clock->Now()));
    return txn.Commit();
  }

  Status Work() {
    ST_RETURN_IF_ERROR(Sync());
    ST_ASSIGN_OR_RETURN(basis_, TakeRestBasis(*world_.db, *world_.config, world_.clock->Now()));
    ST_ASSIGN_OR_RETURN(const std::vector<std::string> workspaces, store::Workspaces(*world_.db));
    skills_ = hosts::FindInstalledSkills(*world_.env, workspaces);
    for (Status& unknown : sync::HoldSkills(world_.sources, *world_.env, skills_)) {
      report_.warnings.push_back(std::move(unknown));
    }
    ST_RETURN_IF_ERROR(CheckNamed());
    ST_RETURN_IF_ERROR(Watch());
    ST_ASSIGN_OR_RETURN(const bool quiet, NothingToReactTo());
    if (quiet) return absl::OkStatus();
    ST_ASSIGN_OR_RETURN(const bool rests, ModelRests());
    if (rests) return absl::OkStatus();
    ST_RETURN_IF_ERROR(Choose());
    const Status improved = ImproveChosen();
    if (Writes()) KeepModelRest(improved);
    ST_RETURN_IF_ERROR(improved);
    if (Writes()) KeepWhatRests();
    return absl::OkStatus();
  }

  // The last run that began by itself got no answer, and this one would get none either.
  StatusOr<bool> ModelRests() {
    if (!ByItself()) return false;
    asked_ = WhoIsAsked(*world_.env, world_.choose);
    ST_ASSIGN_OR_RETURN(
        const std::optional<status::RunsRest> rest,
        status::FindRunsRest(*world_.db, *world_.config, asked_, world_.clock->Now()));
    if (!rest.has_value()) return false;
    report_.warnings.push_back(Fail(kOnHold, "{}", status::Describe(*rest)));
    report_.rested = true;  // who began it did not know
    return true;
  }

  // Of a run that began by itself, and in which nobody was answered.
  void KeepModelRest(const Status& improved) {
    if (!ByItself()) return;
    std::vector<Tried> tried;
    for (const SkillDecision& entry : report_.decisions) {
      if (!entry.improved.has_value()) continue;
      const llm::CallerTotals& spent = entry.improved->spent;
      tried.push_back({.error = entry.error, .calls = spent.calls, .answered = spent.answered});
    }
    const Status failure = NoAnswer(improved, tried);
    model_rests_ = !failure.ok();
    if (!model_rests_) return;
    const Status kept = RestAfter(*world_.db, *world_.config, asked_, failure, started_);
    if (!kept.ok()) report_.warnings.push_back(kept);
    report_.rested |= kept.ok();
  }

  // What the next run would find again is not looked for, or paid for, each half hour.
  void KeepWhatRests() {
    for (size_t i = 0; i < looked_.size(); ++i) {
      const SkillDecision& entry = report_.decisions[i];
      if (entry.decision.action != Action::kEvolve) continue;
      if (!entry.error.ok()) {
        const int64_t calls = entry.improved.has_value() ? entry.improved->spent.calls : 0;
        if (!MeetsAgain(entry.error, entry.improved.has_value(), calls)) continue;
        // All runs rest, until the model answers.
        if (model_rests_ && IsOfModel(entry.error)) continue;
        looked_[i].reason = CodeOf(entry.error).name;
        // Mended where nobody sees it: whoever complains tries again.
        looked_[i].of_evidence = true;
      } else if (entry.improved.has_value() && !Worked(*entry.improved)) {
        looked_[i].reason = entry.improved->reason_code;
        looked_[i].of_evidence = true;
      }
    }
    NoteRest(KeepResting(*world_.db, basis_, looked_, world_.clock->Now()));
  }

  // It spares others a look, no more: a run that did its work does not fail for it.
  void NoteRest(const StatusOr<bool>& rested) {
    if (!rested.ok()) report_.warnings.push_back(rested.status());
    report_.rested |= rested.ok() && *rested;
  }

  // A run that the end of a session started works on what a person just said about
  // a skill, not twice in half an hour, and not when the day's budget is used up.
  StatusOr<bool> NothingToReactTo() {
    if (!options_.reactive) return false;
    const UtcMillis now = world_.clock->Now();
    ST_ASSIGN_OR_RETURN(const ToTakeUp waiting, SignalsToTakeUp(*world_.db, *world_.config, now));
    if (!waiting.now) return true;
    ST_ASSIGN_OR_RETURN(const auto last,
                        store::LastJobStart(*world_.db, kJob, "reactive", report_.run_id));
    if (last.has_value() && now.value - last->value < kReactEveryMs) return true;
    const Status left = llm::CheckDay(*world_.db, options_.models.limits.day, now);
    if (left.ok()) return false;
    if (CodeOf(left).name != kBudgetExhausted.name) return left;
    report_.warnings.push_back(left);
    if (!Writes()) return true;
    const UtcMillis tomorrow{(DayOf(now) + 1) * kDayMs};
    NoteRest(RestAll(*world_.db, basis_, CodeOf(left).name, tomorrow, now));
    return true;
  }

  Status Sync() {
    const sync::SyncWorld world{.env = world_.env,
                                .clock = world_.clock,
                                .cancel = world_.cancel,
                                .sources = world_.sources};
    sync::SyncOptions options;
    options.force = options_.sync_force;
    options.progress = world_.progress;
    if (Writes()) {
      ST_ASSIGN_OR_RETURN(report_.sync, sync::Run(*world_.db, world, options));
      report_.changed |= report_.sync.changed;
      return absl::OkStatus();
    }
    ST_ASSIGN_OR_RETURN(report_.sync, sync::Preview(world_.db, world, options));
    return absl::OkStatus();
  }

  Status Watch() {
    const WatchWorld world{.db = world_.db,
                           .clock = world_.clock,
                           .config = world_.config,
                           .skills = &skills_,
                           .state_dir = world_.state_dir};
    ST_ASSIGN_OR_RETURN(report_.watches,
                        LookAtWatches(world, {.skill = "",
                                              .auto_rollback = true,
                                              .write = Writes() && !options_.review_required,
                                              .review_required = options_.review_required,
                                              .run_id = report_.run_id}));
    for (const WatchResult& watch : report_.watches) {
      report_.regression_found |= watch.regressed;
      report_.changed |= watch.rolled_back;
    }
    return absl::OkStatus();
  }

  // The skill that was named has to be one, before anything is done to others.
  Status CheckNamed() {
    named_ = {.skill = options_.skill, .path = options_.skill_path};
    if (named_.skill.empty() && !named_.path.empty()) {
      ST_ASSIGN_OR_RETURN(named_.skill, SkillAt(skills_, named_.path));
    }
    if (named_.skill.empty()) return absl::OkStatus();
    const auto target = FindTarget(skills_, named_.skill, named_.path);
    const std::string_view code = target.ok() ? "" : CodeOf(target.status()).name;
    // Whatever else is wrong with it is that skill's own answer.
    const bool nobodys = code == kSkillNotFound.name || code == kAmbiguousSkill.name;
    return nobodys ? target.status() : absl::OkStatus();
  }

  Status Choose() {
    ST_ASSIGN_OR_RETURN(const status::OffSwitches off,
                        status::OffSwitches::Read(*world_.db, *world_.env));
    ST_ASSIGN_OR_RETURN(
        const std::vector<CandidateFacts> facts,
        GatherFacts(*world_.db, skills_, *world_.config, world_.clock->Now(), named_, &off));
    report_.total_skills = static_cast<int64_t>(facts.size());
    report_.agent = llm::NameBackend(*world_.env, world_.choose).value_or("");
    SelectOptions select;
    select.only_skill = named_.skill;
    select.max_skills = options_.max_skills;
    select.agent_available = !report_.agent.empty();
    select.now = world_.clock->Now();
    std::map<std::string_view, const CandidateFacts*> by_skill;
    for (const CandidateFacts& entry : facts) by_skill[entry.skill] = &entry;
    for (Decision& decision : SelectCandidates(facts, select)) {
      looked_.push_back(LookedAt(decision, *by_skill[decision.skill], options_.reactive));
      report_.decisions.push_back({.decision = std::move(decision)});
    }
    return absl::OkStatus();
  }

  Status ImproveChosen() {
    const bool any = std::any_of(
        report_.decisions.begin(), report_.decisions.end(),
        [](const SkillDecision& entry) { return entry.decision.action == Action::kEvolve; });
    std::unique_ptr<llm::Backend> backend;
    if (any && Writes()) {
      ST_ASSIGN_OR_RETURN(backend,
                          llm::ChooseBackend(*world_.env, world_.choose, world_.db, *world_.clock));
    }
    for (SkillDecision& entry : report_.decisions) {
      if (entry.decision.action != Action::kEvolve) {
        ++report_.skipped;
        continue;
      }
      if (world_.cancel != nullptr) ST_RETURN_IF_ERROR(world_.cancel->Check());
      // For display only: a heartbeat that cannot be written stops nothing.
      if (lock_.has_value())
        static_cast<void>(lock_->Update(RunHolder(report_.run_id, started_, world_.clock->Now())));
      ImproveUnlessTaken(entry, backend.get());
    }
    return absl::OkStatus();
  }

  void ImproveUnlessTaken(SkillDecision& entry, llm::Backend* backend) {
    auto own = PromptsOf(entry.decision.skill);
    if (!own.ok()) {
      entry.error = own.status();
      return;
    }
    if (Overlaps(entry, *own)) {
      ++report_.skipped;
      return;
    }
    ImproveOne(entry, backend);
    // One that was refused before anything was asked takes nothing from others.
    if (!entry.improved.has_value()) return;
    const ImproveResult& result = *entry.improved;
    if (Worked(result) || result.reason_code == "dry_run")
      taken_.emplace_back(entry.decision.skill, *std::move(own));
  }

  static bool Worked(const ImproveResult& result) {
    return result.spent.calls + result.spent.cached > 0 || result.deployed;
  }

  // What should trigger the skill.
  StatusOr<std::set<std::string>> PromptsOf(const std::string& skill) {
    ST_ASSIGN_OR_RETURN(const eval::EvalSet set, eval::LoadEvalSet(*world_.db, skill, {}));
    std::set<std::string> out;
    for (const eval::EvalEntry& query : set.entries) {
      if (query.should_trigger) out.insert(base::AsciiLower(base::CollapseSpace(query.query)));
    }
    return out;
  }

  // Two skills that share their prompts are not changed in one run: what one wins
  // the other would lose, and nobody could tell why.
  bool Overlaps(SkillDecision& entry, const std::set<std::string>& own) const {
    for (const auto& [skill, queries] : taken_) {
      const double shared = Overlap(own, queries);
      if (shared <= kMaxOverlap) continue;
      entry.decision.action = Action::kSkip;
      entry.decision.reason_code = "overlap";
      entry.decision.reason =
          fmt::format("{:.0f} % of its prompts are also those of {}, which this run works on",
                      shared * 100, skill);
      return true;
    }
    return false;
  }

  void ImproveOne(SkillDecision& entry, llm::Backend* backend) {
    const auto begin = SteadyClock::now();
    ++report_.evaluated;
    const ImproveWorld world{.db = world_.db,
                             .env = world_.env,
                             .clock = world_.clock,
                             .cancel = world_.cancel,
                             .config = world_.config,
                             .state_dir = world_.state_dir,
                             .skills = &skills_,
                             .backend = backend,
                             .progress = world_.progress};
    ImproveOptions options;
    options.skill = entry.decision.skill;
    options.skill_path = named_.path;
    options.run_id = report_.run_id;
    options.dry_run = options_.dry_run;
    options.plan_only = !Writes();
    options.review_required = options_.review_required;
    options.by_itself = ByItself();
    options.models = options_.models;
    auto improved = ImproveSkill(world, options);
    entry.elapsed_ms = MsSince(begin);
    if (!improved.ok()) {
      entry.error = improved.status();
      return;
    }
    entry.improved = *std::move(improved);
    const ImproveResult& result = *entry.improved;
    report_.spent.calls += result.spent.calls;
    report_.spent.cached += result.spent.cached;
    report_.spent.input_tokens += result.spent.input_tokens;
    report_.spent.output_tokens += result.spent.output_tokens;
    report_.spent.cost_micro_usd += result.spent.cost_micro_usd;
    report_.spent.cost_known &= result.spent.cost_known;
    report_.evolved += result.after.empty() ? 0 : 1;
    report_.deployed += result.deployed ? 1 : 0;
    report_.changed |= result.deployed || !result.proposal_id.empty();
    report_.rested |= result.rest_ended;
    entry.error = result.failure;
    if (Writes() && entry.error.ok() && Conclusive(result)) {
      entry.error = Consume(entry.decision.skill);
    }
  }

  // A signal is used up only by a run that acted on it or came to an end with it.
  static bool Conclusive(const ImproveResult& result) {
    return result.deployed || result.reason_code == "review_required" ||
           result.reason_code == "hold" || result.reason_code == "no_candidate_improved" ||
           result.reason_code == "constitution" || result.reason_code == "neighbour_regression";
  }

  Status Consume(const std::string& skill) {
    ST_ASSIGN_OR_RETURN(store::WriteTxn txn, store::WriteTxn::Begin(*world_.db));
    ST_ASSIGN_OR_RETURN(
        const int64_t count,
        store::ConsumeSignals(*world_.db, skill, report_.run_id, world_.clock->Now()));
    report_.signals_consumed += count;
    return txn.Commit();
  }

  void FinishStatus(const Status& worked) {
    const auto failed_one = [](const auto& entry) { return !entry.error.ok(); };
    const bool failed =
        std::any_of(report_.decisions.begin(), report_.decisions.end(), failed_one) ||
        std::any_of(report_.watches.begin(), report_.watches.end(), failed_one);
    report_.status = !worked.ok()                                          ? "error"
                     : failed                                              ? "partial"
                     : report_.evaluated == 0 && !report_.regression_found ? "nothing_to_do"
                                                                           : "ok";
  }

  Status EndRun(const Status& worked) {
    const UtcMillis now = world_.clock->Now();
    ST_ASSIGN_OR_RETURN(store::WriteTxn txn, store::WriteTxn::Begin(*world_.db));
    ST_RETURN_IF_ERROR(store::ExpireSignals(*world_.db, now).status());
    const std::string metrics = MetricsOf(report_);
    store::JobEnd end{.run_id = report_.run_id,
                      .status = report_.status,
                      .metrics = metrics,
                      .error = Message(worked),
                      .actions = ActionsOf(report_)};
    ST_RETURN_IF_ERROR(store::EndJob(*world_.db, end, now));
    return txn.Commit();
  }

  const RunWorld& world_;
  const RunOptions& options_;
  skillfs::Discovery skills_;
  NamedText named_;
  std::optional<base::LockFile> lock_;
  UtcMillis started_;
  // Skills worked on in this run, with the prompts that should trigger them.
  std::vector<std::pair<std::string, std::set<std::string>>> taken_;
  std::vector<RestBasis> basis_;  // before anything was looked at
  std::vector<Looked> looked_;    // of report_.decisions, in their order
  Asked asked_;                   // by a run that begins by itself
  bool model_rests_ = false;      // it was the first that nobody answered, or one more
  RunReport report_;
};

}  // namespace

StatusOr<RunReport> RunLoop(const RunWorld& world, const RunOptions& options) {
  return Loop(world, options).Run();
}

}  // namespace selftune::orchestrate
