#include "skillfs/sections.h"

#include <utility>

#include "base/json_writer.h"
#include "base/status_macros.h"
#include "base/strings.h"
#include "skillfs/markdown_fence.h"
#include "skillfs/text_lines.h"

namespace selftune::skillfs {
namespace {

Status CheckFile(std::string_view bytes) {
  const Frontmatter parsed = ParseFrontmatter(bytes);
  if (parsed.errors.empty()) return absl::OkStatus();
  base::JsonWriter details;
  details.BeginObject().Field("reason", parsed.errors.front()).EndObject();
  return WithDetails(Fail(kInvalidFrontmatter, "editing the body: {}", parsed.errors.front()),
                     details.view());
}

// With LF line ends, without blank lines at both ends.
StatusOr<std::string> CleanText(std::string_view text, bool allow_sections) {
  std::string lf = base::ReplaceAll(text, "\r\n", "\n");
  std::string_view rest = lf;
  while (!rest.empty() && base::IsSpace(rest.back())) rest.remove_suffix(1);
  for (size_t end = rest.find('\n'); end != std::string_view::npos; end = rest.find('\n')) {
    if (!IsBlankText(rest.substr(0, end))) break;
    rest.remove_prefix(end + 1);
  }
  if (rest.empty()) return Fail(kInvalidRequest, "editing the body: the new text is blank");
  FenceTracker fences;
  for (const std::string_view line : base::Split(rest, '\n')) {
    if (!fences.IsCode(line) && !allow_sections && line.starts_with("## ")) {
      return Fail(kInvalidRequest, "editing a section: the new text has the heading {}", line);
    }
  }
  if (fences.open()) return Fail(kInvalidRequest, "editing the body: a code fence stays open");
  return std::string(rest);
}

// The line end of the first line at or after `from`, else of the file.
std::string_view LineEndNear(std::string_view bytes, size_t from) {
  for (const size_t start : {from, size_t{0}}) {
    if (start >= bytes.size()) continue;
    const std::string_view found = LineAt(bytes, start).LineEnd(bytes);
    if (!found.empty()) return found;
  }
  return "\n";
}

std::string WithLineEnds(std::string_view lf_text, std::string_view eol) {
  return eol == "\n" ? std::string(lf_text) : base::ReplaceAll(lf_text, "\n", eol);
}

// Ends the last line if need be, and leaves a blank line before what follows.
void EndParagraph(std::string& out, std::string_view eol) {
  if (out.empty()) return;
  if (!out.ends_with('\n')) out += eol;
  if (!out.ends_with("\n\n") && !out.ends_with("\n\r\n")) out += eol;
}

}  // namespace

const SkillSection* SkillSections::Find(std::string_view name) const {
  for (const SkillSection& section : sections) {
    const std::string_view heading = section.name;
    if (heading == name || (heading.starts_with(name) && IsBlank(heading[name.size()]))) {
      return &section;
    }
  }
  return nullptr;
}

SkillSections FindSections(std::string_view bytes) {
  SkillSections out;
  out.body_offset = ParseFrontmatter(bytes).body_offset;
  out.title_line = {out.body_offset, out.body_offset};
  size_t* end_of_open = &out.intro.end;  // where the part in progress ends
  FenceTracker fences;
  for (size_t pos = out.body_offset; pos < bytes.size();) {
    const TextLine line = LineAt(bytes, pos);
    const std::string_view text = line.Text(bytes);
    pos = line.next;
    if (fences.IsCode(text)) continue;
    if (text.starts_with("## ")) {
      *end_of_open = line.begin;
      out.sections.push_back({std::string(TrimUnicode(text.substr(3))),
                              {line.begin, line.next},
                              {line.next, bytes.size()}});
      end_of_open = &out.sections.back().text.end;
    } else if (text.starts_with("# ") && !out.title.has_value() && out.sections.empty()) {
      out.title = std::string(TrimUnicode(text.substr(2)));
      out.title_line = {line.begin, line.next};
    }
  }
  if (out.sections.empty()) out.intro.end = bytes.size();
  out.intro.begin = out.title_line.end;
  return out;
}

StatusOr<std::string> ReplaceSection(std::string_view bytes, std::string_view name,
                                     std::string_view text) {
  ST_RETURN_IF_ERROR(CheckFile(bytes));
  ST_ASSIGN_OR_RETURN(const std::string clean, CleanText(text, /*allow_sections=*/false));
  const SkillSections found = FindSections(bytes);
  const SkillSection* section = found.Find(name);
  std::string out;
  if (section == nullptr) {
    const std::string_view eol = LineEndNear(bytes, found.body_offset);
    out = bytes;
    EndParagraph(out, eol);
    out.append("## ").append(name).append(eol).append(eol);
    return out.append(WithLineEnds(clean, eol)).append(eol);
  }
  const std::string_view eol = LineEndNear(bytes, section->heading.begin);
  out = bytes.substr(0, section->heading.end);
  EndParagraph(out, eol);
  out += WithLineEnds(clean, eol);
  out += eol;
  if (section->text.end < bytes.size()) EndParagraph(out, eol);
  return out.append(bytes.substr(section->text.end));
}

StatusOr<std::string> ReplaceBody(std::string_view bytes, std::string_view body) {
  ST_RETURN_IF_ERROR(CheckFile(bytes));
  ST_ASSIGN_OR_RETURN(const std::string clean, CleanText(body, /*allow_sections=*/true));
  const SkillSections found = FindSections(bytes);
  const std::string_view eol = LineEndNear(bytes, found.body_offset);
  std::string out(bytes.substr(0, found.title_line.end));
  EndParagraph(out, eol);
  return out.append(WithLineEnds(clean, eol)).append(eol);
}

}  // namespace selftune::skillfs
