// Pages of skill decisions and of misses.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/error.h"
#include "store/db.h"
#include "store/queries/page.h"
#include "store/rows.h"

namespace selftune::store {

struct ObservationItem {
  std::string occurrence;  // public id
  std::string platform, session_id, root_session_id, skill;
  std::optional<std::string> prompt_id, prompt_text;
  std::string outcome, level, route, requested_by, mode, cause, reason;  // "" = not applicable
  std::optional<double> confidence;
  std::optional<UtcMillis> at;
  std::string tool_name, skill_path, capture;
  std::string source_path;
  std::optional<int64_t> source_line, source_offset;
};
struct ObservationRequest {
  std::optional<SkillId> skill = {};
  std::string outcome = {}, level = {}, mode = {}, platform = {},
              text = {};  // "" = any; text: part of the prompt
  TimeWindow window = {};
  PageRequest page = {};
};
struct ObservationPage {
  std::vector<ObservationItem> items;  // newest first
  std::string next;
};
[[nodiscard]] StatusOr<ObservationPage> ListObservations(Db& db, const ObservationRequest& request);

// Oldest first.
[[nodiscard]] StatusOr<std::vector<ObservationItem>> ReadSessionObservations(Db& db,
                                                                             SessionPk session);

struct MissItem {
  std::string platform, session_id, prompt_id, skill;
  std::optional<std::string> query;
  std::optional<UtcMillis> at;
  double score = 0;
  std::string cause, reason;
  std::string label, label_reason;   // "" = no label
  std::vector<std::string> signals;  // kinds at this prompt that name the skill
  std::string competing_skill;       // triggered at the same prompt, "" = none
  std::string source_path;           // of the prompt, "" = seen by a hook only
  std::optional<int64_t> source_line, source_offset;
};
struct MissPage {
  std::vector<MissItem> items;  // newest first
  std::string next;
};
[[nodiscard]] StatusOr<MissPage> ListMisses(Db& db, std::optional<SkillId> skill,
                                            const TimeWindow& window, const PageRequest& page);

}  // namespace selftune::store
