#include "skillfs/description_edit.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "base/json_value.h"
#include "base/json_writer.h"
#include "base/status_macros.h"
#include "base/utf8.h"
#include "skillfs/description_text.h"
#include "skillfs/frontmatter.h"
#include "skillfs/frontmatter_codes.h"
#include "skillfs/frontmatter_scan.h"
#include "skillfs/yaml_style.h"

namespace selftune::skillfs {
namespace {

// What is wrong with the text that was given, not with the file.
Status RefuseText(std::string_view code, std::string_view what) {
  base::JsonWriter details;
  details.BeginObject().Field("reason", code).EndObject();
  return WithDetails(
      WithSuggestion(Fail(kInvalidFrontmatter, "replacing the description: {}", code), what,
                     "selftune schema skill.replace_description"),
      details.view());
}

Status Refuse(std::string_view code) {
  base::JsonWriter details;
  details.BeginObject().Field("reason", code).EndObject();
  return WithDetails(Fail(kInvalidFrontmatter, "replacing the description: {}", code),
                     details.view());
}

// Replace [begin, end) by `text`.
struct Splice {
  size_t begin = 0;
  size_t end = 0;
  std::string text;
};

// A block scalar is the form for several lines, unless it would swallow an
// indented comment behind the value.
enum class ManyLines { kBlock, kDouble };

std::string_view LineEndOr(std::string_view found, std::string_view otherwise) {
  return found.empty() ? otherwise : found;
}

// Rule 3. `tail` is the rest of the header line: blanks and a comment.
Splice ReplaceBlock(std::string_view bytes, const FrontmatterScan& scan, const YamlValue& value,
                    std::string_view description, std::string_view eol) {
  const TextLine& header_line = scan.lines[value.first_line];
  const std::string tail(bytes.substr(value.block.end, header_line.end - value.block.end));
  if (NeedsEscapes(description)) {
    return {value.begin, value.end, DoubleQuoted(description) + tail};
  }
  const bool folded = value.style == YamlStyle::kFolded && CanFold(description);
  const size_t indent = value.block.indent > 0 ? value.block.indent : 2;
  std::string text(1, folded ? '>' : '|');
  if (value.block.chomp == '-') text.push_back('-');
  text += tail;
  for (const std::string& line :
       folded ? FoldLines(description, indent) : LiteralLines(description)) {
    text += eol;
    if (!line.empty()) text.append(indent, ' ').append(line);
  }
  return {value.begin, value.end, std::move(text)};
}

// Rules 4 and 5, and an empty value.
Splice ReplaceFlow(std::string_view bytes, const FrontmatterScan& scan,
                   const FrontmatterEntry& entry, std::string_view description,
                   std::string_view eol, ManyLines form) {
  const YamlValue& value = entry.value;
  // A value on a later line moves up behind the colon.
  const bool behind_colon = value.on_next_line || value.style == YamlStyle::kEmpty;
  Splice splice{behind_colon ? entry.key.after_colon : value.begin, value.end, ""};
  if (behind_colon) splice.text = " ";
  const bool multi_line = description.find('\n') != std::string_view::npos;
  if (multi_line && form == ManyLines::kBlock && !NeedsEscapes(description)) {
    splice.end = scan.lines[value.last_line].end;
    splice.text += "|-";
    splice.text += bytes.substr(value.end, splice.end - value.end);
    for (const std::string& line : LiteralLines(description)) {
      splice.text += eol;
      if (!line.empty()) splice.text.append("  ").append(line);
    }
  } else if (value.style == YamlStyle::kDouble) {
    splice.text += DoubleQuoted(description);
  } else if (value.style == YamlStyle::kSingle && !NeedsEscapes(description)) {
    splice.text += SingleQuoted(description);
  } else if (value.style == YamlStyle::kSingle) {
    splice.text += DoubleQuoted(description);
  } else {
    splice.text += PlainOrDouble(description);
  }
  return splice;
}

// `description: ...` with its line end, for a file that has none.
std::string NewEntry(std::string_view description, std::string_view eol, ManyLines form) {
  std::string text = "description: ";
  const bool multi_line = description.find('\n') != std::string_view::npos;
  if (multi_line && form == ManyLines::kBlock && !NeedsEscapes(description)) {
    text += "|-";
    for (const std::string& line : LiteralLines(description)) {
      text += eol;
      if (!line.empty()) text.append("  ").append(line);
    }
  } else {
    text += PlainOrDouble(description);
  }
  return text.append(eol);
}

// Line index just past the blank lines after `line`.
size_t AfterBlankLines(std::string_view bytes, const FrontmatterScan& scan, size_t line) {
  while (line < scan.lines.size() && IsBlankText(scan.lines[line].Text(bytes))) ++line;
  return line;
}

// Rule 2: behind the name, else behind the opening line.
size_t InsertionPoint(std::string_view bytes, const FrontmatterScan& scan) {
  const FrontmatterEntry* name = scan.Find("name");
  if (name == nullptr || !name->value.error.empty()) return scan.open.next;
  const YamlValue& value = name->value;
  size_t line = value.last_line + 1;
  if (value.style == YamlStyle::kLiteral || value.style == YamlStyle::kFolded) {
    // Blank lines belong to the value if all are kept, or if they hold blanks
    // beyond the indentation.
    const size_t after = AfterBlankLines(bytes, scan, line);
    bool content = value.block.chomp == '+';
    for (size_t i = line; i < after; ++i) {
      content = content || scan.lines[i].Text(bytes).size() > value.block.indent;
    }
    if (content) line = after;
  }
  return scan.lines[line - 1].next;
}

StatusOr<Splice> Plan(std::string_view bytes, const FrontmatterScan& scan,
                      std::string_view description, std::string_view directory_name,
                      ManyLines form) {
  if (!scan.has_frontmatter) {
    std::string text = "---\nname: " + PlainOrDouble(directory_name) + "\n";
    text += NewEntry(description, "\n", form) + "---\n\n";
    return Splice{scan.text_begin, scan.text_begin, std::move(text)};
  }
  const std::string_view open_eol = LineEndOr(scan.open.LineEnd(bytes), "\n");
  const FrontmatterEntry* entry = scan.Find("description");
  if (entry == nullptr) {
    const size_t at = InsertionPoint(bytes, scan);
    return Splice{at, at, NewEntry(description, open_eol, form)};
  }
  if (entry->value.comment_before) return Refuse(kCommentBeforeValue);
  const std::string_view eol = LineEndOr(scan.lines[entry->line].LineEnd(bytes), open_eol);
  const bool block =
      entry->value.style == YamlStyle::kLiteral || entry->value.style == YamlStyle::kFolded;
  return block ? ReplaceBlock(bytes, scan, entry->value, description, eol)
               : ReplaceFlow(bytes, scan, *entry, description, eol, form);
}

bool SameFieldsBut(const Frontmatter& a, const Frontmatter& b) {
  const auto others = [](const Frontmatter& f) {
    std::vector<std::pair<std::string_view, std::string_view>> out;
    for (const FrontmatterField& field : f.fields) {
      if (field.path != "description") out.emplace_back(field.path, field.text);
    }
    return out;
  };
  return others(a) == others(b);
}

// The promise of ReplaceDescription, checked on the result itself: a damaged
// file that the reader tolerates must not turn into another one.
bool ReadsBack(std::string_view old_bytes, const Frontmatter& old_parsed, const EditResult& edit) {
  const Frontmatter parsed = ParseFrontmatter(edit.bytes);
  if (!parsed.errors.empty() || parsed.description != edit.description) return false;
  const std::string_view new_bytes = edit.bytes;
  if (!old_parsed.has_frontmatter) {
    return new_bytes.ends_with(old_bytes.substr(old_parsed.body_offset));
  }
  return new_bytes.substr(parsed.body_offset) == old_bytes.substr(old_parsed.body_offset) &&
         SameFieldsBut(old_parsed, parsed);
}

void MeasureCommon(std::string_view old_bytes, EditResult& edit) {
  const std::string_view new_bytes = edit.bytes;
  const size_t most = std::min(old_bytes.size(), new_bytes.size());
  size_t prefix = 0;
  while (prefix < most && old_bytes[prefix] == new_bytes[prefix]) ++prefix;
  size_t suffix = 0;
  while (suffix < most - prefix &&
         old_bytes[old_bytes.size() - 1 - suffix] == new_bytes[new_bytes.size() - 1 - suffix]) {
    ++suffix;
  }
  edit.common_prefix_bytes = prefix;
  edit.common_suffix_bytes = suffix;
}

}  // namespace

std::string NormalizeDescription(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\r') {
      out.push_back('\n');
      if (i + 1 < text.size() && text[i + 1] == '\n') ++i;
    } else {
      out.push_back(text[i]);
    }
  }
  return std::string(TrimUnicode(out));
}

StatusOr<EditResult> ReplaceDescription(std::string_view bytes, std::string_view new_description,
                                        std::string_view directory_name) {
  EditResult edit;
  edit.description = NormalizeDescription(new_description);
  if (edit.description.empty()) {
    return RefuseText(kEmptyNewDescription, "the file is fine: give a description that has text");
  }
  if (!base::IsValidUtf8(edit.description)) {
    return RefuseText(kInvalidUtf8NewDescription,
                      "the file is fine: give the description in UTF-8");
  }
  const Frontmatter parsed = ParseFrontmatter(bytes);
  if (!parsed.errors.empty()) return Refuse(parsed.errors.front());
  if (std::ranges::find(parsed.warnings, kDuplicateDescription) != parsed.warnings.end()) {
    return Refuse(kDuplicateDescription);
  }
  const FrontmatterScan scan = ScanFrontmatter(bytes);
  for (const ManyLines form : {ManyLines::kBlock, ManyLines::kDouble}) {
    ST_ASSIGN_OR_RETURN(const Splice splice,
                        Plan(bytes, scan, edit.description, directory_name, form));
    edit.bytes.assign(bytes.substr(0, splice.begin)).append(splice.text);
    edit.bytes.append(bytes.substr(splice.end));
    if (ReadsBack(bytes, parsed, edit)) {
      MeasureCommon(bytes, edit);
      return edit;
    }
  }
  return Refuse(kNotRepresentable);
}

std::string RefusalReason(const Status& status) {
  if (CodeOf(status).name != kInvalidFrontmatter.name) return "";
  const auto details = base::JsonValue::Parse(DetailsJson(status));
  return details.ok() ? (*details)["reason"].AsString() : "";
}

}  // namespace selftune::skillfs
