#include "hosts/gemini/extensions.h"

#include <algorithm>
#include <optional>
#include <set>
#include <string>
#include <utility>

#include <absl/functional/function_ref.h>

#include "base/file.h"
#include "base/json_value.h"
#include "hosts/common/path_rules.h"
#include "hosts/common/root_list.h"
#include "hosts/common/settings_files.h"
#include "hosts/gemini/extension_rules.h"

namespace selftune::hosts::gemini {
namespace {

using base::JsonValue;
using skillfs::NamedRoot;

constexpr int kRank = 5;  // below all folders of the row

}  // namespace

std::vector<NamedRoot> ExtensionSkillRoots(const RootQuery& query,
                                           std::vector<skillfs::DiscoveryProblem>& problems) {
  std::vector<NamedRoot> out;
  if (query.config_dir.empty()) return out;
  SettingsFiles files(problems);
  const std::string folder = base::JoinPath(query.config_dir, "extensions");
  const std::string enablement = base::JoinPath(folder, "extension-enablement.json");
  const JsonValue& enabled = files.JsonOrEmpty(enablement);
  ExtensionRules security(query, files);
  std::set<std::string> names;
  Effort compared;
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
      root.plugin_dir = path;
      root.plugin_home = folder;
      root.scope = "system";
    }
    const bool said = files.Is(enablement, name, enabled[name], {JsonValue::Type::kObject});
    std::vector<std::string> rules;
    if (said) {
      rules = files.Texts(enablement, enabled[name], "overrides", SettingsFiles::Keep::kAll);
    }
    const auto verdict_in = [&](const std::string& dir) {
      const RuleVerdict rule = LastRule(rules, dir, compared);
      if (rule.off) return Verdict{enablement};
      Verdict verdict =
          security.Against(installed["source"].AsString(), installed["type"].AsString(), dir);
      const bool unknown = rule.unknown || files.IsUnknown(enablement);
      return unknown && !verdict.off() ? Verdict{enablement, true} : verdict;
    };
    MarkOff(query, verdict_in, root);
    out.push_back(std::move(root));
  }
  if (compared.used_up()) {
    files.Tell(enablement, "TOO_MANY_ENTRIES",
               "reading " + enablement + ": its rules are too many for the folders of sessions; " +
                   "of some extensions it is not known whether they are off");
  }
  return out;
}

}  // namespace selftune::hosts::gemini
