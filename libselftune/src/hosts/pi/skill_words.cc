#include "hosts/pi/skill_words.h"

#include <algorithm>
#include <cstddef>
#include <filesystem>
#include <set>
#include <string>
#include <string_view>
#include <utility>

#include "base/file.h"
#include "base/strings.h"
#include "hosts/common/root_list.h"
#include "hosts/common/settings_files.h"
#include "hosts/pi/package_filter.h"
#include "hosts/skill_switch_rows.h"
#include "skillfs/skill_walk.h"

namespace selftune::hosts::pi {
namespace {

using skillfs::SingleFiles;
using skillfs::SkillRule;

// One file of settings: what it says, and of which folders.
struct Side {
  std::string dir;           // of settings.json
  std::string project_root;  // "" = the person's
  std::vector<std::string> agents;
};

// The path from one folder to another, with ".." where it has to leave.
std::string Below(const std::string& path, const std::string& base) {
  return std::filesystem::path(path).lexically_relative(base).string();
}

class Words {
 public:
  Words(const RootQuery& query, std::vector<skillfs::DiscoveryProblem>& problems)
      : query_(query), files_(problems) {}

  void Read(const Side& side) {
    begin_ = out_.size();
    const std::string settings = base::JoinPath(side.dir, "settings.json");
    const std::vector<std::string> words = SkillsIn(settings, files_, SettingsFiles::Keep::kAll);
    std::vector<std::string> entries, overrides, patterns;
    for (const std::string& word : words) {
      if (IsOverride(word)) overrides.push_back(word);
      (IsOverride(word) || IsGlob(word) ? patterns : entries).push_back(word);
    }
    rule_ = {.name = "", .settings = settings, .project_root = side.project_root, .below = false};
    if (files_.IsUnknown(settings)) SayUnknown();
    if (patterns.empty()) return;
    seen_.clear();
    effort_ = {};
    for (const std::string& entry : entries) {
      std::string path = SettingsPath(query_.home, side.dir, entry);
      if (base::BaseName(path) == "SKILL.md") path = std::string(base::DirName(path));
      if (!path.empty()) Judge(path, SingleFiles::kInRoot, side.dir, patterns);
    }
    if (!overrides.empty()) {
      Judge(base::JoinPath(side.dir, "skills"), SingleFiles::kInRoot, side.dir, overrides);
      for (const std::string& folder : side.agents) {
        Judge(folder, SingleFiles::kBelowRoot, std::string(base::DirName(folder)), overrides);
      }
    }
    if (!effort_.used_up()) return;
    files_.Tell(settings, "TOO_MANY_ENTRIES",
                "reading " + settings + ": what its words are about is too much; of some skills " +
                    "it is not known whether they are taken out");
    SayUnknown();
  }

  std::vector<SkillRule> Take() && { return std::move(out_); }

 private:
  // Of what this file is known to take out it says so all the same: the last rule counts.
  void SayUnknown() {
    SkillRule rule = rule_;
    rule.name = "*";
    rule.pattern = true;
    rule.path.clear();
    rule.says = SkillRule::Says::kMayOff;
    out_.insert(out_.begin() + static_cast<std::ptrdiff_t>(begin_), std::move(rule));
  }

  // What was named is decided, whatever is said of a folder around it.
  void Judge(const std::string& folder, SingleFiles single, const std::string& base,
             const std::vector<std::string>& words) {
    // Folders that cannot be read are told by who looks for skills in them.
    const skillfs::SkillWalk walk =
        skillfs::WalkSkills(folder, {.depth = skillfs::kAnyDepth,
                                     .skill_ends_search = true,
                                     .root_too = true,
                                     .single_files = single,
                                     .ignore_files = true,
                                     .most = effort_.left() / Effort::kFolder + 1});
    effort_.Spend(walk.effort * Effort::kFolder);
    for (const skillfs::FoundSkillFile& file : walk.files) {
      const std::string skill = file.Place();
      if (!seen_.insert(skill).second) continue;
      const bool in = LetsIn(words, {Below(skill, base), skill, file.single}, effort_);
      if (in || effort_.used_up()) continue;
      rule_.path = skill;
      out_.push_back(rule_);
    }
  }

  const RootQuery& query_;
  SettingsFiles files_;
  SkillRule rule_;
  std::set<std::string> seen_;
  Effort effort_;
  std::vector<SkillRule> out_;
  size_t begin_ = 0;  // of the rules of the file that is read
};

}  // namespace

std::vector<std::string> SkillsIn(const std::string& file, SettingsFiles& files,
                                  SettingsFiles::Keep keep) {
  const base::JsonValue& root = files.JsonOrEmpty(file);
  const bool old = root["skills"].is_object();
  return files.Texts(file, root, old ? "skills.customDirectories" : "skills", keep);
}

std::vector<std::string> AgentsFolders(const std::vector<std::string>& up,
                                       const std::string& home) {
  std::vector<std::string> folders = FoldersToTop(up);
  std::erase(folders, home);
  for (std::string& folder : folders) folder = base::JoinPath(folder, ".agents/skills");
  return folders;
}

std::vector<SkillRule> ReadSkillWords(const RootQuery& query,
                                      std::vector<skillfs::DiscoveryProblem>& problems) {
  Words words(query, problems);
  if (!query.config_dir.empty()) {
    Side own{query.config_dir, "", {}};
    if (!query.home.empty()) own.agents = {base::JoinPath(query.home, ".agents/skills")};
    words.Read(own);
  }
  for (const std::vector<std::string>& up : query.project_folders) {
    const Side side{base::JoinPath(up.front(), ".pi"), up.front(), AgentsFolders(up, query.home)};
    if (side.dir != query.config_dir) words.Read(side);
  }
  return std::move(words).Take();
}

}  // namespace selftune::hosts::pi
