#include "skillfs/package_tree.h"

#include <fnmatch.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <climits>
#include <utility>

#include "base/crypto.h"
#include "base/file.h"
#include "base/status_macros.h"
#include "base/strings.h"

namespace selftune::skillfs {
namespace {

constexpr size_t kMaxFiles = 5000;
constexpr uint64_t kMaxBytes = 256U << 20;
constexpr uint64_t kMaxIgnoreBytes = 64U << 10;

struct IgnorePattern {
  std::string glob;
  bool folder_only = false;
  bool from_top = false;  // else a name at any depth
};

IgnorePattern ParsePattern(std::string_view line) {
  IgnorePattern pattern;
  if (line.ends_with('/')) {
    pattern.folder_only = true;
    line.remove_suffix(1);
  }
  pattern.from_top = line.find('/') != std::string_view::npos;
  if (line.starts_with('/')) line.remove_prefix(1);
  pattern.glob = std::string(line);
  return pattern;
}

std::vector<IgnorePattern> BuiltInPatterns() {
  std::vector<IgnorePattern> out;
  for (const std::string_view line :
       {".git", "/evals/", ".selftuneignore", ".DS_Store", "Thumbs.db", "desktop.ini", "*~",
        "*.swp", "*.swo", "#*#", ".#*", ".idea/", ".vscode/", "__pycache__/", "*.pyc"}) {
    out.push_back(ParsePattern(line));
  }
  return out;
}

// Judged by the text of the link, so that the answer does not depend on what
// else is on the machine.
bool LeavesPackage(std::string_view folder, std::string_view target) {
  if (target.starts_with('/')) return true;
  int depth = 0;
  for (const std::string_view path : {folder, target}) {
    for (const std::string_view part : base::Split(path, '/')) {
      if (part.empty() || part == ".") continue;
      depth += part == ".." ? -1 : 1;
      if (depth < 0) return true;
    }
  }
  return false;
}

// Collects the files of one package.
class PackageReader {
 public:
  explicit PackageReader(std::string root) : root_(std::move(root)), ignore_(BuiltInPatterns()) {}

  StatusOr<PackageTree> Read() {
    ST_RETURN_IF_ERROR(LoadIgnoreFile());
    ST_RETURN_IF_ERROR(Folder(""));
    std::ranges::sort(tree_.files, {}, &PackageFile::path);
    tree_.fingerprint = "pkg2_sha256_" + base::Sha256Hex(Manifest()).substr(0, 32);
    return std::move(tree_);
  }

 private:
  Status LoadIgnoreFile() {
    const auto bytes = base::ReadFile(Absolute(".selftuneignore"), kMaxIgnoreBytes);
    if (!bytes.ok()) {
      const bool absent = CodeOf(bytes.status()).name == kFileNotFound.name;
      return absent ? absl::OkStatus() : bytes.status();
    }
    for (const std::string_view line : base::Split(*bytes, '\n')) {
      const std::string_view text = base::Trim(line);
      if (!text.empty() && !text.starts_with('#')) ignore_.push_back(ParsePattern(text));
    }
    return absl::OkStatus();
  }

  std::string Absolute(const std::string& path) const { return base::JoinPath(root_, path); }

  bool IsIgnored(const std::string& path, bool folder) const {
    const std::string name(base::BaseName(path));
    return std::ranges::any_of(ignore_, [&](const IgnorePattern& pattern) {
      if (pattern.folder_only && !folder) return false;
      const std::string& subject = pattern.from_top ? path : name;
      return fnmatch(pattern.glob.c_str(), subject.c_str(), FNM_PATHNAME) == 0;
    });
  }

  Status Folder(const std::string& path) {
    ST_ASSIGN_OR_RETURN(const std::vector<base::DirEntry> entries,
                        base::ListDir(path.empty() ? root_ : Absolute(path)));
    for (const base::DirEntry& entry : entries) {
      ST_RETURN_IF_ERROR(Entry(path.empty() ? entry.name : path + "/" + entry.name));
    }
    return absl::OkStatus();
  }

  Status Entry(const std::string& path) {
    struct stat info{};
    if (lstat(Absolute(path).c_str(), &info) != 0) {
      return Fail(kFileUnreadable, "reading package file {}", Absolute(path));
    }
    if (IsIgnored(path, S_ISDIR(info.st_mode))) return absl::OkStatus();
    if (S_ISDIR(info.st_mode)) return Folder(path);
    if (tree_.files.size() == kMaxFiles) {
      return Fail(kFileTooLarge, "reading package {}: more than {} files", root_, kMaxFiles);
    }
    if (S_ISLNK(info.st_mode)) return Link(path);
    if (S_ISREG(info.st_mode)) return File(path, (info.st_mode & S_IXUSR) != 0);
    return Fail(kInvalidRequest, "reading package {}: {} is no file, folder or link", root_, path);
  }

  Status File(const std::string& path, bool executable) {
    ST_ASSIGN_OR_RETURN(const std::string bytes,
                        base::ReadFile(Absolute(path), kMaxBytes - total_bytes_));
    total_bytes_ += bytes.size();
    Add(path, bytes, executable, /*is_link=*/false);
    return absl::OkStatus();
  }

  Status Link(const std::string& path) {
    std::array<char, PATH_MAX> buffer;
    const ssize_t size = readlink(Absolute(path).c_str(), buffer.data(), buffer.size());
    if (size < 0) return Fail(kFileUnreadable, "reading link {}", Absolute(path));
    const std::string target(buffer.data(), static_cast<size_t>(size));
    if (LeavesPackage(base::DirName(path), target)) {
      return Fail(kInvalidRequest, "reading package {}: link {} leaves it for {}", root_, path,
                  target);
    }
    Add(path, target, /*executable=*/false, /*is_link=*/true);
    return absl::OkStatus();
  }

  void Add(const std::string& path, std::string_view bytes, bool executable, bool is_link) {
    PackageFile file;
    file.path = path;
    file.executable = executable;
    file.is_link = is_link;
    file.size = bytes.size();
    file.sha256 = base::Sha256Hex(bytes);
    tree_.files.push_back(std::move(file));
  }

  // What the fingerprint is taken of. No path can hold the separator.
  std::string Manifest() const {
    std::string out("selftune:package:v2\0", 20);
    for (const PackageFile& file : tree_.files) {
      out.append(file.path).push_back('\0');
      out.append(file.is_link ? "link" : (file.executable ? "x" : "-")).push_back('\0');
      out.append(std::to_string(file.size)).push_back('\0');
      out.append(file.sha256).push_back('\0');
    }
    return out;
  }

  std::string root_;
  std::vector<IgnorePattern> ignore_;
  PackageTree tree_;
  uint64_t total_bytes_ = 0;
};

}  // namespace

StatusOr<PackageTree> ReadPackage(const std::string& skill_dir) {
  return PackageReader(skill_dir).Read();
}

std::string PackageFingerprintV1(std::string_view skill_file, std::span<const TrackedFile> files) {
  std::vector<TrackedFile> sorted(files.begin(), files.end());
  std::ranges::sort(sorted, {}, &TrackedFile::path);
  std::string text("selftune:create-package:v1\0", 27);
  text.append(skill_file).push_back('\0');
  for (const TrackedFile& file : sorted) {
    text.append(file.path).push_back('\0');
    text.append(file.bytes).push_back('\0');
  }
  return "pkg_sha256_" + base::Sha256Hex(text).substr(0, 16);
}

}  // namespace selftune::skillfs
