// Improvement signals and labels.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "store/db.h"
#include "store/queries/page.h"
#include "store/rows.h"

namespace selftune::store {

struct SignalItem {
  int64_t signal_id = 0;
  std::string kind, mention, skill, state, platform, session_id, prompt_id, run_id;
  SkillId skill_id;
  bool resolved = false;
  UtcMillis at;
  std::optional<std::string> query;
};
struct SignalRequest {
  std::string state = {};  // "" = any
  std::optional<SkillId> skill = {};
  PageRequest page = {};
};
struct SignalPage {
  std::vector<SignalItem> items;  // newest first
  std::string next;
};
[[nodiscard]] StatusOr<SignalPage> ListSignals(Db& db, const SignalRequest& request);

// Inside a WriteTxn. NOT_FOUND for an unknown id.
[[nodiscard]] Status SetSignalState(Db& db, int64_t signal_id, std::string_view state,
                                    std::string_view run_id, UtcMillis now);

struct LabelItem {
  PromptPk prompt = {};
  SkillId skill = {};
  std::string label = {}, reason = {}, source = {}, detail = {}, run_id = {};
  double weight = 1;
  UtcMillis at = {};
};
// Curated beats grader beats signal; equal reasons that disagree: unknown.
// All items are of one (prompt, skill).
[[nodiscard]] std::string_view EffectiveLabel(const std::vector<LabelItem>& labels);

}  // namespace selftune::store
