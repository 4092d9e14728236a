#include "skillfs/skill_walk.h"

#include <algorithm>
#include <cstdint>
#include <utility>

#include "base/file.h"

namespace selftune::skillfs {
namespace {

constexpr std::string_view kSkillFile = "SKILL.md";
// A root that links to `/` ends.
constexpr size_t kMaxFolders = 2000;
constexpr size_t kEntriesOfEffort = 20;
constexpr std::string_view kDependencies = "node_modules";

using FolderId = std::pair<uint64_t, uint64_t>;

bool IsMarkdown(std::string_view path) { return path.ends_with(".md"); }

class Walker {
 public:
  explicit Walker(const WalkOptions& options) : options_(options) {}

  SkillWalk Walk(const std::string& root) {
    const auto info = base::Stat(root);
    if (!info.ok()) {
      if (CodeOf(info.status()).name != kFileNotFound.name) Problem(root, info.status());
      return std::move(walk_);
    }
    if (info->is_file() && options_.single_files != SingleFiles::kNone && IsMarkdown(root)) {
      walk_.files.push_back({root, base::BaseName(root) != kSkillFile});
    }
    if (info->is_dir()) Folder(root, {info->dev, info->inode}, 0);
    return std::move(walk_);
  }

 private:
  void Problem(const std::string& path, const Status& status) {
    walk_.problems.push_back(
        {path, std::string(CodeOf(status).name), std::string(Message(status))});
  }

  void Folder(const std::string& path, FolderId id, size_t depth) {
    if (walk_.effort >= options_.most) walk_.cut = true;
    if (walk_.cut || folders_ == kMaxFolders) return Stop(path);
    ++folders_;
    ++walk_.effort;
    const auto entries = base::ListDir(path);
    if (!entries.ok()) {
      Problem(path, entries.status());
      return;
    }
    walk_.effort += entries->size() / kEntriesOfEffort;
    const bool may_be_skill = depth > 0 || options_.root_too;
    const bool deep = options_.depth > 1;
    if (may_be_skill && TakeSkill(path, *entries) && deep && options_.skill_ends_search) return;
    if (depth >= options_.depth) return;
    open_.push_back(id);
    for (const base::DirEntry& entry : *entries) Child(path, entry, depth);
    open_.pop_back();
  }

  void Stop(const std::string& path) {
    if (stopped_) return;
    stopped_ = true;
    walk_.problems.push_back(
        {path, "TOO_MANY_FOLDERS",
         walk_.cut
             ? "searching for skills: too many folders and entries are named, these are left"
             : "searching for skills: stopped after " + std::to_string(folders_) + " folders"});
  }

  bool TakeSkill(const std::string& folder, const std::vector<base::DirEntry>& entries) {
    const bool found = std::ranges::any_of(entries, [](const base::DirEntry& entry) {
      return entry.maybe_file && entry.name == kSkillFile;
    });
    if (!found) return false;
    const std::string path = base::JoinPath(folder, kSkillFile);
    const auto info = base::Stat(path);
    if (!info.ok()) {
      Problem(path, info.status());
      return false;
    }
    if (!info->is_file()) return false;
    walk_.files.push_back({path});
    return true;
  }

  [[nodiscard]] bool MayBeSingle(const base::DirEntry& entry, size_t depth) const {
    const SingleFiles which = options_.single_files;
    const bool here = which == SingleFiles::kAll ||
                      which == (depth == 0 ? SingleFiles::kInRoot : SingleFiles::kBelowRoot);
    return here && entry.maybe_file && IsMarkdown(entry.name) && entry.name != kSkillFile &&
           !entry.name.starts_with('.');
  }

  // Each will be read.
  void TakeSingle(const std::string& path) {
    walk_.cut = walk_.cut || walk_.effort >= options_.most;
    if (walk_.cut) return Stop(path);
    ++walk_.effort;
    walk_.files.push_back({path, /*single=*/true});
  }

  void Child(const std::string& folder, const base::DirEntry& entry, size_t depth) {
    const bool may_be_single = MayBeSingle(entry, depth);
    if (!entry.maybe_dir && !may_be_single) return;
    // Hidden folders belong to tools (.git, .system has a root of its own).
    if (options_.depth > 1 && entry.name.starts_with('.')) return;
    if (options_.single_files != SingleFiles::kNone && entry.name == kDependencies) return;
    const std::string path = base::JoinPath(folder, entry.name);
    const auto info = base::Stat(path);
    if (!info.ok()) {
      Problem(path, info.status());
      return;
    }
    if (info->is_file() && may_be_single) return TakeSingle(path);
    if (!info->is_dir()) return;
    const FolderId id{info->dev, info->inode};
    if (std::ranges::find(open_, id) != open_.end()) {
      walk_.problems.push_back(
          {path, "LINK_CYCLE",
           "searching for skills: " + path + " leads back to a folder that holds it"});
      return;
    }
    Folder(path, id, depth + 1);
  }

  WalkOptions options_;
  SkillWalk walk_;
  std::vector<FolderId> open_;  // folders on the path to the current one
  size_t folders_ = 0;
  bool stopped_ = false;
};

}  // namespace

SkillWalk WalkSkills(const std::string& root, const WalkOptions& options) {
  return Walker(options).Walk(root);
}

}  // namespace selftune::skillfs
