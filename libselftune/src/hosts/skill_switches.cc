#include "hosts/skill_switches.h"

#include <algorithm>
#include <iterator>
#include <set>
#include <span>
#include <utility>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "base/file.h"
#include "base/json_value.h"
#include "base/strings.h"
#include "hosts/codex/install_toml.h"
#include "hosts/common/settings_files.h"
#include "hosts/skill_switch_rows.h"

namespace selftune::hosts {
namespace {

using base::JsonValue;
using skillfs::DiscoveryProblem;
using skillfs::SkillRule;
using Form = SkillSwitch::Form;
using Type = JsonValue::Type;
using Says = SkillRule::Says;
using Rules = std::vector<SkillRule>;

// One file of settings, and where what it says counts.
struct Settings {
  std::string path;
  std::string project_root;  // the folder alone, "" = everywhere
};

bool IsOff(const SkillSwitch& where, std::string_view word) {
  const auto words = base::Split(where.off, ' ');
  return std::ranges::find(words, word) != words.end();
}

SkillRule RuleOf(const Settings& file, std::string name, Says says) {
  return {.name = std::move(name),
          .says = says,
          .settings = file.path,
          .project_root = file.project_root,
          .below = false};
}

SkillRule PatternOf(const Settings& file, std::string pattern, Says says) {
  SkillRule out = RuleOf(file, std::move(pattern), says);
  out.pattern = true;
  return out;
}

SkillRule AllOf(const Settings& file, Says says) { return PatternOf(file, "*", says); }

Says OffIf(bool off) { return off ? Says::kOff : Says::kOn; }

// What a file that is not understood may say there.
Says UnknownOf(const SkillSwitch& where) {
  if (where.form == Form::kLevels) return Says::kMayOff;
  if (where.form == Form::kNames) return where.on ? Says::kMayOn : Says::kMayOff;
  return Says::kMayEither;
}

void AddWords(const SkillSwitch& where, const Settings& file, const JsonValue& root,
              SettingsFiles& files, Rules& out) {
  for (const auto& [name, word] : files.ObjectAt(file.path, root, where.key).members()) {
    if (!files.Is(file.path, fmt::format("{}.{}", where.key, name), word, {Type::kString}))
      continue;
    out.push_back(RuleOf(file, name, OffIf(IsOff(where, word.AsString()))));
  }
}

// Lists are read whole, for each entry decides: a name costs no more than its text.
void AddNames(const SkillSwitch& where, const Settings& file, const JsonValue& root,
              SettingsFiles& files, Rules& out) {
  for (const std::string& text :
       files.Texts(file.path, root, where.key, SettingsFiles::Keep::kAll)) {
    const std::string name(base::Trim(text));
    out.push_back(RuleOf(file, name, OffIf(!where.on)));
    out.back().any_case = where.any_case;
    // A list has no patterns, and no skill such signs in its name.
    if (!where.owned_too || name.empty() || name.find_first_of("*?") != name.npos) continue;
    out.push_back(PatternOf(file, "*:" + name, OffIf(!where.on)));
    out.back().any_case = where.any_case;
  }
}

void AddLevels(const SkillSwitch& where, const Settings& file, const JsonValue& root,
               SettingsFiles& files, Rules& out) {
  for (const std::string& text :
       files.Texts(file.path, root, where.key, SettingsFiles::Keep::kAll)) {
    if (text.empty()) continue;
    out.push_back(RuleOf(file, "", Says::kOff));
    out.back().level = text;
  }
}

void AddJson(const SkillSwitch& where, const Settings& file, const JsonValue& root,
             SettingsFiles& files, Rules& out) {
  switch (where.form) {
    case Form::kWords:
      return AddWords(where, file, root, files, out);
    case Form::kNames:
      return AddNames(where, file, root, files, out);
    case Form::kLevels:
      return AddLevels(where, file, root, files, out);
    case Form::kFlag: {
      const JsonValue& said = files.At(file.path, root, where.key, {Type::kBool});
      if (!said.is_null()) out.push_back(AllOf(file, OffIf(!said.AsBool())));
      return;
    }
    case Form::kToml:
      return;
  }
}

// What is wrong with the shape of a value on the way to the list, in it or below; "" = nothing.
std::string_view ExpectedOf(const codex::TomlValue& value, size_t list) {
  const size_t depth = value.path.size();
  if (depth < list) return value.is_table && !value.in_list ? "" : "a table";
  if (depth == list) {
    if (value.in_list) return value.is_table ? "" : "a table";
    return value.is_list ? "" : "a list";
  }
  if (depth > list + 1 || value.in_list) return "";
  const std::string& last = value.path.back();
  if ((last == "name" || last == "path") && !value.is_text) return "a text";
  const bool is_flag = value.Is("true") || value.Is("false");
  return last == "enabled" && !is_flag ? "a flag" : "";
}

// A table of the list says which skill, and whether; each once.
void AddToml(const SkillSwitch& where, const Settings& file, SettingsFiles& files, Rules& out) {
  SkillRule rule;
  bool selected = false, told = false;
  const auto flush = [&] {
    if (selected && told) out.push_back(rule);
    rule = RuleOf(file, "", Says::kOn);
    selected = told = false;
  };
  flush();
  const auto list = base::Split(where.key, '.');
  files.Toml(file.path, [&](const codex::TomlValue& value) {
    // A key's parts, which may be many: in a quoted one a dot is a letter.
    const std::span<const std::string> path = value.path;
    const size_t same = std::min(list.size(), path.size());
    if (!std::ranges::equal(std::span(list).first(same), path.first(same))) return;
    if (const auto expected = ExpectedOf(value, list.size()); !expected.empty()) {
      const std::string key = fmt::format("{}", fmt::join(path, "."));
      const bool entry = value.in_list && path.size() == list.size();
      return files.TellShape(file.path, entry ? "an entry of " + key : key, expected, value.Kind());
    }
    if (value.is_list || (value.in_list && !value.is_table)) return;
    if (path.size() != list.size() + (value.is_table ? 0 : 1)) return;
    if (value.is_table) return flush();
    const std::string& last = path.back();
    if (last == "name") rule.name = value.text;
    if (last == "path") rule.path = base::NormalizePath("/", value.text);
    if (last == "enabled") rule.says = OffIf(value.Is("false"));
    selected = selected || last == "name" || last == "path";
    told = told || last == "enabled";
  });
  flush();
}

void Add(const SkillSwitch& where, const Settings& file, SettingsFiles& files, Rules& out) {
  // A file that is not understood may say anything of every skill, whatever files before it
  // said, and what stands in it before the mistake.
  SkillRule unknown = AllOf(file, UnknownOf(where));
  Rules rules;
  bool is_new = false;
  auto place = rules.end();
  if (where.form == Form::kToml) {
    AddToml(where, file, files, rules);
    place = rules.end();
    is_new = files.IsUnknown(file.path);
  } else if (const JsonValue* const root = files.Json(file.path)) {
    // What a part of it says is known, where another one is of no use.
    const size_t before = files.MistakesIn(file.path);
    AddJson(where, file, *root, files, rules);
    place = rules.begin();
    is_new = files.MistakesIn(file.path) > before;
  } else {
    is_new = files.IsUnknown(file.path);
  }
  if (is_new) rules.insert(place, std::move(unknown));
  std::ranges::move(rules, std::back_inserter(out));
}

struct Host {
  std::string_view platform;
  const std::span<const SkillSwitch>* switches = nullptr;
  // Of settings with words of their own; the switches, if any, decide against them.
  Rules (*read)(const RootQuery& query, std::vector<DiscoveryProblem>& problems) = nullptr;
};

const Host* FindHost(std::string_view platform) {
  static constexpr Host kHosts[] = {
      {"claude_code", &kClaudeCodeSwitches},
      {"codex", &kCodexSwitches},
      {"copilot", &kCopilotSwitches},
      {"gemini", &kGeminiSwitches},
      {"openclaw", nullptr, &openclaw::ReadSkillRules},
      {"opencode", nullptr, &opencode::ReadSkillPermissions},
      {"pi", nullptr, &pi::ReadSkillWords},
      {"qwen", &kQwenSwitches, &qwen::ReadSkillStates},
  };
  const auto* const found = std::ranges::find(kHosts, platform, &Host::platform);
  return found == std::end(kHosts) ? nullptr : found;
}

}  // namespace

Rules ReadSkillRules(std::string_view platform, const RootQuery& query,
                     std::vector<DiscoveryProblem>& problems) {
  const Host* const host = FindHost(platform);
  if (host == nullptr) return {};
  Rules out;
  if (host->read != nullptr) out = host->read(query, problems);
  if (host->switches == nullptr) return out;
  SettingsFiles files(problems);
  const auto own = [&](const SkillSwitch& where) {
    const bool none = query.config_dir.empty() || where.file.empty();
    return none ? "" : base::JoinPath(query.config_dir, where.file);
  };
  // Of the person, wherever a session runs: in the home folder, too.
  std::set<std::string> persons, folders;
  for (const SkillSwitch& where : *host->switches) persons.insert(own(where));
  for (const std::vector<std::string>& up : query.project_folders) folders.insert(up.front());
  for (const SkillSwitch& where : *host->switches) {
    if (const std::string path = own(where); !path.empty()) Add(where, {path, ""}, files, out);
    if (where.project_file.empty()) continue;
    for (const std::string& folder : folders) {
      const std::string path = base::JoinPath(folder, where.project_file);
      if (!persons.contains(path)) Add(where, {path, folder}, files, out);
    }
  }
  return out;
}

}  // namespace selftune::hosts
