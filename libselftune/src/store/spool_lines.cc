#include "store/spool_lines.h"

#include <algorithm>
#include <charconv>
#include <optional>
#include <string>
#include <string_view>

#include "base/file.h"
#include "base/json_scan.h"
#include "base/status_macros.h"

namespace selftune::store {
namespace {

constexpr size_t kWindow = size_t{256} << 10;
constexpr size_t kPrefix = size_t{4} << 10;  // a record says its time before its payload
constexpr size_t kExcerpt = 1024;            // kept of a line that is too long

// Bytes of the file from `offset` on: at least `least` of them, or all up to
// `size`. Valid until the next call.
StatusOr<std::string_view> Bytes(SpoolWindow& window, const std::string& path, uint64_t offset,
                                 size_t least, uint64_t size) {
  const auto wanted = static_cast<size_t>(std::min<uint64_t>(least, size - offset));
  const bool inside = window.path == path && offset >= window.offset &&
                      offset + wanted <= window.offset + window.bytes.size();
  if (!inside) {
    ST_ASSIGN_OR_RETURN(const base::OpenedFile opened, base::OpenRegular(path));
    window.path = path;
    window.offset = offset;
    window.bytes.resize(
        static_cast<size_t>(std::min<uint64_t>(std::max(least, kWindow), size - offset)));
    ST_ASSIGN_OR_RETURN(
        const size_t got,
        base::ReadAt(opened.file.fd(), offset, window.bytes.data(), window.bytes.size(), path));
    window.bytes.resize(got);
    if (got < wanted) {
      return Fail(kFileUnreadable, "reading {}: it ends at {}, {} bytes were there before", path,
                  offset + got, size);
    }
  }
  std::string_view bytes = window.bytes;
  bytes.remove_prefix(static_cast<size_t>(offset - window.offset));
  return bytes.substr(0, static_cast<size_t>(std::min<uint64_t>(bytes.size(), size - offset)));
}

struct LineEnd {
  uint64_t offset = 0;  // of the newline, or of the end of the file
  bool newline = false;
};

// Where the line that begins at `begin` ends.
StatusOr<LineEnd> FindEnd(SpoolWindow& window, const std::string& path, uint64_t begin,
                          uint64_t size) {
  uint64_t offset = begin;
  while (offset < size) {
    ST_ASSIGN_OR_RETURN(const std::string_view bytes, Bytes(window, path, offset, 1, size));
    const size_t found = bytes.find('\n');
    if (found != bytes.npos) return LineEnd{offset + found, true};
    offset += bytes.size();
  }
  return LineEnd{size, false};
}

// Behind the empty lines at `at`.
StatusOr<SpoolPlace> SkipEmpty(SpoolWindow& window, const std::string& path, SpoolPlace at,
                               uint64_t size) {
  while (at.offset < size) {
    ST_ASSIGN_OR_RETURN(const std::string_view bytes, Bytes(window, path, at.offset, 1, size));
    const size_t empty = std::min(bytes.find_first_not_of('\n'), bytes.size());
    at.offset += empty;
    at.line_no += empty;
    if (empty < bytes.size()) break;
  }
  return at;
}

}  // namespace

StatusOr<std::optional<UtcMillis>> SpoolLines::TimeOfNext(SpoolWindow& window) const {
  ST_ASSIGN_OR_RETURN(const SpoolPlace begin, SkipEmpty(window, path_, at_, size_));
  if (begin.offset >= size_) return std::optional<UtcMillis>();
  ST_ASSIGN_OR_RETURN(std::string_view prefix, Bytes(window, path_, begin.offset, kPrefix, size_));
  prefix = prefix.substr(0, std::min(kPrefix, prefix.find('\n')));
  base::JsonScan scan(prefix);
  while (scan.Next()) {
    if (!scan.key().Is("at_ms") || scan.value().kind != base::JsonSpan::Kind::kNumber) continue;
    const std::string_view digits = scan.value().text;
    int64_t at = 0;
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), at);
    if (error != std::errc() || end != digits.data() + digits.size()) break;
    return std::optional<UtcMillis>(UtcMillis{at});
  }
  return std::optional<UtcMillis>();
}

StatusOr<std::optional<SpoolText>> SpoolLines::Next(SpoolWindow& window) {
  if (at_.offset >= size_) return std::optional<SpoolText>();
  SpoolText line;
  ST_ASSIGN_OR_RETURN(line.begin, SkipEmpty(window, path_, at_, size_));
  if (line.begin.offset >= size_) {
    at_ = line.end = line.begin;
    return std::optional<SpoolText>(std::move(line));
  }
  ST_ASSIGN_OR_RETURN(const LineEnd end, FindEnd(window, path_, line.begin.offset, size_));
  if (!end.newline && !settled_) {
    if (line.begin.offset == at_.offset) return std::optional<SpoolText>();
    at_ = line.end = line.begin;  // the empty lines before it
    return std::optional<SpoolText>(std::move(line));
  }
  const uint64_t length = end.offset - line.begin.offset;
  line.too_long = length > kMaxSpoolLine;
  const auto kept = static_cast<size_t>(line.too_long ? kExcerpt : length);
  ST_ASSIGN_OR_RETURN(const std::string_view bytes,
                      Bytes(window, path_, line.begin.offset, kept, size_));
  line.text = bytes.substr(0, kept);
  line.end = {end.newline ? end.offset + 1 : end.offset, line.begin.line_no + 1};
  at_ = line.end;
  // A line of megabytes is not kept twice.
  if (window.bytes.capacity() > 2 * kWindow) window = {};
  return std::optional<SpoolText>(std::move(line));
}

}  // namespace selftune::store
