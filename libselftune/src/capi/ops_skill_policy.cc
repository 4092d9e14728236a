// skill.set_autonomy: what may be done to one skill.
#include <algorithm>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/json_writer.h"
#include "base/status_macros.h"
#include "base/strings.h"
#include "capi/config_edit.h"
#include "capi/ops.h"
#include "capi/readout.h"
#include "hosts/installed_skills.h"
#include "skillfs/packages.h"
#include "status/skill_policy.h"
#include "status/skill_states.h"
#include "store/db.h"

namespace selftune::capi::ops {
namespace {

using base::JsonValue;
using base::JsonWriter;
using config::SkillAutonomy;
using skillfs::InstalledSkill;

// The skill that is meant, and what besides config.json decides about it.
struct Subject {
  std::string name;
  std::string stored;  // word in the store, "" = none
  bool off = false, in_git = false, managed = false;

  [[nodiscard]] status::SkillPolicy Policy(const config::Config& config) const {
    return status::DecideSkillPolicy(
        {.skill = name, .off = off, .stored = stored, .in_git = in_git}, config);
  }
};

StatusOr<Subject> FromStore(Context& context, store::Db& db, const store::SkillRef& skill) {
  ST_ASSIGN_OR_RETURN(const config::Config* const config, context.config());
  ST_ASSIGN_OR_RETURN(const base::Environment* const env, context.hosts_env());
  ST_ASSIGN_OR_RETURN(const status::OffSwitches off, status::OffSwitches::Read(db, *env));
  ST_ASSIGN_OR_RETURN(
      const std::vector<status::SkillState> states,
      status::ReadSkillStates(
          db, *config, {.now = context.now(), .window = {}, .skill = skill.id, .off = &off}));
  Subject subject{.name = skill.name, .stored = {}};
  if (states.empty()) return subject;  // only ever listed by a host
  const status::PolicyFacts facts = status::FactsOf(states.front());
  subject.stored = facts.stored;
  subject.in_git = facts.in_git;
  subject.off = status::SwitchedOff(states.front());
  subject.managed = states.front().managed;
  return subject;
}

bool IsMeant(const InstalledSkill& skill, std::string_view name, std::string_view path) {
  return std::any_of(skill.placements.begin(), skill.placements.end(), [&](const auto& placement) {
    return base::EqualsIgnoreCase(placement.name, name) &&
           (path.empty() || placement.path == path || skill.real_path == path);
  });
}

// Skills that no sync has seen yet can be locked before the first run.
StatusOr<std::optional<Subject>> FromDisk(Context& context, std::string_view name,
                                          std::string_view path) {
  ST_ASSIGN_OR_RETURN(const base::Environment* const env, context.hosts_env());
  skillfs::DiscoveryRequest request = hosts::DiscoveryFor(*env, {});
  request.digests = false;
  for (const InstalledSkill& skill : skillfs::DiscoverSkills(request).skills) {
    if (!IsMeant(skill, name, path)) continue;
    const bool managed =
        std::all_of(skill.placements.begin(), skill.placements.end(), [&](const auto& placement) {
          return skillfs::IsManaged(placement.scope, skill.real_path, !placement.plugin.empty());
        });
    return std::optional(Subject{.name = skill.name,
                                 .stored = {},
                                 .off = skill.frontmatter.Field("metadata.selftune") == "off",
                                 .in_git = skill.in_git(),
                                 .managed = managed});
  }
  return std::optional<Subject>();
}

StatusOr<Subject> Resolve(Context& context, const JsonValue& params) {
  const std::string& name = params["skill"].AsString();
  const std::string& path = params["skill_path"].AsString();
  Status unknown =
      WithSuggestion(Fail(kSkillNotFound, "looking for skill {}: none is installed", name),
                     "read what is installed first", "selftune sync");
  if (context.HasStore()) {
    ST_ASSIGN_OR_RETURN(store::Db* const db, context.ReadDb());
    const StatusOr<store::SkillRef> skill = NeededSkillOf(*db, params);
    if (skill.ok()) return FromStore(context, *db, *skill);
    if (CodeOf(skill.status()).name != kSkillNotFound.name) return skill.status();
    unknown = skill.status();
  }
  ST_ASSIGN_OR_RETURN(const std::optional<Subject> found, FromDisk(context, name, path));
  if (!found.has_value()) return unknown;
  return *found;
}

// The command that brings back what the file said before.
std::vector<std::string> UndoOf(const config::Config& before, const Subject& subject) {
  std::vector<std::pair<std::string, std::string>> said;  // name as written, word
  bool plain = true;
  for (const auto& [name, entry] : before.document["skills"].members()) {
    if (!base::EqualsIgnoreCase(name, subject.name)) continue;
    const std::string& word = entry["autonomy"].AsString();
    plain = plain && entry.is_object() &&
            (!entry.Has("autonomy") || config::ParseSkillAutonomy(word).has_value());
    said.emplace_back(name, word);
  }
  if (said.size() <= 1 && plain) {
    const std::string name = said.empty() ? subject.name : said.front().first;
    const std::string word = said.empty() ? "" : said.front().second;
    return {"selftune", "config", "set", "skills." + name + ".autonomy",
            word.empty() ? "--default" : word};
  }
  // Several entries, or one that could not be read: what held is one word.
  const SkillAutonomy held = before.AutonomyOf(subject.name).value_or(SkillAutonomy::kLocked);
  if (held == SkillAutonomy::kLocked) return {"selftune", "skills", "lock", subject.name};
  return {"selftune", "skills", "unlock", subject.name, "--to", std::string(config::Word(held))};
}

void WarnOfOtherRules(Context& context, const Subject& subject, SkillAutonomy wanted) {
  if (subject.off && wanted != SkillAutonomy::kLocked) {
    context.Warn("SWITCHED_OFF", fmt::format("{} stays locked: its file says metadata.selftune: "
                                             "off; take that out of the file",
                                             subject.name));
  }
  if (subject.managed && wanted != SkillAutonomy::kLocked) {
    context.Warn("MANAGED_SKILL",
                 fmt::format("{} belongs to a plugin, the host or an administrator: "
                             "its file is never changed",
                             subject.name));
  }
}

void PointOn(Context& context, const Subject& subject, SkillAutonomy holds) {
  if (holds == SkillAutonomy::kLocked) {
    context.SetNext({.argv = {"selftune", "skills", "list", "--status", "locked"},
                     .reason = "see every skill that is locked"});
  } else {
    context.SetNext({.argv = {"selftune", "skills", "show", subject.name},
                     .reason = "see what holds for it, and why"});
  }
}

}  // namespace

StatusOr<std::string> SkillSetAutonomy(Context& context, const JsonValue& params) {
  const auto wanted = config::ParseSkillAutonomy(params["autonomy"].AsString());
  if (!wanted.has_value()) return Fail(kInvalidRequest, "skill.set_autonomy: unknown autonomy");
  ST_RETURN_IF_ERROR(context.CheckWritable());
  ST_ASSIGN_OR_RETURN(const Subject subject, Resolve(context, params));
  ST_ASSIGN_OR_RETURN(
      ConfigEdit edit,
      EditConfig(context, [&](const config::Config& before) -> StatusOr<JsonValue> {
        const JsonValue& skills = before.document["skills"];
        if (!skills.is_null() && !skills.is_object()) {
          return WithSuggestion(
              Fail(kInvalidConfig, "reading {}: skills must be an object", before.path),
              "correct the file: what it says now locks every skill", "selftune config validate");
        }
        // What the file already says is left as it is written.
        if (before.AutonomyOf(subject.name) == wanted) return before.document;
        return config::WithSkillAutonomy(before.document, subject.name, *wanted);
      }));
  if (edit.written) edit.receipt.undo = UndoOf(edit.before, subject);
  const status::SkillPolicy was = subject.Policy(edit.before);
  const status::SkillPolicy is = subject.Policy(edit.after);
  WarnOfOtherRules(context, subject, *wanted);
  PointOn(context, subject, is.autonomy);
  JsonWriter out;
  out.BeginObject()
      .Field("skill", subject.name)
      .Field("before", config::Word(was.autonomy))
      .Field("before_source", was.source)
      .Field("after", config::Word(is.autonomy))
      .Field("after_source", is.source)
      .Field("reason", status::ExplainPolicy(subject.name, is, subject.managed, edit.after))
      .Field("managed", subject.managed);
  WriteEditReceipt(out, edit);
  out.EndObject();
  return std::move(out).Take();
}

}  // namespace selftune::capi::ops
