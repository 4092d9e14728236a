#include "skillfs/skill_walk.h"

#include <algorithm>
#include <cstdint>
#include <optional>
#include <utility>

#include "base/file.h"
#include "base/status_macros.h"
#include "skillfs/ignore_rules.h"

namespace selftune::skillfs {
namespace {

constexpr std::string_view kSkillFile = "SKILL.md";
// A root that links to `/` ends.
constexpr size_t kMaxFolders = 2000;
constexpr size_t kEntriesOfEffort = 20;
constexpr uint64_t kMaxIgnoreBytes = 64U << 10;
constexpr size_t kStepsOfEffort = 1000;  // of IgnoreRules
constexpr size_t kMostIgnoreEffort = 20'000;
constexpr std::string_view kDependencies = "node_modules";

using FolderId = std::pair<uint64_t, uint64_t>;

bool IsMarkdown(std::string_view path) { return path.ends_with(".md"); }

class Walker {
 public:
  explicit Walker(const WalkOptions& options)
      : options_(options), ignored_(std::min(options.most, kMostIgnoreEffort) * kStepsOfEffort) {}

  SkillWalk Walk(const std::string& root) {
    root_ = root;
    const auto info = base::Stat(root);
    if (!info.ok()) {
      if (CodeOf(info.status()).name != kFileNotFound.name) Problem(root, info.status());
      return std::move(walk_);
    }
    if (info->is_file() && options_.single_files != SingleFiles::kNone && IsMarkdown(root)) {
      walk_.files.push_back({.path = root, .single = base::BaseName(root) != kSkillFile});
    }
    if (info->is_dir()) Folder(root, FolderId{info->dev, info->inode}, 0);
    return std::move(walk_);
  }

 private:
  void Problem(const std::string& path, const Status& status) {
    walk_.problems.push_back(
        {path, std::string(CodeOf(status).name), std::string(Message(status))});
  }

  // `id`: nothing while nobody has needed it.
  void Folder(const std::string& path, std::optional<FolderId> id, size_t depth) {
    if (IsSpent() || folders_ == kMaxFolders) return Stop(path);
    ++folders_;
    ++walk_.effort;
    const size_t rules = ignored_.size();
    if (options_.ignore_files) ReadIgnoreFiles(path);
    if (!walk_.cut) LookIn(path, id, depth);
    ignored_.Keep(rules);
  }

  [[nodiscard]] bool IsSpent() {
    walk_.cut = walk_.cut || walk_.effort >= options_.most || ignored_.exhausted();
    return walk_.cut;
  }

  void LookIn(const std::string& path, std::optional<FolderId> id, size_t depth) {
    // Most folders are those of skills, whose other files need not be listed.
    const Look look = depth > 0 || options_.root_too ? TakeSkill(path) : Look();
    if (look.found && options_.depth > 1 && options_.skill_ends_search) return;
    const bool go_on = depth < options_.depth;
    const auto entries = go_on ? base::ListDir(path) : std::vector<base::DirEntry>();
    if (!entries.ok()) return Problem(path, entries.status());
    if (!look.status.ok()) Problem(base::JoinPath(path, kSkillFile), look.status);
    if (!go_on) return;
    walk_.effort += entries->size() / kEntriesOfEffort;
    open_.push_back({path, id});
    for (const base::DirEntry& entry : *entries) {
      if (IsSpent()) Stop(path);
      if (walk_.cut) break;
      Child(path, entry, depth);
    }
    open_.pop_back();
  }

  // Of this folder on behalf of all that lie below.
  void ReadIgnoreFiles(const std::string& folder) {
    for (const std::string_view name : kIgnoreFiles) {
      const std::string path = base::JoinPath(folder, name);
      const auto text = ReadRegular(path);
      // What a folder that lets nobody in holds is told once, by who looks for skills there.
      const bool absent =
          !text.ok() && (CodeOf(text.status()).name == kFileNotFound.name || !base::HasEntry(path));
      if (absent) continue;
      ++walk_.effort;
      if (!text.ok()) {
        Problem(path, text.status());
        continue;
      }
      walk_.effort += text->size() / kStepsOfEffort;
      if (ignored_.Add(*text, BelowRoot(folder))) continue;
      // What they say is not known, nor what lies below.
      walk_.cut = true;
      walk_.problems.push_back(
          {path, "TOO_MANY_ENTRIES",
           "searching for skills: " + path + " and those above it have too many rules"});
    }
  }

  static StatusOr<std::string> ReadRegular(const std::string& path) {
    ST_ASSIGN_OR_RETURN(const base::OpenedFile opened, base::OpenAny(path));
    if (!opened.info.is_file()) {
      return Fail(kFileUnreadable, "reading {}: expected a file, found something else", path);
    }
    return base::ReadOpened(opened, kMaxIgnoreBytes, path);
  }

  [[nodiscard]] std::string_view BelowRoot(std::string_view path) const {
    path.remove_prefix(root_.size());
    if (path.starts_with('/')) path.remove_prefix(1);
    return path;
  }

  bool IsIgnored(const std::string& path, bool is_folder) {
    if (ignored_.size() == 0) return false;
    const size_t before = ignored_.steps() / kStepsOfEffort;
    const bool ignored = ignored_.Ignores(BelowRoot(path), is_folder);
    walk_.effort += ignored_.steps() / kStepsOfEffort - before;
    return ignored;
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

  struct Look {
    bool found = false;
    Status status;  // why it is not known whether there is one
  };

  Look TakeSkill(const std::string& folder) {
    const std::string path = base::JoinPath(folder, kSkillFile);
    if (IsIgnored(path, /*is_folder=*/false)) return {};
    const auto info = base::Stat(path);
    if (!info.ok()) {
      // A link that leads nowhere is there.
      const bool absent = CodeOf(info.status()).name == kFileNotFound.name && !base::HasEntry(path);
      return {.status = absent ? absl::OkStatus() : info.status()};
    }
    if (!info->is_file()) return {};
    walk_.files.push_back({.path = path, .linked = links_ > 0});
    return {.found = true};
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
    if (IsSpent()) return Stop(path);
    ++walk_.effort;
    walk_.files.push_back({.path = path, .single = true, .linked = links_ > 0});
  }

  void Child(const std::string& folder, const base::DirEntry& entry, size_t depth) {
    const bool may_be_single = MayBeSingle(entry, depth);
    if (!entry.maybe_dir && !may_be_single) return;
    // Hidden folders belong to tools (.git, .system has a root of its own).
    if (options_.depth > 1 && entry.name.starts_with('.')) return;
    if (options_.single_files != SingleFiles::kNone && entry.name == kDependencies) return;
    const std::string path = base::JoinPath(folder, entry.name);
    // A folder for certain, and no link on the way: it leads to no other place.
    if (!entry.maybe_file && links_ == 0) {
      if (!IsIgnored(path, /*is_folder=*/true)) Folder(path, std::nullopt, depth + 1);
      return;
    }
    const auto info = base::Stat(path);
    if (!info.ok()) {
      Problem(path, info.status());
      return;
    }
    if (!info->is_dir() && !(info->is_file() && may_be_single)) return;
    if (IsIgnored(path, info->is_dir())) return;
    if (!info->is_dir()) return TakeSingle(path);
    const FolderId id{info->dev, info->inode};
    if (IsOpen(id)) {
      walk_.problems.push_back(
          {path, "LINK_CYCLE",
           "searching for skills: " + path + " leads back to a folder that holds it"});
      return;
    }
    ++links_;
    Folder(path, id, depth + 1);
    --links_;
  }

  bool IsOpen(FolderId id) {
    return std::ranges::any_of(open_, [id](OpenFolder& folder) {
      if (!folder.id.has_value()) {
        const auto info = base::Stat(folder.path);
        if (!info.ok()) return false;  // gone by now
        folder.id = FolderId{info->dev, info->inode};
      }
      return folder.id == id;
    });
  }

  struct OpenFolder {
    std::string path;
    std::optional<FolderId> id;
  };

  WalkOptions options_;
  std::string root_;
  IgnoreRules ignored_;
  SkillWalk walk_;
  std::vector<OpenFolder> open_;  // folders on the path to the current one
  size_t links_ = 0;              // of these, those that are or may be links
  size_t folders_ = 0;
  bool stopped_ = false;
};

}  // namespace

SkillWalk WalkSkills(const std::string& root, const WalkOptions& options) {
  return Walker(options).Walk(root);
}

}  // namespace selftune::skillfs
