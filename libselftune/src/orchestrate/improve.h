// One skill through the loop: eval set, proposal, held-out test, policy,
// deploy, watch.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/cancel.h"
#include "base/env.h"
#include "base/error.h"
#include "config/config.h"
#include "evolution/engine.h"
#include "llm/backend.h"
#include "llm/caller.h"
#include "skillfs/discovery.h"
#include "store/db.h"

namespace selftune::orchestrate {

struct ImproveWorld {
  store::Db* db = nullptr;  // open for writing; durable for deploys
  const base::Environment* env = nullptr;
  const Clock* clock = nullptr;
  const base::Cancel* cancel = nullptr;
  const config::Config* config = nullptr;
  std::string state_dir;
  const skillfs::Discovery* skills = nullptr;
  llm::Backend* backend = nullptr;  // null: only the plan
  std::function<void(std::string_view stage, int64_t done, int64_t total, std::string_view what)>
      progress;
};

struct ImproveOptions {
  std::string skill, skill_path;
  std::string eval_set;  // file with labelled queries, "" = the evidence
  std::string run_id;
  bool dry_run = false;    // up to the held-out test, no row but the spending
  bool plan_only = false;  // no call at all
  bool review_required = false;
  bool allow_dirty = false;
  bool by_itself = false;  // scheduled or reactive: config autonomy applies
  int rounds = 5;
  llm::ModelUse models;
};

struct ImproveResult {
  std::string skill;
  bool deployed = false;
  std::string reason_code;  // evolution.md 17
  std::string reason;
  std::string command;  // that shows what stands in the way, "" = none of its own
  std::string proposal_id, deploy_id;
  std::vector<std::string> paths;  // changed files
  std::vector<std::string> conflict_files;
  std::vector<std::string> diverged;  // copies that were left alone
  std::string before, after;          // descriptions; after "" = no candidate
  std::string rationale;
  std::string sha256_before, sha256_after;  // hex, of the first file
  double quality_before = 0, quality_after = 0;
  evolution::EvolveResult evolution;
  eval::EvalSet set;
  llm::CallerTotals spent;
  bool rest_ended = false;  // runs that begin by themselves need not wait any more
  Status failure;           // an error once something was spent: the rest says what was found
};

// Fails for errors before anything was spent; after it the error is in the result.
// A refusal is a reason_code.
[[nodiscard]] StatusOr<ImproveResult> ImproveSkill(const ImproveWorld& world,
                                                   const ImproveOptions& options);

// Deploys a proposal that a person approved, after checking that the files
// still hold what it was made from.
[[nodiscard]] StatusOr<ImproveResult> DeployProposal(const ImproveWorld& world,
                                                     std::string_view proposal_id, bool allow_dirty,
                                                     std::string_view run_id);

}  // namespace selftune::orchestrate
