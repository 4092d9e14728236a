#include "hosts/cline/source.h"

#include <algorithm>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "hosts/cline/session_reader.h"
#include "hosts/cline/task_folders.h"
#include "hosts/cline/task_reader.h"
#include "hosts/common/folders.h"
#include "hosts/common/json_document.h"
#include "hosts/rows.h"

namespace selftune::hosts {
namespace {

constexpr int kReaderVersion = 1;
constexpr std::string_view kMessages = ".messages.json";
constexpr std::string_view kConversation = "api_conversation_history.json";

std::string DataFolder(const base::Environment& env, std::string_view name) {
  const std::string config = ConfigDir(kClineRow, env);
  return config.empty() ? config : base::JoinPath(base::JoinPath(config, "data"), name);
}

std::vector<std::string> TaskFolders(const base::Environment& env) {
  return cline::TaskFolders(env.Home(), ConfigDir(kClineRow, env));
}

bool IsTask(std::string_view path) { return base::BaseName(path) == kConversation; }

// The documents that are read with the one at `path`, in order.
std::vector<std::string> Documents(const std::string& path) {
  const std::string dir(base::DirName(path));
  if (IsTask(path)) {
    return {base::JoinPath(dir, "task_metadata.json"), base::JoinPath(dir, "ui_messages.json"),
            path};
  }
  // <id>/<id>.json, of an agent's messages that of the session it belongs to.
  return {base::JoinPath(dir, std::string(base::BaseName(dir)) + ".json"), path};
}

ingest::SourceFile DescribeFile(std::string path) {
  return {.path = std::move(path), .kind = "json", .replaced_whole = true};
}

class Cline final : public ingest::Source {
 public:
  std::string_view platform() const override { return "cline"; }
  std::string_view parser_name() const override { return "cline/json"; }
  int parser_version() const override { return kReaderVersion; }

  bool Available(const base::Environment& env) const override {
    const std::string sessions = DataFolder(env, "sessions");
    if (!sessions.empty() && base::Exists(sessions)) return true;
    const std::vector<std::string> tasks = TaskFolders(env);
    return std::any_of(tasks.begin(), tasks.end(),
                       [](const std::string& folder) { return base::Exists(folder); });
  }

  std::vector<ingest::SourceFile> Discover(const base::Environment& env,
                                           std::vector<std::string>& problems) const override {
    std::vector<ingest::SourceFile> files;
    const std::string sessions = DataFolder(env, "sessions");
    if (!sessions.empty()) AddSessions(sessions, files, problems);
    for (const std::string& tasks : TaskFolders(env)) {
      for (const base::DirEntry& entry : EntriesOf(tasks, problems)) {
        if (!entry.maybe_dir) continue;
        std::string path = base::JoinPath(base::JoinPath(tasks, entry.name), kConversation);
        if (base::Exists(path)) files.push_back(DescribeFile(std::move(path)));
      }
    }
    return Sorted(std::move(files));
  }

  ingest::SourceFile Describe(std::string path) const override {
    return DescribeFile(std::move(path));
  }

  // Of all documents together: the manifest is written after the messages.
  StatusOr<base::FileInfo> Look(const ingest::SourceFile& file) const override {
    auto info = base::Stat(file.path);
    if (!info.ok()) return info;
    for (const std::string& path : Documents(file.path)) {
      if (path == file.path) continue;
      const auto other = base::Stat(path);
      if (!other.ok()) continue;
      info->size += other->size;
      info->mtime_ns = std::max(info->mtime_ns, other->mtime_ns);
    }
    return info;
  }

  StatusOr<std::unique_ptr<ingest::ByteStream>> OpenBytes(const ingest::SourceFile& file,
                                                          uint64_t /*size*/) const override {
    return OpenDocuments(Documents(file.path));
  }

  StatusOr<std::unique_ptr<ingest::LineReader>> Open(
      const ingest::ReaderOptions& options) const override {
    return IsTask(options.file->path) ? cline::OpenTask(options) : cline::OpenSession(options);
  }

 private:
  static void AddSessions(const std::string& folder, std::vector<ingest::SourceFile>& files,
                          std::vector<std::string>& problems) {
    for (const base::DirEntry& session : EntriesOf(folder, problems)) {
      if (!session.maybe_dir) continue;
      const std::string dir = base::JoinPath(folder, session.name);
      for (const base::DirEntry& entry : EntriesOf(dir, problems)) {
        if (!entry.maybe_file || !entry.name.ends_with(kMessages)) continue;
        files.push_back(DescribeFile(base::JoinPath(dir, entry.name)));
      }
    }
  }
};

}  // namespace

const ingest::Source& ClineSource() {
  // Never destroyed: threads may read it when the process ends.
  static const Cline& source = *new const Cline;
  return source;
}

}  // namespace selftune::hosts
