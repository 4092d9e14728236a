#include "upstream/work_dir.h"

#include <algorithm>
#include <string>
#include <string_view>
#include <utility>

#include "base/file.h"
#include "base/status_macros.h"

namespace selftune::upstream {
namespace {

constexpr std::string_view kPrefix = ".selftune-import-";
constexpr size_t kRandomLetters = 6;  // behind it

// One of ours: a folder, not a link to one, with copies in it and nothing else.
bool IsOld(const std::string& path) {
  const auto real = base::RealPath(path);
  const auto folder = base::RealPath(std::string(base::DirName(path)));
  const auto entries = base::ListDir(path);
  if (!real.ok() || !folder.ok() || !entries.ok()) return false;
  if (*real != base::JoinPath(*folder, base::BaseName(path))) return false;
  return std::ranges::all_of(*entries, [](const base::DirEntry& entry) {
    return entry.name.starts_with("copy-") || entry.name.starts_with("logs.db");
  });
}

}  // namespace

StatusOr<WorkDir> WorkDir::Make(const std::string& parent) {
  ST_ASSIGN_OR_RETURN(std::string path, base::MakeTempDir(parent, kPrefix));
  return WorkDir(std::move(path));
}

StatusOr<WorkDir> WorkDir::MakeTemporary(const std::string& parent) {
  ST_ASSIGN_OR_RETURN(std::string path, base::MakeTempDir(parent, kPrefix.substr(1)));
  return WorkDir(std::move(path));
}

Status WorkDir::RemoveOld(const std::string& parent) {
  const auto entries = base::ListDir(parent);
  if (!entries.ok()) return absl::OkStatus();
  for (const base::DirEntry& entry : *entries) {
    const bool named =
        entry.name.starts_with(kPrefix) && entry.name.size() == kPrefix.size() + kRandomLetters;
    const std::string path = base::JoinPath(parent, entry.name);
    if (named && IsOld(path)) ST_RETURN_IF_ERROR(base::RemoveTree(path));
  }
  return absl::OkStatus();
}

WorkDir::~WorkDir() {
  if (path_.empty()) return;
  const Status gone = base::RemoveTree(path_);
  (void)gone;  // the next import removes it, or whoever tidies what is temporary
}

std::string WorkDir::operator/(std::string_view name) const { return base::JoinPath(path_, name); }

}  // namespace selftune::upstream
