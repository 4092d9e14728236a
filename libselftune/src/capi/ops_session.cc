// session.*: what happened in sessions.
#include <algorithm>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/json_writer.h"
#include "base/status_macros.h"
#include "capi/ops.h"
#include "capi/readout.h"
#include "status/trigger.h"
#include "store/db.h"
#include "store/queries/health.h"
#include "store/queries/observations.h"
#include "store/queries/sessions.h"
#include "store/queries/timeline.h"

namespace selftune::capi::ops {
namespace {

using base::JsonValue;
using base::JsonWriter;
using store::ObservationItem;
using store::PromptItem;
using store::SessionItem;

void WriteHead(JsonWriter& out, const SessionItem& session) {
  out.Field("session_id", session.session_id)
      .Field("platform", session.platform)
      .Field("kind", session.kind)
      .Field("root_session_id", session.root_session_id);
  TextOrNull(out, "model", session.model);
  TextOrNull(out, "workspace", session.workspace_path);
  TextOrNull(out, "branch", session.branch);
  out.Field("started", session.started).Field("ended", session.ended);
  if (session.started.has_value() && session.ended.has_value()) {
    out.Field("duration_ms", session.ended->value - session.started->value);
  } else {
    out.NullField("duration_ms");
  }
  out.Field("outcome", session.completion);
}

// Everything about one session that its readout shows.
struct Details {
  SessionItem item;
  std::vector<PromptItem> prompts;    // of people
  std::vector<ObservationItem> uses;  // subagents included
  std::vector<store::NamedJudgement> missed;
  int64_t subagents = 0;
};

StatusOr<Details> ReadDetails(store::Db& db, SessionItem item) {
  Details out;
  ST_ASSIGN_OR_RETURN(std::vector<PromptItem> prompts, store::ReadPrompts(db, item.pk));
  for (PromptItem& prompt : prompts) {
    if (prompt.kind == "user" || item.kind != "main") out.prompts.push_back(std::move(prompt));
  }
  ST_ASSIGN_OR_RETURN(const auto conversation, store::ConversationOf(db, item.pk));
  std::vector<store::SessionPk> sessions = {item.pk};
  for (const store::SessionPk session : conversation) {
    if (session != item.pk) sessions.push_back(session);
  }
  out.subagents = static_cast<int64_t>(sessions.size()) - 1;
  for (const store::SessionPk session : sessions) {
    ST_ASSIGN_OR_RETURN(const auto uses, store::ReadSessionObservations(db, session));
    out.uses.insert(out.uses.end(), uses.begin(), uses.end());
  }
  ST_ASSIGN_OR_RETURN(std::vector<store::NamedJudgement> judged,
                      store::ReadJudgedInSession(db, item.pk));
  for (store::NamedJudgement& one : judged) {
    if (status::IsMiss(one.prompt)) out.missed.push_back(std::move(one));
  }
  out.item = std::move(item);
  return out;
}

void WritePrompts(JsonWriter& out, const Context& context, const Details& details, bool raw) {
  out.Key("prompts").BeginArray();
  for (const PromptItem& prompt : details.prompts) {
    out.BeginObject().Field("index", prompt.seq).Field("at", prompt.at);
    PromptText(out, "text", prompt.text, context, raw);
    out.Key("skills").BeginArray();
    std::vector<std::string> seen;
    for (const ObservationItem& use : details.uses) {
      if (use.outcome != "triggered" || use.prompt_id != prompt.prompt_id) continue;
      if (std::find(seen.begin(), seen.end(), use.skill) != seen.end()) continue;
      seen.push_back(use.skill);
      out.String(use.skill);
    }
    out.EndArray().EndObject();
  }
  out.EndArray();
}

// Uses of one kind as one line, in order of appearance.
void WriteSkills(JsonWriter& out, const Details& details) {
  struct Line {
    const ObservationItem* first;
    int64_t count = 0;
  };
  std::vector<Line> lines;
  for (const ObservationItem& use : details.uses) {
    const auto same = [&](const Line& line) {
      return line.first->skill == use.skill && line.first->outcome == use.outcome &&
             line.first->requested_by == use.requested_by;
    };
    auto it = std::find_if(lines.begin(), lines.end(), same);
    if (it == lines.end()) it = lines.insert(lines.end(), {&use, 0});
    ++it->count;
  }
  out.Key("skills").BeginArray();
  for (const Line& line : lines) {
    out.BeginObject().Field("name", line.first->skill).Field("outcome", line.first->outcome);
    TextOrNull(out, "level", line.first->level);
    TextOrNull(out, "requested_by", line.first->requested_by);
    out.Field("count", line.count).EndObject();
  }
  out.EndArray();
}

void WriteMissed(JsonWriter& out, const Context& context, const Details& details, bool raw) {
  out.Key("unmatched").BeginArray();
  for (const store::NamedJudgement& miss : details.missed) {
    const auto prompt =
        std::find_if(details.prompts.begin(), details.prompts.end(),
                     [&](const PromptItem& item) { return item.pk == miss.prompt.prompt; });
    out.BeginObject();
    if (prompt == details.prompts.end()) {
      out.NullField("index").NullField("text");
    } else {
      out.Field("index", prompt->seq);
      PromptText(out, "text", prompt->text, context, raw);
    }
    out.Field("skill", miss.skill)
        .Field("reason", miss.prompt.cause.empty() ? std::string("unknown") : miss.prompt.cause)
        .EndObject();
  }
  out.EndArray();
}

std::string Recommendation(const Details& details) {
  const size_t missed = details.missed.size();
  if (missed > 0) {
    return std::to_string(missed) + (missed == 1 ? " prompt" : " prompts") +
           " needed a skill that did not run; ask why with selftune why";
  }
  if (details.item.errors > 0) {
    return std::to_string(details.item.errors) +
           (details.item.errors == 1 ? " tool call" : " tool calls") +
           " failed; none of it is known to concern a skill";
  }
  return "";
}

void WriteDetails(JsonWriter& out, const Context& context, const Details& details, bool raw) {
  out.BeginObject();
  WriteHead(out, details.item);
  WritePrompts(out, context, details, raw);
  WriteSkills(out, details);
  WriteMissed(out, context, details, raw);
  out.Field("subagents", details.subagents)
      .Field("errors", details.item.errors)
      .Field("tool_calls", details.item.tool_calls)
      .Field("interruptions", details.item.interruptions)
      .Field("compactions", details.item.compactions)
      .Field("answers", details.item.answers)
      .Key("tokens")
      .BeginObject()
      .Field("input", details.item.input_tokens)
      .Field("output", details.item.output_tokens)
      .EndObject()
      .NullField("grade")
      .Field("recommendation", Recommendation(details));
  TextOrNull(out, "source_path", details.item.source_path);
  out.EndObject();
}

StatusOr<std::vector<SessionItem>> SessionsFor(store::Db& db, const JsonValue& params) {
  const std::string& platform = params["platform"].AsString();
  if (params["session"].is_string()) {
    ST_ASSIGN_OR_RETURN(SessionItem one,
                        store::FindSession(db, platform, params["session"].AsString()));
    return std::vector<SessionItem>{std::move(one)};
  }
  ST_ASSIGN_OR_RETURN(const auto skill, SkillOf(db, params));
  store::SessionListRequest request{
      .platform = platform, .kind = "main", .page = {.limit = params["n"].AsInt(1)}};
  if (skill.has_value()) request.skill = skill->id;
  ST_ASSIGN_OR_RETURN(store::SessionPage page, store::ListSessions(db, request));
  return std::move(page.items);
}

// ---- the timeline

struct Entry {
  std::optional<UtcMillis> at;
  std::optional<int64_t> offset, line;
  std::string path, detail;  // detail: JSON object of what only this kind has
  std::string_view kind;
  std::optional<int64_t> prompt_index;
};

Entry OfPrompt(const Context& context, const SessionItem& session, const PromptItem& prompt,
               bool raw) {
  JsonWriter out;
  out.BeginObject();
  PromptText(out, "text", prompt.text, context, raw);
  TextOrNull(out, "command", prompt.command_name);
  out.Field("by", prompt.kind).Field("active", prompt.active).EndObject();
  return {.at = prompt.at,
          .offset = prompt.source_offset,
          .line = prompt.source_line,
          .path = session.source_path,
          .detail = std::move(out).Take(),
          .kind = "prompt",
          .prompt_index = prompt.seq};
}

Entry OfUse(const ObservationItem& use, const std::map<std::string, int64_t>& index_of) {
  JsonWriter out;
  out.BeginObject().Field("skill", use.skill).Field("outcome", use.outcome);
  TextOrNull(out, "level", use.level);
  TextOrNull(out, "route", use.route);
  TextOrNull(out, "requested_by", use.requested_by);
  TextOrNull(out, "cause", use.cause);
  out.EndObject();
  Entry entry{.at = use.at,
              .offset = use.source_offset,
              .line = use.source_line,
              .path = use.source_path,
              .detail = std::move(out).Take(),
              .kind = "skill"};
  const auto it = index_of.find(use.prompt_id.value_or(""));
  if (it != index_of.end()) entry.prompt_index = it->second;
  return entry;
}

Entry OfExposure(const store::ExposureRowItem& row) {
  JsonWriter out;
  out.BeginObject()
      .Field("cause", row.cause)
      .Field("skills", row.skills)
      .Field("chars", row.chars)
      .Field("inherited", row.inherited)
      .EndObject();
  return {.at = row.at,
          .offset = row.source_offset,
          .line = row.source_line,
          .path = row.source_path,
          .detail = std::move(out).Take(),
          .kind = "exposure",
          .prompt_index = row.prompt_seq};
}

StatusOr<std::vector<Entry>> Timeline(const Context& context, store::Db& db,
                                      const SessionItem& session, bool raw) {
  std::vector<Entry> out;
  std::map<std::string, int64_t> index_of;
  ST_ASSIGN_OR_RETURN(const auto prompts, store::ReadPrompts(db, session.pk));
  for (const PromptItem& prompt : prompts) {
    index_of[prompt.prompt_id] = prompt.seq;
    out.push_back(OfPrompt(context, session, prompt, raw));
  }
  ST_ASSIGN_OR_RETURN(const auto uses, store::ReadSessionObservations(db, session.pk));
  for (const ObservationItem& use : uses) out.push_back(OfUse(use, index_of));
  ST_ASSIGN_OR_RETURN(const auto exposures, store::ReadExposureRows(db, session.pk));
  for (const store::ExposureRowItem& row : exposures) out.push_back(OfExposure(row));
  ST_ASSIGN_OR_RETURN(const auto events, store::ReadEvents(db, session.pk));
  for (const store::EventItem& event : events) {
    JsonWriter members;
    members.BeginObject().Field("event", event.kind);
    TextOrNull(members, "detail", event.detail);
    members.EndObject();
    out.push_back({.at = event.at,
                   .offset = event.source_offset,
                   .path = session.source_path,
                   .detail = std::move(members).Take(),
                   .kind = "event"});
  }
  // In one file its order is the order of things; elsewhere time is.
  std::stable_sort(out.begin(), out.end(), [](const Entry& a, const Entry& b) {
    if (a.path == b.path && a.offset.has_value() && b.offset.has_value())
      return *a.offset < *b.offset;
    return a.at.value_or(UtcMillis{0}) < b.at.value_or(UtcMillis{0});
  });
  return out;
}

}  // namespace

StatusOr<std::string> SessionList(Context& context, const JsonValue& params) {
  ST_ASSIGN_OR_RETURN(store::Db * db, context.ReadDb());
  ST_ASSIGN_OR_RETURN(const auto skill, SkillOf(*db, params));
  store::SessionListRequest request{.platform = params["platform"].AsString(),
                                    .kind = params["kind"].AsString(),
                                    .window = WindowOf(params),
                                    .page = PageOf(params)};
  if (skill.has_value()) request.skill = skill->id;
  ST_ASSIGN_OR_RETURN(const store::SessionPage page, store::ListSessions(*db, request));
  JsonWriter out;
  out.BeginObject().Key("items").BeginArray();
  for (const SessionItem& session : page.items) {
    out.BeginObject();
    WriteHead(out, session);
    out.Field("prompts", session.prompts);
    Strings(out, "skills", session.skills);
    out.Field("tool_calls", session.tool_calls).Field("errors", session.errors).EndObject();
  }
  out.EndArray();
  TextOrNull(out, "next_cursor", page.next);
  out.EndObject();
  return std::move(out).Take();
}

StatusOr<std::string> SessionLast(Context& context, const JsonValue& params) {
  ST_ASSIGN_OR_RETURN(store::Db * db, context.ReadDb());
  ST_ASSIGN_OR_RETURN(std::vector<SessionItem> sessions, SessionsFor(*db, params));
  JsonWriter out;
  out.BeginObject().Key("sessions").BeginArray();
  bool advised = false;
  for (SessionItem& item : sessions) {
    ST_ASSIGN_OR_RETURN(const Details details, ReadDetails(*db, std::move(item)));
    WriteDetails(out, context, details, params["raw"].AsBool());
    if (advised || details.missed.empty()) continue;
    advised = true;
    const store::NamedJudgement& miss = details.missed.front();
    for (const PromptItem& prompt : details.prompts) {
      if (prompt.pk != miss.prompt.prompt) continue;
      context.SetNext({.argv = {"selftune", "why", miss.skill, "--session", details.item.session_id,
                                "--prompt-index", std::to_string(prompt.seq)},
                       .reason = miss.skill + " was needed and did not run"});
    }
  }
  out.EndArray().EndObject();
  return std::move(out).Take();
}

StatusOr<std::string> SessionTimeline(Context& context, const JsonValue& params) {
  ST_ASSIGN_OR_RETURN(store::Db * db, context.ReadDb());
  ST_ASSIGN_OR_RETURN(
      const SessionItem session,
      store::FindSession(*db, params["platform"].AsString(), params["session"].AsString()));
  ST_ASSIGN_OR_RETURN(const std::vector<Entry> entries,
                      Timeline(context, *db, session, params["raw"].AsBool()));
  ST_ASSIGN_OR_RETURN(const auto tools, store::ReadTools(*db, session.pk));
  JsonWriter out;
  out.BeginObject();
  WriteHead(out, session);
  out.Key("entries").BeginArray();
  for (const Entry& entry : entries) {
    out.BeginObject().Field("kind", entry.kind).Field("at", entry.at);
    out.Field("prompt_index", entry.prompt_index).Key("source").BeginObject();
    TextOrNull(out, "path", entry.path);
    out.Field("line", entry.line).Field("offset", entry.offset).EndObject();
    out.Key("detail").Raw(entry.detail).EndObject();
  }
  out.EndArray().Key("tools").BeginArray();
  for (const store::ToolItem& tool : tools) {
    out.BeginObject()
        .Field("name", tool.name)
        .Field("calls", tool.calls)
        .Field("errors", tool.errors)
        .Field("nonzero_exits", tool.nonzero_exits)
        .Field("denied", tool.denied)
        .Field("unfinished", tool.unfinished)
        .EndObject();
  }
  out.EndArray().EndObject();
  return std::move(out).Take();
}

}  // namespace selftune::capi::ops
