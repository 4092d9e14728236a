// The whole loop: recover, sync, watch, choose, improve, report.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/error.h"
#include "deploy/recover.h"
#include "llm/choose.h"
#include "orchestrate/candidates.h"
#include "orchestrate/improve.h"
#include "orchestrate/watching.h"
#include "sync/sync.h"

namespace selftune::orchestrate {

struct RunWorld {
  store::Db* db = nullptr;  // durable, open for writing; read-only in a dry run
  const base::Environment* env = nullptr;
  const Clock* clock = nullptr;
  const base::Cancel* cancel = nullptr;
  const config::Config* config = nullptr;
  std::string state_dir;
  std::span<const ingest::Source* const> sources;
  llm::ChooseOptions choose;
  std::function<void(std::string_view stage, int64_t done, int64_t total, std::string_view what)>
      progress;
};

struct RunOptions {
  std::string skill, skill_path;
  bool dry_run = false;  // describes; writes nothing and asks no model
  bool plan_only = false;
  bool review_required = false;
  bool scheduled = false, reactive = false;
  bool sync_force = false;
  int64_t max_skills = 5;
  llm::ModelUse models;
};

struct SkillDecision {
  Decision decision;
  std::optional<ImproveResult> improved;
  Status error;  // of this skill; the run goes on
  int64_t elapsed_ms = 0;
};

struct RunReport {
  std::string run_id;
  std::string status;  // ok nothing_to_do partial error
  deploy::RecoverReport recovered;
  sync::SyncReport sync;
  int64_t total_skills = 0;
  std::vector<SkillDecision> decisions;
  std::vector<WatchResult> watches;
  std::string agent;  // "" = none
  int64_t evaluated = 0, evolved = 0, deployed = 0, skipped = 0, signals_consumed = 0;
  llm::CallerTotals spent;
  bool regression_found = false;
  bool changed = false;
  bool rested = false;  // what waits for a run is another than before (resting.h)
  int64_t elapsed_ms = 0;
  std::vector<Status> warnings;  // what could not be done and did not matter
};

// LOCK_HELD when another run is under way; SKILL_NOT_FOUND and AMBIGUOUS_SKILL
// for a skill that was named. What fails for one skill or one watch is part of
// the report; the run itself fails only when nothing more can be done.
[[nodiscard]] StatusOr<RunReport> RunLoop(const RunWorld& world, const RunOptions& options);

}  // namespace selftune::orchestrate
