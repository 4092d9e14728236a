#include "hosts/codex/source.h"

#include <algorithm>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/file.h"
#include "base/status_macros.h"
#include "hosts/codex/history.h"
#include "hosts/codex/reader.h"
#include "hosts/common/zstd_bytes.h"
#include "hosts/rows.h"

namespace selftune::hosts {
namespace {

constexpr std::string_view kSessions = "sessions";
constexpr std::string_view kArchive = "archived_sessions";
constexpr std::string_view kHistoryName = "history.jsonl";
constexpr int kMaxDepth = 6;  // year, month, day and some room; ends link cycles

std::string ConfigFolder(const base::Environment& env) { return ConfigDir(kCodexRow, env); }

bool IsRollout(std::string_view name) {
  return name.starts_with("rollout-") && name.ends_with(".jsonl");
}

// What the host makes of rollouts that nobody touched for a week: it writes the
// new file, then removes the plain one; to go on it does the reverse. While both
// exist, the plain one is the truth.
constexpr std::string_view kCompressed = ".zst";
bool IsCompressed(std::string_view name) {
  return name.ends_with(kCompressed) && IsRollout(name.substr(0, name.size() - kCompressed.size()));
}

ingest::SourceFile DescribeFile(std::string path, bool archived) {
  if (base::BaseName(path) == kHistoryName) {
    return {.path = std::move(path), .kind = ingest::kPromptHistory};
  }
  const bool compressed = IsCompressed(base::BaseName(path));
  return {.path = std::move(path),
          .kind = "rollout",
          .archived = archived,
          .replaced_whole = compressed};
}

class Walk {
 public:
  explicit Walk(std::vector<std::string>& problems) : problems_(problems) {}

  void Folder(const std::string& folder, bool archived, int depth) {
    const auto entries = base::ListDir(folder);
    if (!entries.ok()) {
      const bool absent = CodeOf(entries.status()).name == kFileNotFound.name;
      if (!absent) problems_.emplace_back(Message(entries.status()));
      return;
    }
    for (const base::DirEntry& entry : *entries) {
      const std::string path = base::JoinPath(folder, entry.name);
      if (entry.maybe_file && IsRollout(entry.name)) {
        files_.push_back(DescribeFile(path, archived));
      } else if (entry.maybe_file && IsCompressed(entry.name)) {
        if (!base::Exists(path.substr(0, path.size() - kCompressed.size()))) {
          files_.push_back(DescribeFile(path, archived));
        }
      } else if (entry.maybe_dir && depth < kMaxDepth && IsFolder(path)) {
        Folder(path, archived, depth + 1);
      }
    }
  }

  std::vector<ingest::SourceFile> Take() && {
    std::sort(files_.begin(), files_.end(),
              [](const auto& a, const auto& b) { return a.path < b.path; });
    return std::move(files_);
  }

 private:
  static bool IsFolder(const std::string& path) {
    const auto info = base::Stat(path);
    return info.ok() && info->is_dir();
  }

  std::vector<std::string>& problems_;
  std::vector<ingest::SourceFile> files_;
};

class Codex : public ingest::Source {
 public:
  std::string_view platform() const override { return "codex"; }
  std::string_view parser_name() const override { return "codex/rollout"; }
  int parser_version() const override { return 3; }

  bool Available(const base::Environment& env) const override {
    const std::string folder = ConfigFolder(env);
    return !folder.empty() && (base::Exists(base::JoinPath(folder, kSessions)) ||
                               base::Exists(base::JoinPath(folder, kArchive)) ||
                               base::Exists(base::JoinPath(folder, kHistoryName)));
  }

  std::vector<ingest::SourceFile> Discover(const base::Environment& env,
                                           std::vector<std::string>& problems) const override {
    const std::string folder = ConfigFolder(env);
    if (folder.empty()) return {};
    Walk walk(problems);
    walk.Folder(base::JoinPath(folder, kSessions), /*archived=*/false, 0);
    walk.Folder(base::JoinPath(folder, kArchive), /*archived=*/true, 0);
    std::vector<ingest::SourceFile> files = std::move(walk).Take();
    // What was typed, also in sessions whose rollouts are gone.
    std::string history = PromptHistory(env);
    if (base::Exists(history)) files.push_back(DescribeFile(std::move(history), false));
    std::sort(files.begin(), files.end(),
              [](const auto& a, const auto& b) { return a.path < b.path; });
    return files;
  }

  std::string PromptHistory(const base::Environment& env) const override {
    const std::string folder = ConfigFolder(env);
    return folder.empty() ? folder : base::JoinPath(folder, kHistoryName);
  }

  ingest::SourceFile Describe(std::string path) const override {
    const bool archived = path.find("/" + std::string(kArchive) + "/") != std::string::npos;
    return DescribeFile(std::move(path), archived);
  }

  std::string Identity(const std::string& path) const override {
    return IsCompressed(base::BaseName(path)) ? path.substr(0, path.size() - kCompressed.size())
                                              : path;
  }

  StatusOr<std::unique_ptr<ingest::ByteStream>> OpenBytes(const ingest::SourceFile& file,
                                                          uint64_t size) const override {
    return IsCompressed(base::BaseName(file.path)) ? OpenZstd(file.path, size)
                                                   : ingest::OpenPlain(file.path, size);
  }

  StatusOr<std::unique_ptr<ingest::LineReader>> Open(
      const ingest::ReaderOptions& options) const override {
    if (options.file != nullptr && options.file->kind == ingest::kPromptHistory) {
      return ingest::OpenPromptHistory(options, codex::ReadHistoryLine);
    }
    auto reader = std::make_unique<codex::Reader>(options);
    ST_RETURN_IF_ERROR(reader->Restore());
    return std::unique_ptr<ingest::LineReader>(std::move(reader));
  }
};

}  // namespace

const ingest::Source& CodexSource() {
  // Never destroyed: threads may read it when the process ends.
  static const Codex& source = *new const Codex;
  return source;
}

}  // namespace selftune::hosts
