#include "hosts/skill_switches.h"

#include <algorithm>
#include <set>
#include <utility>

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
using Rules = std::vector<SkillRule>;

// One file of settings, and where what it says counts.
struct Settings {
  std::string path;
  std::string project_root;  // "" = everywhere
};

bool IsOff(const SkillSwitch& where, std::string_view word) {
  const auto words = base::Split(where.off, ' ');
  return std::ranges::find(words, word) != words.end();
}

SkillRule RuleOf(const Settings& file, std::string name, bool off) {
  return {.name = std::move(name),
          .off = off,
          .settings = file.path,
          .project_root = file.project_root};
}

void AddJson(const SkillSwitch& where, const Settings& file, const JsonValue& root,
             SettingsFiles& files, Rules& out) {
  const JsonValue& value = ValueAt(root, where.key);
  if (where.form == Form::kWords && value.is_string()) {
    out.push_back(RuleOf(file, "*", IsOff(where, value.AsString())));
  }
  for (const std::string& text : files.Texts(file.path, value)) {
    // A list has no patterns, and no skill a `*` in its name.
    if (where.form == Form::kNames && text.find('*') == std::string::npos) {
      out.push_back(RuleOf(file, std::string(base::Trim(text)), !where.on));
    }
    if (where.form == Form::kPaths && text.starts_with('-')) {
      SkillRule rule = RuleOf(file, "", true);
      rule.path = base::NormalizePath(base::DirName(file.path), std::string_view(text).substr(1));
      out.push_back(std::move(rule));
    }
  }
  for (const auto& [name, member] : files.Members(file.path, value)) {
    if (where.form == Form::kWords && member.is_string()) {
      out.push_back(RuleOf(file, name, IsOff(where, member.AsString())));
    }
    if (where.form == Form::kEntries && member["enabled"].is_bool()) {
      out.push_back(RuleOf(file, name, !member["enabled"].AsBool()));
    }
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
  files.Toml(file.path, [&](const codex::TomlValue& value) {
    if (value.path.empty()) return;
    const std::string& last = value.path.back();
    const std::vector<std::string> table(value.path.begin(),
                                         value.path.end() - (value.is_table ? 0 : 1));
    if (base::Join(table, ".") != where.key) return;
    if (value.is_table) return flush();
    const bool selects = value.is_text && (last == "name" || last == "path");
    if (last == "name") rule.name = value.text;
    if (last == "path") rule.path = base::NormalizePath("/", value.text);
    if (last == "enabled") rule.off = value.Is("false");
    selected = selected || selects;
    told = told || last == "enabled";
  });
  flush();
}

void Add(const SkillSwitch& where, const Settings& file, SettingsFiles& files, Rules& out) {
  if (where.form == Form::kToml) return AddToml(where, file, files, out);
  const JsonValue* const root = files.Json(file.path);
  if (root != nullptr) AddJson(where, file, *root, files, out);
}

}  // namespace

std::span<const SkillSwitch> SwitchesOf(std::string_view platform) {
  struct Row {
    std::string_view platform;
    const std::span<const SkillSwitch>* switches;
  };
  static constexpr Row kRows[] = {
      {"claude_code", &kClaudeCodeSwitches},
      {"codex", &kCodexSwitches},
      {"gemini", &kGeminiSwitches},
      {"openclaw", &kOpenClawSwitches},
      {"opencode", &kOpenCodeSwitches},
      {"pi", &kPiSwitches},
      {"qwen", &kQwenSwitches},
  };
  for (const Row& row : kRows) {
    if (row.platform == platform) return *row.switches;
  }
  return {};
}

std::set<std::string> SettingsFolders(std::span<const std::string> project_dirs,
                                      skillfs::WorkTrees& work_trees) {
  std::set<std::string> out;
  for (const std::string& dir : project_dirs) {
    const std::vector<std::string> up = ProjectFolders(dir, work_trees);
    out.insert(up.begin(), up.end());
  }
  return out;
}

Rules ReadSkillRules(std::string_view platform, const std::string& config_dir,
                     const std::set<std::string>& folders,
                     std::vector<DiscoveryProblem>& problems) {
  Rules out;
  const std::span<const SkillSwitch> switches = SwitchesOf(platform);
  if (switches.empty()) return out;
  SettingsFiles files(problems);
  for (const SkillSwitch& where : switches) {
    std::string own;
    if (!config_dir.empty() && !where.file.empty()) {
      own = base::JoinPath(config_dir, where.file);
      Add(where, {own, ""}, files, out);
    }
    if (where.project_file.empty()) continue;
    for (const std::string& folder : folders) {
      const std::string path = base::JoinPath(folder, where.project_file);
      // A session in the home folder: its settings are the person's.
      if (path != own) Add(where, {path, folder}, files, out);
    }
  }
  return out;
}

}  // namespace selftune::hosts
