// Files of a person that ours replaced, of which no row tells any more where they belong: the
// program was killed between the copy and the row, or the store was deleted.
#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

#include <fmt/format.h>

#include "base/file.h"
#include "base/status_macros.h"
#include "base/strings.h"
#include "base/time.h"
#include "install/installer.h"
#include "status/doctor_checks.h"
#include "store/install_rows.h"

namespace selftune::status {
namespace {

constexpr size_t kShown = 3;

// "1795341058153-0f343b09-claude_code-SKILL.md": when it was copied, of what, whose, its name.
std::string Told(const std::string& path) {
  const std::string_view name = base::BaseName(path);
  const std::vector<std::string_view> parts = base::Split(name, '-');
  const auto at = parts.size() < 4 ? std::nullopt : base::ParseInt(parts[0]);
  if (!at.has_value()) return path;
  const size_t begin = parts[0].size() + parts[1].size() + parts[2].size() + 3;
  const std::string whose = parts[2].empty() ? "" : fmt::format(" of {}", parts[2]);
  return fmt::format("{} (the {}{}, replaced on {})", path, name.substr(begin), whose,
                     FormatRfc3339(UtcMillis{*at}).substr(0, 10));
}

}  // namespace

Status CheckKeptFiles(const DoctorWorld& world, Checks& out) {
  std::vector<store::InstallRow> rows;
  if (world.db.ok()) {
    ST_ASSIGN_OR_RETURN(rows, store::ReadInstalls(**world.db));
  } else if (CodeOf(world.db.status()).name != kStoreMissing.name) {
    return absl::OkStatus();  // what it names is not known
  }
  const std::string dir = base::JoinPath(world.state_dir, install::kReplacedDir);
  const auto entries = base::ListDir(dir);
  if (!entries.ok()) return absl::OkStatus();  // nothing was replaced
  std::vector<std::string> kept;
  for (const base::DirEntry& entry : *entries) {
    const std::string path = base::JoinPath(dir, entry.name);
    const bool named = std::ranges::any_of(
        rows, [&](const store::InstallRow& row) { return row.backup_path == path; });
    if (!named) kept.push_back(path);
  }
  if (kept.empty()) return absl::OkStatus();
  std::vector<std::string> told;
  for (size_t i = 0; i < std::min(kept.size(), kShown); ++i) told.push_back(Told(kept[i]));
  const size_t more = kept.size() - told.size();
  out.push_back({.name = "files.kept",
                 .status = CheckStatus::kWarn,
                 .message = fmt::format("nothing here knows any more where these files of yours "
                                        "were: {}{}",
                                        base::Join(told, ", "),
                                        more > 0 ? fmt::format(" and {} more", more) : ""),
                 .path = kept.front(),
                 .text = "see what they are; cp brings one back to its place, rm ends the matter "
                         "where you have it",
                 .command = base::JoinCommand({"ls", "-l", dir})});
  return absl::OkStatus();
}

}  // namespace selftune::status
