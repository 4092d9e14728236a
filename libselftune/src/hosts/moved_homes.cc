#include "hosts/moved_homes.h"

#include <fmt/format.h>

#include "base/file.h"
#include "hosts/registry.h"

namespace selftune::hosts {
namespace {

bool IsFolder(const std::string& path) {
  const auto info = base::Stat(path);
  return info.ok() && info->is_dir();
}

bool SameFolder(const std::string& a, const std::string& b) {
  if (a == b) return true;
  const auto left = base::Stat(a);
  const auto right = base::Stat(b);
  return left.ok() && right.ok() && left->dev == right->dev && left->inode == right->inode;
}

}  // namespace

std::vector<MovedHome> FindMovedHomes(const base::Environment& env) {
  std::vector<MovedHome> out;
  for (const HostRow& row : Rows()) {
    if (row.config_env.empty()) continue;
    const auto value = env.Get(row.config_env);
    // A relative one means another folder in each working directory.
    if (!value.has_value() || !value->starts_with('/')) continue;
    const std::string folder = base::NormalizePath(*value, row.config_env_below);
    std::string read = ConfigDir(row, env);
    if (SameFolder(folder, read) || !IsFolder(folder)) continue;
    out.push_back({.platform = row.platform,
                   .title = row.title,
                   .variable = std::string(row.config_env),
                   .folder = folder,
                   .read = std::move(read)});
  }
  return out;
}

std::string Describe(const MovedHome& moved) {
  const std::string read = moved.read.empty() ? "nothing is read" : moved.read + " is read";
  return fmt::format("{} names {}, which is not read for {}: variables of a host do not count, {}",
                     moved.variable, moved.folder, moved.title, read);
}

std::vector<std::string> CommandFor(const MovedHome& moved) {
  return {"selftune", "config", "set", fmt::format("hosts.{}.home", moved.platform), moved.folder};
}

}  // namespace selftune::hosts
