// The paths of file.h as texts: nothing here looks at the disk.
#include <string>
#include <string_view>
#include <vector>

#include "base/file.h"
#include "base/strings.h"

namespace selftune::base {

std::string JoinPath(std::string_view a, std::string_view b) {
  if (a.empty() || b.starts_with('/')) return std::string(b);
  std::string out;
  out.reserve(a.size() + b.size() + 1);
  out.append(a);
  if (b.empty()) return out;
  if (!out.ends_with('/')) out.push_back('/');
  return out.append(b);
}

std::string_view BaseName(std::string_view path) {
  while (path.size() > 1 && path.ends_with('/')) path.remove_suffix(1);
  const size_t slash = path.rfind('/');
  if (slash == std::string_view::npos || path == "/") return path;
  return path.substr(slash + 1);
}

std::string_view DirName(std::string_view path) {
  while (path.size() > 1 && path.ends_with('/')) path.remove_suffix(1);
  const size_t slash = path.rfind('/');
  if (slash == std::string_view::npos) return {};
  path = path.substr(0, slash + 1);
  while (path.size() > 1 && path.ends_with('/')) path.remove_suffix(1);
  return path;
}

std::string NormalizePath(std::string_view base, std::string_view path) {
  const std::string joined = JoinPath(base, path);
  const bool absolute = joined.starts_with('/');
  std::vector<std::string_view> parts;
  for (const std::string_view part : Split(joined, '/')) {
    if (part.empty() || part == ".") continue;
    if (part != "..") {
      parts.push_back(part);
    } else if (!parts.empty() && parts.back() != "..") {
      parts.pop_back();
    } else if (!absolute) {
      parts.push_back(part);  // nothing to go up from
    }
  }
  std::string out;
  for (const std::string_view part : parts) {
    if (absolute || !out.empty()) out.push_back('/');
    out.append(part);
  }
  if (out.empty()) return absolute ? "/" : ".";
  return out;
}

}  // namespace selftune::base
