// What extensions of Qwen Code, and its store, say of single skills of theirs.
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "base/file.h"
#include "base/json_value.h"
#include "base/strings.h"
#include "hosts/common/root_list.h"
#include "hosts/common/settings_files.h"
#include "hosts/qwen/extension_store.h"
#include "hosts/skill_switch_rows.h"

namespace selftune::hosts::qwen {
namespace {

using base::JsonValue;
using skillfs::SkillRule;
using Type = JsonValue::Type;
using States = std::map<std::string, bool>;  // by name, in lower case

// What a folder of sessions costs in which nothing, or a skill, is looked up, as Effort.
constexpr size_t kLook = 10;

class Reader {
 public:
  Reader(const RootQuery& query, std::vector<skillfs::DiscoveryProblem>& problems)
      : query_(query), files_(problems), store_(query.config_dir, files_) {}

  std::vector<SkillRule> Read() {
    for (const Extension& extension : InstalledExtensions(query_.config_dir, files_)) {
      AddExtension(extension);
    }
    if (effort_.used_up()) {
      files_.Tell(store_.file(), "TOO_MANY_ENTRIES",
                  fmt::format("reading {}: what it says of skills is too much for the folders of "
                              "sessions; of some it is not known whether they are off",
                              store_.file()));
    }
    return std::move(out_);
  }

 private:
  // Values that are no flags are told, and left out.
  States StatesOf(const std::string& file, std::string_view key, const JsonValue& said) {
    States out;
    for (const auto& [name, state] : said.members()) {
      if (!files_.Is(file, fmt::format("{}.{}", key, name), state, {Type::kBool})) continue;
      out[base::AsciiLower(base::Trim(name))] = state.AsBool();
    }
    return out;
  }

  // The store stands above the manifest, and says more in single folders.
  void AddExtension(const Extension& extension) {
    const std::string& manifest = extension.manifest;
    const States usual =
        StatesOf(manifest, "skillStates",
                 files_.ObjectAt(manifest, files_.JsonOrEmpty(manifest), "skillStates"));
    if (files_.IsUnknown(manifest)) AddUnknown(extension, manifest);
    Add(extension, usual, manifest, "");
    std::map<std::string, States> here;  // by folder of sessions
    bool all_read = true;
    if (const JsonValue* const policy = store_.PolicyOf(extension.name)) {
      const JsonValue& all = files_.ObjectAt(store_.file(), *policy, "skillWorkspaceOverrides");
      all_read = ReadFolders(all, here);
    }
    if (!all_read || files_.IsUnknown(store_.file())) AddUnknown(extension, store_.file());
    for (const auto& [dir, states] : here) Add(extension, states, store_.file(), dir);
  }

  // False: the effort is used up, and folders are left.
  bool ReadFolders(const JsonValue& all, std::map<std::string, States>& out) {
    if (all.members().empty()) return true;
    for (const std::string& dir : query_.project_dirs) {
      if (effort_.used_up()) return false;
      effort_.Spend(kLook + all.members().size());
      const JsonValue& said = all[store_.RealFolder(dir)];
      if (!files_.Is(store_.file(), "an entry of skillWorkspaceOverrides", said, {Type::kObject})) {
        continue;
      }
      effort_.Spend(kLook * said.members().size());
      out[dir] = StatesOf(store_.file(), "skillWorkspaceOverrides", said);
    }
    return true;
  }

  // `dir`: for sessions in there alone, "" = for all.
  void Add(const Extension& extension, const States& states, const std::string& settings,
           const std::string& dir) {
    for (const auto& [name, on] : states) {
      out_.push_back({.name = extension.name + ":" + name,
                      .any_case = true,
                      .says = on ? SkillRule::Says::kOn : SkillRule::Says::kOff,
                      .settings = settings,
                      .project_root = dir,
                      .below = false});
    }
  }

  void AddUnknown(const Extension& extension, const std::string& settings) {
    if (extension.name.find_first_of("*?") != std::string::npos) return;
    out_.push_back({.name = extension.name + ":*",
                    .pattern = true,
                    .any_case = true,
                    .says = SkillRule::Says::kMayEither,
                    .settings = settings});
  }

  const RootQuery& query_;
  SettingsFiles files_;
  ExtensionStore store_;
  Effort effort_;
  std::vector<SkillRule> out_;
};

}  // namespace

std::vector<SkillRule> ReadSkillStates(const RootQuery& query,
                                       std::vector<skillfs::DiscoveryProblem>& problems) {
  if (query.config_dir.empty()) return {};
  return Reader(query, problems).Read();
}

}  // namespace selftune::hosts::qwen
