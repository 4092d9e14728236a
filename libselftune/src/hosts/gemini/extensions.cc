#include "hosts/gemini/extensions.h"

#include <algorithm>
#include <set>
#include <string>
#include <utility>

#include "base/file.h"
#include "base/json_value.h"
#include "hosts/common/settings_files.h"

namespace selftune::hosts::gemini {
namespace {

using base::JsonValue;
using skillfs::NamedRoot;

constexpr int kRank = 5;  // below all folders of the row

// Extensions are on; of the rules that hold in a directory the last counts.
bool IsOff(const JsonValue& rules, std::string_view dir) {
  bool off = false;
  for (const JsonValue& rule : rules.items()) {
    std::string_view text = rule.AsString();
    const bool disables = text.starts_with('!');
    if (disables) text.remove_prefix(1);
    if (!text.empty() && RuleHolds(text, dir)) off = disables;
  }
  return off;
}

// Off where every session is, or in some projects.
void MarkOff(const JsonValue& rules, const RootQuery& query, const std::string& settings,
             NamedRoot& root) {
  bool everywhere = IsOff(rules, query.home);
  for (const std::string& dir : query.project_dirs) {
    if (IsOff(rules, dir)) {
      root.disabled_in.push_back({dir, settings});
    } else {
      everywhere = false;
    }
  }
  if (!everywhere) return;
  root.disabled_by = settings;
  root.disabled_in.clear();
}

}  // namespace

bool RuleHolds(std::string_view rule, std::string_view dir) {
  std::string text(dir);
  if (!text.ends_with('/')) text += '/';
  // Which beginnings of the text the rule's beginning stands for.
  std::vector<bool> reached(text.size() + 1, false);
  reached[0] = true;
  for (size_t i = 0; i < rule.size(); ++i) {
    const bool below = rule.substr(i).starts_with("/*");
    if (below || rule[i] == '*') {
      bool inside = false;
      for (size_t end = 0; end <= text.size(); ++end) {
        const bool starts = reached[end] && (!below || (end < text.size() && text[end] == '/'));
        if (inside) reached[end] = true;
        inside = inside || starts;
      }
      if (below) ++i;
      continue;
    }
    for (size_t end = text.size(); end > 0; --end) {
      reached[end] = reached[end - 1] && text[end - 1] == rule[i];
    }
    reached[0] = false;
  }
  return reached[text.size()];
}

std::vector<NamedRoot> ExtensionSkillRoots(const RootQuery& query,
                                           std::vector<skillfs::DiscoveryProblem>& problems) {
  std::vector<NamedRoot> out;
  if (query.config_dir.empty()) return out;
  SettingsFiles files(problems);
  const std::string folder = base::JoinPath(query.config_dir, "extensions");
  const std::string enablement = base::JoinPath(folder, "extension-enablement.json");
  const JsonValue& enabled = files.JsonOrEmpty(enablement);
  std::set<std::string> names;
  for (const std::string& entry : files.Folders(folder)) {
    std::string path = base::JoinPath(folder, entry);
    const JsonValue& installed =
        files.JsonOrEmpty(base::JoinPath(path, ".gemini-extension-install.json"));
    const bool linked = installed["type"].AsString() == "link";
    if (linked) path = base::NormalizePath(path, installed["source"].AsString());
    const JsonValue& manifest = files.JsonOrEmpty(base::JoinPath(path, "gemini-extension.json"));
    const std::string& name = manifest["name"].AsString();
    // The host skips what has no name or version, and the second of a name.
    if (name.empty() || manifest["version"].AsString().empty() || !names.insert(name).second) {
      continue;
    }
    NamedRoot root{.path = base::JoinPath(path, "skills"), .precedence = kRank, .root_too = true};
    // An update replaces what was copied; a linked folder is the person's own.
    if (!linked) {
      root.plugin = name;
      root.scope = "system";
    }
    MarkOff(enabled[name]["overrides"], query, enablement, root);
    out.push_back(std::move(root));
  }
  return out;
}

}  // namespace selftune::hosts::gemini
