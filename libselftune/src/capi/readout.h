// What several readouts share: which skill is meant, which hosts see it, and
// how a rate is written.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/json_value.h"
#include "base/json_writer.h"
#include "capi/context.h"
#include "status/doctor.h"
#include "status/freshness.h"
#include "status/summary.h"
#include "status/trigger.h"
#include "store/db.h"
#include "store/queries/overview.h"
#include "store/queries/page.h"
#include "store/queries/skill_facts.h"
#include "store/queries/skills.h"

namespace selftune::capi {

// The skill that `skill` and `skill_path`, or `skill_id`, of a request name;
// empty when none was given. SKILL_NOT_FOUND also when the file is another skill's.
[[nodiscard]] StatusOr<std::optional<store::SkillRef>> SkillOf(store::Db& db,
                                                               const base::JsonValue& params);
// The same where one has to be named. INVALID_REQUEST without any.
[[nodiscard]] StatusOr<store::SkillRef> NeededSkillOf(store::Db& db, const base::JsonValue& params);

// What the doctor looks at, as this engine sees it.
[[nodiscard]] status::DoctorWorld DoctorWorldOf(Context& context);

// `since` and `until`, `limit` and `cursor`.
[[nodiscard]] store::TimeWindow WindowOf(const base::JsonValue& params);
[[nodiscard]] store::PageRequest PageOf(const base::JsonValue& params);

// Null for an empty text.
void TextOrNull(base::JsonWriter& out, std::string_view key, std::string_view text);
void Strings(base::JsonWriter& out, std::string_view key, std::span<const std::string> texts);
// "ci95": [low, high], of k in n; empty when nothing was counted.
// Fields of an open object.
void WriteCounts(base::JsonWriter& out, const status::SkillCounts& counts);
void Interval95(base::JsonWriter& out, std::string_view key, int64_t k, int64_t n);
// k / n, null when n is 0.
void Rate(base::JsonWriter& out, std::string_view key, int64_t k, int64_t n);
// "sessions" to "lag_ms": how much evidence there is, and how old it is.
[[nodiscard]] Status WriteEvidenceFacts(base::JsonWriter& out, store::Db& db,
                                        const store::Counts& counts,
                                        const status::Freshness& freshness);
// "trigger" and "precision" objects.
void WriteTrigger(base::JsonWriter& out, const status::TriggerCounts& counts);

// At most `limit` code points on one line, secrets taken out, the home folder
// as "~"; null stays null. `raw`: the whole text as it is.
void PromptText(base::JsonWriter& out, std::string_view key, const std::optional<std::string>& text,
                const Context& context, bool raw);

}  // namespace selftune::capi
