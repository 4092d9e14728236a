#include "status/settings.h"

#include <algorithm>
#include <array>
#include <utility>

#include <fmt/format.h>

#include "base/file.h"
#include "base/strings.h"
#include "hosts/registry.h"
#include "net/transport.h"
#include "store/db.h"

namespace selftune::status {
namespace {

// Settings that are one text, in the order they are listed.
constexpr std::array<std::string_view, 10> kPlain = {
    "autonomy", "guards",       "suggestions",  "agent_type",  "agent_cli",
    "llm_mode", "api.provider", "api.base_url", "api.key_env", "api.model"};
// Known in the file, but not settable as one text: what `init` writes down and
// what holds other than texts.
constexpr std::array<std::string_view, 13> kOther = {"alpha",
                                                     "agents",
                                                     "cli_path",
                                                     "config_version",
                                                     "hooks_installed",
                                                     "initialized_at",
                                                     "api.headers",
                                                     "api.allow_insecure",
                                                     "budget.daily_usd",
                                                     "budget.daily_calls",
                                                     "privacy.redact_emails",
                                                     "retention.texts_days",
                                                     "schedule.every_hours"};
constexpr std::string_view kSkills = "skills.";
constexpr std::string_view kAutonomy = ".autonomy";
constexpr std::string_view kHosts = "hosts.";
constexpr std::string_view kHome = ".home";
constexpr std::string_view kSuggest = "suggest";
constexpr std::string_view kRetention = "retention.texts_days";
constexpr int64_t kMaxDays = 36'500;
constexpr size_t kMaxValue = 2048;
constexpr std::string_view kEveryHours = "schedule.every_hours";
constexpr std::string_view kHours[] = {"1", "2", "3", "4", "6", "8", "12", "24"};
config::Words HoursWords() { return kHours; }
config::Words AgentWords() {
  static const std::vector<std::string_view>* const kWords = [] {
    auto* const out = new std::vector<std::string_view>;
    for (const hosts::HostRow& row : hosts::Rows()) out->push_back(row.platform);
    out->push_back("unknown");
    return out;
  }();
  return *kWords;
}

// Settings that take one of some words.
struct WordsRow {
  std::string_view name;
  config::Words (*words)();
};
constexpr WordsRow kWords[] = {{"autonomy", config::AutonomyWords},
                               {"guards", config::GuardsWords},
                               {"suggestions", config::SuggestionsWords},
                               {"llm_mode", config::LlmModeWords},
                               {"api.provider", config::ProviderWords},
                               {kEveryHours, HoursWords},
                               {"agent_type", AgentWords}};

// What stands between `prefix` and `suffix`; nullopt when they do not surround
// anything.
std::optional<std::string_view> Between(std::string_view key, std::string_view prefix,
                                        std::string_view suffix) {
  if (!key.starts_with(prefix) || !key.ends_with(suffix)) return std::nullopt;
  if (key.size() <= prefix.size() + suffix.size()) return std::nullopt;
  return key.substr(prefix.size(), key.size() - prefix.size() - suffix.size());
}

SettingKey HostKey(std::string_view platform) {
  return {.name = fmt::format("{}{}{}", kHosts, platform, kHome),
          .path = {"hosts", std::string(platform), "home"}};
}

SettingKey SkillKey(std::string_view skill) {
  return {.name = fmt::format("{}{}{}", kSkills, skill, kAutonomy),
          .path = {"skills", std::string(skill), "autonomy"}};
}

SettingKey RuleKey(const config::SuggestionRule& rule) {
  return {.name = fmt::format("{}.{}", kSuggest, rule.id),
          .path = {std::string(kSuggest), std::string(rule.id)}};
}

SettingKey DaysKey(const config::SuggestionRule& rule) {
  std::string name = fmt::format("{}{}", rule.id, config::kDaysSuffix);
  return {.name = fmt::format("{}.{}", kSuggest, name),
          .path = {std::string(kSuggest), std::move(name)}};
}

// Of a setting that is its days; nullptr for others.
const config::SuggestionRule* RuleOfDays(const SettingKey& key) {
  if (key.path.size() != 2 || key.path[0] != kSuggest) return nullptr;
  const auto id = Between(key.path[1], "", config::kDaysSuffix);
  return id.has_value() ? config::FindRule(*id) : nullptr;
}

// Of a setting that is one; nullptr for others.
const config::SuggestionRule* RuleOf(const SettingKey& key) {
  return key.path.size() == 2 && key.path[0] == kSuggest ? config::FindRule(key.path[1]) : nullptr;
}

SettingKey RetentionKey() {
  return {.name = std::string(kRetention), .path = {"retention", "texts_days"}};
}

SettingKey EveryHoursKey() {
  return {.name = std::string(kEveryHours), .path = {"schedule", "every_hours"}};
}

bool IsHours(std::string_view text) {
  return std::find(std::begin(kHours), std::end(kHours), text) != std::end(kHours);
}

bool IsDays(std::string_view text) {
  const std::optional<int64_t> days = base::ParseInt(text);
  return days.has_value() && *days >= 1 && *days <= kMaxDays;
}

// "~/x" is below the person's home.
std::string Expand(const base::Environment& env, std::string_view folder) {
  if (!folder.starts_with('~')) return base::NormalizePath("/", folder);
  if (env.Home().empty()) return "";
  return base::NormalizePath(env.Home(), folder.substr(std::min<size_t>(2, folder.size())));
}

const base::JsonValue& ValueAt(const config::Config& config, const SettingKey& key) {
  const base::JsonValue* value = &config.document;
  for (const std::string& part : key.path) value = &(*value)[part];
  return *value;
}

std::string FallbackOf(const SettingKey& key, const base::Environment& env) {
  const config::Config absent;
  if (key.name == "autonomy") return std::string(config::Word(absent.autonomy));
  if (key.name == "guards") return std::string(config::Word(absent.guards));
  if (key.name == "suggestions") return std::string(config::Word(absent.suggestions));
  if (const config::SuggestionRule* const rule = RuleOf(key)) return rule->enabled ? "on" : "off";
  if (const config::SuggestionRule* const rule = RuleOfDays(key)) {
    return std::to_string(rule->cooldown_days);
  }
  if (key.name == kEveryHours) return "6";
  if (key.path[0] != "hosts") return "";
  const hosts::HostRow* const row = hosts::FindRow(key.path[1]);
  if (row == nullptr || env.Home().empty()) return "";
  return base::NormalizePath(env.Home(), row->config_default);
}

void AddUnknownBelow(const config::Config& config, std::string_view group, std::string_view known,
                     std::vector<std::string>& out) {
  for (const auto& [name, entry] : config.document[group].members()) {
    for (const auto& [key, value] : entry.members()) {
      if (key != known) out.push_back(fmt::format("{}.{}.{}", group, name, key));
    }
  }
}

}  // namespace

std::optional<SettingKey> ParseSettingKey(std::string_view key) {
  if (std::find(kPlain.begin(), kPlain.end(), key) != kPlain.end()) {
    SettingKey plain{.name = std::string(key), .path = {}};
    for (const std::string_view part : base::Split(key, '.')) plain.path.emplace_back(part);
    return plain;
  }
  if (key == kRetention) return RetentionKey();
  if (key == kEveryHours) return EveryHoursKey();
  for (const config::SuggestionRule& rule : config::kSuggestionRules) {
    if (RuleKey(rule).name == key) return RuleKey(rule);
    if (DaysKey(rule).name == key) return DaysKey(rule);
  }
  if (const auto skill = Between(key, kSkills, kAutonomy)) return SkillKey(*skill);
  if (const auto host = Between(key, kHosts, kHome)) {
    if (const hosts::HostRow* const row = hosts::FindRow(*host)) return HostKey(row->platform);
  }
  return std::nullopt;
}

std::vector<std::string> SettingNames() {
  std::vector<std::string> names(kPlain.begin(), kPlain.end());
  names.emplace_back(kRetention);
  names.emplace_back(kEveryHours);
  for (const config::SuggestionRule& rule : config::kSuggestionRules) {
    names.push_back(RuleKey(rule).name);
  }
  for (const config::SuggestionRule& rule : config::kSuggestionRules) {
    names.push_back(DaysKey(rule).name);
  }
  for (const hosts::HostRow& row : hosts::Rows()) names.push_back(HostKey(row.platform).name);
  return names;
}

config::Words ChoicesOf(const SettingKey& key) {
  if (key.path[0] == "skills") return config::SkillAutonomyWords();
  if (RuleOf(key) != nullptr) return config::SuggestionsWords();
  for (const auto& [name, words] : kWords) {
    if (name == key.name) return words();
  }
  return {};
}

std::string ProblemOfValue(const SettingKey& key, std::string_view value) {
  if (value.size() > kMaxValue) return fmt::format("must be at most {} bytes", kMaxValue);
  // Of an agent any of its names.
  if (key.name == "agent_type" && hosts::FindRow(value) != nullptr) return "";
  if (const config::Words words = ChoicesOf(key); !words.empty()) {
    const bool known = std::find(words.begin(), words.end(), value) != words.end();
    return known ? "" : "must be " + config::EitherOf(words);
  }
  if (key.name == "api.base_url") {
    const Status fine = net::CheckUrl(value, /*allow_insecure=*/true);
    return fine.ok() ? "" : "is wrong: " + std::string(Message(fine));
  }
  if (key.name == "api.key_env" && !config::IsVariableName(value)) {
    return "must be the name of a variable, never the key itself";
  }
  if (RuleOfDays(key) != nullptr) {
    const std::optional<int64_t> days = base::ParseInt(value);
    const bool fine = days.has_value() && config::IsCooldown(*days);
    return fine ? ""
                : fmt::format("must be a number of days from 1 to {}", config::kMaxCooldownDays);
  }
  if (key.name == kRetention) return IsDays(value) ? "" : "must be a number of days from 1 on";
  if (key.path[0] == "hosts") return config::ProblemOfFolder(value);
  return value.empty() ? "must not be empty" : "";
}

Setting ReadSetting(const config::Config& config, const base::Environment& env,
                    const SettingKey& key) {
  Setting setting{.key = key.name, .value = {}, .fallback = FallbackOf(key, env)};
  setting.value = setting.fallback;
  const base::JsonValue& found = ValueAt(config, key);
  const std::string text = found.is_int() ? std::to_string(found.AsInt()) : found.AsString();
  if (text.empty() || !ProblemOfValue(key, text).empty()) return setting;
  setting.in_file = true;
  setting.value = text;
  return setting;
}

std::vector<Setting> ReadSettings(const config::Config& config, const base::Environment& env) {
  std::vector<Setting> out;
  for (const std::string& name : SettingNames()) {
    if (const auto key = ParseSettingKey(name)) out.push_back(ReadSetting(config, env, *key));
  }
  for (const auto& [skill, entry] : config.document["skills"].members()) {
    if (entry.Has("autonomy")) out.push_back(ReadSetting(config, env, SkillKey(skill)));
  }
  return out;
}

std::vector<config::Problem> SettingProblems(const config::Config& config) {
  std::vector<config::Problem> problems = config.problems;
  const base::JsonValue& days = ValueAt(config, RetentionKey());
  if (!days.is_null() && !RetentionDays(config).has_value()) {
    problems.push_back({std::string(kRetention),
                        ProblemOfValue(RetentionKey(), "") + "; nothing is forgotten by itself"});
  }
  for (const std::string_view name :
       {"agent_type", "llm_mode", "api.provider", "api.base_url", "api.key_env"}) {
    const std::optional<SettingKey> key = ParseSettingKey(name);
    const base::JsonValue& value = ValueAt(config, *key);
    if (value.is_null()) continue;
    std::string problem =
        value.is_string() ? ProblemOfValue(*key, value.AsString()) : "must be a text";
    if (!problem.empty()) problems.push_back({key->name, key->name + " " + problem});
  }
  if (!ValueAt(config, EveryHoursKey()).is_null() && !EveryHours(config).has_value()) {
    problems.push_back({std::string(kEveryHours), ProblemOfValue(EveryHoursKey(), "")});
  }
  for (const auto& [name, folder] : config.host_homes) {
    const hosts::HostRow* const row = hosts::FindRow(name);
    if (row != nullptr && row->platform == name) continue;
    std::string message = fmt::format("there is no host {}", name);
    if (row != nullptr) message += fmt::format(", it is called {} here", row->platform);
    problems.push_back({fmt::format("hosts.{}.home", name), std::move(message)});
  }
  return problems;
}

std::vector<std::string> UnknownSettings(const config::Config& config) {
  std::vector<std::string> out;
  const auto known = [](std::string_view name) {
    return ParseSettingKey(name).has_value() ||
           std::find(kOther.begin(), kOther.end(), name) != kOther.end();
  };
  constexpr std::array<std::string_view, 8> kGroups = {
      "api", "budget", "hosts", "privacy", "retention", "schedule", "skills", "suggest"};
  for (const auto& [key, value] : config.document.members()) {
    const bool group = std::find(kGroups.begin(), kGroups.end(), key) != kGroups.end();
    if (!group && !known(key)) out.push_back(key);
    if (!group || key == "skills" || key == "hosts") continue;
    for (const auto& [inner, ignored] : value.members()) {
      if (std::string name = fmt::format("{}.{}", key, inner); !known(name)) {
        out.push_back(std::move(name));
      }
    }
  }
  constexpr std::array<std::string_view, 5> kAlpha = {"enrolled", "user_id", "email",
                                                      "display_name", "consent_timestamp"};
  for (const auto& [key, value] : config.document["alpha"].members()) {
    if (std::find(kAlpha.begin(), kAlpha.end(), key) == kAlpha.end()) out.push_back("alpha." + key);
  }
  AddUnknownBelow(config, "skills", "autonomy", out);
  AddUnknownBelow(config, "hosts", "home", out);
  return out;
}

std::optional<int64_t> RetentionDays(const config::Config& config) {
  const base::JsonValue& value = ValueAt(config, RetentionKey());
  const std::string text = value.is_int() ? std::to_string(value.AsInt()) : value.AsString();
  return IsDays(text) ? base::ParseInt(text) : std::nullopt;
}

std::optional<int64_t> EveryHours(const config::Config& config) {
  const base::JsonValue& value = ValueAt(config, EveryHoursKey());
  const std::string text = value.is_int() ? std::to_string(value.AsInt()) : value.AsString();
  return IsHours(text) ? base::ParseInt(text) : std::nullopt;
}

base::Environment WithHostHomes(const base::Environment& env, const config::Config& config) {
  base::Environment out = env;
  for (const auto& [name, folder] : config.host_homes) {
    const hosts::HostRow* const row = hosts::FindRow(name);
    if (row == nullptr || row->platform != name) continue;  // among SettingProblems
    out.SetHostHome(name, Expand(env, folder));
  }
  return out;
}

std::optional<std::string> FindFormerStateDir(const base::Environment& env,
                                              const std::string& db_path) {
  const auto former = env.Get("SELFTUNE_CONFIG_DIR");
  if (!former.has_value() || !former->starts_with('/')) return std::nullopt;
  const auto theirs = base::Stat(store::StorePath(*former));
  if (!theirs.ok()) return std::nullopt;
  const auto ours = base::Stat(db_path);
  if (ours.ok() && ours->dev == theirs->dev && ours->inode == theirs->inode) return std::nullopt;
  return former;
}

}  // namespace selftune::status
