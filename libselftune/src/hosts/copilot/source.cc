#include "hosts/copilot/source.h"

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "hosts/common/folders.h"
#include "hosts/copilot/reader.h"
#include "hosts/rows.h"

namespace selftune::hosts {
namespace {

std::string SessionsFolder(const base::Environment& env) {
  const std::string config = ConfigDir(kCopilotRow, env);
  return config.empty() ? config : base::JoinPath(config, "session-state");
}

class Copilot final : public ingest::Source {
 public:
  std::string_view platform() const override { return "copilot"; }
  std::string_view parser_name() const override { return "copilot/events"; }
  int parser_version() const override { return copilot::kReaderVersion; }

  bool Available(const base::Environment& env) const override {
    const std::string folder = SessionsFolder(env);
    return !folder.empty() && base::Exists(folder);
  }

  std::vector<ingest::SourceFile> Discover(const base::Environment& env,
                                           std::vector<std::string>& problems) const override {
    std::vector<ingest::SourceFile> files;
    const std::string folder = SessionsFolder(env);
    if (folder.empty()) return files;
    for (const base::DirEntry& entry : EntriesOf(folder, problems)) {
      if (!entry.maybe_dir) continue;
      std::string path = base::JoinPath(base::JoinPath(folder, entry.name), "events.jsonl");
      if (base::Exists(path)) files.push_back({.path = std::move(path)});
    }
    return Sorted(std::move(files));
  }

  StatusOr<std::unique_ptr<ingest::LineReader>> Open(
      const ingest::ReaderOptions& options) const override {
    return copilot::OpenSession(options);
  }
};

}  // namespace

const ingest::Source& CopilotSource() {
  // Never destroyed: threads may read it when the process ends.
  static const Copilot& source = *new const Copilot;
  return source;
}

}  // namespace selftune::hosts
