// Facts of one skill for its v2 report: what its sessions cost, where its rows
// come from. Sums are over the newest sessions and rows, so that the cost does
// not grow with the evidence.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/error.h"
#include "store/db.h"
#include "store/rows.h"

namespace selftune::store {

// Of the newest sessions that used it.
struct V2SessionSums {
  int64_t sessions = 0;
  int64_t input_tokens = 0, output_tokens = 0, cached_input = 0, reasoning_output = 0;
  int64_t with_duration = 0, duration_ms = 0;
  int64_t with_files = 0, files_changed = 0, lines_added = 0, lines_removed = 0, artifacts = 0;
  int64_t with_cost = 0, cost_micro_usd = 0;
  int64_t workspaces = 0;
  std::map<std::string, int64_t> types;
};
[[nodiscard]] StatusOr<V2SessionSums> ReadV2SessionSums(Db& db, SkillId skill, int64_t newest);

// How the newest rows of the skill were recorded.
struct V2RowFacts {
  int64_t rows = 0;
  int64_t with_prompt = 0, with_query = 0, with_mode = 0, with_confidence = 0, with_scope = 0;
  int64_t low_confidence = 0, repaired = 0, legacy = 0;
  std::map<std::string, int64_t> names, captures, prompt_kinds,
      kinds;  // prompt kind "" = no prompt
};
[[nodiscard]] StatusOr<V2RowFacts> ReadV2RowFacts(Db& db, SkillId skill, int64_t newest);

struct V2SessionMeta {
  std::string session_id, platform, model, agent_cli, branch, workspace, completion;
  std::optional<UtcMillis> started, ended;
};
[[nodiscard]] StatusOr<std::vector<V2SessionMeta>> ListV2Sessions(Db& db, SkillId skill,
                                                                  int64_t limit);

struct V2PromptSample {
  std::optional<std::string> text;
  std::string kind, session_id;
  bool actionable = false, matched = false;  // matched: the skill ran at it
  std::optional<UtcMillis> at;
};
// Prompts of the newest sessions that used it.
[[nodiscard]] StatusOr<std::vector<V2PromptSample>> ListV2Prompts(Db& db, SkillId skill,
                                                                  int64_t sessions, int64_t limit);

struct V2Commit {
  std::string sha, title, branch;  // "" = unknown, no branch
  UtcMillis at;
};
struct V2Commits {
  int64_t total = 0, branches = 0;
  std::vector<V2Commit> newest;  // newest first
};
// That tools made in the newest sessions that used it.
[[nodiscard]] StatusOr<V2Commits> ReadV2Commits(Db& db, SkillId skill, int64_t sessions,
                                                int64_t limit);

struct V2LoopCost {
  int64_t llm_calls = 0, elapsed_ms = 0, runs = 0;
};
[[nodiscard]] StatusOr<V2LoopCost> ReadV2LoopCost(Db& db, SkillId skill);

// Rows that look like somebody else's instructions; never effective.
[[nodiscard]] StatusOr<int64_t> CountPolluted(Db& db, SkillId skill);

}  // namespace selftune::store
