#include "hosts/qwen/extensions.h"

#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "base/file.h"
#include "base/json_value.h"
#include "base/strings.h"
#include "hosts/common/path_rules.h"
#include "hosts/common/root_list.h"
#include "hosts/common/settings_files.h"
#include "hosts/qwen/extension_store.h"

namespace selftune::hosts::qwen {
namespace {

using base::JsonValue;
using skillfs::NamedRoot;
using Type = JsonValue::Type;

constexpr std::string_view kDisabled = "disabled", kEnabled = "enabled", kInherit = "inherit";
// What one costs before rules are compared, as Effort.
constexpr size_t kVerdict = 10;

class Reader {
 public:
  Reader(const RootQuery& query, std::vector<skillfs::DiscoveryProblem>& problems)
      : query_(query),
        files_(problems),
        store_(query.config_dir, files_),
        folder_(base::JoinPath(query.config_dir, "extensions")),
        state_(store_.file()),
        rules_(base::JoinPath(folder_, "extension-enablement.json")) {}

  std::vector<NamedRoot> Read() {
    std::vector<NamedRoot> out;
    for (const Extension& extension : InstalledExtensions(query_.config_dir, files_)) {
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
      files_.Tell(
          state_, "TOO_MANY_ENTRIES",
          fmt::format(
              "reading {}: extensions and rules are too many for the folders of sessions; of "
              "some extensions it is not known whether they are off",
              state_));
    }
    return out;
  }

 private:
  // What is said of an extension in sessions of a directory.
  Verdict In(const std::string& dir, const std::string& name) {
    if (compared_.used_up()) return {state_, true};
    compared_.Spend(kVerdict);
    if (const JsonValue* const policy = store_.PolicyOf(name)) return ByPolicy(*policy, dir);
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
    compared_.Spend(own.members().size());
    const JsonValue& word = own[store_.RealFolder(dir)];
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
    // Those of one extension are asked for in all folders.
    const auto [rules, is_new] = texts_.try_emplace(&from);
    if (is_new) rules->second = files_.Texts(file, from, key, SettingsFiles::Keep::kAll);
    const RuleVerdict rule = LastRule(rules->second, dir, compared_);
    if (rule.holds) off = rule.off;
    if (off) return {file};
    return rule.unknown || files_.IsUnknown(file) ? Verdict{file, true} : Verdict{};
  }

  const RootQuery& query_;
  SettingsFiles files_;
  ExtensionStore store_;
  std::string folder_, state_, rules_;
  std::map<const JsonValue*, std::vector<std::string>> texts_;  // by policy
  Effort compared_;
};

}  // namespace

std::vector<NamedRoot> ExtensionSkillRoots(const RootQuery& query,
                                           std::vector<skillfs::DiscoveryProblem>& problems) {
  if (query.config_dir.empty()) return {};
  return Reader(query, problems).Read();
}

}  // namespace selftune::hosts::qwen
