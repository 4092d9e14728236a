#include "hosts/qwen/source.h"

#include <algorithm>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "hosts/common/folders.h"
#include "hosts/qwen/reader.h"
#include "hosts/rows.h"

namespace selftune::hosts {
namespace {

// `projects` today; the first releases used `tmp`.
std::vector<std::string> StoreFolders(const base::Environment& env) {
  const std::string config = ConfigDir(kQwenRow, env);
  if (config.empty()) return {};
  return {base::JoinPath(config, "projects"), base::JoinPath(config, "tmp")};
}

void AddLines(const std::string& folder, std::vector<ingest::SourceFile>& files,
              std::vector<std::string>& problems) {
  for (const base::DirEntry& entry : EntriesOf(folder, problems)) {
    if (!entry.maybe_file || !entry.name.ends_with(".jsonl")) continue;
    files.push_back({.path = base::JoinPath(folder, entry.name)});
  }
}

void AddProject(const std::string& project, std::vector<ingest::SourceFile>& files,
                std::vector<std::string>& problems) {
  AddLines(base::JoinPath(project, "chats"), files, problems);
  const std::string agents = base::JoinPath(project, "subagents");
  for (const base::DirEntry& session : EntriesOf(agents, problems)) {
    if (session.maybe_dir) AddLines(base::JoinPath(agents, session.name), files, problems);
  }
}

class Qwen final : public ingest::Source {
 public:
  std::string_view platform() const override { return "qwen"; }
  std::string_view parser_name() const override { return "qwen/jsonl"; }
  int parser_version() const override { return qwen::kReaderVersion; }

  bool Available(const base::Environment& env) const override {
    const std::vector<std::string> folders = StoreFolders(env);
    return std::any_of(folders.begin(), folders.end(),
                       [](const std::string& folder) { return base::Exists(folder); });
  }

  std::vector<ingest::SourceFile> Discover(const base::Environment& env,
                                           std::vector<std::string>& problems) const override {
    std::vector<ingest::SourceFile> files;
    for (const std::string& folder : StoreFolders(env)) {
      for (const base::DirEntry& entry : EntriesOf(folder, problems)) {
        if (entry.maybe_dir) AddProject(base::JoinPath(folder, entry.name), files, problems);
      }
    }
    return Sorted(std::move(files));
  }

  StatusOr<std::unique_ptr<ingest::LineReader>> Open(
      const ingest::ReaderOptions& options) const override {
    return qwen::OpenSession(options);
  }
};

}  // namespace

const ingest::Source& QwenSource() {
  // Never destroyed: threads may read it when the process ends.
  static const Qwen& source = *new const Qwen;
  return source;
}

}  // namespace selftune::hosts
