#include "hosts/common/skill_listing.h"

#include <charconv>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "base/strings.h"
#include "base/utf8.h"

namespace selftune::hosts {
namespace {

// The text between `<tag>` and `</tag>`, which is cut off the front of `text`
// together with all before it; nullopt when there is none.
std::optional<std::string_view> TakeElement(std::string_view& text, std::string_view tag) {
  const std::string open = "<" + std::string(tag) + ">";
  const std::string close = "</" + std::string(tag) + ">";
  const size_t begin = text.find(open);
  if (begin == std::string_view::npos) return std::nullopt;
  const size_t end = text.find(close, begin + open.size());
  if (end == std::string_view::npos) return std::nullopt;
  const std::string_view inside = text.substr(begin + open.size(), end - begin - open.size());
  text.remove_prefix(end + close.size());
  return inside;
}

std::string Value(std::string_view element, std::string_view tag) {
  const auto text = TakeElement(element, tag);
  return text.has_value() ? DecodeEntities(base::Trim(*text)) : std::string();
}

std::optional<ingest::ListingEntry> ReadEntry(std::string_view element) {
  ingest::ListingEntry entry;
  entry.name = Value(element, "name");
  if (entry.name.empty()) return std::nullopt;
  entry.description = Value(element, "description");
  entry.has_description = !entry.description.empty();
  if (!entry.has_description) {
    entry.state = ExposureState::kNameOnly;
  } else if (entry.description.ends_with("\u2026")) {
    entry.state = ExposureState::kTruncated;
  }
  std::string location = Value(element, "location");
  if (location.starts_with('/')) entry.path = std::move(location);
  return entry;
}

std::optional<uint32_t> CodePointOf(std::string_view entity) {
  static constexpr std::pair<std::string_view, char> kNamed[] = {
      {"amp", '&'}, {"lt", '<'}, {"gt", '>'}, {"quot", '"'}, {"apos", '\''}};
  for (const auto& [name, c] : kNamed) {
    if (entity == name) return static_cast<uint32_t>(c);
  }
  if (!entity.starts_with('#')) return std::nullopt;
  entity.remove_prefix(1);
  const int base = entity.starts_with('x') ? 16 : 10;
  if (base == 16) entity.remove_prefix(1);
  uint32_t code = 0;
  const auto [end, error] =
      std::from_chars(entity.data(), entity.data() + entity.size(), code, base);
  const bool valid = error == std::errc() && end == entity.data() + entity.size() && code > 0 &&
                     code <= 0x10FFFF && !(code >= 0xD800 && code <= 0xDFFF);
  return valid ? std::optional<uint32_t>(code) : std::nullopt;
}

// A scalar of YAML on one line, without its quotes.
std::string_view Unquoted(std::string_view value) {
  value = base::Trim(value);
  if (value.size() < 2 || value.front() != value.back()) return value;
  if (value.front() != '"' && value.front() != '\'') return value;
  return value.substr(1, value.size() - 2);
}

}  // namespace

std::optional<ingest::Listing> ParseSkillElements(std::string_view text) {
  auto list = TakeElement(text, "available_skills");
  if (!list.has_value()) return std::nullopt;
  ingest::Listing listing;
  while (const auto element = TakeElement(*list, "skill")) {
    if (auto entry = ReadEntry(*element)) listing.entries.push_back(*std::move(entry));
  }
  return listing;
}

std::string DecodeEntities(std::string_view text) {
  constexpr size_t kLongest = 10;
  std::string out;
  while (true) {
    const size_t at = text.find('&');
    if (at == std::string_view::npos) break;
    out.append(text.substr(0, at));
    text.remove_prefix(at);
    const size_t end = text.find(';');
    const auto code = end != std::string_view::npos && end <= kLongest
                          ? CodePointOf(text.substr(1, end - 1))
                          : std::nullopt;
    if (code.has_value()) {
      base::AppendUtf8(out, *code);
      text.remove_prefix(end + 1);
    } else {
      out.push_back('&');
      text.remove_prefix(1);
    }
  }
  out.append(text);
  return out;
}

std::string FrontmatterName(std::string_view text) {
  constexpr std::string_view kFence = "---";
  constexpr std::string_view kKey = "name:";
  bool first = true;
  for (std::string_view line : base::Split(text.substr(0, 4096), '\n')) {
    if (line.ends_with('\r')) line.remove_suffix(1);
    if (std::exchange(first, false)) {
      if (line != kFence) return {};
      continue;
    }
    if (line == kFence) return {};
    if (line.starts_with(kKey)) return std::string(Unquoted(line.substr(kKey.size())));
  }
  return {};
}

}  // namespace selftune::hosts
