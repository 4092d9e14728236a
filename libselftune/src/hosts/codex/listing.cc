#include "hosts/codex/listing.h"

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/crypto.h"
#include "base/strings.h"
#include "hosts/common/skill_listing.h"

namespace selftune::hosts::codex {
namespace {

constexpr std::string_view kHeading = "### Available skills";
constexpr std::string_view kRootsHeading = "### Skill roots";
constexpr std::string_view kFile = "(file: ";

using Roots = std::vector<std::pair<std::string_view, std::string_view>>;

// Lines behind the line `heading`; empty when there is none.
std::vector<std::string_view> Section(std::string_view text, std::string_view heading) {
  std::vector<std::string_view> lines;
  bool inside = false;
  for (std::string_view line : base::Split(text, '\n')) {
    if (line.ends_with('\r')) line.remove_suffix(1);
    const bool ends = line.starts_with("## ") || line.starts_with("### ") ||
                      line.starts_with("</skills_instructions>") ||
                      line.starts_with("</INSTRUCTIONS>") ||
                      line.starts_with("</user_instructions>");
    if (inside && ends) break;
    if (inside) lines.push_back(line);
    if (base::Trim(line) == heading) inside = true;
  }
  return lines;
}

// - `r0` = `/abs/dir`
Roots ReadRoots(std::string_view text) {
  Roots roots;
  for (const std::string_view line : Section(text, kRootsHeading)) {
    const std::vector<std::string_view> pieces = base::Split(line, '`');
    if (pieces.size() >= 5) roots.emplace_back(pieces[1], pieces[3]);
  }
  return roots;
}

std::string ExpandPath(std::string_view path, const Roots& roots) {
  const std::string_view alias = path.substr(0, path.find('/'));
  for (const auto& [name, folder] : roots) {
    if (name == alias) return std::string(folder).append(path.substr(alias.size()));
  }
  return std::string(path);
}

bool EndsEntry(std::string_view line) {
  return line.ends_with(')') && line.find(kFile) != std::string_view::npos;
}

// The texts of the entries. An entry reaches to its `(file: ...)`, over
// continued lines; lists without files have one entry a line.
std::vector<std::string> Entries(const std::vector<std::string_view>& lines) {
  bool with_files = false;
  for (const std::string_view line : lines) with_files = with_files || EndsEntry(line);
  std::vector<std::string> entries;
  bool open = false;
  for (const std::string_view line : lines) {
    if (open) {
      entries.back().append("\n").append(line);
      open = !EndsEntry(line);
    } else if (line.starts_with("- ")) {
      entries.emplace_back(line.substr(2));
      open = with_files && !EndsEntry(line);
    }
  }
  return entries;
}

bool LooksShortened(std::string_view description) {
  return description.ends_with("\u2026") || description.ends_with("...");
}

// NAME: DESCRIPTION (file: PATH)
std::optional<ingest::ListingEntry> ReadEntry(std::string_view text, const Roots& roots) {
  ingest::ListingEntry entry;
  const size_t file = text.rfind(kFile);
  const bool complete = file != std::string_view::npos && text.ends_with(')');
  if (complete) {
    const std::string_view path = text.substr(file + kFile.size());
    entry.path = DecodeEntities(ExpandPath(path.substr(0, path.size() - 1), roots));
    text = text.substr(0, file);
  }
  text = base::Trim(text);
  size_t colon = text.find(": ");
  if (colon == std::string_view::npos && text.ends_with(':')) colon = text.size() - 1;
  entry.name = DecodeEntities(base::Trim(text.substr(0, colon)));
  if (entry.name.empty() || entry.name.find_first_of("\n`") != std::string::npos) {
    return std::nullopt;
  }
  if (colon != std::string_view::npos) {
    entry.description = DecodeEntities(base::Trim(text.substr(colon + 1)));
  }
  entry.has_description = !entry.description.empty();
  if (!entry.has_description) {
    entry.state = ExposureState::kNameOnly;
  } else if (LooksShortened(entry.description)) {
    entry.state = ExposureState::kTruncated;
  }
  return entry;
}

}  // namespace

bool HasListing(std::string_view text) { return text.find(kHeading) != std::string_view::npos; }

std::optional<ingest::Listing> ParseListing(std::string_view text, bool bare) {
  if (!bare && !HasListing(text)) return std::nullopt;
  const std::vector<std::string_view> lines =
      bare && !HasListing(text) ? base::Split(text, '\n') : Section(text, kHeading);
  const Roots roots = ReadRoots(text);
  ingest::Listing listing;
  for (const std::string& entry : Entries(lines)) {
    if (auto read = ReadEntry(entry, roots)) listing.entries.push_back(*std::move(read));
  }
  return listing;
}

uint64_t HashListing(const ingest::Listing& listing) {
  base::FieldHash hash("codex-listing");
  for (const ingest::ListingEntry& entry : listing.entries) {
    hash.Add(entry.name).Add(entry.description).Add(entry.path);
  }
  return hash.Key8();
}

}  // namespace selftune::hosts::codex
