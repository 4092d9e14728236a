#include "config/config.h"

#include <algorithm>
#include <array>
#include <span>
#include <utility>

#include <fmt/ranges.h>

#include "base/file.h"
#include "base/free_path.h"
#include "base/status_macros.h"
#include "base/strings.h"
#include "config/choices.h"

namespace selftune::config {
namespace {

constexpr int64_t kVersion = 1;
constexpr uint64_t kMaxBytes = 1 << 20;
constexpr std::string_view kByteOrderMark = "\xef\xbb\xbf";  // as some editors begin a file
constexpr std::array<std::string_view, 3> kAutonomyWords = {"off", "propose", "deploy"};
constexpr std::array<std::string_view, 3> kGuardsWords = {"off", "advise", "block"};
constexpr std::array<std::string_view, 2> kSuggestionsWords = {"off", "on"};
constexpr std::array<std::string_view, 3> kSkillWords = {"locked", "propose", "auto"};
constexpr std::array<std::string_view, 2> kModeWords = {"agent", "api"};
constexpr std::array<std::string_view, 2> kProviderWords = {"anthropic", "openai"};

template <typename Enum>
std::optional<Enum> ParseWord(std::span<const std::string_view> words, std::string_view word) {
  for (size_t i = 0; i < words.size(); ++i) {
    if (words[i] == word) return static_cast<Enum>(i);
  }
  return std::nullopt;
}

// Reads one enumeration; keeps `value` and notes a problem when it is not one
// of `words`.
template <typename Enum, size_t n>
void ReadWord(const base::JsonValue& document, std::string_view key,
              const std::array<std::string_view, n>& words, Enum& value,
              std::vector<Problem>& problems) {
  const base::JsonValue& found = document[key];
  if (found.is_null()) return;
  const auto parsed = ParseWord<Enum>(words, found.AsString());
  if (parsed.has_value()) {
    value = *parsed;
    return;
  }
  problems.push_back({std::string(key), fmt::format("{} must be {}; until then it is {}", key,
                                                    EitherOf(words), Word(value))});
}

void CheckSkills(const base::JsonValue& document, std::vector<Problem>& problems) {
  const base::JsonValue& skills = document["skills"];
  if (skills.is_null()) return;
  if (!skills.is_object()) {
    problems.push_back({"skills", "skills must be an object; until then all skills are locked"});
    return;
  }
  for (const auto& [name, entry] : skills.members()) {
    if (!entry.is_null() && !entry.is_object()) {
      problems.push_back(
          {fmt::format("skills.{}", name),
           fmt::format("skills.{0} must be an object like {{\"autonomy\":\"locked\"}}; "
                       "until then {0} is locked",
                       name)});
      continue;
    }
    const base::JsonValue& word = entry["autonomy"];
    if (word.is_null() || ParseSkillAutonomy(word.AsString()).has_value()) continue;
    problems.push_back({fmt::format("skills.{}.autonomy", name),
                        fmt::format("skills.{0}.autonomy must be {1}; until then {0} is locked",
                                    name, EitherOf(kSkillWords))});
  }
}

// What suggest.<rule> says; nullopt: nothing that can be read.
std::optional<Suggestions> SwitchOf(const base::JsonValue& document, const SuggestionRule& rule) {
  return ParseSuggestions(document["suggest"][rule.id].AsString());
}

// What suggest.<rule>_days says; nullopt: nothing that can be used.
std::optional<int> DaysOf(const base::JsonValue& document, const SuggestionRule& rule) {
  const base::JsonValue& value = document["suggest"][fmt::format("{}{}", rule.id, kDaysSuffix)];
  const std::optional<int64_t> days =
      value.is_int() ? value.AsInt() : base::ParseInt(value.AsString());
  if (!days.has_value() || !IsCooldown(*days)) return std::nullopt;
  return static_cast<int>(*days);
}

void CheckRules(const base::JsonValue& document, std::vector<Problem>& problems) {
  const base::JsonValue& rules = document["suggest"];
  if (rules.is_null()) return;
  if (!rules.is_object()) {
    problems.push_back({"suggest", "suggest must be an object like {\"review\":\"off\"}"});
    return;
  }
  for (const SuggestionRule& rule : kSuggestionRules) {
    const std::string days = fmt::format("{}{}", rule.id, kDaysSuffix);
    if (!rules[days].is_null() && !DaysOf(document, rule).has_value()) {
      problems.push_back(
          {fmt::format("suggest.{}", days),
           fmt::format("suggest.{} must be a number of days from 1 to {}; until then it is {}",
                       days, kMaxCooldownDays, rule.cooldown_days)});
    }
    if (rules[rule.id].is_null() || SwitchOf(document, rule).has_value()) continue;
    problems.push_back({fmt::format("suggest.{}", rule.id),
                        fmt::format("suggest.{} must be {}; until then it is {}", rule.id,
                                    EitherOf(kSuggestionsWords), rule.enabled ? "on" : "off")});
  }
}

void ReadHosts(const base::JsonValue& document, Config& config) {
  const base::JsonValue& hosts = document["hosts"];
  if (hosts.is_null()) return;
  if (!hosts.is_object()) {
    config.problems.push_back({"hosts", "hosts must be an object"});
    return;
  }
  for (const auto& [name, entry] : hosts.members()) {
    const base::JsonValue& home = entry["home"];
    if (home.is_null() && entry.is_object()) continue;
    const std::string why =
        home.is_string() ? ProblemOfFolder(home.AsString()) : "must be a string";
    if (why.empty()) {
      config.host_homes.emplace_back(name, home.AsString());
    } else {
      config.problems.push_back({fmt::format("hosts.{}.home", name), "home " + why});
    }
  }
}

// What one entry of `skills` says; nullopt when it says nothing.
std::optional<SkillAutonomy> AutonomyIn(const base::JsonValue& entry) {
  if (entry.is_null()) return std::nullopt;
  if (!entry.is_object()) return SkillAutonomy::kLocked;
  const base::JsonValue& word = entry["autonomy"];
  if (word.is_null()) return std::nullopt;
  return ParseSkillAutonomy(word.AsString()).value_or(SkillAutonomy::kLocked);
}

std::string PrettyJson(const base::JsonValue& value, size_t depth) {
  const std::string pad((depth + 1) * 2, ' ');
  const std::string close(depth * 2, ' ');
  std::string out;
  if (value.is_object() && !value.members().empty()) {
    out = "{\n";
    for (const auto& [key, member] : value.members()) {
      if (out.size() > 2) out += ",\n";
      out += pad + base::JsonValue::Text(key).ToJson() + ": " + PrettyJson(member, depth + 1);
    }
    return out + "\n" + close + "}";
  }
  if (value.is_array() && !value.items().empty()) {
    out = "[\n";
    for (const base::JsonValue& item : value.items()) {
      if (out.size() > 2) out += ",\n";
      out += pad + PrettyJson(item, depth + 1);
    }
    return out + "\n" + close + "]";
  }
  return value.ToJson();
}

}  // namespace

Words AutonomyWords() { return kAutonomyWords; }
Words GuardsWords() { return kGuardsWords; }
Words SuggestionsWords() { return kSuggestionsWords; }
Words SkillAutonomyWords() { return kSkillWords; }
Words LlmModeWords() { return kModeWords; }
Words ProviderWords() { return kProviderWords; }

std::string EitherOf(Words words) {
  return fmt::format("{} or {}", fmt::join(words.first(words.size() - 1), ", "), words.back());
}

bool IsOwnSkill(std::string_view skill) { return base::EqualsIgnoreCase(skill, kOwnSkill); }

std::string_view Word(Autonomy value) { return kAutonomyWords[static_cast<size_t>(value)]; }
std::string_view Word(Guards value) { return kGuardsWords[static_cast<size_t>(value)]; }
std::string_view Word(Suggestions value) { return kSuggestionsWords[static_cast<size_t>(value)]; }
std::string_view Word(SkillAutonomy value) { return kSkillWords[static_cast<size_t>(value)]; }
std::string_view Word(LlmMode value) { return kModeWords[static_cast<size_t>(value)]; }
std::string_view Word(Provider value) { return kProviderWords[static_cast<size_t>(value)]; }

std::optional<Autonomy> ParseAutonomy(std::string_view word) {
  return ParseWord<Autonomy>(kAutonomyWords, word);
}
std::optional<Guards> ParseGuards(std::string_view word) {
  return ParseWord<Guards>(kGuardsWords, word);
}
std::optional<Suggestions> ParseSuggestions(std::string_view word) {
  return ParseWord<Suggestions>(kSuggestionsWords, word);
}
std::optional<SkillAutonomy> ParseSkillAutonomy(std::string_view word) {
  return ParseWord<SkillAutonomy>(kSkillWords, word);
}
std::optional<LlmMode> ParseLlmMode(std::string_view word) {
  return ParseWord<LlmMode>(kModeWords, word);
}
std::optional<Provider> ParseProvider(std::string_view word) {
  return ParseWord<Provider>(kProviderWords, word);
}

bool Config::Suggests(const SuggestionRule& rule) const {
  const Suggestions fallback = rule.enabled ? Suggestions::kOn : Suggestions::kOff;
  return suggestions == Suggestions::kOn &&
         SwitchOf(document, rule).value_or(fallback) == Suggestions::kOn;
}

int Config::CooldownDays(const SuggestionRule& rule) const {
  return DaysOf(document, rule).value_or(rule.cooldown_days);
}

std::optional<SkillAutonomy> Config::AutonomyOf(std::string_view skill) const {
  const base::JsonValue& skills = document["skills"];
  if (!skills.is_null() && !skills.is_object()) return SkillAutonomy::kLocked;
  std::optional<SkillAutonomy> strictest;
  for (const auto& [name, entry] : skills.members()) {
    if (!base::EqualsIgnoreCase(name, skill)) continue;
    const std::optional<SkillAutonomy> said = AutonomyIn(entry);
    if (!said.has_value()) continue;
    strictest = std::min(strictest.value_or(*said), *said);
  }
  return strictest;
}

const base::JsonValue& Config::Get(std::string_view dotted_key) const {
  const base::JsonValue* value = &document;
  for (const std::string_view part : base::Split(dotted_key, '.')) value = &(*value)[part];
  return *value;
}

std::string PathIn(std::string_view state_dir) { return base::JoinPath(state_dir, "config.json"); }

StatusOr<Config> Parse(std::string_view text, std::string path) {
  const auto refuse = [&path](std::string_view why) {
    return WithSuggestion(Fail(kInvalidConfig, "reading {}: {}", path, why),
                          "correct the file, or move it aside: the defaults then hold",
                          base::JoinCommand({"mv", "-n", path, base::FreePath(path + ".broken")}));
  };
  if (text.starts_with(kByteOrderMark)) text.remove_prefix(kByteOrderMark.size());
  StatusOr<base::JsonValue> parsed = base::JsonValue::Parse(text);
  if (!parsed.ok()) return refuse(Message(parsed.status()));
  if (!parsed->is_object()) return refuse("expected a JSON object");
  const int64_t version = (*parsed)["config_version"].AsInt(kVersion);
  if (version > kVersion) {
    return refuse(
        fmt::format("config_version {} is newer than this edition knows ({})", version, kVersion));
  }
  Config config;
  config.path = std::move(path);
  config.exists = true;
  config.document = *std::move(parsed);
  ReadWord(config.document, "autonomy", kAutonomyWords, config.autonomy, config.problems);
  ReadWord(config.document, "guards", kGuardsWords, config.guards, config.problems);
  ReadWord(config.document, "suggestions", kSuggestionsWords, config.suggestions, config.problems);
  CheckRules(config.document, config.problems);
  CheckSkills(config.document, config.problems);
  ReadHosts(config.document, config);
  const base::JsonValue& agent = config.document["agent_cli"];
  if (!agent.is_null() && !agent.is_string()) {
    config.problems.push_back({"agent_cli", "agent_cli must be a string"});
  }
  config.agent_cli = agent.AsString();
  return config;
}

StatusOr<Config> Load(std::string_view state_dir) {
  std::string path = PathIn(state_dir);
  StatusOr<std::string> text = base::ReadFile(path, kMaxBytes);
  if (text.ok()) return Parse(*text, std::move(path));
  if (CodeOf(text.status()).name != kFileNotFound.name) return text.status();
  Config config;
  config.path = std::move(path);
  config.document = base::JsonValue::Object({});
  return config;
}

base::JsonValue WithValue(const base::JsonValue& document, std::string_view key,
                          base::JsonValue value) {
  std::vector<base::JsonValue::Member> members = document.members();
  for (auto& [name, member] : members) {
    if (name != key) continue;
    member = std::move(value);
    return base::JsonValue::Object(std::move(members));
  }
  members.emplace_back(std::string(key), std::move(value));
  return base::JsonValue::Object(std::move(members));
}

base::JsonValue WithSkillAutonomy(const base::JsonValue& document, std::string_view skill,
                                  SkillAutonomy autonomy) {
  const auto with = [&](const base::JsonValue& entry) {
    return WithValue(entry, "autonomy", base::JsonValue::Text(std::string(Word(autonomy))));
  };
  const base::JsonValue& skills = document["skills"];
  bool found = false;
  std::vector<base::JsonValue::Member> members = skills.members();
  for (auto& [name, entry] : members) {
    if (!base::EqualsIgnoreCase(name, skill)) continue;
    entry = with(entry);
    found = true;
  }
  if (!found) members.emplace_back(std::string(skill), with(base::JsonValue()));
  return WithValue(document, "skills", base::JsonValue::Object(std::move(members)));
}

base::JsonValue WithValueAt(const base::JsonValue& document, std::span<const std::string> path,
                            base::JsonValue value) {
  const std::string& key = path.front();
  base::JsonValue inner = path.size() == 1
                              ? std::move(value)
                              : WithValueAt(document[key], path.subspan(1), std::move(value));
  const bool empty = inner.is_null() || (path.size() > 1 && inner.members().empty());
  if (!empty) return WithValue(document, key, std::move(inner));
  std::vector<base::JsonValue::Member> members = document.members();
  std::erase_if(members, [&key](const auto& member) { return member.first == key; });
  return base::JsonValue::Object(std::move(members));
}

std::string ProblemOfFolder(std::string_view text) {
  if (text.empty()) return "must not be empty";
  if (text != "~" && !text.starts_with("~/") && !text.starts_with('/')) {
    return "must be an absolute path or begin with ~/";
  }
  const auto control = [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; };
  if (std::any_of(text.begin(), text.end(), control)) return "must not hold control characters";
  return "";
}

std::string KeyVariable(const Config& config) {
  const base::JsonValue& named = config.Get("api.key_env");
  if (!named.is_null()) return named.AsString();
  const Provider provider =
      ParseProvider(config.Get("api.provider").AsString()).value_or(Provider::kAnthropic);
  return provider == Provider::kOpenAi ? "OPENAI_API_KEY" : "ANTHROPIC_API_KEY";
}

bool IsVariableName(std::string_view text) {
  const auto plain = [](char c) {
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_';
  };
  return !text.empty() && !(text.front() >= '0' && text.front() <= '9') &&
         std::all_of(text.begin(), text.end(), plain);
}

std::string TextOf(const base::JsonValue& document) {
  const base::JsonValue stamped =
      document.Has("config_version")
          ? document
          : WithValue(document, "config_version", base::JsonValue::Int(kVersion));
  return PrettyJson(stamped, 0) + "\n";
}

Status Save(std::string_view state_dir, const base::JsonValue& document) {
  ST_RETURN_IF_ERROR(base::MakeDirs(std::string(state_dir), 0700));
  return base::WriteFileAtomic(PathIn(state_dir), TextOf(document), 0600);
}

}  // namespace selftune::config
