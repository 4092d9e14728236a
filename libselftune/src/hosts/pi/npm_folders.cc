#include "hosts/pi/npm_folders.h"

#include <algorithm>
#include <cstdint>
#include <iterator>
#include <string>
#include <string_view>
#include <vector>

#include "base/file.h"
#include "base/strings.h"
#include "hosts/common/settings_files.h"

namespace selftune::hosts::pi {
namespace {

constexpr uint64_t kMaxSettings = 1U << 20;
constexpr std::string_view kModules = "lib/node_modules";
// Where others than npm put such, below the home.
constexpr std::string_view kBun = ".bun/install/global/node_modules";
constexpr std::string_view kPnpm[] = {".local/share/pnpm/global", "Library/pnpm/global"};

constexpr std::string_view kPi[] = {"@earendil-works/pi-coding-agent",
                                    "@mariozechner/pi-coding-agent"};

// `prefix = ~/.npm-global` of a file of npm's settings; the last one counts.
std::string PrefixOf(const std::string& file, const std::string& home) {
  const auto text = base::ReadFile(file, kMaxSettings);
  std::string out;
  if (!text.ok()) return out;  // it only says where to look
  for (std::string_view line : base::Split(*text, '\n')) {
    const size_t sign = line.find('=');
    if (sign == line.npos || base::Trim(line.substr(0, sign)) != "prefix") continue;
    std::string_view value = base::Trim(line.substr(sign + 1));
    if (value.size() > 1 && value.front() == value.back() &&
        (value.front() == '"' || value.front() == '\'')) {
      value = value.substr(1, value.size() - 2);
    }
    constexpr std::string_view kHome = "${HOME}/";
    out = value.starts_with(kHome) ? SettingsPath(home, "", "~/" + std::string(value.substr(8)))
                                   : SettingsPath(home, "", value);
  }
  return out;
}

std::vector<std::string> UsualPrefixes(const RootQuery& query) {
  std::vector<std::string> out;
  if (!query.home.empty()) {
    out.push_back(base::JoinPath(query.home, ".npm-global"));
    out.push_back(base::JoinPath(query.home, ".local"));
    // Versions of Node, the newest one first as far as names tell.
    const std::string versions = base::JoinPath(query.home, ".nvm/versions/node");
    std::vector<std::string> names;
    if (const auto entries = base::ListDir(versions); entries.ok()) {
      for (const base::DirEntry& entry : *entries) names.push_back(entry.name);
    }
    std::ranges::sort(names, std::ranges::greater());
    for (const std::string& name : names) out.push_back(base::JoinPath(versions, name));
  }
  for (const std::string_view prefix : {"/usr/local", "/opt/homebrew", "/usr"}) {
    out.push_back(query.absolute_root + std::string(prefix));
  }
  return out;
}

// "pnpm" of {"mise", "exec", "--", "pnpm"}.
std::string_view ManagerOf(std::span<const std::string> command) {
  if (command.empty()) return "npm";
  const auto dashes = std::ranges::find(command.rbegin(), command.rend(), "--");
  if (dashes == command.rbegin()) return "";
  return base::BaseName(dashes == command.rend() ? command.front() : *std::prev(dashes));
}

// The newest layout of pnpm that has the package.
std::string PnpmFolder(std::string_view package, const std::string& home) {
  for (const std::string_view below : kPnpm) {
    const std::string global = base::JoinPath(home, below);
    std::string best;
    int64_t best_number = -1;
    const auto entries = base::ListDir(global);
    if (!entries.ok()) continue;  // it only says where to look
    for (const base::DirEntry& entry : *entries) {
      const int64_t number = base::ParseInt(entry.name).value_or(-1);
      const std::string path = base::JoinPath(global, entry.name + "/node_modules/");
      if (number <= best_number || !base::Exists(path + std::string(package))) continue;
      best_number = number;
      best = path + std::string(package);
    }
    if (!best.empty()) return best;
  }
  return "";
}

}  // namespace

std::string GlobalNpmFolder(std::string_view package, std::span<const std::string> command,
                            const RootQuery& query) {
  const std::string_view manager = ManagerOf(command);
  if (manager == "pnpm") return query.home.empty() ? "" : PnpmFolder(package, query.home);
  if (manager == "bun") {
    const std::string path =
        base::JoinPath(query.home, std::string(kBun) + "/" + std::string(package));
    return !query.home.empty() && base::Exists(path) ? path : "";
  }
  const auto folder = [&](const std::string& prefix, std::string_view name) {
    const std::string path = base::JoinPath(base::JoinPath(prefix, kModules), name);
    return base::Exists(path) ? path : std::string();
  };
  const std::string own =
      query.home.empty() ? "" : PrefixOf(base::JoinPath(query.home, ".npmrc"), query.home);
  if (!own.empty()) return folder(own, package);
  for (const std::string& prefix : UsualPrefixes(query)) {
    const bool has_pi = std::ranges::any_of(
        kPi, [&](std::string_view name) { return !folder(prefix, name).empty(); });
    if (!has_pi) continue;
    // One Pi runs, with the npm beside it.
    return folder(prefix, package);
  }
  return "";
}

}  // namespace selftune::hosts::pi
