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
using Rules = std::vector<SkillRule>;

// One file of settings, and where what it says counts.
struct Settings {
  std::string path;
  std::string project_root;  // "" = everywhere
  bool below = true;         // also in the folders below
};

bool IsOff(const SkillSwitch& where, std::string_view word) {
  const auto words = base::Split(where.off, ' ');
  return std::ranges::find(words, word) != words.end();
}

SkillRule RuleOf(const Settings& file, std::string name, bool off) {
  return {.name = std::move(name),
          .off = off,
          .settings = file.path,
          .project_root = file.project_root,
          .below = file.below};
}

// The word for all skills, where a host takes one in place of the object, or of one above it.
const std::string* WordForAll(const SkillSwitch& where, const JsonValue& root) {
  const JsonValue* value = &root;
  for (const std::string_view key : base::Split(where.key, '.')) {
    value = &(*value)[key];
    if (where.word_for_all && value->is_string()) return &value->AsString();
  }
  return nullptr;
}

void AddWords(const SkillSwitch& where, const Settings& file, const JsonValue& root,
              SettingsFiles& files, Rules& out) {
  if (const std::string* const word = WordForAll(where, root)) {
    out.push_back(RuleOf(file, "*", IsOff(where, *word)));
    return;
  }
  for (const auto& [name, member] : files.ObjectAt(file.path, root, where.key).members()) {
    if (files.Is(file.path, fmt::format("{}.{}", where.key, name), member, {Type::kString})) {
      out.push_back(RuleOf(file, name, IsOff(where, member.AsString())));
    }
  }
}

// Lists are read whole, for each entry decides: a name costs no more than its text.
void AddNames(const SkillSwitch& where, const Settings& file, const JsonValue& root,
              SettingsFiles& files, Rules& out) {
  for (const std::string& text :
       files.Texts(file.path, root, where.key, SettingsFiles::Keep::kAll)) {
    // A list has no patterns, and no skill a `*` in its name.
    if (text.find('*') != std::string::npos) continue;
    const std::string name(base::Trim(text));
    out.push_back(RuleOf(file, name, !where.on));
    if (where.owned_too && !name.empty()) out.push_back(RuleOf(file, "*:" + name, !where.on));
  }
}

void AddLevels(const SkillSwitch& where, const Settings& file, const JsonValue& root,
               SettingsFiles& files, Rules& out) {
  for (const std::string& text :
       files.Texts(file.path, root, where.key, SettingsFiles::Keep::kAll)) {
    if (text.empty()) continue;
    out.push_back(RuleOf(file, "", true));
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
    case Form::kFlag:
      if (!files.FlagAt(file.path, root, where.key, true)) out.push_back(RuleOf(file, "*", true));
      return;
    case Form::kToml:
      return;
  }
}

// A table of the list says which skill, and whether; each once.
void AddToml(const SkillSwitch& where, const Settings& file, SettingsFiles& files, Rules& out) {
  SkillRule rule;
  bool selected = false, told = false;
  const auto flush = [&] {
    if (selected && told) out.push_back(rule);
    rule = RuleOf(file, "", false);
    selected = told = false;
  };
  flush();
  const auto list = base::Split(where.key, '.');
  files.Toml(file.path, [&](const codex::TomlValue& value) {
    // A key's parts, which may be many: in a quoted one a dot is a letter.
    const std::span<const std::string> path = value.path;
    const size_t same = std::min(list.size(), path.size());
    if (!std::ranges::equal(std::span(list).first(same), path.first(same))) return;
    const std::string_view found = value.is_text ? std::string_view("a text") : value.text;
    if (!value.is_table && path.size() <= list.size()) {
      return files.TellShape(file.path, fmt::format("{}", fmt::join(path, ".")), "a table", found);
    }
    if (path.size() != list.size() + (value.is_table ? 0 : 1)) return;
    if (value.is_table) return flush();
    const std::string& last = path.back();
    const bool selects = last == "name" || last == "path";
    const bool is_flag = value.Is("true") || value.Is("false");
    if ((selects && !value.is_text) || (last == "enabled" && !is_flag)) {
      return files.TellShape(file.path, fmt::format("{}.{}", where.key, last),
                             selects ? "a text" : "a flag", found);
    }
    if (last == "name") rule.name = value.text;
    if (last == "path") rule.path = base::NormalizePath("/", value.text);
    if (last == "enabled") rule.off = value.Is("false");
    selected = selected || selects;
    told = told || last == "enabled";
  });
  flush();
}

// The working directories, and the folders above them.
std::set<std::string> FoldersOf(const RootQuery& query, bool above) {
  std::set<std::string> out;
  for (const std::vector<std::string>& up : query.project_folders) {
    out.insert(up.begin(), above ? up.end() : up.begin() + 1);
  }
  return out;
}

void Add(const SkillSwitch& where, const Settings& file, SettingsFiles& files, Rules& out) {
  // A file that is not understood may say anything of every skill, whatever files before it
  // said, and what stands in it before the mistake.
  SkillRule unknown = RuleOf(file, "*", false);
  unknown.unknown = true;
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
  // In their place: its settings have words of their own.
  Rules (*read)(const RootQuery& query, std::vector<DiscoveryProblem>& problems) = nullptr;
  install::JsonDialect json = install::JsonDialect::kComments;
};

const Host* FindHost(std::string_view platform) {
  static constexpr Host kHosts[] = {
      {"claude_code", &kClaudeCodeSwitches},
      {"codex", &kCodexSwitches},
      {"gemini", &kGeminiSwitches},
      {"openclaw", nullptr, &openclaw::ReadSkillRules},
      {"opencode", &kOpenCodeSwitches, nullptr, kOpenCodeJson},
      {"pi", nullptr, &pi::ReadSkillWords},
      {"qwen", &kQwenSwitches},
  };
  const auto* const found = std::ranges::find(kHosts, platform, &Host::platform);
  return found == std::end(kHosts) ? nullptr : found;
}

}  // namespace

Rules ReadSkillRules(std::string_view platform, const RootQuery& query,
                     std::vector<DiscoveryProblem>& problems) {
  const Host* const host = FindHost(platform);
  if (host == nullptr) return {};
  if (host->read != nullptr) return host->read(query, problems);
  Rules out;
  SettingsFiles files(problems, host->json);
  const std::set<std::string> here = FoldersOf(query, /*above=*/false);
  const std::set<std::string> above = FoldersOf(query, /*above=*/true);
  for (const SkillSwitch& where : *host->switches) {
    std::string own;
    if (!query.config_dir.empty() && !where.file.empty()) {
      own = base::JoinPath(query.config_dir, where.file);
      Add(where, {own, ""}, files, out);
    }
    if (where.project_file.empty()) continue;
    for (const std::string& folder : where.above ? above : here) {
      const std::string path = base::JoinPath(folder, where.project_file);
      // A session in the home folder: its settings are the person's.
      if (path != own) Add(where, {path, folder, where.above}, files, out);
    }
  }
  return out;
}

}  // namespace selftune::hosts
