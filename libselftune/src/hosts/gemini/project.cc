#include "hosts/gemini/project.h"

#include <fmt/format.h>

#include "base/crypto.h"
#include "base/file.h"
#include "base/json_value.h"
#include "base/strings.h"

namespace selftune::hosts::gemini {
namespace {

constexpr uint64_t kMaxBytes = 1 << 20;

// The folder `<slug>` above `chats`.
std::string SlugFolder(std::string_view session_path) {
  std::string_view dir = base::DirName(session_path);
  if (base::BaseName(dir) != "chats") dir = base::DirName(dir);
  return std::string(base::DirName(dir));
}

}  // namespace

std::string ProjectOf(std::string_view session_path, std::string_view project_hash) {
  const std::string slug = SlugFolder(session_path);
  const auto root = base::ReadFile(base::JoinPath(slug, ".project_root"), kMaxBytes);
  if (root.ok() && !base::Trim(*root).empty()) return std::string(base::Trim(*root));
  // <config>/tmp/<slug>
  const std::string_view config = base::DirName(base::DirName(slug));
  const auto text = base::ReadFile(base::JoinPath(config, "projects.json"), kMaxBytes);
  if (!text.ok()) return "";
  const auto projects = base::JsonValue::Parse(*text);
  if (!projects.ok()) return "";  // being written
  for (const auto& [path, name] : (*projects)["projects"].members()) {
    if (name.AsString() == base::BaseName(slug)) return path;
    if (!project_hash.empty() && base::Sha256Hex(path) == project_hash) return path;
  }
  return "";
}

std::string ProjectDigest(std::string_view session_path) {
  // Old releases named the folder by the hash.
  const std::string slug = SlugFolder(session_path);
  const std::string project = ProjectOf(session_path, base::BaseName(slug));
  if (project.empty()) return project;
  return fmt::format("{:016x}", base::FieldHash("gemini-project").Add(project).Key8());
}

std::string ParentOf(std::string_view session_path) {
  const std::string_view name = base::BaseName(base::DirName(session_path));
  return name == "chats" ? std::string() : std::string(name);
}

}  // namespace selftune::hosts::gemini
