#include "hosts/skill_switches.h"

#include <algorithm>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <utility>

#include "base/file.h"
#include "base/json_value.h"
#include "base/strings.h"
#include "hosts/codex/install_toml.h"
#include "hosts/skill_switch_rows.h"
#include "install/json_text.h"

namespace selftune::hosts {
namespace {

using base::JsonValue;
using skillfs::DiscoveryProblem;
using skillfs::SkillRule;
using Form = SkillSwitch::Form;
using Rules = std::vector<SkillRule>;

constexpr uint64_t kMaxSettings = 4U << 20;

// One file of settings, and where what it says counts.
struct Settings {
  std::string path;
  std::string project_root;  // "" = everywhere
};

const JsonValue& At(const JsonValue& root, std::string_view dotted) {
  const JsonValue* value = &root;
  for (const std::string_view key : base::Split(dotted, '.')) value = &(*value)[key];
  return *value;
}

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

void AddJson(const SkillSwitch& where, const Settings& file, const JsonValue& root, Rules& out) {
  const JsonValue& value = At(root, where.key);
  if (where.form == Form::kWords && value.is_string()) {
    out.push_back(RuleOf(file, "*", IsOff(where, value.AsString())));
  }
  for (const JsonValue& item : value.items()) {
    const std::string& text = item.AsString();
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
  for (const auto& [name, member] : value.members()) {
    if (where.form == Form::kWords && member.is_string()) {
      out.push_back(RuleOf(file, name, IsOff(where, member.AsString())));
    }
    if (where.form == Form::kEntries && member["enabled"].is_bool()) {
      out.push_back(RuleOf(file, name, !member["enabled"].AsBool()));
    }
  }
}

// A table of the list says which skill, and whether; each once.
void AddToml(const SkillSwitch& where, const Settings& file, std::string_view text, Rules& out) {
  SkillRule rule;
  bool selected = false, told = false;
  const auto flush = [&] {
    if (selected && told) out.push_back(rule);
    rule = RuleOf(file, "", false);
    selected = told = false;
  };
  flush();
  codex::ReadToml(text, [&](const codex::TomlValue& value) {
    if (value.path.empty()) return;
    const std::string& last = value.path.back();
    const std::vector<std::string> table(value.path.begin(), value.path.end() - 1);
    if (base::Join(table, ".") != where.key) return;
    const bool selects = value.is_text && (last == "name" || last == "path");
    if (!selects && last != "enabled") return;
    if (selects ? selected : told) flush();
    if (last == "name") rule.name = value.text;
    if (last == "path") rule.path = base::NormalizePath("/", value.text);
    if (last == "enabled") rule.off = value.Is("false");
    (selects ? selected : told) = true;
  });
  flush();
}

class Reader {
 public:
  explicit Reader(std::vector<DiscoveryProblem>& problems) : problems_(problems) {}

  void Add(const SkillSwitch& where, const Settings& file, Rules& out) {
    const std::string* const text = Text(file.path);
    if (text == nullptr) return;
    if (where.form == Form::kToml) return AddToml(where, file, *text, out);
    const JsonValue* const root = Json(file.path, *text);
    if (root != nullptr) AddJson(where, file, *root, out);
  }

 private:
  // Null: there is none, or it could not be read.
  const std::string* Text(const std::string& path) {
    const auto [it, is_new] = texts_.try_emplace(path);
    if (is_new) {
      auto bytes = base::ReadFile(path, kMaxSettings);
      if (bytes.ok()) {
        it->second = *std::move(bytes);
      } else if (CodeOf(bytes.status()).name != kFileNotFound.name) {
        Problem(path, bytes.status());
      }
    }
    return it->second.has_value() ? &*it->second : nullptr;
  }

  // Hosts that write plain JSON take no comments; a file with some is understood all the
  // same. Null: it is none of both.
  const JsonValue* Json(const std::string& path, const std::string& text) {
    const auto [it, is_new] = documents_.try_emplace(path);
    if (is_new) {
      const auto node = install::ParseJsonText(text, install::JsonDialect::kComments, path);
      if (node.ok()) {
        it->second = install::ValueOf(text, *node);
      } else {
        Problem(path, node.status());
      }
    }
    return it->second.has_value() ? &*it->second : nullptr;
  }

  void Problem(const std::string& path, const Status& status) {
    problems_.push_back({path, std::string(CodeOf(status).name), std::string(Message(status))});
  }

  std::vector<DiscoveryProblem>& problems_;
  std::map<std::string, std::optional<std::string>> texts_;
  std::map<std::string, std::optional<JsonValue>> documents_;
};

// The working directories and the folders above them, up to the repository's root.
std::set<std::string> ProjectFolders(std::span<const std::string> project_dirs) {
  std::set<std::string> out;
  for (const std::string& dir : project_dirs) {
    std::vector<std::string> up;
    for (std::string folder = base::NormalizePath("/", dir);;) {
      up.push_back(folder);
      if (base::Exists(base::JoinPath(folder, ".git"))) break;
      std::string parent(base::DirName(folder));
      if (parent.empty() || parent == folder) {
        up.resize(1);  // no repository: the directory alone
        break;
      }
      folder = std::move(parent);
    }
    out.insert(up.begin(), up.end());
  }
  return out;
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

Rules ReadSkillRules(std::string_view platform, const std::string& config_dir,
                     std::span<const std::string> project_dirs,
                     std::vector<DiscoveryProblem>& problems) {
  Rules out;
  const std::span<const SkillSwitch> switches = SwitchesOf(platform);
  if (switches.empty()) return out;
  Reader reader(problems);
  const std::set<std::string> folders = ProjectFolders(project_dirs);
  for (const SkillSwitch& where : switches) {
    std::string own;
    if (!config_dir.empty() && !where.file.empty()) {
      own = base::JoinPath(config_dir, where.file);
      reader.Add(where, {own, ""}, out);
    }
    if (where.project_file.empty()) continue;
    for (const std::string& folder : folders) {
      const std::string path = base::JoinPath(folder, where.project_file);
      // A session in the home folder: its settings are the person's.
      if (path != own) reader.Add(where, {path, folder}, out);
    }
  }
  return out;
}

}  // namespace selftune::hosts
