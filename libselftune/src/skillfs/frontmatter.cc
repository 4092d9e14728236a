#include "skillfs/frontmatter.h"

#include <utility>

#include "base/strings.h"
#include "skillfs/frontmatter_codes.h"
#include "skillfs/frontmatter_scan.h"
#include "skillfs/markdown_fence.h"

namespace selftune::skillfs {
namespace {

LineEnds FindLineEnds(std::string_view bytes) {
  bool lf = false;
  bool crlf = false;
  for (size_t pos = bytes.find('\n'); pos != std::string_view::npos;
       pos = bytes.find('\n', pos + 1)) {
    const bool with_cr = pos > 0 && bytes[pos - 1] == '\r';
    (with_cr ? crlf : lf) = true;
    if (lf && crlf) return LineEnds::kMixed;
  }
  if (crlf) return LineEnds::kCrlf;
  return lf ? LineEnds::kLf : LineEnds::kNone;
}

DescriptionStyle StyleOf(YamlStyle style) {
  switch (style) {
    case YamlStyle::kEmpty:
      return DescriptionStyle::kEmpty;
    case YamlStyle::kPlain:
      return DescriptionStyle::kPlain;
    case YamlStyle::kSingle:
      return DescriptionStyle::kSingle;
    case YamlStyle::kDouble:
      return DescriptionStyle::kDouble;
    case YamlStyle::kLiteral:
      return DescriptionStyle::kLiteral;
    case YamlStyle::kFolded:
      return DescriptionStyle::kFolded;
  }
  return DescriptionStyle::kMissing;
}

// A key without a value is null in YAML, hence no field.
void AddField(const FrontmatterEntry& entry, std::string path, Frontmatter& out) {
  if (!entry.value.error.empty() || entry.value.style == YamlStyle::kEmpty) return;
  out.fields.push_back({std::move(path), std::string(TrimUnicode(entry.value.text)),
                        entry.value.style != YamlStyle::kPlain});
}

void ReadDescription(const FrontmatterScan& scan, Frontmatter& out) {
  size_t count = 0;
  for (const FrontmatterEntry& entry : scan.entries) count += entry.key.name == "description";
  if (count == 0) return;
  if (count > 1) out.warnings.push_back(kDuplicateDescription);
  const YamlValue& value = scan.Find("description")->value;
  if (!value.error.empty()) {
    out.errors.push_back(value.error);
    return;
  }
  out.description = std::string(TrimUnicode(value.text));
  out.description_style = StyleOf(value.style);
  out.description_span = ByteSpan{value.begin, value.end};
  if (value.style == YamlStyle::kPlain && value.text.find(": ") != std::string::npos) {
    out.warnings.push_back(kPlainContainsColonSpace);
  }
}

std::optional<std::string> Copy(std::optional<std::string_view> text) {
  if (!text.has_value()) return std::nullopt;
  return std::string(*text);
}

// The YAML 1.2 booleans.
std::optional<bool> Boolean(std::string_view text) {
  if (base::EqualsIgnoreCase(text, "true")) return true;
  if (base::EqualsIgnoreCase(text, "false")) return false;
  return std::nullopt;
}

}  // namespace

std::string_view Name(DescriptionStyle style) {
  switch (style) {
    case DescriptionStyle::kMissing:
      return "missing";
    case DescriptionStyle::kEmpty:
      return "empty";
    case DescriptionStyle::kPlain:
      return "plain";
    case DescriptionStyle::kSingle:
      return "single";
    case DescriptionStyle::kDouble:
      return "double";
    case DescriptionStyle::kLiteral:
      return "literal";
    case DescriptionStyle::kFolded:
      return "folded";
  }
  return "missing";
}

std::string_view Name(LineEnds ends) {
  switch (ends) {
    case LineEnds::kNone:
      return "none";
    case LineEnds::kLf:
      return "lf";
    case LineEnds::kCrlf:
      return "crlf";
    case LineEnds::kMixed:
      return "mixed";
  }
  return "none";
}

std::optional<std::string_view> Frontmatter::Field(std::string_view path) const {
  for (auto it = fields.rbegin(); it != fields.rend(); ++it) {
    if (it->path == path) return it->text;
  }
  return std::nullopt;
}

bool Frontmatter::IsTrue(std::string_view path) const {
  const auto text = Field(path);
  return text.has_value() && Boolean(*text) == std::optional(true);
}

bool Frontmatter::IsFalse(std::string_view path) const {
  const auto text = Field(path);
  return text.has_value() && Boolean(*text) == std::optional(false);
}

std::optional<std::string> FirstHeading(std::string_view markdown) {
  FenceTracker fences;
  for (size_t pos = 0; pos < markdown.size();) {
    const TextLine line = LineAt(markdown, pos);
    const std::string_view text = line.Text(markdown);
    pos = line.next;
    if (fences.IsCode(text) || !text.starts_with("# ")) continue;
    const std::string_view title = TrimUnicode(text.substr(2));
    if (!title.empty()) return std::string(title);
  }
  return std::nullopt;
}

Frontmatter ParseFrontmatter(std::string_view bytes) {
  const FrontmatterScan scan = ScanFrontmatter(bytes);
  Frontmatter out;
  out.bom = scan.bom;
  out.eol = FindLineEnds(bytes);
  out.has_frontmatter = scan.has_frontmatter;
  out.body_offset = scan.body_offset;
  out.title = FirstHeading(bytes.substr(scan.body_offset));
  if (!scan.error.empty()) {
    out.errors.push_back(scan.error);
    return out;
  }
  for (const FrontmatterEntry& entry : scan.entries) {
    out.top_level_keys.push_back(entry.key.name);
    AddField(entry, entry.key.name, out);
  }
  if (const FrontmatterEntry* metadata = scan.Find("metadata"); metadata != nullptr) {
    for (const FrontmatterEntry& child : ScanChildren(bytes, scan, *metadata)) {
      AddField(child, "metadata." + child.key.name, out);
    }
  }
  out.name = Copy(out.Field("name"));
  out.version = Copy(out.Field("version"));
  if (!out.version.has_value()) out.version = Copy(out.Field("metadata.version"));
  ReadDescription(scan, out);
  return out;
}

std::optional<bool> YamlFlag(std::string_view yaml, std::string_view path) {
  const FrontmatterScan scan = ScanYaml(yaml);
  const size_t dot = path.find('.');
  const FrontmatterEntry* entry = scan.Find(path.substr(0, dot));
  if (entry == nullptr) return std::nullopt;
  if (dot == std::string_view::npos) return Boolean(TrimUnicode(entry->value.text));
  std::optional<bool> flag;
  for (const FrontmatterEntry& child : ScanChildren(yaml, scan, *entry)) {
    if (child.key.name == path.substr(dot + 1)) flag = Boolean(TrimUnicode(child.value.text));
  }
  return flag;
}

}  // namespace selftune::skillfs
