// skill.why: why a skill did not run.
#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "base/file.h"
#include "base/json_writer.h"
#include "base/status_macros.h"
#include "base/strings.h"
#include "capi/next_step.h"
#include "capi/ops.h"
#include "capi/readout.h"
#include "hosts/installed_skills.h"
#include "hosts/registry.h"
#include "llm/redact.h"
#include "skillfs/discovery.h"
#include "status/trigger.h"
#include "status/why.h"
#include "store/db.h"
#include "store/queries/health.h"
#include "store/queries/sessions.h"
#include "store/source_ledger.h"

namespace selftune::capi::ops {
namespace {

using base::JsonValue;
using base::JsonWriter;

// "path:line", else "path@offset": what an editor or a reader can go to.
std::string Place(const status::WhyEvidence& row) {
  if (row.source_path.empty()) return "";
  if (row.source_line.has_value()) return fmt::format("{}:{}", row.source_path, *row.source_line);
  if (row.source_offset.has_value()) {
    return fmt::format("{}@{}", row.source_path, *row.source_offset);
  }
  return row.source_path;
}

// The prompt of the session that a question about the skill is about: the last
// at which it was missed, else the last that a person typed.
StatusOr<int32_t> TellingPrompt(store::Db& db, const store::SessionItem& session,
                                const store::SkillRef& skill) {
  ST_ASSIGN_OR_RETURN(const auto judged, store::ReadJudgedInSession(db, session.pk));
  ST_ASSIGN_OR_RETURN(const auto prompts, store::ReadPrompts(db, session.pk));
  std::optional<int32_t> missed, last;
  for (const store::PromptItem& prompt : prompts) {
    if (prompt.kind == "user" || session.kind != "main") last = prompt.seq;
    const bool here = std::any_of(judged.begin(), judged.end(), [&](const auto& one) {
      return one.prompt.prompt == prompt.pk && one.prompt.skill == skill.id &&
             status::IsMiss(one.prompt);
    });
    if (here) missed = prompt.seq;
  }
  if (missed.has_value()) return *missed;
  if (last.has_value()) return *last;
  return Fail(kNotFound, "skill.why: session {} has no prompt of a person", session.session_id);
}

// The working directory that a question without a session is about: the one that it names,
// else that of the call. "" where the call has none any more: then copies anywhere count.
StatusOr<std::string> AskedFrom(const JsonValue& params) {
  if (params["session"].is_string()) {
    if (!params["project"].is_string()) return std::string();
    return Fail(kInvalidRequest,
                "skill.why: a session has its own working directory; give either "
                "a session or a project");
  }
  if (!params["project"].is_string()) return base::RealPath(".").value_or("");
  std::string project = params["project"].AsString();
  const auto info = base::Stat(project);
  if (!info.ok() || !info->is_dir()) {
    return WithSuggestion(Fail(kInvalidRequest, "skill.why: the project {} is no folder", project),
                          "name a working directory, or leave it out for the one you are in", "");
  }
  return base::RealPath(project);  // as sessions name it
}

// What the agents that are here find on the disk now.
StatusOr<skillfs::Discovery> FoundHere(Context& context, store::Db& db, const std::string& cwd) {
  ST_ASSIGN_OR_RETURN(const base::Environment* const env, context.hosts_env());
  ST_ASSIGN_OR_RETURN(std::vector<std::string> workspaces, store::Workspaces(db));
  const bool known_folder =
      cwd.empty() || std::find(workspaces.begin(), workspaces.end(), cwd) != workspaces.end();
  if (!known_folder) workspaces.push_back(cwd);
  ST_ASSIGN_OR_RETURN(const std::vector<std::string> known, store::HostsWithSessions(db));
  skillfs::DiscoveryRequest request = hosts::DiscoveryFor(*env, workspaces);
  request.digests = false;
  request.ownership = false;
  std::erase_if(request.hosts, [&](const skillfs::HostSkillRules& rules) {
    return !hosts::IsHere(*hosts::FindRow(rules.platform), *env, known);
  });
  hosts::AddSettings(request);
  return skillfs::DiscoverSkills(request);
}

StatusOr<status::WhyAnswer> Ask(store::Db& db, const store::SkillRef& skill,
                                const JsonValue& params, const std::string& cwd,
                                const skillfs::Discovery& found_here) {
  const status::WhyScope scope{.skill_path = params["skill_path"].AsString(),
                               .platform = params["platform"].AsString(),
                               .cwd = cwd,
                               .or_elsewhere = !params["project"].is_string(),
                               .found = &found_here};
  const bool text = params["prompt"].is_string();
  const bool session = params["session"].is_string();
  if (text && session) {
    return Fail(kInvalidRequest, "skill.why: give either a prompt, or a session and its prompt");
  }
  if (text) {
    if (base::Trim(params["prompt"].AsString()).empty()) {
      return Fail(kInvalidRequest, "skill.why: the prompt is empty");
    }
    return status::WhyText(db, skill, params["prompt"].AsString(), scope);
  }
  if (!session) {
    if (params["prompt_index"].is_int()) {
      return Fail(kInvalidRequest, "skill.why: prompt_index needs its session");
    }
    return status::WhyAtAll(db, skill, scope);
  }
  ST_ASSIGN_OR_RETURN(
      const store::SessionItem found,
      store::FindSession(db, params["platform"].AsString(), params["session"].AsString()));
  auto index = static_cast<int32_t>(params["prompt_index"].AsInt());
  if (!params["prompt_index"].is_int()) {
    ST_ASSIGN_OR_RETURN(index, TellingPrompt(db, found, skill));
  }
  return status::WhyAt(db, skill, found.pk, index, scope);
}

}  // namespace

StatusOr<std::string> SkillWhy(Context& context, const JsonValue& params) {
  ST_ASSIGN_OR_RETURN(store::Db * db, context.ReadDb());
  ST_ASSIGN_OR_RETURN(const store::SkillRef skill, NeededSkillOf(*db, params));
  ST_ASSIGN_OR_RETURN(const std::string cwd, AskedFrom(params));
  ST_ASSIGN_OR_RETURN(const skillfs::Discovery found, FoundHere(context, *db, cwd));
  ST_ASSIGN_OR_RETURN(const status::WhyAnswer answer, Ask(*db, skill, params, cwd, found));
  JsonWriter out;
  out.BeginObject()
      .Field("skill", answer.skill)
      .Field("cause", answer.cause)
      .Field("missed_cause", answer.missed_cause);
  TextOrNull(out, "project", cwd);
  out.Field("explanation", answer.explanation)
      .Field("expected", answer.expected)
      .Key("evidence")
      .BeginArray();
  for (const status::WhyEvidence& row : answer.evidence) {
    out.BeginObject().Field("check", row.check).Field("result", llm::Redact(row.result, {}));
    TextOrNull(out, "source", Place(row));
    TextOrNull(out, "path", row.source_path);
    out.Field("line", row.source_line).Field("offset", row.source_offset).EndObject();
  }
  out.EndArray().Key("what_would_fix").BeginObject().Field("text", answer.fix);
  TextOrNull(out, "command", answer.fix_command);
  out.EndObject().EndObject();
  if (!answer.fix_command.empty()) {
    context.SetNext({.argv = SplitCommand(answer.fix_command), .reason = answer.fix});
  }
  return std::move(out).Take();
}

}  // namespace selftune::capi::ops
