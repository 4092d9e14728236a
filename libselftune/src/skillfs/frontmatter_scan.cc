#include "skillfs/frontmatter_scan.h"

#include <optional>

#include "base/utf8.h"
#include "skillfs/frontmatter_codes.h"
#include "skillfs/yaml_scalar.h"

namespace selftune::skillfs {
namespace {

constexpr std::string_view kBom = "\xEF\xBB\xBF";

bool IsDelimiter(std::string_view text) {
  return text.starts_with("---") && IsBlankText(text.substr(3));
}

// Index of the line on which the flow collection that opens at `pos` closes.
std::optional<size_t> LastLineOfFlow(std::string_view bytes, const std::vector<TextLine>& lines,
                                     size_t index, size_t pos) {
  size_t depth = 0;
  for (size_t i = index; i < lines.size(); ++i) {
    if (i != index) pos = lines[i].begin;
    while (pos < lines[i].end) {
      const char c = bytes[pos];
      const bool after_blank = pos == lines[i].begin || IsBlank(bytes[pos - 1]);
      const bool starts_node =
          after_blank || std::string_view("[{,:").find(bytes[pos - 1]) != std::string_view::npos;
      if (c == '#' && after_blank) break;
      if (c == '[' || c == '{') {
        ++depth;
      } else if (c == ']' || c == '}') {
        if (--depth == 0) return i;
      } else if ((c == '"' || c == '\'') && starts_node) {
        const QuotedScalar scalar = ReadQuoted(bytes, lines, i, pos);
        if (!scalar.error.empty()) return std::nullopt;
        i = scalar.last_line;
        pos = scalar.end;
        continue;
      }
      ++pos;
    }
  }
  return std::nullopt;
}

// Finds where entries end, so that text inside a value that spans lines is
// not taken for a key.
class EntryEnds {
 public:
  EntryEnds(std::string_view bytes, const std::vector<TextLine>& lines)
      : bytes_(bytes), lines_(lines) {}

  // The last line that certainly belongs to `entry`.
  size_t LastLine(const FrontmatterEntry& entry) {
    if (entry.value.error.empty()) return entry.value.last_line;
    const TextLine& line = lines_[entry.line];
    const size_t pos = SkipBlanks(bytes_, entry.key.after_colon, line.end);
    const bool flow = pos < line.end && (bytes_[pos] == '[' || bytes_[pos] == '{');
    if (!flow || open_flow_) return entry.line;
    const std::optional<size_t> last = LastLineOfFlow(bytes_, lines_, entry.line, pos);
    open_flow_ = !last.has_value();
    return last.value_or(entry.line);
  }

 private:
  std::string_view bytes_;
  const std::vector<TextLine>& lines_;
  bool open_flow_ = false;  // one never closed: looking again would cost the square
};

void ScanEntries(std::string_view bytes, FrontmatterScan& scan) {
  EntryEnds ends(bytes, scan.lines);
  for (size_t i = 0; i < scan.lines.size(); ++i) {
    std::optional<YamlKey> key = ReadYamlKey(bytes, scan.lines[i].begin, scan.lines[i].end);
    if (!key.has_value()) continue;
    FrontmatterEntry entry{std::move(*key), i, {}};
    entry.value = ReadYamlValue(bytes, scan.lines, i, entry.key.after_colon, 0);
    i = ends.LastLine(entry);
    scan.entries.push_back(std::move(entry));
  }
}

// A flow mapping or sequence as the whole frontmatter.
bool IsFlow(std::string_view bytes, const std::vector<TextLine>& lines) {
  for (const TextLine& line : lines) {
    const size_t pos = SkipBlanks(bytes, line.begin, line.end);
    if (pos == line.end || bytes[pos] == '#') continue;
    return bytes[pos] == '{' || bytes[pos] == '[';
  }
  return false;
}

// Fills lines and body_offset; false if there is no closing `---`.
bool ReadLines(std::string_view bytes, FrontmatterScan& scan) {
  size_t pos = scan.open.next;
  while (pos < bytes.size()) {
    const TextLine line = LineAt(bytes, pos);
    if (IsDelimiter(line.Text(bytes))) {
      scan.body_offset = line.next;
      return true;
    }
    scan.lines.push_back(line);
    pos = line.next;
  }
  scan.lines.clear();
  return false;
}

}  // namespace

const FrontmatterEntry* FrontmatterScan::Find(std::string_view name) const {
  for (auto it = entries.rbegin(); it != entries.rend(); ++it) {
    if (it->key.name == name) return &*it;
  }
  return nullptr;
}

FrontmatterScan ScanFrontmatter(std::string_view bytes) {
  FrontmatterScan scan;
  scan.bom = bytes.starts_with(kBom);
  scan.text_begin = scan.bom ? kBom.size() : 0;
  scan.body_offset = scan.text_begin;
  if (scan.text_begin == bytes.size()) return scan;
  scan.open = LineAt(bytes, scan.text_begin);
  scan.has_frontmatter = IsDelimiter(scan.open.Text(bytes));
  if (!scan.has_frontmatter) return scan;
  if (!ReadLines(bytes, scan)) {
    scan.error = kUnterminatedFrontmatter;
    return scan;
  }
  if (!base::IsValidUtf8(bytes.substr(scan.open.begin, scan.body_offset - scan.open.begin))) {
    scan.error = kInvalidUtf8Frontmatter;
  } else if (IsFlow(bytes, scan.lines)) {
    scan.error = kUnsupportedFrontmatter;
  } else {
    ScanEntries(bytes, scan);
  }
  return scan;
}

FrontmatterScan ScanYaml(std::string_view bytes) {
  FrontmatterScan scan;
  scan.bom = bytes.starts_with(kBom);
  scan.text_begin = scan.bom ? kBom.size() : 0;
  scan.body_offset = bytes.size();
  if (!base::IsValidUtf8(bytes)) {
    scan.error = kInvalidUtf8Frontmatter;
    return scan;
  }
  for (size_t pos = scan.text_begin; pos < bytes.size(); pos = scan.lines.back().next) {
    scan.lines.push_back(LineAt(bytes, pos));
  }
  ScanEntries(bytes, scan);
  return scan;
}

std::vector<FrontmatterEntry> ScanChildren(std::string_view bytes, const FrontmatterScan& scan,
                                           const FrontmatterEntry& parent) {
  std::vector<FrontmatterEntry> children;
  const size_t colon_line_end = scan.lines[parent.line].end;
  const size_t after = SkipBlanks(bytes, parent.key.after_colon, colon_line_end);
  if (after != colon_line_end && bytes[after] != '#') return children;
  EntryEnds ends(bytes, scan.lines);
  size_t indent = 0;  // of the children, known from the first
  for (size_t i = parent.line + 1; i < scan.lines.size(); ++i) {
    const TextLine& line = scan.lines[i];
    const std::string_view text = line.Text(bytes);
    const size_t spaces = LeadingSpaces(text);
    if (IsBlankText(text) || text[spaces] == '#') continue;
    if (spaces == 0) break;
    if (indent == 0) indent = spaces;
    if (spaces != indent) continue;
    std::optional<YamlKey> key = ReadYamlKey(bytes, line.begin + spaces, line.end);
    if (!key.has_value()) continue;
    FrontmatterEntry child{std::move(*key), i, {}};
    child.value = ReadYamlValue(bytes, scan.lines, i, child.key.after_colon, indent);
    i = ends.LastLine(child);
    children.push_back(std::move(child));
  }
  return children;
}

}  // namespace selftune::skillfs
