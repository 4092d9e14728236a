#include "hosts/opencode/source.h"

#include <algorithm>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/file.h"
#include "hosts/common/foreign_db.h"
#include "hosts/opencode/store.h"
#include "hosts/opencode/tree.h"

namespace selftune::hosts {
namespace {

constexpr std::string_view kJson = ".json";

bool HoldsSessions(const std::string& folder) {
  return base::Exists(base::JoinPath(folder, "opencode.db")) ||
         base::Exists(base::JoinPath(folder, "storage"));
}

// Not the folder of the configuration; a folder that config.json names may be either.
std::string DataFolder(const base::Environment& env) {
  const auto configured = env.HostHome("opencode");
  if (configured.has_value() && HoldsSessions(*configured)) return *configured;
  if (env.Home().empty()) return "";
  return base::NormalizePath(env.Home(), ".local/share/opencode");
}

std::string StorageFolder(const base::Environment& env) {
  return base::JoinPath(DataFolder(env), "storage");
}

// opencode.db, and opencode-<channel>.db of builds that are no releases.
bool IsStore(std::string_view name) {
  return name == "opencode.db" || (name.starts_with("opencode-") && name.ends_with(".db"));
}

class OpenCode : public ingest::Source {
 public:
  std::string_view platform() const override { return "opencode"; }
  std::string_view parser_name() const override { return "opencode/store"; }
  int parser_version() const override { return 1; }

  bool Available(const base::Environment& env) const override {
    if (DataFolder(env).empty()) return false;
    std::vector<std::string> ignored;
    return !Stores(env, ignored).empty() || base::Exists(StorageFolder(env));
  }

  std::vector<ingest::SourceFile> Discover(const base::Environment& env,
                                           std::vector<std::string>& problems) const override {
    std::vector<ingest::SourceFile> files;
    for (std::string& path : Stores(env, problems)) files.push_back(Describe(std::move(path)));
    if (DataFolder(env).empty()) return files;
    for (std::string& path : opencode::FindSessionFiles(StorageFolder(env), problems)) {
      files.push_back(Describe(std::move(path)));
    }
    std::sort(files.begin(), files.end(),
              [](const auto& a, const auto& b) { return a.path < b.path; });
    return files;
  }

  ingest::SourceFile Describe(std::string path) const override {
    const bool json = path.ends_with(kJson);
    return {.path = std::move(path),
            .kind = json ? "json" : "sqlite",
            .replaced_whole = json,
            .rows = true};
  }

  StatusOr<base::FileInfo> Look(const ingest::SourceFile& file) const override {
    return file.replaced_whole ? opencode::LookAtSession(file.path) : LookAtForeignDb(file.path);
  }

  StatusOr<std::unique_ptr<ingest::StoreReader>> OpenStore(
      const ingest::StoreOptions& options) const override {
    return options.file->replaced_whole ? opencode::MakeTreeReader(options)
                                        : opencode::MakeStoreReader(options);
  }

 private:
  static std::vector<std::string> Stores(const base::Environment& env,
                                         std::vector<std::string>& problems) {
    std::vector<std::string> paths;
    const std::string folder = DataFolder(env);
    if (folder.empty()) return paths;
    const auto entries = base::ListDir(folder);
    if (!entries.ok()) {
      const bool absent = CodeOf(entries.status()).name == kFileNotFound.name;
      if (!absent) problems.emplace_back(Message(entries.status()));
      return paths;
    }
    for (const base::DirEntry& entry : *entries) {
      if (entry.maybe_file && IsStore(entry.name)) {
        paths.push_back(base::JoinPath(folder, entry.name));
      }
    }
    return paths;
  }
};

}  // namespace

const ingest::Source& OpenCodeSource() {
  // Never destroyed: threads may read it when the process ends.
  static const OpenCode& source = *new const OpenCode;
  return source;
}

}  // namespace selftune::hosts
