// skill.observations, signals.list: rows of evidence.
#include <algorithm>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/json_writer.h"
#include "base/status_macros.h"
#include "base/strings.h"
#include "capi/ops.h"
#include "capi/readout.h"
#include "store/db.h"
#include "store/queries/observations.h"
#include "store/queries/sessions.h"
#include "store/queries/signals.h"

namespace selftune::capi::ops {
namespace {

using base::JsonValue;
using base::JsonWriter;

bool Wanted(const store::ObservationItem& item, const store::ObservationRequest& request,
            const std::optional<store::SkillRef>& skill) {
  const auto matches = [](const std::string& wanted, const std::string& value) {
    return wanted.empty() || wanted == value;
  };
  if (skill.has_value() && !base::EqualsIgnoreCase(skill->name, item.skill)) return false;
  if (!request.text.empty() &&
      base::AsciiLower(item.prompt_text.value_or("")).find(base::AsciiLower(request.text)) ==
          std::string::npos) {
    return false;
  }
  const auto& [from, to] = request.window;
  if (from.has_value() && (!item.at.has_value() || *item.at < *from)) return false;
  if (to.has_value() && (!item.at.has_value() || *item.at >= *to)) return false;
  return matches(request.outcome, item.outcome) && matches(request.level, item.level) &&
         matches(request.mode, item.mode);
}

// The rows of one session, newest first like any other page.
StatusOr<store::ObservationPage> OfSession(store::Db& db, const JsonValue& params,
                                           const store::ObservationRequest& request,
                                           const std::optional<store::SkillRef>& skill) {
  ST_ASSIGN_OR_RETURN(const store::SessionItem session,
                      store::FindSession(db, request.platform, params["session"].AsString()));
  ST_ASSIGN_OR_RETURN(std::vector<store::ObservationItem> all,
                      store::ReadSessionObservations(db, session.pk));
  std::erase_if(all, [&](const auto& item) { return !Wanted(item, request, skill); });
  std::reverse(all.begin(), all.end());
  size_t begin = 0;
  if (!request.page.cursor.empty()) {
    const auto place = base::ParseInt(request.page.cursor);
    if (!place.has_value() || *place < 0) {
      return Fail(kInvalidRequest, "skill.observations: cursor is not one of a page before");
    }
    begin = std::min(all.size(), static_cast<size_t>(*place));
  }
  const size_t end = std::min(all.size(), begin + static_cast<size_t>(request.page.limit));
  store::ObservationPage page;
  page.items.assign(std::make_move_iterator(all.begin() + static_cast<std::ptrdiff_t>(begin)),
                    std::make_move_iterator(all.begin() + static_cast<std::ptrdiff_t>(end)));
  if (end < all.size()) page.next = std::to_string(end);
  return page;
}

void WriteObservation(JsonWriter& out, const Context& context, const store::ObservationItem& item,
                      bool raw) {
  out.BeginObject()
      .Field("occurrence", item.occurrence)
      .Field("platform", item.platform)
      .Field("session_id", item.session_id)
      .Field("root_session_id", item.root_session_id)
      .Field("skill", item.skill)
      .Field("at", item.at)
      .Field("prompt_id", item.prompt_id);
  PromptText(out, "prompt", item.prompt_text, context, raw);
  out.Field("outcome", item.outcome);
  TextOrNull(out, "level", item.level);
  TextOrNull(out, "route", item.route);
  TextOrNull(out, "mode", item.mode);
  TextOrNull(out, "requested_by", item.requested_by);
  TextOrNull(out, "cause", item.cause);
  TextOrNull(out, "reason", item.reason);
  out.Field("confidence", item.confidence);
  TextOrNull(out, "tool", item.tool_name);
  TextOrNull(out, "skill_path", item.skill_path);
  TextOrNull(out, "capture", item.capture);
  out.Key("source").BeginObject();
  TextOrNull(out, "path", item.source_path);
  out.Field("line", item.source_line).Field("offset", item.source_offset).EndObject();
  out.EndObject();
}

}  // namespace

StatusOr<std::string> SkillObservations(Context& context, const JsonValue& params) {
  ST_ASSIGN_OR_RETURN(store::Db * db, context.ReadDb());
  ST_ASSIGN_OR_RETURN(const auto skill, SkillOf(*db, params));
  store::ObservationRequest request{.outcome = params["outcome"].AsString(),
                                    .level = params["level"].AsString(),
                                    .mode = params["mode"].AsString(),
                                    .platform = params["platform"].AsString(),
                                    .text = params["q"].AsString(),
                                    .window = WindowOf(params),
                                    .page = PageOf(params)};
  if (skill.has_value()) request.skill = skill->id;
  ST_ASSIGN_OR_RETURN(const store::ObservationPage page,
                      params["session"].is_null() ? store::ListObservations(*db, request)
                                                  : OfSession(*db, params, request, skill));
  JsonWriter out;
  out.BeginObject().Key("items").BeginArray();
  for (const store::ObservationItem& item : page.items) {
    WriteObservation(out, context, item, params["raw"].AsBool());
  }
  out.EndArray();
  TextOrNull(out, "next_cursor", page.next);
  out.EndObject();
  return std::move(out).Take();
}

StatusOr<std::string> SignalsList(Context& context, const JsonValue& params) {
  ST_ASSIGN_OR_RETURN(store::Db * db, context.ReadDb());
  ST_ASSIGN_OR_RETURN(const auto skill, SkillOf(*db, params));
  store::SignalRequest request{.state = params["state"].AsString(), .page = PageOf(params)};
  if (skill.has_value()) request.skill = skill->id;
  ST_ASSIGN_OR_RETURN(const store::SignalPage page, store::ListSignals(*db, request));
  JsonWriter out;
  out.BeginObject().Key("items").BeginArray();
  for (const store::SignalItem& signal : page.items) {
    out.BeginObject()
        .Field("signal_id", signal.signal_id)
        .Field("kind", signal.kind)
        .Field("skill", signal.skill.empty() ? signal.mention : signal.skill)
        .Field("resolved", signal.resolved)
        .Field("state", signal.state)
        .Field("platform", signal.platform)
        .Field("session_id", signal.session_id);
    TextOrNull(out, "prompt_id", signal.prompt_id);
    PromptText(out, "query", signal.query, context, params["raw"].AsBool());
    TextOrNull(out, "run_id", signal.run_id);
    out.Field("at", signal.at).EndObject();
  }
  out.EndArray();
  TextOrNull(out, "next_cursor", page.next);
  out.EndObject();
  return std::move(out).Take();
}

}  // namespace selftune::capi::ops
