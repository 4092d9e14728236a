#include "hosts/pi/source.h"

#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/json_value.h"
#include "hosts/common/folders.h"
#include "hosts/pi/reader.h"
#include "hosts/rows.h"

namespace selftune::hosts {
namespace {

constexpr uint64_t kMaxSettings = 1 << 20;

// Where sessions lie: the usual place, and where the person moved them.
std::vector<std::string> SessionFolders(const base::Environment& env) {
  const std::string agent = ConfigDir(kPiRow, env);
  std::vector<std::string> folders;
  if (agent.empty()) return folders;
  folders.push_back(base::JoinPath(agent, "sessions"));
  const auto text = base::ReadFile(base::JoinPath(agent, "settings.json"), kMaxSettings);
  const auto settings = text.ok() ? base::JsonValue::Parse(*text) : text.status();
  if (!settings.ok()) return folders;
  const std::string& moved = (*settings)["sessionDir"].AsString();
  if (!moved.empty()) folders.push_back(ExpandPath(env, agent, moved));
  return folders;
}

class Pi final : public ingest::Source {
 public:
  std::string_view platform() const override { return "pi"; }
  std::string_view parser_name() const override { return "pi/jsonl"; }
  int parser_version() const override { return pi::kReaderVersion; }

  bool Available(const base::Environment& env) const override {
    for (const std::string& folder : SessionFolders(env)) {
      if (base::Exists(folder)) return true;
    }
    return false;
  }

  std::vector<ingest::SourceFile> Discover(const base::Environment& env,
                                           std::vector<std::string>& problems) const override {
    std::vector<ingest::SourceFile> files;
    for (const std::string& folder : SessionFolders(env)) {
      for (const base::DirEntry& entry : EntriesOf(folder, problems)) {
        const std::string path = base::JoinPath(folder, entry.name);
        if (entry.maybe_dir) AddFolder(path, files, problems);
        if (entry.maybe_file && entry.name.ends_with(".jsonl")) files.push_back({.path = path});
      }
    }
    return Sorted(std::move(files));
  }

  StatusOr<std::unique_ptr<ingest::LineReader>> Open(
      const ingest::ReaderOptions& options) const override {
    return pi::OpenSession(options);
  }

 private:
  static void AddFolder(const std::string& folder, std::vector<ingest::SourceFile>& files,
                        std::vector<std::string>& problems) {
    for (const base::DirEntry& entry : EntriesOf(folder, problems)) {
      if (!entry.maybe_file || !entry.name.ends_with(".jsonl")) continue;
      files.push_back({.path = base::JoinPath(folder, entry.name)});
    }
  }
};

}  // namespace

const ingest::Source& PiSource() {
  // Never destroyed: threads may read it when the process ends.
  static const Pi& source = *new const Pi;
  return source;
}

}  // namespace selftune::hosts
