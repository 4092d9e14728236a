#include "hosts/common/turn_skills.h"

#include <algorithm>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/strings.h"
#include "hosts/common/shell_skills.h"
#include "hosts/common/state_json.h"

namespace selftune::hosts {
namespace {

using ingest::SkillFact;

// "acme:deploy-check" and the folder "deploy-check" are one skill in a turn.
std::string LocalName(std::string_view skill) {
  const size_t colon = skill.rfind(':');
  return base::AsciiLower(colon == std::string_view::npos ? skill : skill.substr(colon + 1));
}

// Lower is stronger.
int Rank(const SkillFact& fact) { return static_cast<int>(fact.level); }

// Can both texts mean one file? What is not absolute may be anywhere.
bool MayBeSameFile(std::string_view a, std::string_view b) {
  return a == b || !a.starts_with('/') || !b.starts_with('/');
}

}  // namespace

void TurnSkills::Begin(std::string_view command) {
  command_ = LocalName(command);
  entries_.clear();
}

RequestedBy TurnSkills::AskedBy(std::string_view skill) const {
  return !command_.empty() && LocalName(skill) == command_ ? RequestedBy::kUser
                                                           : RequestedBy::kModel;
}

TurnSkills::Entry& TurnSkills::Of(std::string_view skill) {
  std::string name = LocalName(skill);
  for (Entry& entry : entries_) {
    if (entry.name == name) return entry;
  }
  entries_.emplace_back().name = std::move(name);
  return entries_.back();
}

void TurnSkills::Retract(std::optional<SkillFact>& fact, std::vector<SkillFact>& out) {
  if (!fact.has_value()) return;
  out.push_back(std::move(*fact));
  out.back().retracted = true;
  fact = std::nullopt;
}

void TurnSkills::AddUse(SkillFact fact, std::vector<SkillFact>& out) {
  Entry& entry = Of(fact.skill);
  Retract(entry.read, out);
  Retract(entry.request, out);
  entry.used = true;
  out.push_back(std::move(fact));
}

void TurnSkills::AddRead(SkillFact fact, std::vector<SkillFact>& out) {
  Entry& entry = Of(fact.skill);
  Retract(entry.request, out);
  if (entry.used || (entry.read.has_value() && Rank(*entry.read) <= Rank(fact))) return;
  Retract(entry.read, out);
  const bool changed =
      std::any_of(entry.changed.begin(), entry.changed.end(),
                  [&](const std::string& path) { return MayBeSameFile(path, fact.path); });
  fact.outcome = changed ? Outcome::kReadOnly : Outcome::kTriggered;
  entry.read = fact;
  out.push_back(std::move(fact));
}

void TurnSkills::AddRefusedRead(SkillFact fact, std::vector<SkillFact>& out) {
  Entry& entry = Of(fact.skill);
  if (entry.used || entry.refused || entry.read.has_value()) return;
  entry.refused = true;
  fact.outcome = Outcome::kRefused;
  out.push_back(std::move(fact));
}

void TurnSkills::AddRequest(SkillFact fact, std::vector<SkillFact>& out) {
  command_ = LocalName(fact.skill);
  Entry& entry = Of(fact.skill);
  if (entry.used || entry.read.has_value() || entry.request.has_value()) return;
  entry.request = fact;
  out.push_back(std::move(fact));
}

void TurnSkills::AddChange(std::string_view path, std::vector<SkillFact>& out) {
  const std::optional<std::string_view> skill = SkillOfFile(path);
  if (!skill.has_value()) return;
  Entry& entry = Of(*skill);
  if (entry.changed.size() < 8) entry.changed.emplace_back(path);
  if (!entry.read.has_value() || entry.read->outcome == Outcome::kReadOnly ||
      !MayBeSameFile(path, entry.read->path)) {
    return;
  }
  entry.read->outcome = Outcome::kReadOnly;
  out.push_back(*entry.read);
}

void TurnSkills::AddAlias(std::string_view skill, std::string_view folder,
                          std::vector<SkillFact>& out) {
  if (LocalName(skill) == LocalName(folder)) return;
  if (AskedBy(skill) == RequestedBy::kUser) command_ = LocalName(folder);
  Entry& entry = Of(folder);
  Retract(entry.read, out);
  entry.used = true;
}

void TurnSkills::Save(base::JsonWriter& w) const {
  w.BeginObject();
  SaveText(w, "command", command_);
  if (!entries_.empty()) {
    w.Key("skills").BeginArray();
    for (const Entry& entry : entries_) {
      w.BeginObject().Field("name", entry.name);
      SaveFlag(w, "used", entry.used);
      if (!entry.changed.empty()) {
        w.Key("changed").BeginArray();
        for (const std::string& path : entry.changed) w.String(path);
        w.EndArray();
      }
      SaveFlag(w, "refused", entry.refused);
      if (entry.read.has_value()) SaveSkill(w.Key("read"), *entry.read);
      if (entry.request.has_value()) SaveSkill(w.Key("request"), *entry.request);
      w.EndObject();
    }
    w.EndArray();
  }
  w.EndObject();
}

TurnSkills TurnSkills::Load(const base::JsonValue& value) {
  TurnSkills skills;
  skills.command_ = value["command"].AsString();
  for (const base::JsonValue& item : value["skills"].items()) {
    Entry& entry = skills.entries_.emplace_back();
    entry.name = item["name"].AsString();
    entry.used = item["used"].AsBool();
    for (const base::JsonValue& path : item["changed"].items()) {
      entry.changed.push_back(path.AsString());
    }
    entry.refused = item["refused"].AsBool();
    if (item["read"].is_object()) entry.read = LoadSkill(item["read"]);
    if (item["request"].is_object()) entry.request = LoadSkill(item["request"]);
  }
  return skills;
}

}  // namespace selftune::hosts
