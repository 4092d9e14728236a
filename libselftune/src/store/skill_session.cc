#include "store/skill_session.h"

#include <algorithm>
#include <string_view>

#include "base/status_macros.h"

namespace selftune::store {
namespace {

constexpr char kLoadedAt[] =
    "SELECT outcome, requested_by, cause FROM observation "
    "WHERE prompt_pk=?1 AND skill_id=?2 AND effective=1";

// Causes before cures: only these count against a description.
bool CountsAgainst(std::string_view cause) {
  return cause.empty() || cause == "description" || cause == "unknown";
}

}  // namespace

void SkillSession::AddUse(std::string_view outcome, std::string_view requested_by,
                          std::string_view cause) {
  if (outcome == "read_only") edited = true;
  if (outcome == "missed" && CountsAgainst(cause)) {
    missed = true;
    missed_before_auto |= !auto_triggered;
  }
  if (outcome != "triggered") return;
  if (requested_by == "model") {
    auto_triggered = true;
  } else if (requested_by == "user") {
    user_started = true;
    started_before_auto |= !auto_triggered;
  }
}

void SkillSession::AddVerdict(std::string_view label, LoadedBy use) {
  if (label == "should" && use == LoadedBy::kByModel) wanted_label = true;
  if (label == "should_not" && use == LoadedBy::kByModel) rejected_label = true;
  if (label == "should" && use == LoadedBy::kNobody) {
    missed = true;
    missed_before_auto |= !auto_triggered;
  }
}

StatusOr<LoadedBy> ReadLoadedBy(Db& db, PromptPk prompt, SkillId skill) {
  ST_ASSIGN_OR_RETURN(Cursor rows, db.Query(kLoadedAt, prompt, skill));
  LoadedBy use = LoadedBy::kNobody;
  while (true) {
    ST_ASSIGN_OR_RETURN(const bool more, rows.Next());
    if (!more) return use;
    if (rows.Text(0) == "triggered") {
      use = std::max(use, rows.Text(1) == "model" ? LoadedBy::kByModel : LoadedBy::kByPerson);
    } else if (rows.Text(0) == "missed" && !CountsAgainst(rows.Text(2))) {
      use = std::max(use, LoadedBy::kHidden);
    }
  }
}

}  // namespace selftune::store
