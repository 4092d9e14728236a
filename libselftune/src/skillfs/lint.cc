#include "skillfs/lint.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include <fmt/format.h>

#include "base/strings.h"
#include "base/utf8.h"
#include "skillfs/frontmatter_codes.h"
#include "skillfs/lint_text.h"
#include "skillfs/text_lines.h"
#include "skillfs/yaml_style.h"

namespace selftune::skillfs {
namespace {

constexpr double kMaxOverlap = 0.8;
constexpr size_t kShort = 40;  // code points
constexpr size_t kLong = 700;
constexpr size_t kMaxTriggers = 12;

class Findings {
 public:
  void Error(std::string_view code, std::string message) {
    list_.push_back({code, LintLevel::kError, std::move(message)});
  }
  void Warn(std::string_view code, std::string message) {
    list_.push_back({code, LintLevel::kWarn, std::move(message)});
  }
  std::vector<LintFinding> Take() && { return std::move(list_); }

 private:
  std::vector<LintFinding> list_;
};

void LintWords(std::string_view text, Findings& out) {
  if (!IsMostlyAscii(text)) return;
  if (!HasWhenClause(text)) out.Warn("no_when_clause", "does not say when to use the skill");
}

void LintSize(std::string_view text, Findings& out) {
  const size_t chars = base::CountCodePoints(text);
  if (chars < kShort && IsMostlyAscii(text)) {
    out.Warn("description_short",
             fmt::format("{} characters; below {} says little", chars, kShort));
  } else if (chars > kLong && chars <= kMaxDescriptionChars) {
    out.Warn("description_long",
             fmt::format("{} characters; above {} costs every session", chars, kLong));
  }
}

void LintManner(std::string_view text, Findings& out) {
  if (HasXmlTag(text)) out.Warn("xml_tags", "contains a tag in angle brackets");
  if (IsMostlyAscii(text)) {
    if (HasFirstPerson(text)) out.Warn("first_person", "speaks in the first person");
    if (IsVague(text)) out.Warn("vague", "only filler words, nothing a person would ask for");
  }
  const size_t triggers = LongestList(text);
  if (triggers > kMaxTriggers) {
    out.Warn("stuffing", fmt::format("a list of {} comma-separated triggers", triggers));
  }
  if (IsShouting(text)) out.Warn("all_caps", "written in capitals");
}

void LintOverlap(std::string_view text, const LintContext& context, Findings& out) {
  for (const NamedDescription& other : context.others) {
    const double overlap = DescriptionOverlap(text, other.description);
    if (overlap <= kMaxOverlap) continue;
    out.Warn("overlaps_other_skill",
             fmt::format("shares {:.0f} % of its words with {}", overlap * 100, other.name));
  }
}

// Keys of the Agent Skills specification.
constexpr std::string_view kPortableKeys[] = {"name",          "description", "license",
                                              "compatibility", "metadata",    "allowed-tools"};
// Keys that some host gives a meaning.
constexpr std::string_view kHostKeys[] = {
    "agent", "argument-hint", "context",        "disable-model-invocation",
    "hooks", "model",         "user-invocable",
};

bool Contains(std::span<const std::string_view> list, std::string_view text) {
  return std::ranges::find(list, text) != list.end();
}

void LintKeys(const Frontmatter& parsed, Findings& out) {
  for (const std::string& key : parsed.top_level_keys) {
    if (Contains(kPortableKeys, key)) continue;
    if (Contains(kHostKeys, key)) {
      out.Warn("host_specific_key", fmt::format("{} means something to some hosts only", key));
    } else {
      out.Error("unknown_key", fmt::format("{} is no key of the specification", key));
    }
  }
}

void LintName(const Frontmatter& parsed, const LintContext& context, Findings& out) {
  if (parsed.name.value_or("").empty()) {
    out.Error("missing_name", "has no name");
    return;
  }
  if (!IsValidSkillName(*parsed.name)) {
    out.Error("invalid_name", fmt::format("{}: 1-{} lower-case letters, digits and single hyphens",
                                          *parsed.name, kMaxNameChars));
  }
  if (!context.directory_name.empty() &&
      base::Nfc(*parsed.name) != base::Nfc(context.directory_name)) {
    out.Error("name_differs_from_folder",
              fmt::format("{} lies in a folder {}", *parsed.name, context.directory_name));
  }
}

void LintFields(const Frontmatter& parsed, Findings& out) {
  if (const auto text = parsed.Field("compatibility"); text.has_value()) {
    const size_t chars = base::CountCodePoints(*text);
    if (chars == 0 || chars > kMaxCompatibilityChars) {
      out.Error("invalid_compatibility",
                fmt::format("{} characters; 1-{}", chars, kMaxCompatibilityChars));
    }
  }
  for (const FrontmatterField& field : parsed.fields) {
    if (field.path.starts_with("metadata.") && !field.quoted && !IsPlainSafe(field.text) &&
        field.text.find(": ") == std::string::npos) {
      out.Warn("metadata_not_text", fmt::format("{}: quote {}", field.path, field.text));
    }
  }
}

void LintYaml(const Frontmatter& parsed, Findings& out) {
  if (!parsed.has_frontmatter) out.Error("yaml_error", "no_frontmatter");
  for (const std::string_view code : parsed.errors) out.Error("yaml_error", std::string(code));
  for (const std::string_view code : parsed.warnings) {
    if (code == kPlainContainsColonSpace) {
      out.Warn("unquoted_colon_space", "a colon and a blank need quotes in YAML");
    } else {
      out.Error("yaml_error", std::string(code));
    }
  }
}

}  // namespace

std::string_view Name(LintLevel level) { return level == LintLevel::kError ? "error" : "warn"; }

std::vector<LintFinding> LintDescription(std::string_view description, const LintContext& context) {
  const std::string_view text = TrimUnicode(description);
  Findings out;
  if (text.empty()) {
    out.Error("empty_description", "has no description");
    return std::move(out).Take();
  }
  const size_t chars = base::CountCodePoints(text);
  if (chars > kMaxDescriptionChars) {
    out.Error("description_too_long",
              fmt::format("{} characters; at most {}", chars, kMaxDescriptionChars));
  }
  LintWords(text, out);
  LintSize(text, out);
  LintManner(text, out);
  LintOverlap(text, context, out);
  if (context.single_line_limit > 0 && chars > context.single_line_limit) {
    out.Warn("single_line_limit", fmt::format("{} characters; the host shows {} on its line", chars,
                                              context.single_line_limit));
  }
  return std::move(out).Take();
}

std::vector<LintFinding> LintSkill(std::string_view bytes, const LintContext& context) {
  const Frontmatter parsed = ParseFrontmatter(bytes);
  Findings out;
  LintYaml(parsed, out);
  const bool readable = parsed.has_frontmatter && parsed.errors.empty();
  if (readable) {
    LintName(parsed, context, out);
    LintKeys(parsed, out);
    LintFields(parsed, out);
  }
  const std::string_view body = bytes.substr(parsed.body_offset);
  const auto lines = static_cast<size_t>(std::ranges::count(body, '\n'));
  if (lines > kMaxBodyLines) {
    out.Warn("body_too_long", fmt::format("{} lines; below {} is the rule", lines, kMaxBodyLines));
  }
  std::vector<LintFinding> findings = std::move(out).Take();
  if (readable) {
    std::vector<LintFinding> more = LintDescription(parsed.description.value_or(""), context);
    findings.insert(findings.end(), std::make_move_iterator(more.begin()),
                    std::make_move_iterator(more.end()));
  }
  return findings;
}

bool IsValidSkillName(std::string_view name) {
  const size_t chars = base::CountCodePoints(name);
  if (chars == 0 || chars > kMaxNameChars || !base::IsValidUtf8(name)) return false;
  if (base::UnicodeLower(name) != name || NeedsEscapes(name)) return false;
  char last = '-';  // so that a hyphen may not come first
  for (size_t pos = 0; pos < name.size();) {
    const uint32_t c = base::NextCodePoint(name, pos);
    const bool letter =
        (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || (c >= 0xa0 && !base::IsUnicodeSpace(c));
    if (!letter && (c != '-' || last == '-')) return false;
    last = c == '-' ? '-' : 'x';
  }
  return last != '-';
}

bool IsPossibleSkillName(std::string_view name) {
  if (!base::IsValidUtf8(name) || NeedsEscapes(name)) return false;
  for (const std::string_view part : base::Split(name, ':')) {
    if (part.empty() || base::CountCodePoints(part) > kMaxNameChars) return false;
    for (size_t pos = 0; pos < part.size();) {
      const uint32_t c = base::NextCodePoint(part, pos);
      const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                         (c >= '0' && c <= '9') || c == '-' || c == '_' || c == '.';
      if (!plain && (c < 0xa0 || base::IsUnicodeSpace(c))) return false;
    }
  }
  return true;
}

bool HasErrors(std::span<const LintFinding> findings) {
  return std::ranges::any_of(
      findings, [](const LintFinding& finding) { return finding.level == LintLevel::kError; });
}

}  // namespace selftune::skillfs
