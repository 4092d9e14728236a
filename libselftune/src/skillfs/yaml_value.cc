#include "skillfs/yaml_value.h"

#include <vector>

#include "skillfs/frontmatter_codes.h"
#include "skillfs/yaml_scalar.h"

namespace selftune::skillfs {
namespace {

bool IsKeyStart(char c) {
  return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_';
}
bool IsKeyChar(char c) { return IsKeyStart(c) || c == '.' || c == '-'; }

// A comment needs a blank (or the start of the line) before its '#'.
bool IsCommentOrEnd(std::string_view bytes, size_t pos, size_t end) {
  const size_t text = SkipBlanks(bytes, pos, end);
  return text == end || (bytes[text] == '#' && text > pos);
}

// Reads one value; the parts that all forms share are members.
class ValueReader {
 public:
  ValueReader(std::string_view bytes, std::span<const TextLine> lines, size_t parent_indent)
      : bytes_(bytes), lines_(lines), parent_indent_(parent_indent) {}

  YamlValue Read(size_t index, size_t after_colon) {
    const size_t end = lines_[index].end;
    const size_t pos = SkipBlanks(bytes_, after_colon, end);
    if (pos == end || bytes_[pos] == '#') return AfterKeyLine(index, after_colon, pos != end);
    return At(index, pos, /*may_be_block=*/true);
  }

 private:
  std::string_view Text(size_t index) const { return lines_[index].Text(bytes_); }

  // Deeper than the mapping; a TAB counts as deeper, as in most parsers.
  bool IsIndented(std::string_view text) const {
    const size_t spaces = LeadingSpaces(text);
    return spaces > parent_indent_ ||
           (spaces == parent_indent_ && spaces < text.size() && text[spaces] == '\t');
  }

  YamlValue Error(size_t index, std::string_view code) const {
    YamlValue value;
    value.first_line = value.last_line = index;
    value.error = code;
    return value;
  }

  YamlValue AfterKeyLine(size_t index, size_t after_colon, bool comment) {
    YamlValue empty;
    empty.begin = empty.end = after_colon;
    empty.first_line = empty.last_line = index;
    for (size_t i = index + 1; i < lines_.size(); ++i) {
      const std::string_view text = Text(i);
      if (IsBlankText(text)) continue;
      const size_t pos = SkipBlanks(bytes_, lines_[i].begin, lines_[i].end);
      if (bytes_[pos] == '#') {
        comment = true;
        continue;
      }
      const bool collection = IsItem(pos, lines_[i].end);
      if (!IsIndented(text)) {
        // The items of a sequence may stand at the indentation of its key.
        if (collection && pos - lines_[i].begin == parent_indent_) empty.error = kUnsupportedNode;
        return empty;
      }
      if (collection || ReadYamlKey(bytes_, pos, lines_[i].end).has_value()) {
        empty.error = kUnsupportedNode;
        return empty;
      }
      YamlValue value = At(i, pos, /*may_be_block=*/false);
      value.on_next_line = true;
      value.comment_before = comment;
      return value;
    }
    return empty;
  }

  // `- item` or `? key`.
  bool IsItem(size_t pos, size_t end) const {
    return (bytes_[pos] == '-' || bytes_[pos] == '?') &&
           (pos + 1 == end || IsBlank(bytes_[pos + 1]));
  }

  // The value whose first character is at `pos`, which is no blank.
  YamlValue At(size_t index, size_t pos, bool may_be_block) {
    const char c = bytes_[pos];
    if (c == '"' || c == '\'') return Quoted(index, pos);
    if (c == '|' || c == '>') {
      BlockHeader header;
      if (ReadHeader(pos, lines_[index].end, header)) {
        return may_be_block ? Block(index, pos, header) : Error(index, kUnsupportedNode);
      }
    }
    if (std::string_view("&*![{%@`").find(c) != std::string_view::npos) {
      return Error(index, kUnsupportedNode);
    }
    return Plain(index, pos);
  }

  YamlValue Quoted(size_t index, size_t pos) const {
    QuotedScalar scalar = ReadQuoted(bytes_, lines_, index, pos);
    if (!scalar.error.empty()) return Error(index, scalar.error);
    if (!IsCommentOrEnd(bytes_, scalar.end, lines_[scalar.last_line].end)) {
      // Most often the opening quote was never closed and this is a later one.
      return Error(index, scalar.last_line == index ? kTextAfterQuote : kUnterminatedQuote);
    }
    YamlValue value;
    value.style = bytes_[pos] == '"' ? YamlStyle::kDouble : YamlStyle::kSingle;
    value.begin = pos;
    value.end = scalar.end;
    value.first_line = index;
    value.last_line = scalar.last_line;
    value.text = std::move(scalar.text);
    return value;
  }

  YamlValue Plain(size_t index, size_t pos) const {
    YamlValue value;
    value.style = YamlStyle::kPlain;
    value.begin = pos;
    value.first_line = index;
    std::vector<std::string_view> parts;
    for (size_t i = index; i < lines_.size(); ++i) {
      const std::string_view text = Text(i);
      if (i != index) {
        if (IsBlankText(text)) {
          parts.emplace_back();
          continue;
        }
        if (!IsIndented(text)) break;
        pos = SkipBlanks(bytes_, lines_[i].begin, lines_[i].end);
        if (bytes_[pos] == '#') break;
      }
      const size_t comment = CommentStart(pos, lines_[i].end);
      size_t end = comment;
      while (end > pos && IsBlank(bytes_[end - 1])) --end;
      parts.push_back(bytes_.substr(pos, end - pos));
      value.end = end;
      value.last_line = i;
      if (comment != lines_[i].end) break;
    }
    value.text = FoldPlain(parts);
    return value;
  }

  // Position of the '#' that ends plain text, or the end of the line.
  size_t CommentStart(size_t pos, size_t end) const {
    for (size_t i = pos + 1; i < end; ++i) {
      if (bytes_[i] == '#' && IsBlank(bytes_[i - 1])) return i;
    }
    return end;
  }

  bool ReadHeader(size_t pos, size_t end, BlockHeader& header) const {
    size_t i = pos + 1;
    for (; i < end; ++i) {
      const char c = bytes_[i];
      if (c >= '1' && c <= '9' && header.digit == 0) {
        header.digit = c - '0';
      } else if ((c == '-' || c == '+') && header.chomp == ' ') {
        header.chomp = c;
      } else {
        break;
      }
    }
    header.end = i;
    return IsCommentOrEnd(bytes_, i, end);
  }

  YamlValue Block(size_t index, size_t pos, BlockHeader header) const {
    YamlValue value;
    value.style = bytes_[pos] == '|' ? YamlStyle::kLiteral : YamlStyle::kFolded;
    value.begin = pos;
    value.end = lines_[index].end;
    value.first_line = value.last_line = index;
    size_t first = index + 1;
    while (first < lines_.size() && IsBlankText(Text(first))) ++first;
    if (header.digit != 0) {
      header.indent = parent_indent_ + static_cast<size_t>(header.digit);
    } else if (first < lines_.size()) {
      const size_t spaces = LeadingSpaces(Text(first));
      if (spaces <= parent_indent_ && Text(first)[spaces] == '\t') {
        return Error(index, kTabIndentation);
      }
      if (spaces > parent_indent_) header.indent = spaces;
    }
    value.block = header;
    if (header.indent > 0) ReadContent(value);
    return value;
  }

  void ReadContent(YamlValue& value) const {
    const size_t indent = value.block.indent;
    std::vector<std::string_view> content;
    size_t used = 0;  // content lines up to the last one that is not blank
    for (size_t i = value.first_line + 1; i < lines_.size(); ++i) {
      const std::string_view text = Text(i);
      const size_t spaces = LeadingSpaces(text);
      const bool blank = IsBlankText(text);
      if (spaces < indent && !blank) break;
      // Blanks beyond the indentation are content.
      content.push_back(spaces >= indent ? text.substr(indent) : std::string_view());
      if (blank) continue;
      used = content.size();
      value.end = lines_[i].end;
      value.last_line = i;
    }
    content.resize(used);
    value.text = value.style == YamlStyle::kLiteral ? JoinLiteral(content) : JoinFolded(content);
  }

  std::string_view bytes_;
  std::span<const TextLine> lines_;
  size_t parent_indent_;
};

}  // namespace

std::optional<YamlKey> ReadYamlKey(std::string_view bytes, size_t begin, size_t end) {
  if (begin >= end) return std::nullopt;
  YamlKey key;
  size_t pos = begin;
  const char c = bytes[begin];
  if (c == '"' || c == '\'') {
    const TextLine line{begin, end, end};
    QuotedScalar scalar = ReadQuoted(bytes, std::span(&line, 1), 0, begin);
    if (!scalar.error.empty()) return std::nullopt;
    key.name = std::move(scalar.text);
    pos = scalar.end;
  } else if (IsKeyStart(c)) {
    while (pos < end && IsKeyChar(bytes[pos])) ++pos;
    key.name = std::string(bytes.substr(begin, pos - begin));
  } else {
    return std::nullopt;
  }
  pos = SkipBlanks(bytes, pos, end);
  if (pos == end || bytes[pos] != ':') return std::nullopt;
  ++pos;
  if (pos < end && !IsBlank(bytes[pos])) return std::nullopt;
  key.after_colon = pos;
  return key;
}

YamlValue ReadYamlValue(std::string_view bytes, std::span<const TextLine> lines, size_t index,
                        size_t after_colon, size_t parent_indent) {
  return ValueReader(bytes, lines, parent_indent).Read(index, after_colon);
}

}  // namespace selftune::skillfs
