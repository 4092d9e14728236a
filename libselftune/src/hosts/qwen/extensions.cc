#include "hosts/qwen/extensions.h"

#include <set>
#include <string>
#include <string_view>
#include <utility>

#include <fmt/format.h>

#include "base/file.h"
#include "base/json_value.h"
#include "base/strings.h"
#include "hosts/common/path_rules.h"
#include "hosts/common/root_list.h"
#include "hosts/common/settings_files.h"

namespace selftune::hosts::qwen {
namespace {

using base::JsonValue;
using skillfs::NamedRoot;
using Type = JsonValue::Type;

constexpr std::string_view kDisabled = "disabled", kEnabled = "enabled", kInherit = "inherit";
// Its own, and the portable one, which wins where both are there.
constexpr std::string_view kManifests[] = {"qwen-extension.json", "plugin.json"};

struct Extension {
  std::string name;
  std::string path;  // where it lies
  bool linked = false;
};

class Reader {
 public:
  Reader(const RootQuery& query, std::vector<skillfs::DiscoveryProblem>& problems)
      : query_(query),
        files_(problems),
        folder_(base::JoinPath(query.config_dir, "extensions")),
        state_(base::JoinPath(query.config_dir, "extension-store/state.json")),
        rules_(base::JoinPath(folder_, "extension-enablement.json")) {}

  std::vector<NamedRoot> Read() {
    std::vector<NamedRoot> out;
    std::set<std::string> names;
    for (const std::string& entry : files_.Folders(folder_)) {
      const Extension extension = At(base::JoinPath(folder_, entry));
      // The host skips what has no name, and the second of a name.
      if (extension.name.empty() || !names.insert(base::AsciiLower(extension.name)).second)
        continue;
      NamedRoot root{.path = base::JoinPath(extension.path, "skills"),
                     .plugin = extension.name,
                     .plugin_dir = extension.path,
                     .plugin_home = extension.linked ? "" : folder_,
                     .prefixed = true};
      if (extension.linked) root.plugin_dir.clear();  // the person's own
      MarkOff(query_, [&](const std::string& dir) { return In(dir, extension.name); }, root);
      out.push_back(std::move(root));
    }
    if (compared_.used_up()) {
      files_.Tell(state_, "TOO_MANY_ENTRIES",
                  fmt::format("reading {}: its rules are too many for the folders of sessions; of "
                              "some extensions it is not known whether they are off",
                              state_));
    }
    return out;
  }

 private:
  Extension At(std::string path) {
    const std::string file = base::JoinPath(path, ".qwen-extension-install.json");
    const JsonValue& installed = files_.JsonOrEmpty(file);
    Extension out;
    out.linked = files_.TextAt(file, installed, "type") == "link";
    if (out.linked) path = base::NormalizePath(path, files_.TextAt(file, installed, "source"));
    for (const std::string_view name : kManifests) {
      const std::string manifest = base::JoinPath(path, name);
      if (!out.name.empty() || !base::Exists(manifest)) continue;
      out.name = files_.TextAt(manifest, files_.JsonOrEmpty(manifest), "name");
    }
    out.path = std::move(path);
    return out;
  }

  // What is said of an extension in sessions of a directory.
  Verdict In(const std::string& dir, const std::string& name) {
    const JsonValue& store = files_.ObjectAt(state_, files_.JsonOrEmpty(state_), "extensions");
    for (const auto& [id, policy] : store.members()) {
      if (!files_.Is(state_, "extensions." + id, policy, {Type::kObject})) continue;
      if (files_.TextAt(state_, policy, "name") == name) return ByPolicy(policy, dir);
    }
    if (files_.IsUnknown(state_)) return {state_, true};
    // One that the store does not know yet.
    const JsonValue& enabled = files_.JsonOrEmpty(rules_);
    if (!files_.Is(rules_, name, enabled[name], {Type::kObject})) {
      return files_.IsUnknown(rules_) ? Verdict{rules_, true} : Verdict{};
    }
    return ByRules(rules_, enabled[name], "overrides", /*off=*/false, dir);
  }

  // What is said of the directory itself, else the rules that hold there, else the usual.
  Verdict ByPolicy(const JsonValue& policy, const std::string& dir) {
    const bool usual_off = files_.TextAt(state_, policy, "defaultActivation") == kDisabled;
    const JsonValue& own = files_.ObjectAt(state_, policy, "workspaceOverrides");
    const std::string real = base::RealPath(dir).value_or(dir);
    const JsonValue& word = own[real];
    const bool clear = files_.Is(state_, "an entry of workspaceOverrides", word, {Type::kString});
    if (!clear && !word.is_null()) return {state_, true};
    const std::string& said = word.AsString();
    if (said == kEnabled) return {};
    if (said == kDisabled || (said == kInherit && usual_off)) return {state_};
    if (said == kInherit) return files_.IsUnknown(state_) ? Verdict{state_, true} : Verdict{};
    return ByRules(state_, policy, "legacyPathRules", usual_off, dir);
  }

  Verdict ByRules(const std::string& file, const JsonValue& from, std::string_view key, bool off,
                  const std::string& dir) {
    const std::vector<std::string> rules = files_.Texts(file, from, key, SettingsFiles::Keep::kAll);
    const RuleVerdict rule = LastRule(rules, dir, compared_);
    if (rule.holds) off = rule.off;
    if (off) return {file};
    return rule.unknown || files_.IsUnknown(file) ? Verdict{file, true} : Verdict{};
  }

  const RootQuery& query_;
  SettingsFiles files_;
  std::string folder_, state_, rules_;
  Effort compared_;
};

}  // namespace

std::vector<NamedRoot> ExtensionSkillRoots(const RootQuery& query,
                                           std::vector<skillfs::DiscoveryProblem>& problems) {
  if (query.config_dir.empty()) return {};
  return Reader(query, problems).Read();
}

}  // namespace selftune::hosts::qwen
