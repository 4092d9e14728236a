// What settings of OpenCode say of skills: `permission`, and before it `tools` of old releases.
// The host puts all files of a session together key by key, and asks what came out: a key stays
// where the first file has it, and has what the last one says.
#include <algorithm>
#include <cstddef>
#include <map>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "base/file.h"
#include "base/json_value.h"
#include "base/string_map.h"
#include "hosts/common/reached.h"
#include "hosts/common/root_list.h"
#include "hosts/common/settings_files.h"
#include "hosts/skill_switch_rows.h"

namespace selftune::hosts::opencode {
namespace {

using base::JsonValue;
using skillfs::SkillRule;
using Says = SkillRule::Says;
using Type = JsonValue::Type;
using Paths = std::vector<std::string>;

constexpr std::string_view kTool = "skill";
constexpr std::string_view kOwnFiles[] = {"config.json", "opencode.json", "opencode.jsonc"};
constexpr std::string_view kFiles[] = {"opencode.json", "opencode.jsonc"};
constexpr std::string_view kFolder = ".opencode";

// `*` stands for any text, `?` for a sign, ` *` at the end for nothing, too.
bool IsMeant(std::string_view pattern) {
  if (pattern.ends_with(" *")) pattern.remove_suffix(2);  // the tool has no blank
  Reached reached(kTool);
  for (size_t i = 0; i < pattern.size() && !reached.none(); ++i) {
    const auto any = [](auto) { return true; };
    if (pattern[i] == '*') {
      reached.Many(any, any, any);
    } else {
      reached.One([&](char c) { return pattern[i] == '?' || c == pattern[i]; });
    }
  }
  return reached.Result().holds;
}

// Values by their keys, in the order in which these came.
template <typename Value>
class Ordered {
 public:
  Value& At(const std::string& key) {
    const auto [it, is_new] = places_.try_emplace(key, all_.size());
    if (is_new) all_.emplace_back(key, Value());
    return all_[it->second].second;
  }
  [[nodiscard]] const std::vector<std::pair<std::string, Value>>& all() const { return all_; }

 private:
  std::vector<std::pair<std::string, Value>> all_;
  base::StringMap<size_t> places_;
};

struct Word {
  Says says = Says::kOn;
  std::string file;
};

// What stands under one key: a word for all skills, or one for each pattern of their names.
struct Permission {
  Word word;
  bool by_pattern = false;
  Ordered<Word> patterns;

  [[nodiscard]] size_t size() const { return 1 + patterns.all().size(); }
};
using Permissions = Ordered<Permission>;

// What counts is the last that is merged, object into object, else in place of what was there.
void Merge(const Permission& from, Permission& to) {
  if (!from.by_pattern || !to.by_pattern) {
    to = from;
    return;
  }
  for (const auto& [pattern, word] : from.patterns.all()) to.patterns.At(pattern) = word;
}

// One file, as far as it is about skills.
struct Part {
  Permissions flags, permissions;
  size_t size = 0;  // of both
};

class Reader {
 public:
  Reader(const RootQuery& query, std::vector<skillfs::DiscoveryProblem>& problems)
      : query_(query), files_(problems, kOpenCodeJson) {
    if (!query.config_dir.empty()) AddFiles(query.config_dir, kOwnFiles, own_);
    if (!query.home.empty()) AddFiles(base::JoinPath(query.home, kFolder), kFiles, home_);
  }

  std::vector<SkillRule> Read() {
    Paths everywhere = own_;
    everywhere.insert(everywhere.end(), home_.begin(), home_.end());
    Put(everywhere, "", "");
    // Folders with files of their own, those above first.
    std::map<std::string, Paths> above;
    for (const Paths& up : query_.project_folders) {
      const Paths all = FoldersToTop(up);
      for (auto folder = all.begin(); folder != all.end(); ++folder) {
        if (!above.contains(*folder)) above.try_emplace(*folder, folder, all.end());
      }
    }
    for (const auto& [folder, up] : above) AddProject(folder, up);
    return std::move(out_);
  }

 private:
  static void AddFiles(const std::string& dir, std::span<const std::string_view> names,
                       Paths& out) {
    for (const std::string_view name : names) out.push_back(base::JoinPath(dir, name));
  }

  // `up`: it and the folders above, nearest first. Of plain files the nearest is taken last, of
  // those in `.opencode` the one that is farthest up, then that of the home.
  void AddProject(const std::string& folder, const Paths& up) {
    Paths plain, dotted, here;
    for (auto dir = up.rbegin(); dir != up.rend(); ++dir) AddFiles(*dir, kFiles, plain);
    for (const std::string& dir : up) AddFiles(base::JoinPath(dir, kFolder), kFiles, dotted);
    AddFiles(folder, kFiles, here);
    AddFiles(base::JoinPath(folder, kFolder), kFiles, here);
    const std::set<std::string> persons(own_.begin(), own_.end());
    std::erase_if(here, [&](const std::string& file) {
      return persons.contains(file) || std::ranges::find(home_, file) != home_.end() ||
             files_.Text(file) == nullptr;
    });
    if (here.empty()) return;
    Paths all = own_;
    std::set<std::string> known = persons;  // each is taken once
    for (const Paths* const list : {&plain, &dotted, &home_}) {
      for (const std::string& file : *list) {
        if (known.insert(file).second) all.push_back(file);
      }
    }
    Put(all, folder, here.front());
    if (!effort_.used_up()) return;
    AddRule("*", {Says::kMayEither, here.front()}, folder);
    if (std::exchange(told_, true)) return;
    files_.Tell(here.front(), "TOO_MANY_ENTRIES",
                fmt::format("reading {}: there is too much about skills in the files of all "
                            "projects; of some it is not known whether they are off there",
                            here.front()));
  }

  // What these files make of skills for sessions in a folder, "" = everywhere. `own`: one of the
  // folder's.
  void Put(const Paths& files, const std::string& folder, const std::string& own) {
    Permissions flags, permissions;
    for (const std::string& file : files) {
      if (effort_.used_up()) return;
      const Part& part = PartOf(file);
      effort_.Spend(kLook + part.size);
      for (const auto& [tool, said] : part.flags.all()) Merge(said, flags.At(tool));
      for (const auto& [tool, said] : part.permissions.all()) Merge(said, permissions.At(tool));
    }
    for (const auto& [tool, said] : permissions.all()) Merge(said, flags.At(tool));
    // Nothing that other files say elsewhere counts beside it.
    if (!folder.empty()) AddRule("*", {Says::kOn, own}, folder);
    for (const auto& [tool, said] : flags.all()) {
      effort_.Spend(kRule * said.size());
      if (!said.by_pattern) AddRule("*", said.word, folder);
      for (const auto& [pattern, word] : said.patterns.all()) {
        AddRule(pattern, word, folder);
        if (pattern.ends_with(" *")) {
          AddRule(pattern.substr(0, pattern.size() - 2), word, folder);
        }
      }
    }
  }

  void AddRule(std::string pattern, const Word& word, const std::string& folder) {
    const bool is_pattern = pattern.find_first_of("*?") != std::string::npos;
    out_.push_back({.name = std::move(pattern),
                    .pattern = is_pattern,
                    .says = word.says,
                    .settings = word.file,
                    .project_root = folder});
  }

  const Part& PartOf(const std::string& file) {
    const auto [it, is_new] = parts_.try_emplace(file);
    Part& part = it->second;
    if (!is_new) return part;
    // What a part of it says is known, where another one is of no use.
    Permissions flags, permissions;
    if (const JsonValue* const root = files_.Json(file)) {
      ReadFlags(file, *root, flags);
      ReadPermissions(file, *root, permissions);
    }
    if (files_.IsUnknown(file)) {
      // No key of a file; it comes behind what the files before this one say.
      part.permissions.At(std::string("\0", 1) + file).word = {Says::kMayEither, file};
    }
    part.flags = std::move(flags);
    for (const auto& [tool, said] : permissions.all()) part.permissions.At(tool) = said;
    for (const auto* const list : {&part.flags, &part.permissions}) {
      for (const auto& [tool, said] : list->all()) part.size += said.size();
    }
    return part;
  }

  void ReadFlags(const std::string& file, const JsonValue& root, Permissions& out) {
    for (const auto& [tool, flag] : files_.ObjectAt(file, root, "tools").members()) {
      if (!IsMeant(tool)) continue;
      if (!files_.Is(file, fmt::format("tools.{}", tool), flag, {Type::kBool})) continue;
      out.At(tool).word = {flag.AsBool() ? Says::kOn : Says::kOff, file};
    }
  }

  void ReadPermissions(const std::string& file, const JsonValue& root, Permissions& out) {
    const JsonValue& all = files_.At(file, root, "permission", {Type::kString, Type::kObject});
    if (all.is_string()) out.At("*").word = WordOf(file, all);
    for (const auto& [tool, said] : all.members()) {
      if (!IsMeant(tool)) continue;
      const std::string key = fmt::format("permission.{}", tool);
      if (!files_.Is(file, key, said, {Type::kString, Type::kObject})) continue;
      Permission& permission = out.At(tool);
      permission.by_pattern = said.is_object();
      if (said.is_string()) permission.word = WordOf(file, said);
      for (const auto& [pattern, word] : said.members()) {
        if (!files_.Is(file, fmt::format("{}.{}", key, pattern), word, {Type::kString})) continue;
        permission.patterns.At(pattern) = WordOf(file, word);
      }
    }
  }

  static Word WordOf(const std::string& file, const JsonValue& word) {
    return {word.AsString() == "deny" ? Says::kOff : Says::kOn, file};
  }

  // What a file costs that says nothing, and a rule that is kept, as Effort.
  static constexpr size_t kLook = 10, kRule = 50;

  const RootQuery& query_;
  SettingsFiles files_;
  Paths own_, home_;
  std::map<std::string, Part> parts_;  // by file
  Effort effort_;
  bool told_ = false;  // that it is used up
  std::vector<SkillRule> out_;
};

}  // namespace

std::vector<SkillRule> ReadSkillPermissions(const RootQuery& query,
                                            std::vector<skillfs::DiscoveryProblem>& problems) {
  return Reader(query, problems).Read();
}

}  // namespace selftune::hosts::opencode
