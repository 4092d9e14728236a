#include "upstream/history.h"

#include <algorithm>
#include <array>
#include <cstdlib>
#include <limits>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "base/crypto.h"
#include "base/json_value.h"
#include "base/json_writer.h"
#include "base/status_macros.h"
#include "base/strings.h"
#include "store/import_rows.h"
#include "upstream/row_text.h"

namespace selftune::upstream {
namespace {

using store::ProposalState;

constexpr std::array<std::string_view, 10> kAuditColumns = {
    "id",      "timestamp",          "proposal_id",     "skill_name",      "action",
    "details", "eval_snapshot_json", "iterations_used", "validation_mode", "validation_agent"};
constexpr std::array<std::string_view, 10> kReplayColumns = {
    "id",    "proposal_id",    "skill_name", "validation_mode", "phase",
    "query", "should_trigger", "triggered",  "passed",          "evidence"};
constexpr std::array<std::string_view, 13> kRunColumns = {
    "run_id",       "timestamp",          "elapsed_ms", "dry_run",  "approval_mode",
    "total_skills", "evaluated",          "evolved",    "deployed", "watched",
    "skipped",      "skill_actions_json", "id"};
constexpr std::array<std::string_view, 6> kCronColumns = {
    "id", "job_name", "started_at", "elapsed_ms", "metrics_json", "error"};

bool IsDigits(std::string_view text) {
  return !text.empty() && std::ranges::all_of(text, [](char c) { return c >= '0' && c <= '9'; });
}

// Of `evo-<skill>-<ms>`, `evo-body-<skill>-<ms>`, `evo-routing-<skill>-<ms>-<i>`.
std::string SkillOfProposal(std::string_view id) {
  constexpr std::string_view kStart = "evo-";
  if (!id.starts_with(kStart)) return {};
  id.remove_prefix(kStart.size());
  for (const std::string_view target : {"body-", "routing-"}) {
    if (id.starts_with(target)) id.remove_prefix(target.size());
  }
  bool any = false;
  for (int i = 0; i < 2; ++i) {
    const size_t dash = id.rfind('-');
    if (dash == id.npos || !IsDigits(id.substr(dash + 1))) break;
    id = id.substr(0, dash);
    any = true;
  }
  return any ? std::string(id) : std::string();
}

std::string TargetOfProposal(std::string_view id) {
  if (id.starts_with("evo-body-")) return "body";
  return id.starts_with("evo-routing-") ? "routing" : "description";
}

// JSON that is one; anything else stays in the ledger.
std::string JsonOf(const store::LooseValue& value, std::string_view column, Fate& fate) {
  if (value.is_null()) return {};
  const std::string text = TextOf(value);
  if (base::JsonValue::Parse(text).ok()) return text;
  fate.spoiled.push_back(column);
  return {};
}

// A step with the rows that tell it.
struct Told {
  store::ImportedStep step;
  size_t order = 0;  // in which the rows tell it
  const SourceRow* audit = nullptr;
  std::vector<const SourceRow*> evidence;
};

class ProposalImporter {
 public:
  ProposalImporter(Engine& engine, std::string id) : engine_(engine) {
    proposal_.proposal_id = std::move(id);
  }

  Status Run(const store::LooseValue& id) {
    ST_ASSIGN_OR_RETURN(audit_, engine_.RowsWhere("evolution_audit", "proposal_id", id));
    ST_ASSIGN_OR_RETURN(evidence_, engine_.RowsWhere("evolution_evidence", "proposal_id", id));
    const auto same = [](const SourceRow& row) { return row.Unchanged(); };
    if (std::ranges::all_of(audit_, same) && std::ranges::all_of(evidence_, same)) {
      return absl::OkStatus();
    }
    ST_RETURN_IF_ERROR(engine_.Begin());
    Describe();
    for (const SourceRow& row : audit_) ST_RETURN_IF_ERROR(TakeAudit(row));
    for (const SourceRow& row : evidence_) ST_RETURN_IF_ERROR(TakeEvidence(row));
    return told_.empty() ? absl::OkStatus() : Write();
  }

 private:
  void Describe() {
    for (const auto* list : {&evidence_, &audit_}) {
      for (const SourceRow& row : *list) {
        Take(proposal_.skill, row, "skill_name");
        Take(proposal_.location, row, "skill_path");
      }
    }
    proposal_.skill = std::string(base::Trim(proposal_.skill));
    if (proposal_.skill.empty()) proposal_.skill = SkillOfProposal(proposal_.proposal_id);
    proposal_.target = TargetOfProposal(proposal_.proposal_id);
    const SourceRow* told = TextsRow();
    if (told == nullptr) return;
    Take(proposal_.original, *told, "original_text");
    Take(proposal_.proposed, *told, "proposed_text");
    Take(proposal_.rationale, *told, "rationale");
    for (const SourceRow& row : evidence_) Take(proposal_.rationale, row, "rationale");
    proposal_.confidence = told->row["confidence"].AsReal();
    const std::string target = TextOf(told->row["target"]);
    if (!target.empty()) proposal_.target = target;
  }

  // What the proposal is about is said by one row: that of its deploy, else the last with both
  // texts, else the last.
  const SourceRow* TextsRow() const {
    const SourceRow* best = nullptr;
    int rank = -1;
    for (const SourceRow& row : evidence_) {
      const bool texts = !row.row["original_text"].is_null() && !row.row["proposed_text"].is_null();
      const int one = !texts ? 0 : TextOf(row.row["stage"]) == "deployed" ? 2 : 1;
      if (one < rank) continue;
      best = &row;
      rank = one;
    }
    return best;
  }

  static void Take(std::string& into, const SourceRow& row, std::string_view column) {
    if (into.empty()) into = TextOf(row.row[column]);
  }

  // What is wrong with the row; "" = nothing.
  std::string Problem(const SourceRow& row, std::string_view action) const {
    if (proposal_.proposal_id.empty()) return "proposal_id is missing";
    if (proposal_.skill.empty()) return "no skill is named";
    if (!TimeOf(row.row["timestamp"])) return "timestamp is " + TextOf(row.row["timestamp"]);
    if (!store::ParseProposalState(action)) return fmt::format("{} is no step", action);
    return {};
  }

  std::string EventId(std::string_view action, const SourceRow& row) const {
    return "up-" + base::Hex(base::FieldHash("step")
                                 .Add(proposal_.proposal_id)
                                 .Add(action)
                                 .Add(TextOf(row.row["timestamp"]))
                                 .Key16());
  }

  Told& NewStep(const SourceRow& row, std::string_view action) {
    const size_t order = told_.size();
    Told& told = told_.emplace_back();
    told.order = order;
    told.step.event_id = EventId(action, row);
    told.step.action = *store::ParseProposalState(action);
    told.step.at = TimeOf(row.row["timestamp"]).value_or(UtcMillis{});
    return told;
  }

  Status TakeAudit(const SourceRow& row) {
    const std::string action = TextOf(row.row["action"]);
    const std::string problem = Problem(row, action);
    if (!problem.empty()) return engine_.Reject(row, problem);
    const std::string id = EventId(action, row);
    for (Told& known : told_) {
      if (known.step.event_id != id) continue;
      known.evidence.push_back(&row);  // told twice
      fates_[&row].verdict = ImportVerdict::kMerged;
      return absl::OkStatus();
    }
    Told& told = NewStep(row, action);
    told.audit = &row;
    told.step.details = TextOf(row.row["details"]);
    told.step.snapshot = JsonOf(row.row["eval_snapshot_json"], "eval_snapshot_json", fates_[&row]);
    told.step.iterations = row.row["iterations_used"].AsInt();
    told.step.mode = TextOf(row.row["validation_mode"]);
    told.step.agent = TextOf(row.row["validation_agent"]);
    return absl::OkStatus();
  }

  // Belongs to the audit's step of the same name that is nearest in time.
  Status TakeEvidence(const SourceRow& row) {
    const std::string stage = TextOf(row.row["stage"]);
    const std::string action = stage == "proposed" ? "created" : stage;
    const std::string problem = Problem(row, action);
    if (!problem.empty()) return engine_.Reject(row, problem);
    const UtcMillis at = *TimeOf(row.row["timestamp"]);
    Told* nearest = nullptr;
    int64_t distance = std::numeric_limits<int64_t>::max();
    for (Told& told : told_) {
      const int64_t d = std::abs(told.step.at.value - at.value);
      const bool taken = !told.evidence.empty() && told.audit == nullptr && d > 0;
      if (store::Word(told.step.action) != action || taken || d >= distance) continue;
      nearest = &told;
      distance = d;
    }
    const bool alone = nearest == nullptr;
    if (alone) nearest = &NewStep(row, action);
    nearest->evidence.push_back(&row);
    Fate& fate = fates_[&row];
    fate.verdict = alone ? ImportVerdict::kImported : ImportVerdict::kMerged;
    store::ImportedStep& step = nearest->step;
    Fill(step.validation, row, "validation_json", fate);
    Fill(step.eval_set, row, "eval_set_json", fate);
    const std::string details = TextOf(row.row["details"]);
    if (step.details.empty()) step.details = details;
    return absl::OkStatus();
  }

  static void Fill(std::string& into, const SourceRow& row, std::string_view column, Fate& fate) {
    std::string json = JsonOf(row.row[column], column, fate);
    if (json.empty()) return;
    if (into.empty()) {
      into = std::move(json);
    } else if (into != json) {
      fate.spoiled.push_back(column);
    }
  }

  Status Write() {
    std::ranges::sort(told_, {},
                      [](const Told& told) { return std::pair(told.step.at, told.order); });
    for (const Told& told : told_) proposal_.steps.push_back(told.step);
    ST_ASSIGN_OR_RETURN(const store::WrittenSteps written,
                        store::WriteImportedProposal(engine_.writer(), proposal_));
    for (size_t i = 0; i < told_.size(); ++i) {
      const Told& told = told_[i];
      if (told.audit != nullptr) {
        Fate& fate = fates_[told.audit];
        fate.carried = kAuditColumns;
        ST_RETURN_IF_ERROR(Record(*told.audit, fate, written, i));
      }
      for (const SourceRow* row : told.evidence) {
        Fate& fate = fates_[row];
        ST_RETURN_IF_ERROR(Record(*row, fate, written, i));
      }
    }
    return absl::OkStatus();
  }

  Status Record(const SourceRow& row, Fate& fate, const store::WrittenSteps& written, size_t i) {
    fate.dst = written.pks[i];
    if (!row.known.has_value() && !written.is_new[i]) fate.verdict = ImportVerdict::kMerged;
    // Of evidence the proposal has one text for all its rows.
    const bool evidence = &row != told_[i].audit;
    fate.whole = evidence || fate.verdict == ImportVerdict::kMerged;
    return engine_.Record(row, fate);
  }

  Engine& engine_;
  store::ImportedProposal proposal_;
  std::vector<SourceRow> audit_, evidence_;
  std::vector<Told> told_;
  std::map<const SourceRow*, Fate> fates_;
};

// ------------------------------------------------------------------- replays

Status ImportReplays(Engine& engine) {
  constexpr std::string_view kRun = "import";
  return engine.ForEach("replay_entry_results", "", [&](const SourceRow& row) -> Status {
    const auto& r = row.row;
    const std::string proposal = TextOf(r["proposal_id"]), phase = TextOf(r["phase"]);
    if (row.Unchanged()) return absl::OkStatus();
    ST_RETURN_IF_ERROR(engine.Begin());
    const std::string skill(base::Trim(TextOf(r["skill_name"])));
    const std::string query = TextOf(r["query"]), mode = TextOf(r["validation_mode"]);
    const std::string evidence = TextOf(r["evidence"]);
    std::string problem;
    if (proposal.empty() || skill.empty() || query.empty()) {
      problem = "proposal_id, skill_name or query is missing";
    } else if (phase != "before" && phase != "after") {
      problem = "phase is " + phase;
    }
    for (const std::string_view column : {"should_trigger", "triggered", "passed"}) {
      if (problem.empty() && !IsBoolean(r[column])) {
        problem = fmt::format("{} is {}", column, TextOf(r[column]));
      }
    }
    if (!problem.empty()) {
      ST_RETURN_IF_ERROR(engine.Reject(row, problem));
      return engine.Commit(false);
    }
    ST_ASSIGN_OR_RETURN(const bool is_new,
                        store::WriteImportedReplay(
                            engine.writer(), {.proposal_id = proposal,
                                              .run_id = kRun,
                                              .phase = phase,
                                              .skill = skill,
                                              .mode = mode,
                                              .query = query,
                                              .evidence = evidence,
                                              .entry_no = row.number,
                                              .should_trigger = r["should_trigger"].AsInt() == 1,
                                              .triggered = r["triggered"].AsInt() == 1,
                                              .passed = r["passed"].AsInt() == 1}));
    ST_RETURN_IF_ERROR(
        engine.Record(row, {.verdict = is_new ? ImportVerdict::kImported : ImportVerdict::kMerged,
                            .carried = kReplayColumns,
                            .whole = !is_new}));
    return engine.Commit(false);
  });
}

// ---------------------------------------------------------------------- runs

std::optional<bool> OptBool(const base::JsonValue& value) {
  if (!value.is_bool()) return std::nullopt;
  return value.AsBool();
}

std::optional<int64_t> OptInt(const base::JsonValue& value) {
  if (!value.is_number()) return std::nullopt;
  return value.is_int() ? value.AsInt() : static_cast<int64_t>(value.AsDouble());
}

// False: there is more in it than we keep.
bool ReadActions(const std::string& text, std::vector<store::JobAction>& out) {
  const auto json = base::JsonValue::Parse(text);
  if (!json.ok() || !json->is_array()) return text.empty();
  static constexpr std::array<std::string_view, 8> kKnown = {
      "skill", "action", "reason", "deployed", "rolledBack", "alert", "elapsed_ms", "llm_calls"};
  bool all = true;
  for (const base::JsonValue& item : json->items()) {
    for (const auto& [key, value] : item.members()) {
      all = all && std::ranges::find(kKnown, key) != kKnown.end();
    }
    if (!item.is_object() || !item["action"].is_string()) {
      all = false;
      continue;
    }
    all = all && (item["alert"].is_string() || !item.Has("alert"));
    out.push_back({.skill = item["skill"].AsString(),
                   .action = item["action"].AsString(),
                   .reason = item["reason"].AsString(),
                   .alert = item["alert"].AsString(),
                   .deployed = OptBool(item["deployed"]),
                   .rolled_back = OptBool(item["rolledBack"]),
                   .elapsed_ms = OptInt(item["elapsed_ms"]),
                   .llm_calls = OptInt(item["llm_calls"])});
  }
  return all;
}

std::string MetricsOf(const store::LooseRow& row) {
  base::JsonWriter out;
  out.BeginObject();
  for (const std::string_view column :
       {"total_skills", "evaluated", "evolved", "deployed", "watched", "skipped"}) {
    out.Field(column, row[column].AsInt().value_or(0));
  }
  out.EndObject();
  return std::move(out).Take();
}

Status WriteRun(Engine& engine, const SourceRow& row, const store::ImportedRun& run, Fate fate) {
  ST_ASSIGN_OR_RETURN(const bool is_new, store::WriteImportedRun(engine.writer(), run));
  if (!is_new) {
    fate.verdict = ImportVerdict::kMerged;
    fate.whole = true;
  }
  ST_RETURN_IF_ERROR(engine.Record(row, fate));
  return engine.Commit(false);
}

Status ImportRuns(Engine& engine) {
  return engine.ForEach("orchestrate_runs", "", [&](const SourceRow& row) -> Status {
    if (row.Unchanged()) return absl::OkStatus();
    const auto& r = row.row;
    ST_RETURN_IF_ERROR(engine.Begin());
    const std::string id = TextOf(r["run_id"]);
    const auto at = TimeOf(r["timestamp"]);
    if (id.empty() || !at.has_value()) {
      ST_RETURN_IF_ERROR(engine.Reject(
          row, id.empty() ? "run_id is missing" : "timestamp is " + TextOf(r["timestamp"])));
      return engine.Commit(false);
    }
    Fate fate{.carried = kRunColumns};
    std::vector<store::JobAction> actions;
    if (!ReadActions(TextOf(r["skill_actions_json"]), actions)) {
      fate.spoiled.push_back("skill_actions_json");
    }
    const std::string metrics = MetricsOf(r), approval = TextOf(r["approval_mode"]);
    return WriteRun(engine, row,
                    {.run_id = id,
                     .job = "orchestrate",
                     .status = "ok",
                     .approval_mode = approval,
                     .metrics = metrics,
                     .started = *at,
                     .elapsed_ms = r["elapsed_ms"].AsInt(),
                     .dry_run = r["dry_run"].AsInt().value_or(0) != 0,
                     .actions = std::move(actions)},
                    fate);
  });
}

// Beside the runs themselves: not to be counted as such.
Status ImportCronRuns(Engine& engine) {
  return engine.ForEach("cron_runs", "", [&](const SourceRow& row) -> Status {
    if (row.Unchanged()) return absl::OkStatus();
    const auto& r = row.row;
    ST_RETURN_IF_ERROR(engine.Begin());
    const std::string name = TextOf(r["job_name"]), status = TextOf(r["status"]);
    const auto at = TimeOf(r["started_at"]);
    std::string problem;
    if (name.empty()) problem = "job_name is missing";
    if (!at.has_value()) problem = "started_at is " + TextOf(r["started_at"]);
    if (status != "success" && status != "error") problem = "status is " + status;
    if (!problem.empty()) {
      ST_RETURN_IF_ERROR(engine.Reject(row, problem));
      return engine.Commit(false);
    }
    Fate fate{.carried = kCronColumns};
    const std::string id = fmt::format("cron-{}-{}", name, at->value);
    const std::string job = "cron:" + name, error = TextOf(r["error"]);
    const std::string metrics = JsonOf(r["metrics_json"], "metrics_json", fate);
    return WriteRun(engine, row,
                    {.run_id = id,
                     .job = job,
                     .status = status == "success" ? "ok" : "error",
                     .metrics = metrics,
                     .error = error,
                     .started = *at,
                     .elapsed_ms = r["elapsed_ms"].AsInt()},
                    fate);
  });
}

Status ImportProposals(Engine& engine) {
  std::set<std::pair<int, std::string>> seen;  // as the values are, not as they read
  for (const std::string_view table : {"evolution_audit", "evolution_evidence"}) {
    const SourceTable* shape = engine.Table(table);
    if (shape == nullptr || !shape->Has("proposal_id")) continue;
    ST_ASSIGN_OR_RETURN(store::LooseQuery ids, engine.source().Query(fmt::format(
                                                   "SELECT DISTINCT proposal_id FROM \"{}\" WHERE "
                                                   "proposal_id IS NOT NULL ORDER BY proposal_id",
                                                   table)));
    for (;;) {
      ST_ASSIGN_OR_RETURN(const bool more, ids.Next());
      if (!more) break;
      const store::LooseRow row = ids.Row();
      std::string id = TextOf(row.value(0));
      const store::LooseValue& value = row.value(0);
      if (!seen.emplace(static_cast<int>(value.type), value.AsText()).second) continue;
      ST_RETURN_IF_ERROR(ProposalImporter(engine, std::move(id)).Run(row.value(0)));
      ST_RETURN_IF_ERROR(engine.Commit(false));
    }
    ST_RETURN_IF_ERROR(engine.ForEach(table, "proposal_id IS NULL", [&](const SourceRow& row) {
      if (row.Unchanged()) return absl::OkStatus();
      ST_RETURN_IF_ERROR(engine.Begin());
      return engine.Reject(row, "proposal_id is missing");
    }));
  }
  return absl::OkStatus();
}

}  // namespace

Status ImportHistory(Engine& engine) {
  ST_RETURN_IF_ERROR(ImportProposals(engine));
  ST_RETURN_IF_ERROR(ImportReplays(engine));
  ST_RETURN_IF_ERROR(ImportRuns(engine));
  ST_RETURN_IF_ERROR(ImportCronRuns(engine));
  return engine.Commit(true);
}

}  // namespace selftune::upstream
