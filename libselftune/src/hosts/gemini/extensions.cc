#include "hosts/gemini/extensions.h"

#include <algorithm>
#include <optional>
#include <set>
#include <string>
#include <utility>

#include <absl/functional/function_ref.h>

#include "base/file.h"
#include "base/json_value.h"
#include "hosts/common/root_list.h"
#include "hosts/common/settings_files.h"
#include "hosts/gemini/extension_rules.h"

namespace selftune::hosts::gemini {
namespace {

using base::JsonValue;
using skillfs::NamedRoot;

constexpr int kRank = 5;  // below all folders of the row

using Rules = std::vector<std::string>;

// Extensions are on; of the rules that hold in a directory the last counts. Nothing: the
// effort is used up, and more rules may hold.
std::optional<bool> IsOff(const Rules& rules, std::string_view dir, Effort& effort) {
  for (auto rule = rules.rbegin(); rule != rules.rend(); ++rule) {
    if (effort.used_up()) return std::nullopt;
    std::string_view text = *rule;
    const bool disables = text.starts_with('!');
    if (disables) text.remove_prefix(1);
    if (text.empty()) continue;
    const PatternMatch match = RuleHolds(text, dir);
    effort.Spend(match.steps + 1);
    if (match.holds) return disables;
  }
  return false;
}

// Off where every session is, or in some projects. `verdict_in`: for sessions in a directory.
void MarkOff(const RootQuery& query, absl::FunctionRef<Verdict(const std::string&)> verdict_in,
             NamedRoot& root) {
  const Verdict at_home = verdict_in(query.home);
  bool everywhere = at_home.off(), on_somewhere = false;
  for (const std::string& dir : query.project_dirs) {
    Verdict verdict = verdict_in(dir);
    everywhere = everywhere && verdict.off();
    on_somewhere = on_somewhere || verdict.settings.empty();
    if (verdict.settings.empty()) continue;
    (verdict.unknown ? root.unknown_in : root.disabled_in)
        .push_back({dir, std::move(verdict.settings), /*below=*/false});
  }
  if (at_home.unknown && on_somewhere) {
    root.unknown_in.push_back({query.home, at_home.settings, /*below=*/false});
  } else if (at_home.unknown) {
    root.unknown_by = at_home.settings;
    root.unknown_in.clear();
  }
  if (!everywhere) return;
  root.disabled_by = at_home.settings;
  root.disabled_in.clear();
}

}  // namespace

PatternMatch RuleHolds(std::string_view rule, std::string_view dir) {
  std::string text(dir);
  if (!text.ends_with('/')) text += '/';
  // Most rules are about another folder: what stands before the first star tells.
  const size_t star = rule.find('*');
  if (star == std::string_view::npos) return {rule == text, SameLength(rule, text)};
  const size_t fixed = star > 0 && rule[star - 1] == '/' ? star - 1 : star;
  const size_t same = SameLength(rule.substr(0, fixed), text);
  if (same < fixed) return {false, same};
  const std::string_view rest = std::string_view(text).substr(fixed);
  Reached reached(rest);
  const auto any = [](auto) { return true; };
  char before = '\0';  // a star twice is a star
  for (size_t i = fixed; i < rule.size() && !reached.none(); ++i) {
    const bool below = rule.substr(i).starts_with("/*");
    const char kind = rule[i];
    if (below || kind == '*') {
      const auto starts = [&](size_t end) {
        return !below || (end < rest.size() && rest[end] == '/');
      };
      if (kind != before) reached.Many(starts, any, any);
      before = kind;
      if (below) ++i;
      continue;
    }
    reached.One([&](char c) { return c == kind; });
    before = '\0';
  }
  PatternMatch out = reached.Result();
  out.steps += same;
  return out;
}

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
    const Rules rules =
        said ? files.Texts(enablement, enabled[name], "overrides", SettingsFiles::Keep::kAll)
             : Rules();
    const auto verdict_in = [&](const std::string& dir) {
      const std::optional<bool> off = IsOff(rules, dir, compared);
      if (off == std::optional(true)) return Verdict{enablement};
      Verdict verdict =
          security.Against(installed["source"].AsString(), installed["type"].AsString(), dir);
      const bool unknown = !off.has_value() || files.IsUnknown(enablement);
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
