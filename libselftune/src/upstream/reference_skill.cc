#include "upstream/reference_skill.h"

#include <string>
#include <string_view>

#include "base/file.h"
#include "skillfs/frontmatter.h"

namespace selftune::upstream {
namespace {

constexpr std::string_view kName = "selftune";
constexpr std::string_view kAuthor = "selftune-dev";
// Older versions wrote the folder with a capital letter.
constexpr std::string_view kSettingUp[] = {"workflows/Initialize.md", "Workflows/Initialize.md"};

}  // namespace

bool IsReferenceSkill(std::string_view skill_md, const std::string& folder) {
  const skillfs::Frontmatter front = skillfs::ParseFrontmatter(skill_md);
  if (front.name != kName || front.title != kName || !front.errors.empty()) return false;
  const bool its_own = front.Field("metadata.author") == kAuthor && front.version.has_value();
  for (const std::string_view file : kSettingUp) {
    if (skill_md.find(file) == skill_md.npos) continue;
    if (its_own || base::Exists(base::JoinPath(folder, file))) return true;
  }
  return false;
}

}  // namespace selftune::upstream
