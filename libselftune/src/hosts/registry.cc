#include "hosts/registry.h"

#include <algorithm>

#include "base/file.h"
#include "hosts/rows.h"

namespace selftune::hosts {
namespace {

std::string WithUnderscores(std::string_view name) {
  std::string out(name);
  std::ranges::replace(out, '-', '_');
  return out;
}

}  // namespace

bool TakesSingleFiles(const HostRow& row) {
  return std::ranges::any_of(row.skill_roots, [](const SkillRoot& root) {
    return root.single_files != skillfs::SingleFiles::kNone;
  });
}

std::string ConfigDir(const HostRow& row, const base::Environment& env) {
  if (auto configured = env.HostHome(row.platform)) return *std::move(configured);
  if (env.Home().empty()) return "";
  return base::NormalizePath(env.Home(), row.config_default);
}

std::span<const HostRow> Rows() {
  // Copied once, so that each row lives in its host's folder.
  static const HostRow rows[] = {kClaudeCodeRow, kCodexRow,  kOpenCodeRow, kOpenClawRow, kClineRow,
                                 kPiRow,         kGeminiRow, kCopilotRow,  kQwenRow};
  return rows;
}

const HostRow* FindRow(std::string_view name) {
  const std::string id = WithUnderscores(name);
  for (const HostRow& row : Rows()) {
    if (row.platform == id || row.command == name) return &row;
  }
  return nullptr;
}

}  // namespace selftune::hosts
