#include "hosts/common/folders.h"

#include <algorithm>
#include <utility>

namespace selftune::hosts {

std::vector<base::DirEntry> EntriesOf(const std::string& dir, std::vector<std::string>& problems) {
  auto entries = base::ListDir(dir);
  if (entries.ok()) return *std::move(entries);
  if (CodeOf(entries.status()).name != kFileNotFound.name) {
    problems.emplace_back(Message(entries.status()));
  }
  return {};
}

std::vector<ingest::SourceFile> Sorted(std::vector<ingest::SourceFile> files) {
  std::sort(files.begin(), files.end(),
            [](const auto& a, const auto& b) { return a.path < b.path; });
  files.erase(std::unique(files.begin(), files.end(),
                          [](const auto& a, const auto& b) { return a.path == b.path; }),
              files.end());
  return files;
}

std::string ExpandPath(const base::Environment& env, std::string_view base, std::string_view path) {
  if (path == "~") return env.Home();
  if (path.starts_with("~/")) return base::NormalizePath(env.Home(), path.substr(2));
  return base::NormalizePath(base, path);
}

}  // namespace selftune::hosts
