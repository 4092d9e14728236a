// The person's settings, <state>/config.json: what may run by itself, how far
// guards go, which agent and models are used. Unknown keys survive a rewrite.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/error.h"
#include "base/json_value.h"
#include "config/suggestion_rules.h"

namespace selftune::config {

// What scheduled and reactive runs may do.
enum class Autonomy { kOff, kPropose, kDeploy };
// What guards do while a deploy or a watch is open.
enum class Guards { kOff, kAdvise, kBlock };
// Whether hooks may suggest a command to the agent, at most once a day.
enum class Suggestions { kOff, kOn };
// What may be done to one skill.
enum class SkillAutonomy { kLocked, kPropose, kAuto };
// How models are asked: through the agent's command, or a server over HTTP.
enum class LlmMode { kAgent, kApi };
// Which way of speaking such a server has.
enum class Provider { kAnthropic, kOpenAi };

// The skill that agents operate selftune by: locked, unless somebody unlocks it.
inline constexpr std::string_view kOwnSkill = "selftune";
[[nodiscard]] bool IsOwnSkill(std::string_view skill);

[[nodiscard]] std::string_view Word(Autonomy);
[[nodiscard]] std::string_view Word(Guards);
[[nodiscard]] std::string_view Word(Suggestions);
[[nodiscard]] std::string_view Word(SkillAutonomy);
[[nodiscard]] std::string_view Word(LlmMode);
[[nodiscard]] std::string_view Word(Provider);
[[nodiscard]] std::optional<Autonomy> ParseAutonomy(std::string_view word);
[[nodiscard]] std::optional<Guards> ParseGuards(std::string_view word);
[[nodiscard]] std::optional<Suggestions> ParseSuggestions(std::string_view word);
[[nodiscard]] std::optional<SkillAutonomy> ParseSkillAutonomy(std::string_view word);
[[nodiscard]] std::optional<LlmMode> ParseLlmMode(std::string_view word);
[[nodiscard]] std::optional<Provider> ParseProvider(std::string_view word);

// A value that cannot be used, found while reading. The default stands in, for a
// skill's autonomy the strictest word; the message says so.
struct Problem {
  std::string key;  // dotted, "skills.deploy.autonomy"; "" = the whole file
  std::string message;
};

// Immutable once loaded; share freely between threads.
struct Config {
  std::string path;
  bool exists = false;  // false before `init`: nothing runs by itself
  Autonomy autonomy = Autonomy::kOff;
  Guards guards = Guards::kAdvise;
  Suggestions suggestions = Suggestions::kOn;
  std::string agent_cli;  // "" = the first one found
  // hosts.<name>.home: a host's folder that is not where it is by default;
  // absolute, or below the person's home ("~/..."). Names as the file has them.
  std::vector<std::pair<std::string, std::string>> host_homes;
  std::vector<Problem> problems;
  base::JsonValue document;  // the file as read, unknown keys included

  // May hooks make suggestions by this rule? `suggestions` is on, and suggest.<rule> is, or
  // says nothing of a rule that is enabled.
  [[nodiscard]] bool Suggests(const SuggestionRule& rule) const;
  // For how many days it is silent after it spoke: suggest.<rule>_days, or what the rule has.
  [[nodiscard]] int CooldownDays(const SuggestionRule& rule) const;
  // skills.<name>.autonomy; nullopt when the file says nothing. Names are
  // compared like everywhere, without case; of several entries the strictest
  // holds. A word that cannot be read locks: it was meant to restrict something.
  [[nodiscard]] std::optional<SkillAutonomy> AutonomyOf(std::string_view skill) const;
  // Value at a dotted key ("models.cheap"); a null value when absent. Skill
  // names may hold dots: use AutonomyOf for those.
  [[nodiscard]] const base::JsonValue& Get(std::string_view dotted_key) const;
};

[[nodiscard]] std::string PathIn(std::string_view state_dir);

// A missing file is the default configuration. INVALID_CONFIG when the file is
// no JSON object or comes from a newer edition.
[[nodiscard]] StatusOr<Config> Load(std::string_view state_dir);

// Parses the text of a config file; the part of Load without a disk.
[[nodiscard]] StatusOr<Config> Parse(std::string_view text, std::string path);

// The document with skills.<skill>.autonomy set, in every entry of that name;
// other keys keep their place.
[[nodiscard]] base::JsonValue WithSkillAutonomy(const base::JsonValue& document,
                                                std::string_view skill, SkillAutonomy autonomy);
// The document with the value at a path of keys set; objects on the way are
// made. A null value takes the key out, and objects that are empty after it.
[[nodiscard]] base::JsonValue WithValueAt(const base::JsonValue& document,
                                          std::span<const std::string> path, base::JsonValue value);
// The document with a top-level key set.
[[nodiscard]] base::JsonValue WithValue(const base::JsonValue& document, std::string_view key,
                                        base::JsonValue value);

// Why `text` cannot be the folder of a host; "" when it can.
[[nodiscard]] std::string ProblemOfFolder(std::string_view text);

// The variable that holds the key of the model's server: `api.key_env`, else the
// usual one of `api.provider`.
[[nodiscard]] std::string KeyVariable(const Config& config);
// Can it be the name of a variable of the environment? A key cannot.
[[nodiscard]] bool IsVariableName(std::string_view text);

// The bytes that Save writes.
[[nodiscard]] std::string TextOf(const base::JsonValue& document);
// Writes atomically with mode 0600; the folder is made with 0700.
[[nodiscard]] Status Save(std::string_view state_dir, const base::JsonValue& document);

}  // namespace selftune::config
