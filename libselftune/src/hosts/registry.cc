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

std::string ConfigDir(const HostRow& row, const base::Environment& env) {
  if (!row.config_env.empty()) {
    if (const auto moved = env.Get(row.config_env)) return base::NormalizePath(env.Home(), *moved);
  }
  // Hosts that follow the XDG rules keep theirs under .config.
  constexpr std::string_view kXdg = ".config/";
  const auto xdg = env.Get("XDG_CONFIG_HOME");
  if (xdg.has_value() && xdg->starts_with('/') && row.config_default.starts_with(kXdg)) {
    return base::NormalizePath(*xdg, row.config_default.substr(kXdg.size()));
  }
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
