#include "status/skill_policy.h"

#include <algorithm>
#include <string>

#include <fmt/format.h>

#include "base/file.h"
#include "skillfs/frontmatter.h"

namespace selftune::status {
namespace {

using config::SkillAutonomy;

constexpr uint64_t kMaxSkillBytes = 8 << 20;

bool SaysOff(const std::string& path) {
  const auto bytes = base::ReadFile(path, kMaxSkillBytes);
  // A file that is gone or cannot be read says nothing; doctor names it.
  return bytes.ok() && skillfs::ParseFrontmatter(*bytes).Field("metadata.selftune") == "off";
}

std::string SourceSentence(std::string_view skill, const SkillPolicy& policy) {
  if (policy.source == "frontmatter") return "its file says metadata.selftune: off";
  if (policy.source == "config") return fmt::format("config.json sets skills.{}.autonomy", skill);
  if (policy.source == "store") return "it was set before, in the store";
  if (policy.source == "version_control") {
    return "the file is under version control: its change concerns a team";
  }
  if (config::IsOwnSkill(skill))
    return "it is selftune's own: no evidence of this machine changes it";
  return "the default for files that are not under version control";
}

}  // namespace

SkillPolicy DecideSkillPolicy(const PolicyFacts& facts, const config::Config& config) {
  if (facts.off) return {SkillAutonomy::kLocked, "frontmatter"};
  if (const auto set = config.AutonomyOf(facts.skill)) return {*set, "config"};
  if (const auto set = config::ParseSkillAutonomy(facts.stored)) return {*set, "store"};
  if (config::IsOwnSkill(facts.skill)) return {SkillAutonomy::kLocked, "default"};
  if (facts.in_git) return {SkillAutonomy::kPropose, "version_control"};
  return {SkillAutonomy::kAuto, "default"};
}

PolicyFacts FactsOf(const SkillState& state) {
  return {.skill = state.totals.name,
          .stored = state.totals.autonomy,
          .in_git = std::any_of(state.places.begin(), state.places.end(),
                                [](const auto& place) { return place.in_git.value_or(false); })};
}

bool SwitchedOff(const SkillState& state) {
  return std::any_of(state.places.begin(), state.places.end(),
                     [](const auto& place) { return SaysOff(place.path); });
}

void ReadOffSwitch(SkillState& state) {
  if (!SwitchedOff(state)) return;
  if (state.autonomy != SkillAutonomy::kLocked) state.flags.push_back("locked");
  state.autonomy = SkillAutonomy::kLocked;
  state.autonomy_source = "frontmatter";
}

std::string ExplainPolicy(std::string_view skill, const SkillPolicy& policy, bool managed,
                          const config::Config& config) {
  if (managed) {
    return "a plugin, the host or an administrator owns the file: it is never changed";
  }
  std::string text = SourceSentence(skill, policy);
  if (policy.autonomy == SkillAutonomy::kLocked) return text;
  if (config.autonomy == config::Autonomy::kOff) {
    text += "; nothing runs by itself (autonomy off)";
  } else if (config.autonomy == config::Autonomy::kPropose &&
             policy.autonomy == SkillAutonomy::kAuto) {
    text += "; what runs by itself only proposes (autonomy propose)";
  }
  return text;
}

}  // namespace selftune::status
