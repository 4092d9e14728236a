// skill.misses: prompts at which a skill was needed and did not run.
#include <optional>
#include <string>
#include <string_view>

#include "base/crypto.h"
#include "base/json_writer.h"
#include "base/status_macros.h"
#include "base/strings.h"
#include "capi/ops.h"
#include "capi/readout.h"
#include "stats/seeded_split.h"
#include "store/db.h"
#include "store/queries/observations.h"

namespace selftune::capi::ops {
using base::JsonValue;
using base::JsonWriter;

namespace {

constexpr size_t kClusterBytes = 6;

// Short, and no text of a person: the same for prompts that eval sets do not
// tell apart. "" for an erased text.
std::string ClusterOf(const std::optional<std::string>& query) {
  if (!query.has_value()) return "";
  return base::Hex(base::Sha256Bytes(stats::NormalizeForSplit(*query)).substr(0, kClusterBytes));
}

}  // namespace

StatusOr<std::string> SkillMisses(Context& context, const JsonValue& params) {
  ST_ASSIGN_OR_RETURN(store::Db * db, context.ReadDb());
  ST_ASSIGN_OR_RETURN(const auto skill, SkillOf(*db, params));
  ST_ASSIGN_OR_RETURN(
      const store::MissPage page,
      store::ListMisses(*db, skill.has_value() ? std::optional(skill->id) : std::nullopt,
                        WindowOf(params), PageOf(params)));
  JsonWriter out;
  out.BeginObject().Key("items").BeginArray();
  for (const store::MissItem& miss : page.items) {
    out.BeginObject()
        .Field("skill", miss.skill)
        .Field("platform", miss.platform)
        .Field("session_id", miss.session_id);
    TextOrNull(out, "prompt_id", miss.prompt_id);
    PromptText(out, "query", miss.query, context, params["raw"].AsBool());
    TextOrNull(out, "cluster", ClusterOf(miss.query));
    out.Field("at", miss.at).Field("score", miss.score);
    Strings(out, "signals", miss.signals);
    TextOrNull(out, "cause", miss.cause);
    TextOrNull(out, "label", miss.label);
    TextOrNull(out, "label_reason", miss.label_reason);
    TextOrNull(out, "reason", miss.reason);
    TextOrNull(out, "competing_skill", miss.competing_skill);
    out.Key("source").BeginObject();
    TextOrNull(out, "path", miss.source_path);
    out.Field("line", miss.source_line).Field("offset", miss.source_offset).EndObject();
    out.EndObject();
  }
  out.EndArray();
  TextOrNull(out, "next_cursor", page.next);
  out.EndObject();
  return std::move(out).Take();
}

}  // namespace selftune::capi::ops
