// skill.lint: what is wrong with a SKILL.md.
#include <algorithm>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/file.h"
#include "base/json_writer.h"
#include "base/status_macros.h"
#include "capi/ops.h"
#include "hosts/installed_skills.h"
#include "skillfs/discovery.h"
#include "skillfs/frontmatter.h"
#include "skillfs/lint.h"

namespace selftune::capi::ops {
namespace {

using base::JsonValue;
using base::JsonWriter;

constexpr uint64_t kMaxSkillBytes = 16 << 20;

struct Subject {
  std::string bytes;
  std::string real_path;       // "" for a text
  std::string directory_name;  // "" when not known
};

StatusOr<Subject> SubjectOf(const JsonValue& params) {
  const bool by_path = !params["path"].is_null();
  if (by_path == !params["text"].is_null()) {
    return Fail(kInvalidRequest, "skill.lint: give path or text, one of them");
  }
  if (!by_path) return Subject{params["text"].AsString(), "", ""};
  const std::string& path = params["path"].AsString();
  Subject subject;
  ST_ASSIGN_OR_RETURN(subject.bytes, base::ReadFile(path, kMaxSkillBytes));
  ST_ASSIGN_OR_RETURN(subject.real_path, base::RealPath(path));
  subject.directory_name = base::BaseName(base::DirName(path));
  return subject;
}

// The other skills that `platform` offers beside the subject.
std::vector<skillfs::NamedDescription> Neighbours(const skillfs::Discovery& installed,
                                                  std::string_view platform,
                                                  const Subject& subject) {
  std::vector<skillfs::NamedDescription> others;
  for (const skillfs::InstalledSkill& skill : installed.skills) {
    if (skill.real_path == subject.real_path || !skill.frontmatter.description) continue;
    const bool offered = std::any_of(
        skill.placements.begin(), skill.placements.end(),
        [&](const skillfs::SkillPlacement& placement) { return placement.platform == platform; });
    if (offered) others.push_back({skill.name, *skill.frontmatter.description});
  }
  return others;
}

// Line of the description, from 1; nullopt when the file has none.
std::optional<int64_t> DescriptionLine(std::string_view bytes) {
  const auto span = skillfs::ParseFrontmatter(bytes).description_span;
  if (!span.has_value()) return std::nullopt;
  const std::string_view before = bytes.substr(0, span->begin);
  return 1 + std::count(before.begin(), before.end(), '\n');
}

// The finding is about the description, not about the rest of the file.
bool IsOfDescription(std::string_view code, const std::vector<skillfs::LintFinding>& of_text) {
  return std::any_of(of_text.begin(), of_text.end(),
                     [&](const skillfs::LintFinding& finding) { return finding.code == code; });
}

}  // namespace

StatusOr<std::string> SkillLint(Context& context, const JsonValue& params) {
  ST_ASSIGN_OR_RETURN(const Subject subject, SubjectOf(params));
  skillfs::Discovery installed;  // the neighbours' texts live here
  std::vector<skillfs::NamedDescription> others;
  if (params["platform"].is_string()) {
    ST_ASSIGN_OR_RETURN(const base::Environment* const env, context.hosts_env());
    installed = hosts::FindInstalledSkills(*env, {});
    others = Neighbours(installed, params["platform"].AsString(), subject);
  }
  skillfs::LintContext lint;
  lint.directory_name = subject.directory_name;
  lint.others = others;
  const std::vector<skillfs::LintFinding> findings = skillfs::LintSkill(subject.bytes, lint);
  const auto description = skillfs::ParseFrontmatter(subject.bytes).description;
  const std::vector<skillfs::LintFinding> of_text =
      skillfs::LintDescription(description.value_or(""), lint);
  const std::optional<int64_t> line = DescriptionLine(subject.bytes);

  JsonWriter out;
  out.BeginObject().Key("findings").BeginArray();
  for (const skillfs::LintFinding& finding : findings) {
    out.BeginObject()
        .Field("code", finding.code)
        .Field("level", skillfs::Name(finding.level))
        .Field("line", IsOfDescription(finding.code, of_text) ? line : std::nullopt)
        .Field("message", finding.message)
        .EndObject();
  }
  out.EndArray().EndObject();
  if (skillfs::HasErrors(findings)) {
    const auto first =
        std::find_if(findings.begin(), findings.end(), [](const skillfs::LintFinding& finding) {
          return finding.level == skillfs::LintLevel::kError;
        });
    context.SetVerdict(Fail(kCheckFailed, "skill.lint: {}", first->message));
  }
  return std::move(out).Take();
}

}  // namespace selftune::capi::ops
